"""Coordinators and the management network between them: a link for each two whose providers share an interconnect."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Interface, IPv4Network
from itertools import islice

from xcnet.model import naming
from xcnet.model.plan import PlannedLink
from xcnet.model.plan_agreed import ManagementLink, PlannedCoordinator
from xcnet.model.topology import LoadedTopology

MANAGEMENT_MTU = 1500

_MANAGEMENT = IPv4Network("198.19.0.0/16")
"""Benchmarking space (RFC 2544), beside the routers' identifiers: no customer has it."""


def plan_coordinators(loaded: LoadedTopology) -> dict[str, PlannedCoordinator]:
    """Provider -> its coordinator, with an address of its own on the link to each peer."""
    peers: dict[str, dict[str, ManagementLink]] = {key: {} for key in loaded.topology.providers}
    pairs = _pairs(loaded)
    for (first, second), subnet in zip(pairs, islice(_MANAGEMENT.subnets(new_prefix=31), len(pairs)), strict=True):
        low, high = subnet[0], subnet[1]
        peers[first][second] = ManagementLink(naming.management_port(second), IPv4Interface((low, 31)), high)
        peers[second][first] = ManagementLink(naming.management_port(first), IPv4Interface((high, 31)), low)
    return {key: PlannedCoordinator(naming.coordinator_node(key), links) for key, links in peers.items()}


def _pairs(loaded: LoadedTopology) -> list[tuple[str, str]]:
    """Providers that share an interconnect, each two once, in the topology's order."""
    pairs: dict[frozenset[str], tuple[str, str]] = {}
    for interconnect in loaded.topology.interconnects:
        first, second = interconnect.providers
        pairs.setdefault(frozenset((first, second)), (first, second))
    return list(pairs.values())


def management_links(loaded: LoadedTopology) -> Iterator[PlannedLink]:
    """The links themselves."""
    for first, second in _pairs(loaded):
        a = (naming.coordinator_node(first), naming.management_port(second))
        b = (naming.coordinator_node(second), naming.management_port(first))
        macs = (naming.hardware_address(*a), naming.hardware_address(*b))
        yield PlannedLink(a, b, "management", MANAGEMENT_MTU, macs)


__all__ = ["MANAGEMENT_MTU", "management_links", "plan_coordinators"]
