"""From a topology to a plan: every node, link, address and key of the lab, and the state each router should have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID, uuid5

from xcnet.model import naming
from xcnet.model.addressing import plan_addresses
from xcnet.model.agreements import (
    MEMBER_RATE,
    macsec_managers,
    plan_customers,
    plan_environments,
    plan_interconnects,
)
from xcnet.model.attachments import FeatureTerms
from xcnet.model.desired import RouterState
from xcnet.model.negotiate import connection_mtu
from xcnet.model.network import ProviderNetwork
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
from xcnet.model.plan_agreed import OrderSide, PlannedNetwork, PlannedOrder
from xcnet.model.planner_attachments import plan_attachments, plan_terms, shared_networks
from xcnet.model.planner_coordinators import management_links, plan_coordinators
from xcnet.model.planner_networks import (
    ACCESS_MTU,
    PORT_MTU,
    KeySource,
    plan_channel_states,
    plan_keys,
    plan_network,
)
from xcnet.model.routers import render
from xcnet.model.subnets import link_ends
from xcnet.model.topology import ConnectionSide, LoadedTopology, Timers, TopologyChannel, TopologyConnection
from xcnet.secret import Secret

_CONNECTIONS = UUID("6f6d3b1e-5d0c-5a4e-9a53-3c8f5a1d7b20")
"""Name space of connections' shared identities (RFC 9562, 5.5)."""


@dataclass(frozen=True, slots=True)
class _HostPlace:
    connection: TopologyConnection
    provider: str
    side: ConnectionSide
    node: str
    port: str


def make_plan(
    topology: LoadedTopology, *, key_source: KeySource = Secret.random, fast: bool = False, bare: bool = False
) -> Plan:
    """Plan a lab. The same topology gives the same plan, keys and passwords aside.

    :param key_source: where CAKs, their names and MD5 passwords come from, unless the topology fixes them.
    :param fast: the fast timers of the profiles, whatever the topology says.
    :param bare: no channel has a key and no connection stands yet; both are for others to make, as ``orders`` says.
    """
    hosts = _host_places(topology)
    fast = fast or topology.topology.timers is Timers.FAST
    networks = _networks(topology, hosts, fast=fast)
    terms: dict[str, tuple[FeatureTerms, ...]] = {}
    starts = {key: PlannedNetwork(network, plan_channel_states(network, {}), ()) for key, network in networks.items()}
    if not bare:
        caks = plan_keys(topology, key_source)
        addresses = plan_addresses(topology)
        terms = plan_terms(topology, addresses, key_source)
        ports = {(place.connection.name, place.provider): place.port for place in hosts}
        starts = {
            key: PlannedNetwork(
                network,
                plan_channel_states(network, caks),
                plan_attachments(topology, key, addresses, terms, ports),
            )
            for key, network in networks.items()
        }
    return Plan(
        topology=topology.name,
        nodes=tuple(_nodes(topology, hosts)),
        links=tuple(_links(topology, hosts)),
        splices=tuple(_splices(topology)),
        hosts=tuple(_host_addressing(place) for place in hosts),
        channels=tuple(_channels(topology)),
        connections=tuple(_connections(topology, hosts, terms)),
        routers=_routers(starts),
        providers={
            key: PlannedProvider(profile.display_name, profile.asn, profile.names.gateway, profile.names.edge)
            for key, profile in topology.profiles.items()
        },
        profiles=dict(topology.profiles),
        coordinators=plan_coordinators(topology),
        networks=starts,
        environments=plan_environments(topology),
        interconnects=plan_interconnects(topology),
        customers=plan_customers(topology),
        orders=tuple(_orders(topology, hosts)),
    )


def _networks(loaded: LoadedTopology, hosts: list[_HostPlace], *, fast: bool) -> dict[str, ProviderNetwork]:
    kinds = (NodeKind.EDGE, NodeKind.GATEWAY)
    routers = [node.name for node in _nodes(loaded, []) if node.kind in kinds]
    return {
        key: plan_network(
            loaded,
            key,
            routers=routers,
            host_ports=[place.port for place in hosts if place.provider == key],
            fast=fast,
        )
        for key in loaded.topology.providers
    }


def _routers(starts: dict[str, PlannedNetwork]) -> dict[str, RouterState]:
    routers: dict[str, RouterState] = {}
    for start in starts.values():
        routers |= render(start.network, start.channels, start.attachments)
    return routers


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
    """From the left of the picture to its right: first provider outside in, facilities, the others inside out; below it,
    the coordinators."""

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
    for key in loaded.topology.providers:
        yield PlannedNode(naming.coordinator_node(key), NodeKind.COORDINATOR, key)


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
    yield from management_links(loaded)


def _splices(loaded: LoadedTopology) -> Iterator[Splice]:
    for interconnect in loaded.topology.interconnects:
        first, second = interconnect.providers
        for channel in interconnect.channels:
            ports = (naming.facility_port(channel.name, first), naming.facility_port(channel.name, second))
            yield Splice(channel.facility, channel.name, ports)


def _host_addressing(place: _HostPlace) -> HostAddressing:
    ends = [link_ends(subnet) for subnet in shared_networks(place.connection, place.side)]
    return HostAddressing(
        node=place.node,
        interface=naming.HOST_PORT,
        connection=place.connection.name,
        addresses=tuple(host for _, host in ends),
        gateways=tuple(str(gateway.ip) for gateway, _ in ends),
    )


def _channels(loaded: LoadedTopology) -> Iterator[PlannedChannel]:
    managers = macsec_managers(loaded.topology)
    for interconnect in loaded.topology.interconnects:
        first, second = interconnect.providers
        for channel in interconnect.channels:
            yield PlannedChannel(
                name=channel.name,
                interconnect=interconnect.name,
                facility=channel.facility,
                ends=(_end(first, channel), _end(second, channel)),
                macsec_manager=managers[channel.name],
                demarc=channel.demarc or f"{channel.facility}:{channel.name}",
                member_bps=channel.link.rate or MEMBER_RATE,
            )


def _end(provider: str, channel: TopologyChannel) -> ChannelEnd:
    return ChannelEnd(
        provider=provider,
        node=naming.edge_node(provider, channel.edges[provider]),
        port=channel.name,
        device=naming.macsec_device(channel.name),
        facility_port=naming.facility_port(channel.name, provider),
    )


def _connections(
    loaded: LoadedTopology, hosts: list[_HostPlace], terms: dict[str, tuple[FeatureTerms, ...]]
) -> Iterator[PlannedConnection]:
    """Those that stand from the start: those on which the sides have terms."""
    for connection in loaded.topology.connections:
        if connection.name in terms:
            interconnect = loaded.interconnect(connection.interconnect)
            yield PlannedConnection(
                name=connection.name,
                vlan=connection.vlan,
                vrf=naming.vrf_device(connection.name),
                mtu=connection_mtu(connection, loaded.profiles)[1],
                bandwidth_bps=connection.bandwidth,
                channels=tuple(channel.name for channel in interconnect.channels),
                hosts={place.provider: place.node for place in hosts if place.connection is connection},
                features=terms[connection.name],
            )


def _orders(loaded: LoadedTopology, hosts: list[_HostPlace]) -> Iterator[PlannedOrder]:
    customers = {customer.name: customer for customer in plan_customers(loaded)}
    environments = {each.name: each.environment for each in plan_interconnects(loaded)}
    first = next(iter(customers))
    for connection in loaded.topology.connections:
        customer = customers[connection.customer or first]
        places = {place.provider: place for place in hosts if place.connection is connection}
        yield PlannedOrder(
            name=connection.name,
            uuid=uuid5(_CONNECTIONS, f"{loaded.name}/{connection.name}"),
            customer=customer.name,
            environment=environments[connection.interconnect],
            interconnect=connection.interconnect,
            bandwidth_bps=connection.bandwidth,
            vlan=connection.vlan,
            sides={
                key: OrderSide(
                    account=customer.accounts[key],
                    networks=shared_networks(connection, side),
                    host=places[key].node if key in places else None,
                    port=places[key].port if key in places else None,
                    mtu=side.mtu or loaded.profiles[key].mtu.maximum,
                )
                for key, side in connection.sides.items()
            },
        )


__all__ = ["KeySource", "make_plan"]
