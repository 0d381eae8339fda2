"""What a router's bgpd holds of its sessions and prefixes, read from its running configuration."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from xcnet.frr.tree import Tree, parse
from xcnet.frr.vty import Vty

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_PASSWORD = re.compile(r"neighbor (\S+) password (\S+)")


async def instance(lab: RunningLab, node: str, vrf: str) -> Tree:
    """bgpd's configuration of one VRF; empty where it has none. :raises RoutingError: bgpd does not answer."""

    def read() -> str:
        with Vty(lab.frr_dirs(node).socket("bgpd")) as vty:
            return vty.run("show running-config")

    tree = parse(await asyncio.to_thread(read))
    for header, settings in tree.items():
        if re.fullmatch(rf"router bgp \d+ vrf {re.escape(vrf)}", header):
            return settings
    return {}


def passwords(settings: Tree) -> dict[str, str]:
    """Neighbour -> its MD5 password. For comparing, never for showing."""
    found = (_PASSWORD.fullmatch(line) for line in settings)
    return {match[1]: match[2] for match in found if match is not None}


def networks(settings: Tree) -> set[str]:
    """The prefixes that are announced, of both families."""
    return {
        line.split()[1]
        for header, lines in settings.items()
        if header.startswith("address-family ")
        for line in lines
        if line.startswith("network ")
    }


async def renew_next_hops(lab: RunningLab, node: str, port: str) -> list[str]:
    """Sessions over an internal port that announce another next hop than their own address begin anew.

    bgpd forgets its IPv6 next hop when the port goes down, and takes it again only when a session begins: where one has
    outlived the darkness, what it announces from then on leads nowhere (seen in FRR 8.4).

    :returns: the neighbours. :raises RoutingError: bgpd does not answer.
    """
    vlans = [(vrf, each.name) for vrf in lab.states[node].vrfs for each in vrf.interfaces if each.parent == port]
    peers = [
        (vrf.name, str(each.address))
        for vrf, interface in vlans
        for each in vrf.neighbors
        if each.interface == interface and each.address.version == 6
    ]

    def renew() -> list[str]:
        renewed = []
        with Vty(lab.frr_dirs(node).socket("bgpd")) as vty:
            for vrf, peer in peers:
                held = vty.json(f"show bgp vrf {vrf} neighbors {peer} json").get(peer, {})
                if held.get("bgpState") == "Established" and held.get("nexthopGlobal") != held.get("hostLocal"):
                    vty.run(f"clear bgp vrf {vrf} {peer}")
                    renewed.append(peer)
        return renewed

    return await asyncio.to_thread(renew)


__all__ = ["instance", "networks", "passwords", "renew_next_hops"]
