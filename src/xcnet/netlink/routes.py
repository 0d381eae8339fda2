"""Routes, whatever table they stand in, with all their next hops."""

from __future__ import annotations

import errno as errnos
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from xcnet.netlink import batch
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_REPLACE, Request
from xcnet.netlink.socket import NetlinkSocket

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
MAIN_TABLE = 254
PROTOCOL_KERNEL, PROTOCOL_BOOT, PROTOCOL_STATIC, PROTOCOL_ZEBRA, PROTOCOL_BGP = 2, 3, 4, 11, 186

_HEADER = struct.Struct("=BBBBBBBBI")
"""``rtmsg``: family, prefix lengths of destination and source, TOS, table, protocol, scope, type, flags."""
_BODY, _ATTRIBUTES = 16, 28
_RTA_DST, _RTA_OIF, _RTA_GATEWAY, _RTA_PRIORITY, _RTA_MULTIPATH, _RTA_TABLE, _RTA_VIA = 1, 4, 5, 6, 9, 15, 18
_NEXT_HOP = struct.Struct("=HBBi")
"""``rtnexthop``: length, flags, weight less one, index of the interface."""

_COMPATIBLE_TABLE = 252
_AF = {4: AF_INET, 6: AF_INET6}
_TYPE_NAMES = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable"}
_TYPES = {name: number for number, name in _TYPE_NAMES.items()}
_RTM_F_CLONED = 0x200
_RTNH_F_DEAD, _RTNH_F_LINKDOWN = 1, 16


@dataclass(frozen=True, slots=True)
class NextHop:
    """:param gateway: None for a directly connected prefix. :param index: of the interface, 0 for none.
    :param dead: the interface is down or has no carrier."""

    gateway: IPv4Address | IPv6Address | None
    index: int
    weight: int = 1
    dead: bool = False


@dataclass(frozen=True, slots=True)
class Route:
    """:param kind: unicast, local, blackhole, unreachable ... :param protocol: who installed it (186: BGP)."""

    destination: IPv4Network | IPv6Network
    table: int
    nexthops: tuple[NextHop, ...]
    protocol: int
    kind: str = "unicast"
    metric: int = 0


def _listing(table: int | None, family: int, protocol: int) -> Request:
    message = rtmsg()
    message["family"] = family
    message["proto"] = protocol
    message["attrs"] = []
    if table is not None:
        # The header's field holds eight bits; the attribute, which a strict dump heeds, holds them all.
        message["table"] = table if table < 256 else _COMPATIBLE_TABLE
        message["attrs"] = [("RTA_TABLE", table)]
    # ENOENT: nothing was ever put into that table, so that it does not exist.
    return Request(message, RTM_GETROUTE, "list the routes", tolerate=frozenset({errnos.ENOENT}))


def dump(
    netlink: NetlinkSocket, table: int | None = None, family: int | None = None, protocol: int | None = None
) -> list[Route]:
    """The routes of a table, or of all tables. IPv6 next hops of one route are put together.

    :param table: any number; those above 255 too. :param family: AF_INET or AF_INET6, None for both.
    :param protocol: only those that this one installed; the kernel sorts them out.

    Next hops of an IPv4 route whose interface is down or has no carrier are still among them, marked dead.
    """
    routes: list[Route] = []
    for each_family in (AF_INET, AF_INET6) if family is None else (family,):
        for route in netlink.dump(_listing(table, each_family, protocol or 0), _parse_unless_cloned):
            if route is not None and table in (None, route.table) and protocol in (None, route.protocol):
                routes.append(route)
    return routes


Brief = tuple[int, bytes, int, tuple[int, ...]]
"""A route as it is read in a hurry: family, destination, prefix length, interfaces of the next hops that are not dead."""


def dump_briefly(netlink: NetlinkSocket, table: int, protocol: int) -> list[Brief]:
    """The routes of one table that a protocol installed: a fifth of the work of :func:`dump`, for thousands of them.

    What changes meanwhile may be missing, or be there still. The next hops of an IPv6 route may come one by one.
    """
    found: list[Brief] = []
    for family in (AF_INET, AF_INET6):
        request = _listing(table, family, protocol)
        found += [each for each in netlink.dump_loosely(request, _brief(table, protocol)) if each is not None]
    return found


def _brief(wanted: int, protocol: int) -> Callable[[bytes], Brief | None]:
    def read(message: bytes) -> Brief | None:
        family, length, _source, _tos, table, held_protocol, _scope, _kind, flags = _HEADER.unpack_from(message, _BODY)
        if held_protocol != protocol or flags & _RTM_F_CLONED:
            return None
        held = batch.attributes(message, _ATTRIBUTES)
        if (batch.number(held.get(_RTA_TABLE)) or table) != wanted:
            return None
        if _RTA_MULTIPATH in held:
            hops = tuple(hop.index for hop in _parse_hops(held, flags) if not hop.dead)
        elif flags & (_RTNH_F_DEAD | _RTNH_F_LINKDOWN) or _RTA_OIF not in held:
            hops = ()
        else:
            hops = (batch.number(held[_RTA_OIF]),)
        return family, held.get(_RTA_DST) or bytes(4 if family == AF_INET else 16), length, hops

    return read


def replace(
    destination: IPv4Network | IPv6Network,
    nexthops: Sequence[NextHop] = (),
    *,
    table: int = MAIN_TABLE,
    protocol: int = PROTOCOL_STATIC,
    kind: str = "unicast",
    metric: int = 0,
) -> Request:
    """Install a route, in place of one to the same destination with the same metric."""
    message = _about(destination, table, metric)
    message["proto"] = protocol
    message["type"] = _TYPES[kind]
    if nexthops and all(hop.gateway is None for hop in nexthops) and destination.version == 4:
        message["scope"] = 253
    if len(nexthops) == 1:
        message["attrs"] += _hop(nexthops[0])
    elif nexthops:
        cells = [{"hops": hop.weight - 1, "oif": hop.index, "attrs": _gateway(hop)} for hop in nexthops]
        message["attrs"].append(("RTA_MULTIPATH", cells))
    what = f"install the route to {destination} in table {table}"
    remedy = "have the interface up, with an address in the gateway's subnet, before its routes"
    return Request(message, RTM_NEWROUTE, what, NLM_F_CREATE | NLM_F_REPLACE, remedy=remedy)


def default(gateway: IPv4Address | IPv6Address, index: int, *, table: int = MAIN_TABLE, metric: int = 0) -> Request:
    """The default route through ``gateway`` on interface ``index``, for the gateway's family."""
    everything = ip_network("0.0.0.0/0" if gateway.version == 4 else "::/0")
    return replace(everything, [NextHop(gateway, index)], table=table, metric=metric)


def delete(destination: IPv4Network | IPv6Network, *, table: int = MAIN_TABLE, metric: int = 0) -> Request:
    """Take a route away. Not there: accepted."""
    what = f"take away the route to {destination} in table {table}"
    return Request(_about(destination, table, metric), RTM_DELROUTE, what, tolerate=frozenset({errnos.ESRCH}))


def _parse_unless_cloned(message: bytes) -> Route | None:
    return None if _HEADER.unpack_from(message, _BODY)[-1] & _RTM_F_CLONED else parse(message)


def parse(message: bytes) -> Route:
    """From a whole RTM_NEWROUTE or RTM_DELROUTE."""
    family, length, _source, _tos, table, protocol, _scope, kind, flags = _HEADER.unpack_from(message, _BODY)
    held = batch.attributes(message, _ATTRIBUTES)
    destination = held.get(_RTA_DST) or bytes(4 if family == AF_INET else 16)
    return Route(
        destination=ip_network((destination, length)),
        table=batch.number(held.get(_RTA_TABLE)) or table,
        nexthops=tuple(_parse_hops(held, flags)),
        protocol=protocol,
        kind=_TYPE_NAMES.get(kind, str(kind)),
        metric=batch.number(held.get(_RTA_PRIORITY)),
    )


def table_of(message: bytes) -> int:
    """The table alone, from a whole RTM_NEWROUTE or RTM_DELROUTE: a tenth of the work of :func:`parse`."""
    table: int = _HEADER.unpack_from(message, _BODY)[4]
    return batch.number(batch.attributes(message, _ATTRIBUTES).get(_RTA_TABLE)) or table


def _parse_hops(held: dict[int, bytes], flags: int) -> Iterator[NextHop]:
    several = held.get(_RTA_MULTIPATH)
    if several is None:
        if _RTA_OIF in held:
            yield _parse_hop(held, batch.number(held[_RTA_OIF]), 1, flags)
        return
    offset = 0
    while offset + _NEXT_HOP.size <= len(several):
        length, hop_flags, hops, index = _NEXT_HOP.unpack_from(several, offset)
        if length < _NEXT_HOP.size:
            break
        yield _parse_hop(
            batch.attributes(several[offset + _NEXT_HOP.size : offset + length]), index, hops + 1, hop_flags
        )
        offset += batch.align(length)


def _parse_hop(held: dict[int, bytes], index: int, weight: int, flags: int) -> NextHop:
    gateway = held.get(_RTA_GATEWAY)
    if gateway is None and _RTA_VIA in held:
        # An IPv4 route through an IPv6 next hop (RFC 8950) has it in another attribute, behind its family.
        gateway = held[_RTA_VIA][2:]
    return NextHop(
        gateway=ip_address(gateway) if gateway else None,
        index=index,
        weight=weight,
        dead=bool(flags & (_RTNH_F_DEAD | _RTNH_F_LINKDOWN)),
    )


def _about(destination: IPv4Network | IPv6Network, table: int, metric: int) -> Any:
    message = rtmsg()
    message["family"] = _AF[destination.version]
    message["dst_len"] = destination.prefixlen
    message["table"] = table if table < 256 else _COMPATIBLE_TABLE
    message["attrs"] = [("RTA_DST", str(destination.network_address)), ("RTA_TABLE", table)]
    if metric:
        message["attrs"].append(("RTA_PRIORITY", metric))
    return message


def _gateway(hop: NextHop) -> list[tuple[str, Any]]:
    return [] if hop.gateway is None else [("RTA_GATEWAY", str(hop.gateway))]


def _hop(hop: NextHop) -> list[tuple[str, Any]]:
    return [*_gateway(hop), *([("RTA_OIF", hop.index)] if hop.index else [])]


__all__ = [
    "MAIN_TABLE",
    "PROTOCOL_BGP",
    "RTM_DELROUTE",
    "RTM_NEWROUTE",
    "Brief",
    "NextHop",
    "Route",
    "default",
    "delete",
    "dump",
    "dump_briefly",
    "parse",
    "replace",
    "table_of",
]
