"""What BGP has put into the kernel's tables and can be used: read anew where the kernel says that something changed."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from xcnet.model.observed import RouteObservation
from xcnet.netlink import routes
from xcnet.netlink.links import Link
from xcnet.netlink.monitor import Lost, Monitor, TableChange, Watch
from xcnet.netlink.routes import Route
from xcnet.netlink.socket import NetlinkSocket

_FEW = 8
"""Tables that are read one by one; of more, all are read at once."""


class Fib:
    """The namespace that this process is in.

    A notification names a table that has to be read again, and nothing else of it is believed: the kernel announces the next
    hops of an IPv6 route one by one or together, and keeps silent about IPv4 routes that go with their interface.
    """

    def __init__(self, links: Iterable[Link]) -> None:
        self._monitor = Monitor(watch=Watch.ROUTES, protocols=frozenset({routes.PROTOCOL_BGP}), tables_only=True)
        self._netlink = NetlinkSocket()
        self._links = {link.index: link for link in links}
        self._held: dict[int, list[Route]] = {}
        self._stale: set[int] = set()
        self._all_stale = True

    def fileno(self) -> int:
        """Readable when there is something to :meth:`drain`."""
        return self._monitor.fileno()

    def drain(self) -> bool:
        """Take what was announced; True if there was anything about routes."""
        found = False
        for change in self._monitor.drain():
            if isinstance(change, TableChange):
                self._stale.add(change.table)
                found = True
            elif isinstance(change, Lost):
                self._all_stale = found = True
        return found

    def link_changed(self, link: Link, *, deleted: bool) -> bool:
        """Take the news about a link; True if routes may have changed with it."""
        before = self._links.get(link.index)
        if deleted:
            self._links.pop(link.index, None)
        else:
            self._links[link.index] = link
        if not deleted and before is not None and _looks(before) == _looks(link):
            return False
        for each in (before, link):
            master = self._links.get(each.master) if each is not None else None
            if master is not None and master.vrf_table is not None:
                self._stale.add(master.vrf_table)
        if link.vrf_table is not None:
            self._stale.add(link.vrf_table)
        return True

    def lost(self) -> None:
        """News about links were lost: any of them may be another."""
        self._all_stale = True

    def read(self) -> set[int]:
        """Read again what may have changed.

        :returns: the tables of which something may be another now.
        :raises KernelError: the kernel does not say.
        """
        stale, self._stale = self._stale, set()
        everything, self._all_stale = self._all_stale or len(stale) > _FEW, True
        if everything:
            fresh: dict[int, list[Route]] = {}
            for route in routes.dump(self._netlink, protocol=routes.PROTOCOL_BGP):
                fresh.setdefault(route.table, []).append(route)
            stale |= set(self._held) | set(fresh)
            self._held = fresh
        else:
            for table in stale:
                self._held[table] = routes.dump(self._netlink, table, protocol=routes.PROTOCOL_BGP)
        self._all_stale = False
        return stale

    def of(self, table: int) -> tuple[RouteObservation, ...]:
        """The routes of a table that lead somewhere, as they were last read."""
        found: dict[IPv4Network | IPv6Network, set[str]] = {}
        for route in self._held.get(table, ()):
            usable = {self._links[hop.index] for hop in route.nexthops if hop.index in self._links and not hop.dead}
            names = {link.name for link in usable if link.up and link.carrier}
            if names:
                found.setdefault(route.destination, set()).update(names)
        ordered = sorted(found.items(), key=lambda each: (each[0].version, each[0].network_address, each[0].prefixlen))
        return tuple(RouteObservation(prefix=prefix, interfaces=tuple(sorted(names))) for prefix, names in ordered)

    def close(self) -> None:
        self._monitor.close()
        self._netlink.close()


def _looks(link: Link) -> tuple[object, ...]:
    return link.name, link.up, link.carrier, link.master, link.vrf_table


__all__ = ["Fib"]
