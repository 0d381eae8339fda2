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


__all__ = ["instance", "networks", "passwords"]
