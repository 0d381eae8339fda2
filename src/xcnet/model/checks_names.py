"""Checks of a topology by itself: names that must differ, and names that must lead somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xcnet.model import naming
from xcnet.model.problems import Path, Problem, did_you_mean, twice
from xcnet.model.topology import Interconnect, Topology


def check_names(topology: Topology) -> list[Problem]:
    """Everything that can be found without the profiles."""
    return [
        *twice("facility", ((("facilities", i), name) for i, name in enumerate(topology.facilities))),
        *twice("interconnect", ((("interconnects", i, "name"), x.name) for i, x in enumerate(topology.interconnects))),
        *twice("connection", ((("connections", i, "name"), x.name) for i, x in enumerate(topology.connections))),
        *twice("channel", _channel_names(topology)),
        *(problem for i, x in enumerate(topology.interconnects) for problem in _interconnect(topology, i, x)),
        *_edges(topology),
        *_maintenance(topology),
        *_connections(topology),
    ]


def _channel_names(topology: Topology) -> Iterator[tuple[Path, str]]:
    for i, interconnect in enumerate(topology.interconnects):
        for c, channel in enumerate(interconnect.channels):
            yield ("interconnects", i, "channels", c, "name"), channel.name


def _interconnect(topology: Topology, index: int, interconnect: Interconnect) -> Iterator[Problem]:
    here: Path = ("interconnects", index)
    for position, provider in enumerate(interconnect.providers):
        if provider not in topology.providers:
            yield Problem(
                (*here, "providers", position),
                f"there is no provider '{provider}'",
                did_you_mean(provider, topology.providers),
            )
    if len(set(interconnect.providers)) == 1:
        yield Problem(
            (*here, "providers"), "both sides are the same provider", "name two; one profile may serve several"
        )
        return
    if not set(interconnect.providers) <= set(topology.providers):
        return
    users: dict[tuple[str, str], str] = {}
    for c, channel in enumerate(interconnect.channels):
        below: Path = (*here, "channels", c)
        if channel.facility not in topology.facilities:
            yield Problem(
                (*below, "facility"),
                f"there is no facility '{channel.facility}'",
                did_you_mean(channel.facility, topology.facilities),
            )
        yield from _sides((*below, "edges"), channel.edges, interconnect, "an edge")
        for side in channel.key_agreement:
            if side not in interconnect.providers:
                yield _no_side((*below, "key_agreement", side), side, interconnect)
        for provider, edge in channel.edges.items():
            if provider not in interconnect.providers:
                continue
            known = topology.providers[provider].edges
            if edge not in known:
                yield Problem(
                    (*below, "edges", provider),
                    f"provider '{provider}' has no edge '{edge}'",
                    did_you_mean(edge, known),
                )
            other = users.setdefault((provider, edge), channel.name)
            if other != channel.name:
                yield Problem(
                    (*below, "edges", provider),
                    f"channels '{other}' and '{channel.name}' of interconnect '{interconnect.name}' are both on {provider}-{edge}",
                    "put each channel of an interconnect on its own device: one that fails must not take two channels down",
                )
        for provider in interconnect.providers:
            port = naming.facility_port(channel.name, provider)
            if len(port) > naming.IFNAMSIZ:
                yield Problem(
                    (*below, "name"),
                    f"the facility's port '{port}' has {len(port)} characters, the kernel takes {naming.IFNAMSIZ}",
                    "shorten the channel's or the provider's name",
                )


def _sides(path: Path, given: Iterable[str], interconnect: Interconnect, what: str) -> Iterator[Problem]:
    names = list(given)
    for name in names:
        if name not in interconnect.providers:
            yield _no_side((*path, name), name, interconnect)
    for provider in interconnect.providers:
        if provider not in names:
            yield Problem(path, f"the side of provider '{provider}' is missing", f"add {what} for '{provider}'")


def _no_side(path: Path, side: str, interconnect: Interconnect) -> Problem:
    cause = f"'{side}' is not a side of interconnect '{interconnect.name}'"
    return Problem(path, cause, did_you_mean(side, interconnect.providers), at_key=True)


def _edges(topology: Topology) -> Iterator[Problem]:
    """Nodes of one name, which may be of any two kinds."""
    nodes: dict[str, str] = {}

    def claim(path: Path, node: str, what: str) -> Iterator[Problem]:
        other = nodes.setdefault(node, what)
        if other != what:
            yield Problem(path, f"{what} and {other} would both be node '{node}'", "rename one of them")

    for key in topology.providers:
        yield from claim(("providers", key), naming.coordinator_node(key), f"the coordinator of '{key}'")
    for i, facility in enumerate(topology.facilities):
        yield from claim(("facilities", i), facility, f"facility '{facility}'")
    for key, provider in topology.providers.items():
        yield from twice("edge", ((("providers", key, "edges", i), name) for i, name in enumerate(provider.edges)))
        for i, edge in enumerate(provider.edges):
            what = f"edge '{edge}' of '{key}'"
            yield from claim(("providers", key, "edges", i), naming.edge_node(key, edge), what)
    for i, connection in enumerate(topology.connections):
        for key, side in connection.sides.items():
            if side.host is not None:
                what = f"host '{side.host}' of connection '{connection.name}'"
                yield from claim(("connections", i, "sides", key, "host"), naming.host_node(key, side.host), what)


def _maintenance(topology: Topology) -> Iterator[Problem]:
    """Two interconnects share all devices of a side, or none.

    Taking one device down takes down a channel of every interconnect on it, and an interconnect may lack one channel at
    a time. Where groups of devices overlap in part, windows on different devices wait for each other around a circle.
    """
    for index, later in enumerate(topology.interconnects):
        for earlier in topology.interconnects[:index]:
            for provider in (p for p in later.providers if p in earlier.providers):
                ours = {channel.edges.get(provider) for channel in later.channels}
                theirs = {channel.edges.get(provider) for channel in earlier.channels}
                if ours & theirs and ours != theirs:
                    shared = ", ".join(sorted(edge for edge in ours & theirs if edge))
                    yield Problem(
                        ("interconnects", index),
                        f"interconnects '{earlier.name}' and '{later.name}' share some devices of '{provider}' ({shared}) "
                        "but not all: their maintenance windows can deadlock",
                        "let them share every device of that provider, or none",
                    )


def _connections(topology: Topology) -> Iterator[Problem]:
    interconnects = {interconnect.name: interconnect for interconnect in topology.interconnects}
    vlans: dict[tuple[str, str, int], str] = {}
    for i, connection in enumerate(topology.connections):
        interconnect = interconnects.get(connection.interconnect)
        if interconnect is None:
            yield Problem(
                ("connections", i, "interconnect"),
                f"there is no interconnect '{connection.interconnect}'",
                did_you_mean(connection.interconnect, interconnects),
            )
            continue
        if len(set(interconnect.providers) & set(topology.providers)) == 2:
            yield from _sides(("connections", i, "sides"), connection.sides, interconnect, "its subnets")
        others: dict[str, str] = {}
        for channel in interconnect.channels:
            for provider, edge in channel.edges.items():
                other = vlans.setdefault((provider, edge, connection.vlan), connection.name)
                if other != connection.name:
                    others.setdefault(other, naming.edge_node(provider, edge))
        for other, edge in others.items():
            yield Problem(
                ("connections", i, "vlan"),
                f"VLAN {connection.vlan} is connection '{other}' already, on {edge} and its link to the gateway",
                "choose another VLAN from 1025 to 4094",
            )


__all__ = ["check_names"]
