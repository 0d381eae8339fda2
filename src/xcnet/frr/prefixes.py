"""Sessions that were torn down as their peer announced too much: which they are, and how they begin anew."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

from xcnet.frr.vty import Vty

Address = IPv4Address | IPv6Address

_FAMILIES = {4: "ipv4", 6: "ipv6"}
_OVER = "PfxCt"
"""How bgpd marks a session that stays idle until it is cleared, as its peer exceeded the limit."""


def over_limit(bgpd: Vty, vrf: str) -> set[Address]:
    """Neighbours whose sessions are idle for that. :raises RoutingError: bgpd does not answer."""
    found: set[Address] = set()
    for family in _FAMILIES.values():
        peers = bgpd.json(f"show bgp vrf {vrf} {family} unicast summary json").get("peers", {})
        found |= {ip_address(peer) for peer, fields in peers.items() if _OVER in str(fields.get("state", ""))}
    return found


def held_prefixes(bgpd: Vty, vrf: str, version: int) -> int:
    """How many prefixes of a family (4 or 6) bgpd has in its table of a VRF. :raises RoutingError: it does not answer."""
    summary = bgpd.json(f"show bgp vrf {vrf} {_FAMILIES[version]} unicast summary json")
    return int(summary.get("ribCount", 0))


def begin_again(bgpd: Vty, vrf: str, neighbor: Address) -> None:
    """Have a session begin anew. :raises RoutingError: bgpd refused."""
    bgpd.run(f"clear bgp vrf {vrf} {neighbor}")


__all__ = ["begin_again", "held_prefixes", "over_limit"]
