"""What the daemons of a router say of themselves: BGP sessions, BFD peers, routes; typed, from their JSON."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar

from xcnet.errors import RoutingError
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.vty import Vty

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
_T = TypeVar("_T")

_FEW = 8
"""VRFs that are asked for one by one; for more, all at once."""


@dataclass(frozen=True, slots=True)
class BgpSession:
    """One BGP session as this router sees it.

    :param state: the state of RFC 4271, 8.2.2: ``Idle``, ``Connect``, ``Active``, ``OpenSent``, ``OpenConfirm``,
        ``Established``.
    :param established_seconds: since when it is established; None where it is not.
    :param prefixes_received: accepted by the inbound policy. :param prefixes_sent: announced. None where not established.
    :param hold: seconds, as negotiated; as configured where not established. :param keepalive: likewise.
    :param drops: how often it was lost since it was configured.
    :param last_reset: why it was last down, in FRR's words; None if it never was.
    :param md5: a TCP MD5 password is configured.
    """

    vrf: str
    peer: Address
    remote_asn: int
    local_asn: int
    description: str
    state: str
    established_seconds: float | None
    prefixes_received: int | None
    prefixes_sent: int | None
    keepalive: float
    hold: float
    drops: int
    last_reset: str | None
    md5: bool

    @property
    def established(self) -> bool:
        return self.state == "Established"

    @property
    def external(self) -> bool:
        return self.remote_asn != self.local_asn


@dataclass(frozen=True, slots=True)
class BfdPeer:
    """One BFD session (RFC 5880), intervals in milliseconds.

    :param status: ``up``, ``down``, ``init`` or ``shutdown``.
    :param since: seconds it has been in that status.
    :param diagnostic: why it last went down, as this end says.
    :param detection_ms: time without a packet after which this end gives up (6.8.4); None before the peer was heard.
    """

    vrf: str
    peer: Address
    interface: str
    status: str
    since: float
    diagnostic: str
    remote_diagnostic: str
    transmit_ms: int
    receive_ms: int
    multiplier: int
    remote_transmit_ms: int
    remote_receive_ms: int
    remote_multiplier: int
    detection_ms: int | None

    @property
    def up(self) -> bool:
        return self.status == "up"


@dataclass(frozen=True, slots=True)
class NextHop:
    """:param address: None for a directly connected network. :param active: usable; :param installed: in the kernel."""

    address: Address | None
    interface: str
    active: bool
    installed: bool


@dataclass(frozen=True, slots=True)
class Route:
    """A route in zebra's table of a VRF.

    :param selected: the best of its prefix. :param installed: the kernel has it.
    """

    vrf: str
    prefix: Network
    protocol: str
    selected: bool
    installed: bool
    distance: int
    metric: int
    table: int
    next_hops: tuple[NextHop, ...]


@dataclass(frozen=True, slots=True)
class RouterRouting:
    """Sessions and BFD peers of one router."""

    sessions: tuple[BgpSession, ...]
    bfd_peers: tuple[BfdPeer, ...]

    def bfd_of(self, session: BgpSession) -> BfdPeer | None:
        """The BFD session that watches a BGP session."""
        return next((p for p in self.bfd_peers if (p.vrf, p.peer) == (session.vrf, session.peer)), None)


def read(dirs: FrrDirs) -> RouterRouting:
    """Sessions of a router: two connections, two questions.

    :raises RoutingError: a daemon does not answer.
    """
    with Vty(dirs.socket("bgpd")) as bgpd, Vty(dirs.socket("bfdd")) as bfdd:
        return RouterRouting(bgp_sessions(bgpd), bfd_peers(bfdd))


def bgp_sessions(bgpd: Vty) -> tuple[BgpSession, ...]:
    """All sessions in all VRFs.

    :raises RoutingError: bgpd does not answer as expected.
    """
    return _ask(bgpd, "show bgp vrf all neighbors json", parse_bgp_sessions)


def bfd_peers(bfdd: Vty) -> tuple[BfdPeer, ...]:
    """All BFD sessions in all VRFs.

    :raises RoutingError: bfdd does not answer as expected.
    """
    return _ask(bfdd, "show bfd peers json", parse_bfd_peers)


def established(bgpd: Vty, vrfs: Collection[str] | None = None) -> set[tuple[str, Address]]:
    """VRF and neighbour of every session that is established: a far shorter answer than :func:`bgp_sessions`'s.

    :param vrfs: look at these at least.
    :raises RoutingError: bgpd does not answer as expected.
    """
    if vrfs is None or len(vrfs) > _FEW:
        return set(_ask(bgpd, "show bgp vrf all summary established json", parse_established))
    found: set[tuple[str, Address]] = set()
    for vrf in vrfs:
        command = f"show bgp vrf {vrf} summary established json"
        found |= {(vrf, peer) for peer in _ask(bgpd, command, parse_established_in_vrf)}
    return found


def bfd_up(bfdd: Vty) -> set[tuple[str, Address]]:
    """VRF and neighbour of every BFD session that is up.

    :raises RoutingError: bfdd does not answer as expected.
    """
    return {(peer.vrf, peer.peer) for peer in bfd_peers(bfdd) if peer.up}


def routes(zebra: Vty, vrf: str) -> tuple[Route, ...]:
    """All routes of a VRF, IPv4 then IPv6.

    :raises RoutingError: zebra does not answer as expected, or has no such VRF.
    """
    found: list[Route] = []
    for family in ("ip", "ipv6"):
        found += _ask(zebra, f"show {family} route vrf {vrf} json", parse_routes)
    return tuple(found)


def parse_bgp_sessions(answer: dict[str, Any]) -> tuple[BgpSession, ...]:
    """:raises KeyError, TypeError, ValueError: it is not such an answer."""
    return tuple(
        _session(vrf, peer, fields)
        for vrf, peers in answer.items()
        for peer, fields in peers.items()
        if isinstance(fields, dict) and "bgpState" in fields
    )


def parse_established(answer: dict[str, Any]) -> tuple[tuple[str, Address], ...]:
    """:raises KeyError, TypeError, ValueError: it is not such an answer."""
    return tuple((vrf, peer) for vrf, families in answer.items() for peer in parse_established_in_vrf(families))


def parse_established_in_vrf(families: dict[str, Any]) -> tuple[Address, ...]:
    """:raises KeyError, TypeError, ValueError: it is not such an answer."""
    return tuple(
        ip_address(peer)
        for family in families.values()
        if isinstance(family, dict)
        for peer, fields in family.get("peers", {}).items()
        if fields["state"] == "Established"
    )


def _session(vrf: str, peer: str, fields: dict[str, Any]) -> BgpSession:
    state = fields["bgpState"]
    established = state == "Established"
    drops = int(fields.get("connectionsDropped", 0))
    families = fields.get("addressFamilyInfo", {}).values()
    return BgpSession(
        vrf=vrf,
        peer=ip_address(peer),
        remote_asn=int(fields["remoteAs"]),
        local_asn=int(fields["localAs"]),
        description=fields.get("nbrDesc", ""),
        state=state,
        established_seconds=fields.get("bgpTimerUpMsec", 0) / 1000 if established else None,
        prefixes_received=sum(f.get("acceptedPrefixCounter", 0) for f in families) if established else None,
        prefixes_sent=sum(f.get("sentPrefixCounter", 0) for f in families) if established else None,
        keepalive=fields["bgpTimerKeepAliveIntervalMsecs"] / 1000,
        hold=fields["bgpTimerHoldTimeMsecs"] / 1000,
        drops=drops,
        # A session that came up at the first attempt carries the reason for which it was not up before that.
        last_reset=_reset(fields) if drops or not established else None,
        md5=bool(fields.get("authenticationEnabled")),
    )


def _reset(fields: dict[str, Any]) -> str | None:
    reason: str | None = fields.get("lastResetDueTo")
    notification = fields.get("lastNotificationReason")
    if reason and notification and "Notification" in reason:
        return f"{reason} ({notification})"
    return reason


def parse_bfd_peers(answer: list[dict[str, Any]]) -> tuple[BfdPeer, ...]:
    """:raises KeyError, TypeError, ValueError: it is not such an answer."""
    return tuple(_bfd_peer(fields) for fields in answer)


def _bfd_peer(fields: dict[str, Any]) -> BfdPeer:
    remote_multiplier = int(fields["remote-detect-multiplier"])
    remote_transmit = int(fields["remote-transmit-interval"])
    receive = int(fields["receive-interval"])
    status = fields["status"]
    return BfdPeer(
        vrf=fields.get("vrf", "default"),
        peer=ip_address(fields["peer"]),
        interface=fields.get("interface", ""),
        status=status,
        since=float(fields.get("uptime" if status == "up" else "downtime", 0)),
        diagnostic=fields["diagnostic"],
        remote_diagnostic=fields["remote-diagnostic"],
        transmit_ms=int(fields["transmit-interval"]),
        receive_ms=receive,
        multiplier=int(fields["detect-multiplier"]),
        remote_transmit_ms=remote_transmit,
        remote_receive_ms=int(fields["remote-receive-interval"]),
        remote_multiplier=remote_multiplier,
        detection_ms=remote_multiplier * max(receive, remote_transmit) if status == "up" else None,
    )


def parse_routes(answer: dict[str, list[dict[str, Any]]]) -> tuple[Route, ...]:
    """:raises KeyError, TypeError, ValueError: it is not such an answer."""
    return tuple(_route(fields) for entries in answer.values() for fields in entries)


def _route(fields: dict[str, Any]) -> Route:
    return Route(
        vrf=fields["vrfName"],
        prefix=ip_network(fields["prefix"]),
        protocol=fields["protocol"],
        selected=bool(fields.get("selected")),
        installed=bool(fields.get("installed")),
        distance=int(fields.get("distance", 0)),
        metric=int(fields.get("metric", 0)),
        table=int(fields["table"]),
        next_hops=tuple(_next_hops(fields)),
    )


def _next_hops(fields: dict[str, Any]) -> Iterator[NextHop]:
    for hop in fields.get("nexthops", ()):
        address = hop.get("ip")
        yield NextHop(
            address=ip_address(address) if address else None,
            interface=hop.get("interfaceName", ""),
            active=bool(hop.get("active")),
            installed=bool(hop.get("fib")),
        )


def _ask(vty: Vty, command: str, parse: Callable[[Any], tuple[_T, ...]]) -> tuple[_T, ...]:
    answer = vty.json(command)
    try:
        return parse(answer)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise RoutingError(
            f"{vty.daemon}'s answer to {command!r} is not understood: {error!r}",
            where=str(vty.path),
            remedy="use FRR 8.4 to 10.x",
        ) from error


__all__ = [
    "BfdPeer",
    "BgpSession",
    "NextHop",
    "Route",
    "RouterRouting",
    "bfd_peers",
    "bfd_up",
    "bgp_sessions",
    "established",
    "parse_bfd_peers",
    "parse_bgp_sessions",
    "parse_established",
    "parse_established_in_vrf",
    "parse_routes",
    "read",
    "routes",
]
