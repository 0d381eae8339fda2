"""What BGP has put into the kernel's tables and can be used: read anew where the kernel says that something changed."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from socket import AF_INET, AF_INET6

from xcnet.netlink import routes
from xcnet.netlink.links import Link
from xcnet.netlink.monitor import Lost, Monitor, TableChange, Watch
from xcnet.netlink.routes import Brief, Route
from xcnet.netlink.socket import NetlinkSocket

Key = tuple[int, bytes, int]
"""Family, destination and prefix length: what thousands of routes are told apart by in a hurry."""

_FEW = 8
"""Tables that are read one by one; of more, all are read at once."""

_FAMILIES = {4: AF_INET, 6: AF_INET6}


class Fib:
    """The namespace that this process is in.

    A notification names a table that has to be read again, and nothing else of it is believed: the kernel announces the next
    hops of an IPv6 route one by one or together, and keeps silent about IPv4 routes that go with their interface.
    """

    def __init__(self, links: Iterable[Link]) -> None:
        self._monitor = Monitor(watch=Watch.ROUTES, protocols=frozenset({routes.PROTOCOL_BGP}), tables_only=True)
        self._netlink = NetlinkSocket()
        self._links = {link.index: link for link in links}
        self._held: dict[int, list[Brief]] = {}
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
            fresh: dict[int, list[Brief]] = {}
            for route in routes.dump(self._netlink, protocol=routes.PROTOCOL_BGP):
                fresh.setdefault(route.table, []).append(_brief(route))
            stale |= set(self._held) | set(fresh)
            self._held = fresh
        else:
            for table in stale:
                self._held[table] = routes.dump_briefly(self._netlink, table, routes.PROTOCOL_BGP)
        self._all_stale = False
        return stale

    def of(self, table: int) -> dict[Key, tuple[str, ...]]:
        """The routes of a table that lead somewhere, as they were last read: the interfaces of each, sorted."""
        hops: dict[Key, tuple[int, ...]] = {}
        for family, destination, length, indexes in self._held.get(table, ()):
            key = family, destination, length
            hops[key] = (*hops[key], *indexes) if key in hops else indexes
        # Thousands of routes have few sets of next hops among them.
        names = {each: self._names(each) for each in set(hops.values())}
        return {key: names[each] for key, each in hops.items() if names[each]}

    def _names(self, indexes: tuple[int, ...]) -> tuple[str, ...]:
        usable = (self._links[index] for index in indexes if index in self._links)
        return tuple(sorted({link.name for link in usable if link.up and link.carrier}))

    def close(self) -> None:
        self._monitor.close()
        self._netlink.close()


def _brief(route: Route) -> Brief:
    destination = route.destination
    hops = tuple(hop.index for hop in route.nexthops if not hop.dead)
    return _FAMILIES[destination.version], destination.network_address.packed, destination.prefixlen, hops


def prefix_of(key: Key) -> IPv4Network | IPv6Network:
    return ip_network(key[1:])


def version_of(key: Key) -> int:
    """Of IP: 4 or 6."""
    return 4 if key[0] == AF_INET else 6


def _looks(link: Link) -> tuple[object, ...]:
    return link.name, link.up, link.carrier, link.master, link.vrf_table


__all__ = ["Fib", "Key", "prefix_of", "version_of"]
