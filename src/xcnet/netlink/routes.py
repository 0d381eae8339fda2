"""Routes, whatever table they stand in, with all their next hops."""

from __future__ import annotations

import errno as errnos
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from socket import AF_INET, AF_INET6
from typing import Any

from pyroute2.netlink.rtnl.rtmsg import rtmsg

from xcnet.netlink.request import NLM_F_CREATE, NLM_F_REPLACE, Request
from xcnet.netlink.socket import NetlinkSocket

RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
MAIN_TABLE = 254
PROTOCOL_KERNEL, PROTOCOL_BOOT, PROTOCOL_STATIC, PROTOCOL_ZEBRA, PROTOCOL_BGP = 2, 3, 4, 11, 186

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
        message = rtmsg()
        message["family"] = each_family
        message["proto"] = protocol or 0
        message["attrs"] = []
        if table is not None:
            # The header's field holds eight bits; the attribute, which a strict dump heeds, holds them all.
            message["table"] = table if table < 256 else _COMPATIBLE_TABLE
            message["attrs"] = [("RTA_TABLE", table)]
        # ENOENT: nothing was ever put into that table, so that it does not exist.
        request = Request(message, RTM_GETROUTE, "list the routes", tolerate=frozenset({errnos.ENOENT}))
        for each in netlink.dump(request, rtmsg):
            if each["flags"] & _RTM_F_CLONED:
                continue
            route = parse(each)
            if table in (None, route.table) and protocol in (None, route.protocol):
                routes.append(route)
    return routes


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


def parse(message: Any) -> Route:
    """From a decoded ``rtmsg``."""
    everything = "::" if message["family"] == AF_INET6 else "0.0.0.0"
    destination = message.get_attr("RTA_DST") or everything
    return Route(
        destination=ip_network(f"{destination}/{message['dst_len']}"),
        table=message.get_attr("RTA_TABLE") or message["table"],
        nexthops=tuple(_parse_hops(message)),
        protocol=message["proto"],
        kind=_TYPE_NAMES.get(message["type"], str(message["type"])),
        metric=message.get_attr("RTA_PRIORITY") or 0,
    )


def _parse_hops(message: Any) -> list[NextHop]:
    several = message.get_attr("RTA_MULTIPATH")
    if several:
        return [_parse_hop(cell, cell["oif"], cell["hops"] + 1, cell["flags"]) for cell in several]
    index = message.get_attr("RTA_OIF")
    return [] if index is None else [_parse_hop(message, index, 1, message["flags"])]


def _parse_hop(cell: Any, index: int, weight: int, flags: int) -> NextHop:
    gateway = cell.get_attr("RTA_GATEWAY")
    if gateway is None:
        # An IPv4 route through an IPv6 next hop (RFC 8950) has it in another attribute.
        via = cell.get_attr("RTA_VIA")
        gateway = via["addr"] if via else None
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
    "NextHop",
    "Route",
    "default",
    "delete",
    "dump",
    "parse",
    "replace",
]
