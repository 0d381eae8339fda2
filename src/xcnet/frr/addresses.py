"""Which addresses of its interfaces bgpd knows: a session from one that it does not know is refused (FRR 8 to 10)."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from xcnet.frr.vty import Vty
from xcnet.model.desired import RouterState
from xcnet.waiting import Deadline

Address = IPv4Address | IPv6Address

PATIENCE, PATIENCE_EACH = 5.0, 0.25
"""Seconds in which bgpd may learn of no further address before the rest is not waited for any more, and more for each of the rest:
it hears of all interfaces first, and of their addresses then."""

_LOOK_SECONDS = 0.05
_ADDRESS = re.compile(r"^addr: ([0-9a-fA-F.:]+)", re.MULTILINE)


def wait_for_addresses(
    bgpd: Vty, wanted: Mapping[str, Collection[Address]], deadline: Deadline
) -> dict[str, set[Address]]:
    """Wait until bgpd's own table of its addresses holds those that sessions are to begin from.

    zebra tells bgpd of interfaces and addresses one message at a time, between whose reading bgpd takes configuration: with
    hundreds of interfaces a session is configured seconds before bgpd hears of its address. It then opens the connection,
    refuses it, and tries again, for each of which it fills a megabyte.

    :param wanted: VRF -> addresses. The instances of BGP are there already.
    :returns: what it has not heard of; empty where all is well. Sessions from there need help.
    :raises RoutingError: it does not answer.
    """
    missing = {vrf: set(addresses) for vrf, addresses in wanted.items() if addresses}
    patience = _patience(missing, deadline)
    while True:
        before = sum(map(len, missing.values()))
        answers = bgpd.try_run([f"show bgp vrf {vrf} martian next-hop" for vrf in missing])
        for vrf, answer in zip(list(missing), answers, strict=True):
            # A release that does not know the command cannot be waited for.
            missing[vrf] -= known(answer.text) if answer.ok else missing[vrf]
            if not missing[vrf]:
                del missing[vrf]
        if sum(map(len, missing.values())) < before:
            patience = _patience(missing, deadline)
        if not missing or patience.expired:
            return missing
        time.sleep(_LOOK_SECONDS)


def _patience(missing: Mapping[str, Collection[Address]], deadline: Deadline) -> Deadline:
    seconds = PATIENCE + PATIENCE_EACH * sum(map(len, missing.values()))
    return Deadline(min(seconds, deadline.remaining))


def known(answer: str) -> set[Address]:
    """The addresses in an answer to ``show bgp vrf NAME martian next-hop``."""
    return {ip_address(text) for text in _ADDRESS.findall(answer)}


def session_addresses(state: RouterState, vrfs: Collection[str]) -> dict[str, set[Address]]:
    """VRF -> its own addresses towards its neighbours, for the named VRFs."""
    found: dict[str, set[Address]] = {}
    for vrf in state.vrfs:
        if vrf.name in vrfs:
            own = [address for interface in vrf.interfaces for address in interface.addresses]
            found[vrf.name] = {
                address.ip for address in own for each in vrf.neighbors if each.address in address.network
            }
    return found


__all__ = ["PATIENCE", "PATIENCE_EACH", "known", "session_addresses", "wait_for_addresses"]
