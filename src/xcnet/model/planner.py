"""From a topology to a plan: every node, link, address and key of the lab, and the state each router should have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xcnet.model import naming
from xcnet.model.addressing import customer_ends, families
from xcnet.model.desired import RouterState
from xcnet.model.negotiate import connection_mtu
from xcnet.model.plan import (
    ChannelEnd,
    HostAddressing,
    Impairment,
    NodeKind,
    Plan,
    PlannedChannel,
    PlannedConnection,
    PlannedLink,
    PlannedNode,
    PlannedProvider,
    Splice,
)
from xcnet.model.planner_routers import ACCESS_MTU, PORT_MTU, Keys, Sizing, plan_edge, plan_gateway
from xcnet.model.topology import ConnectionSide, LoadedTopology, Timers, TopologyChannel, TopologyConnection
from xcnet.secret import Secret

KeySource = Callable[[int], Secret]
"""Gives a fresh secret of so many bytes."""


@dataclass(frozen=True, slots=True)
class _HostPlace:
    connection: TopologyConnection
    provider: str
    side: ConnectionSide
    node: str
    port: str


def make_plan(topology: LoadedTopology, *, key_source: KeySource = Secret.random, fast: bool = False) -> Plan:
    """Plan a lab. The same topology gives the same plan, keys and passwords aside.

    :param key_source: where CAKs, their names and MD5 passwords come from, unless the topology fixes them.
    :param fast: the fast timers of the profiles, whatever the topology says.
    """
    hosts = _host_places(topology)
    sizing = Sizing(
        fast=fast or topology.topology.timers is Timers.FAST,
        hosts={(place.connection.name, place.provider): place.port for place in hosts},
        router_index={name: index for index, name in enumerate(_router_names(topology), 1)},
    )
    return Plan(
        topology=topology.name,
        nodes=tuple(_nodes(topology, hosts)),
        links=tuple(_links(topology, hosts)),
        splices=tuple(_splices(topology)),
        hosts=tuple(_host_addressing(place) for place in hosts),
        channels=tuple(_channels(topology)),
        connections=tuple(_connections(topology, hosts)),
        routers=_routers(topology, Keys.make(topology, key_source), sizing),
        providers={
            key: PlannedProvider(profile.display_name, profile.asn, profile.names.gateway, profile.names.edge)
            for key, profile in topology.profiles.items()
        },
    )


def _host_places(loaded: LoadedTopology) -> list[_HostPlace]:
    """Hosts with the gateway port each is plugged into."""
    taken = {key: set(provider.edges) for key, provider in loaded.topology.providers.items()}
    places = []
    for connection in loaded.topology.connections:
        for provider in loaded.interconnect(connection.interconnect).providers:
            side = connection.sides[provider]
            if side.host is None:
                continue
            node = naming.host_node(provider, side.host)
            port = naming.host_side_port(node, taken[provider])
            taken[provider].add(port)
            places.append(_HostPlace(connection, provider, side, node, port))
    return places


def _nodes(loaded: LoadedTopology, hosts: list[_HostPlace]) -> Iterator[PlannedNode]:
    """From the left of the picture to its right: first provider outside in, facilities, the others inside out."""

    def hosts_of(key: str) -> Iterator[PlannedNode]:
        return (PlannedNode(place.node, NodeKind.HOST, key) for place in hosts if place.provider == key)

    def edges_of(key: str) -> Iterator[PlannedNode]:
        edges = loaded.topology.providers[key].edges
        return (PlannedNode(naming.edge_node(key, edge), NodeKind.EDGE, key) for edge in edges)

    first, *others = loaded.topology.providers
    yield from hosts_of(first)
    yield PlannedNode(loaded.gateway(first), NodeKind.GATEWAY, first)
    yield from edges_of(first)
    for facility in loaded.topology.facilities:
        yield PlannedNode(facility, NodeKind.FACILITY)
    for key in others:
        yield from edges_of(key)
        yield PlannedNode(loaded.gateway(key), NodeKind.GATEWAY, key)
        yield from hosts_of(key)


def _router_names(loaded: LoadedTopology) -> list[str]:
    routers = (NodeKind.EDGE, NodeKind.GATEWAY)
    return [node.name for node in _nodes(loaded, []) if node.kind in routers]


def _link(
    a: tuple[str, str],
    b: tuple[str, str],
    kind: str,
    mtu: int,
    channel: str | None = None,
    impairment: Impairment | None = None,
) -> PlannedLink:
    macs = (naming.hardware_address(*a), naming.hardware_address(*b))
    return PlannedLink(a, b, kind, mtu, macs, channel, impairment or Impairment())


def _links(loaded: LoadedTopology, hosts: list[_HostPlace]) -> Iterator[PlannedLink]:
    for place in hosts:
        gateway = loaded.gateway(place.provider)
        yield _link((place.node, naming.HOST_PORT), (gateway, place.port), "access", ACCESS_MTU)
    for key, provider in loaded.topology.providers.items():
        for edge in provider.edges:
            here = (naming.edge_node(key, edge), naming.EDGE_PORT)
            yield _link(here, (loaded.gateway(key), edge), "internal", PORT_MTU)
    for interconnect in loaded.topology.interconnects:
        for channel in interconnect.channels:
            fibre = channel.link
            impairment = Impairment(fibre.delay, fibre.jitter, fibre.loss, fibre.rate or 0)
            for key in interconnect.providers:
                here = (naming.edge_node(key, channel.edges[key]), channel.name)
                there = (channel.facility, naming.facility_port(channel.name, key))
                yield _link(here, there, "fibre", PORT_MTU, channel.name, impairment)


def _splices(loaded: LoadedTopology) -> Iterator[Splice]:
    for interconnect in loaded.topology.interconnects:
        first, second = interconnect.providers
        for channel in interconnect.channels:
            ports = (naming.facility_port(channel.name, first), naming.facility_port(channel.name, second))
            yield Splice(channel.facility, channel.name, ports)


def _host_addressing(place: _HostPlace) -> HostAddressing:
    ends = [
        customer_ends(subnet)
        for version, subnet in ((4, place.side.ipv4), (6, place.side.ipv6))
        if subnet is not None and version in families(place.connection)
    ]
    return HostAddressing(
        node=place.node,
        interface=naming.HOST_PORT,
        connection=place.connection.name,
        addresses=tuple(host for _, host in ends),
        gateways=tuple(str(gateway.ip) for gateway, _ in ends),
    )


def _channels(loaded: LoadedTopology) -> Iterator[PlannedChannel]:
    for interconnect in loaded.topology.interconnects:
        first, second = interconnect.providers
        for channel in interconnect.channels:
            yield PlannedChannel(
                name=channel.name,
                interconnect=interconnect.name,
                facility=channel.facility,
                ends=(_end(first, channel), _end(second, channel)),
            )


def _end(provider: str, channel: TopologyChannel) -> ChannelEnd:
    return ChannelEnd(
        provider=provider,
        node=naming.edge_node(provider, channel.edges[provider]),
        port=channel.name,
        device=naming.macsec_device(channel.name),
        facility_port=naming.facility_port(channel.name, provider),
    )


def _connections(loaded: LoadedTopology, hosts: list[_HostPlace]) -> Iterator[PlannedConnection]:
    for connection in loaded.topology.connections:
        interconnect = loaded.interconnect(connection.interconnect)
        yield PlannedConnection(
            name=connection.name,
            vlan=connection.vlan,
            vrf=naming.vrf_device(connection.name),
            mtu=connection_mtu(connection, loaded.profiles)[1],
            bandwidth_bps=connection.bandwidth,
            channels=tuple(channel.name for channel in interconnect.channels),
            hosts={place.provider: place.node for place in hosts if place.connection is connection},
        )


def _routers(loaded: LoadedTopology, keys: Keys, sizing: Sizing) -> dict[str, RouterState]:
    routers = {}
    for key, provider in loaded.topology.providers.items():
        gateway = plan_gateway(loaded, key, sizing, keys)
        routers[gateway.node] = gateway
        for edge in provider.edges:
            state = plan_edge(loaded, key, edge, sizing, keys)
            routers[state.node] = state
    return routers


__all__ = ["KeySource", "make_plan"]
