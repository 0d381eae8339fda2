"""The desired state of edges and gateways, as a topology and its profiles make it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from xcnet.model import naming
from xcnet.model.addressing import AddressPlan, Interface, LinkEnds, customer_ends, families, plan_addresses
from xcnet.model.desired import BgpNeighbor, Cak, Channel, KeyAgreement, Macsec, RouterState, Vrf, VrfInterface
from xcnet.model.negotiate import channel_suite, connection_mtu
from xcnet.model.profile import Profile
from xcnet.model.topology import Interconnect, LoadedTopology, TopologyChannel, TopologyConnection
from xcnet.secret import Secret

PORT_MTU = 9100
"""Channel and internal ports: room for the largest connection MTU, a VLAN tag and MACsec's 32 bytes."""

ACCESS_MTU = 9000
"""Hosts' links: above every connection's MTU, so that path MTU discovery has something to discover."""

_ROUTER_IDS = IPv4Address("198.18.0.0")
"""Router identifiers are counted from here: benchmarking space (RFC 2544), which no customer has."""

_CKN_BYTES = 32
_MAXIMUM_PATHS = 16


@dataclass(frozen=True, slots=True)
class Sizing:
    """What concerns all routers.

    :param fast: the profiles' fast timers.
    :param hosts: (connection, provider) -> the gateway's port to the host.
    :param router_index: router's node -> its number, from 1.
    """

    fast: bool
    hosts: dict[tuple[str, str], str]
    router_index: dict[str, int]

    def router_id(self, node: str) -> IPv4Address:
        return _ROUTER_IDS + self.router_index[node]


@dataclass(frozen=True, slots=True)
class Keys:
    """What both ends of something share: CAKs by channel, MD5 passwords by (connection, channel), addresses."""

    caks: dict[str, Cak]
    passwords: dict[tuple[str, str], Secret | None]
    addresses: AddressPlan

    @classmethod
    def make(cls, loaded: LoadedTopology, source: Callable[[int], Secret]) -> Keys:
        caks = {}
        passwords: dict[tuple[str, str], Secret | None] = {}
        for interconnect in loaded.topology.interconnects:
            for channel in interconnect.channels:
                caks[channel.name] = _cak(loaded, interconnect, channel, source)
        for connection in loaded.topology.connections:
            for channel in loaded.interconnect(connection.interconnect).channels:
                passwords[connection.name, channel.name] = _password(connection, source)
        return cls(caks, passwords, plan_addresses(loaded))


def _cak(
    loaded: LoadedTopology, interconnect: Interconnect, channel: TopologyChannel, source: Callable[[int], Secret]
) -> Cak:
    if channel.key is not None:
        return Cak(ckn=channel.key.ckn, cak=channel.key.cak)
    suite = channel_suite(interconnect, channel, loaded.profiles)
    length = suite.key_length if suite else 32
    # A key's name is no secret: it travels in clear in every MKPDU.
    return Cak(ckn=source(_CKN_BYTES).reveal().hex(), cak=source(length))


def _password(connection: TopologyConnection, source: Callable[[int], Secret]) -> Secret | None:
    if isinstance(connection.md5, Secret):
        return connection.md5
    # Hexadecimal, because routing daemons read it as a word of their configuration: 128 bits of chance.
    return Secret.from_text(source(16).reveal().hex()) if connection.md5 else None


def plan_edge(loaded: LoadedTopology, provider: str, edge: str, sizing: Sizing, keys: Keys) -> RouterState:
    """The state of one edge: its channels, and a VRF for each connection that runs over one of them."""
    profile = loaded.profiles[provider]
    node = naming.edge_node(provider, edge)
    channels = []
    vrfs = []
    for interconnect in loaded.topology.interconnects:
        for channel in interconnect.channels:
            if channel.edges.get(provider) == edge:
                channels.append(_channel(loaded, interconnect, channel, provider, keys))
    for index, connection in enumerate(loaded.topology.connections):
        interconnect = loaded.interconnect(connection.interconnect)
        carried = [channel for channel in interconnect.channels if channel.edges.get(provider) == edge]
        if not carried:
            continue
        mtu = connection_mtu(connection, loaded.profiles)[1]
        inside = keys.addresses.internal[connection.name, provider, edge]
        internal = _interface(naming.EDGE_PORT, connection.vlan, mtu, inside, 0)
        interfaces = [internal]
        neighbors = list(_internal_neighbors(profile, internal, inside, 1, f"gateway {loaded.gateway(provider)}"))
        position = interconnect.providers.index(provider)
        for channel in carried:
            ends = keys.addresses.channels[connection.name, channel.name]
            below = naming.macsec_device(channel.name)
            name = naming.vlan_interface(channel.name, connection.vlan)
            outside = _interface(below, connection.vlan, mtu, ends, position, name)
            interfaces.append(outside)
            neighbors += _external_neighbors(loaded, connection, channel, provider, outside, sizing, keys)
        vrfs.append(_vrf(profile, connection, index, sizing.router_id(node), interfaces, neighbors))
    return RouterState(
        node=node,
        provider=provider,
        ports={naming.EDGE_PORT: PORT_MTU},
        channels=tuple(channels),
        vrfs=tuple(vrfs),
    )


def plan_gateway(loaded: LoadedTopology, provider: str, sizing: Sizing, keys: Keys) -> RouterState:
    """The state of a provider's gateway: a VRF for each connection, with its edges and its host."""
    profile = loaded.profiles[provider]
    node = loaded.gateway(provider)
    ports = dict.fromkeys(loaded.topology.providers[provider].edges, PORT_MTU)
    vrfs = []
    for index, connection in enumerate(loaded.topology.connections):
        if provider not in connection.sides:
            continue
        interconnect = loaded.interconnect(connection.interconnect)
        mtu = connection_mtu(connection, loaded.profiles)[1]
        interfaces = []
        neighbors: list[BgpNeighbor] = []
        for channel in interconnect.channels:
            edge = channel.edges[provider]
            ends = keys.addresses.internal[connection.name, provider, edge]
            interface = _interface(edge, connection.vlan, mtu, ends, 1)
            interfaces.append(interface)
            towards = f"edge {naming.edge_node(provider, edge)}"
            neighbors += _internal_neighbors(profile, interface, ends, 0, towards)
        side = connection.sides[provider]
        versions = families(connection)
        networks = tuple(
            subnet for version, subnet in ((4, side.ipv4), (6, side.ipv6)) if subnet is not None and version in versions
        )
        port = sizing.hosts.get((connection.name, provider))
        if port is not None:
            ports[port] = ACCESS_MTU
            addresses = tuple(customer_ends(subnet)[0] for subnet in networks)
            interfaces.append(VrfInterface(name=port, parent=port, mtu=ACCESS_MTU, addresses=addresses))
        vrf = _vrf(profile, connection, index, sizing.router_id(node), interfaces, neighbors)
        vrfs.append(vrf.model_copy(update={"networks": networks}))
    return RouterState(node=node, provider=provider, ports=ports, vrfs=tuple(vrfs))


def _channel(
    loaded: LoadedTopology, interconnect: Interconnect, channel: TopologyChannel, provider: str, keys: Keys
) -> Channel:
    policy = loaded.profiles[provider].macsec
    suite = channel_suite(interconnect, channel, loaded.profiles)
    if suite is None:
        raise AssertionError(f"channel {channel.name} passed the checks without a common cipher suite")
    return Channel(
        name=channel.name,
        port=channel.name,
        device=naming.macsec_device(channel.name),
        port_mtu=PORT_MTU,
        macsec=Macsec(
            cipher_suite=suite,
            key_server_priority=policy.key_server_priority,
            replay_window=policy.replay_window,
            sak_rekey_seconds=policy.sak_rekey_seconds,
        ),
        key_agreement=channel.key_agreement.get(provider, KeyAgreement.XCNET),
        keys=(keys.caks[channel.name],),
    )


def _interface(parent: str, vlan: int, mtu: int, ends: LinkEnds, own: int, name: str | None = None) -> VrfInterface:
    addresses: tuple[Interface, ...] = tuple(pair[own] for pair in ends)
    return VrfInterface(
        name=name or naming.vlan_interface(parent, vlan), parent=parent, vlan=vlan, mtu=mtu, addresses=addresses
    )


def _internal_neighbors(
    profile: Profile, interface: VrfInterface, ends: LinkEnds, peer: int, description: str
) -> Iterator[BgpNeighbor]:
    timers = profile.internal
    for pair in ends:
        yield BgpNeighbor(
            address=pair[peer].ip,
            remote_asn=profile.asn,
            description=description,
            interface=interface.name,
            keepalive=timers.bgp.keepalive,
            hold=timers.bgp.hold,
            bfd=timers.bfd.timers() if timers.bfd else None,
            next_hop_self=True,
        )


def _external_neighbors(
    loaded: LoadedTopology,
    connection: TopologyConnection,
    channel: TopologyChannel,
    provider: str,
    interface: VrfInterface,
    sizing: Sizing,
    keys: Keys,
) -> Iterator[BgpNeighbor]:
    profile = loaded.profiles[provider]
    providers = loaded.interconnect(connection.interconnect).providers
    position = 1 - providers.index(provider)
    peer = providers[position]
    timers = profile.external(fast=sizing.fast)
    for pair in keys.addresses.channels[connection.name, channel.name]:
        address = pair[position].ip
        yield BgpNeighbor(
            address=address,
            remote_asn=loaded.profiles[peer].asn,
            description=f"{channel.name} {naming.edge_node(peer, channel.edges[peer])}",
            interface=interface.name,
            keepalive=timers.bgp.keepalive,
            hold=timers.bgp.hold,
            md5=keys.passwords[connection.name, channel.name],
            bfd=timers.bfd.timers() if timers.bfd else None,
            prefix_limit=profile.prefix_limit.ipv4 if address.version == 4 else profile.prefix_limit.ipv6,
        )


def _vrf(
    profile: Profile,
    connection: TopologyConnection,
    index: int,
    router_id: IPv4Address,
    interfaces: list[VrfInterface],
    neighbors: list[BgpNeighbor],
) -> Vrf:
    return Vrf(
        name=naming.vrf_device(connection.name),
        connection=connection.name,
        table=naming.FIRST_TABLE + index,
        asn=profile.asn,
        router_id=router_id,
        interfaces=tuple(interfaces),
        neighbors=tuple(neighbors),
        maximum_paths=min(64, max(_MAXIMUM_PATHS, len(interfaces))),
        graceful_restart=profile.graceful_restart.desired(),
    )


__all__ = ["ACCESS_MTU", "PORT_MTU", "Keys", "Sizing", "plan_edge", "plan_gateway"]
