"""Sessions that were torn down as their peer announced too much: which they are, and how they begin anew."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from xcnet.frr.vty import Vty

Address = IPv4Address | IPv6Address

_FAMILIES = {4: "ipv4", 6: "ipv6"}
_OVER = "PfxCt"
"""How bgpd marks a session that stays idle until it is cleared, as its peer exceeded the limit."""


@dataclass(frozen=True, slots=True)
class PeerPrefixes:
    """:param over: the session is idle, as its peer exceeded the limit. :param received: and :param sent: prefixes in it."""

    established: bool
    over: bool
    received: int
    sent: int


@dataclass(frozen=True, slots=True)
class Prefixes:
    """Of one family in one VRF. :param held: in bgpd's table."""

    held: int
    peers: dict[Address, PeerPrefixes]


def prefixes(bgpd: Vty, vrf: str, version: int) -> Prefixes:
    """:param version: of IP. :raises RoutingError: bgpd does not answer."""
    summary = bgpd.json(f"show bgp vrf {vrf} {_FAMILIES[version]} unicast summary json")
    peers = {
        ip_address(peer): PeerPrefixes(
            established=fields.get("state") == "Established",
            over=_OVER in str(fields.get("state", "")),
            received=int(fields.get("pfxRcd", 0)),
            sent=int(fields.get("pfxSnt", 0)),
        )
        for peer, fields in summary.get("peers", {}).items()
    }
    return Prefixes(int(summary.get("ribCount", 0)), peers)


def begin_again(bgpd: Vty, vrf: str, neighbor: Address) -> None:
    """Have a session begin anew. :raises RoutingError: bgpd refused."""
    bgpd.run(f"clear bgp vrf {vrf} {neighbor}")


__all__ = ["PeerPrefixes", "Prefixes", "begin_again", "prefixes"]
