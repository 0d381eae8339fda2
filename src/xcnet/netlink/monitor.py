"""What changes in a namespace, as it changes: links, addresses and routes, out of the kernel's own notifications."""

from __future__ import annotations

import errno as errnos
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Flag, auto
from types import TracebackType
from typing import Self

from xcnet.netlink import addresses, batch, links, routes
from xcnet.netlink.addresses import Address
from xcnet.netlink.links import Link
from xcnet.netlink.netns import Netns
from xcnet.netlink.routes import Route
from xcnet.netlink.socket import NETLINK_ROUTE, NetlinkSocket

_RTM_NEWLINK, _RTM_DELLINK = 16, 17

_BODY = 16
"""Where a message's own header begins: behind netlink's. The first byte of every rtnetlink header is the family."""

_PROTOCOL = _BODY + 5
"""``rtm_protocol`` in a route's header."""


class Watch(Flag):
    """Kinds of notifications."""

    LINKS = auto()
    ADDRESSES = auto()
    ROUTES = auto()
    ALL = LINKS | ADDRESSES | ROUTES


_GROUPS = {Watch.LINKS: (1,), Watch.ADDRESSES: (5, 9), Watch.ROUTES: (7, 11)}
"""RTNLGRP_LINK; RTNLGRP_IPV4_IFADDR, _IPV6_IFADDR; RTNLGRP_IPV4_ROUTE, _IPV6_ROUTE."""


@dataclass(frozen=True, slots=True)
class LinkChange:
    """A link was made or changed, or (``deleted``) is gone: deleted, or moved to another namespace; ``link`` is its state after that, or its last."""

    link: Link
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class AddressChange:
    address: Address
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A route was installed or replaced, or withdrawn.

    The kernel announces the next hops of an IPv6 route singly where they were not given as one group, and says nothing when
    an IPv4 route goes because its interface went down (the interface's own change is what tells).
    """

    route: Route
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class TableChange:
    """A route of a table is another now. :param table: its number."""

    table: int


@dataclass(frozen=True, slots=True)
class Lost:
    """Notifications were lost, the reader being too slow. What follows is the whole state as it is now, as changes: what is
    not among them is gone."""


Notification = LinkChange | AddressChange | RouteChange | TableChange | Lost


class Monitor:
    """Notifications of one namespace. Use with an event loop: ``loop.add_reader(monitor.fileno(), ...)``, then :meth:`drain`.

    Subscribed before the constructor returns: a state read afterwards misses nothing that :meth:`drain` does not bring.

    :param protocols: of routes, only those that these installed (``PROTOCOL_BGP``, ...); None for all. What is not wanted
        is not even decoded: one route that BGP learns is a dozen messages about it and its neighbours.
    :param tables_only: of routes tell their tables (:class:`TableChange`), for who reads these anyway, after :class:`Lost`
        all of them.
    :raises KernelError: no netlink socket can be had.
    """

    def __init__(
        self,
        netns: Netns | None = None,
        watch: Watch = Watch.ALL,
        *,
        protocols: frozenset[int] | None = None,
        tables_only: bool = False,
    ) -> None:
        self._watch = watch
        self._tables_only = tables_only
        self._protocols = protocols
        self._questions = NetlinkSocket(NETLINK_ROUTE, netns)
        self._notifications = NetlinkSocket(NETLINK_ROUTE, netns)
        self._notifications.join(group for kind, groups in _GROUPS.items() if kind in watch for group in groups)

    def fileno(self) -> int:
        """Readable when there is something to drain."""
        return self._notifications.fileno()

    def drain(self) -> list[Notification]:
        """Everything that has been announced, in order; empty if nothing was. Never blocks."""
        found: list[Notification] = []
        while True:
            try:
                for frame in self._notifications.receive_available():
                    notification = self._parse(frame)
                    if notification is not None:
                        found.append(notification)
                return found
            except OSError as error:
                if error.errno != errnos.ENOBUFS:
                    raise
                self._discard()
                # Whatever was read before is part of the state that is read now.
                found = [Lost(), *self.snapshot()]

    def snapshot(self) -> list[Notification]:
        """The state of what is watched, read now, as the changes that would have made it."""
        found: list[Notification] = []
        if Watch.LINKS in self._watch:
            found += [LinkChange(link) for link in links.dump(self._questions)]
        if Watch.ADDRESSES in self._watch:
            found += [AddressChange(address) for address in addresses.dump(self._questions)]
        if Watch.ROUTES in self._watch and not self._tables_only:
            wanted = self._protocols
            held = routes.dump(self._questions)
            found += [RouteChange(route) for route in held if wanted is None or route.protocol in wanted]
        return found

    def _parse(self, frame: batch.Frame) -> Notification | None:
        if frame.type in (_RTM_NEWLINK, _RTM_DELLINK):
            # Bridge ports, and IPv6's view of a link, are announced by the same type in another family.
            if frame.data[_BODY] != 0:
                return None
            return LinkChange(links.parse(frame.data), frame.type == _RTM_DELLINK)
        if frame.type in (addresses.RTM_NEWADDR, addresses.RTM_DELADDR):
            return AddressChange(addresses.parse(frame.data), frame.type == addresses.RTM_DELADDR)
        if frame.type in (routes.RTM_NEWROUTE, routes.RTM_DELROUTE):
            if self._protocols is not None and frame.data[_PROTOCOL] not in self._protocols:
                return None
            if self._tables_only:
                return TableChange(routes.table_of(frame.data))
            return RouteChange(routes.parse(frame.data), frame.type == routes.RTM_DELROUTE)
        return None

    def _discard(self) -> None:
        # What is still queued is older than the snapshot about to be taken, and would look like news after it.
        while True:
            try:
                _exhaust(self._notifications.receive_available())
                return
            except OSError as error:
                if error.errno != errnos.ENOBUFS:
                    raise

    def close(self) -> None:
        self._notifications.close()
        self._questions.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _exhaust(frames: Iterable[batch.Frame]) -> None:
    for _ in frames:
        pass


__all__ = ["AddressChange", "LinkChange", "Lost", "Monitor", "Notification", "RouteChange", "TableChange", "Watch"]
