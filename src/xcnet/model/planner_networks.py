"""Each provider's network as a topology and its profiles make it: routers, ports, channels with their first keys."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

from xcnet.model import naming
from xcnet.model.desired import Cak, KeyAgreement, Macsec
from xcnet.model.negotiate import channel_suite
from xcnet.model.network import ChannelPort, ChannelState, ProviderNetwork
from xcnet.model.topology import Interconnect, LoadedTopology, TopologyChannel
from xcnet.secret import Secret

KeySource = Callable[[int], Secret]
"""Gives a fresh secret of so many bytes."""

PORT_MTU = 9100
"""Channel and internal ports: room for the largest connection MTU, a VLAN tag and MACsec's 32 bytes."""

ACCESS_MTU = 9000
"""Hosts' links: above every connection's MTU, so that path MTU discovery has something to discover."""

_ROUTER_IDS = IPv4Address("198.18.0.0")
"""Router identifiers are counted from here: benchmarking space (RFC 2544), which no customer has."""

_CKN_BYTES = 32


def plan_keys(loaded: LoadedTopology, source: KeySource) -> dict[str, Cak]:
    """Channel -> its first key, the same at both ends."""
    return {
        channel.name: _cak(loaded, interconnect, channel, source)
        for interconnect in loaded.topology.interconnects
        for channel in interconnect.channels
    }


def _cak(loaded: LoadedTopology, interconnect: Interconnect, channel: TopologyChannel, source: KeySource) -> Cak:
    if channel.key is not None:
        return Cak(ckn=channel.key.ckn, cak=channel.key.cak)
    suite = channel_suite(interconnect, channel, loaded.profiles)
    length = suite.key_length if suite else 32
    # A key's name is no secret: it travels in clear in every MKPDU.
    return Cak(ckn=source(_CKN_BYTES).reveal().hex(), cak=source(length))


def plan_network(
    loaded: LoadedTopology, provider: str, *, routers: list[str], host_ports: list[str], fast: bool
) -> ProviderNetwork:
    """One provider's network.

    :param routers: every router of the lab; the BGP identifier is made of a router's place among them.
    :param host_ports: the gateway's ports to hosts. :param fast: the profile's fast timers.
    """
    profile = loaded.profiles[provider]
    gateway = loaded.gateway(provider)
    edges = {edge: naming.edge_node(provider, edge) for edge in loaded.topology.providers[provider].edges}
    ports = dict.fromkeys(edges, PORT_MTU) | dict.fromkeys(host_ports, ACCESS_MTU)
    return ProviderNetwork(
        provider=provider,
        asn=profile.asn,
        edges=edges,
        gateway=gateway,
        ports=ports,
        router_ids={node: _ROUTER_IDS + routers.index(node) + 1 for node in (gateway, *edges.values())},
        channels=tuple(
            _port(loaded, interconnect, channel, provider)
            for interconnect in loaded.topology.interconnects
            for channel in interconnect.channels
            if provider in channel.edges
        ),
        external=profile.external(fast=fast),
        internal=profile.internal,
        prefix_limit=profile.prefix_limit,
        graceful_restart=profile.graceful_restart.desired(),
    )


def plan_channel_states(network: ProviderNetwork, keys: dict[str, Cak]) -> tuple[ChannelState, ...]:
    """How a provider's channels begin. :param keys: channel -> its key; without one it stays closed."""
    return tuple(
        ChannelState(name=channel.name, keys=(keys[channel.name],) if channel.name in keys else ())
        for channel in network.channels
    )


def _port(loaded: LoadedTopology, interconnect: Interconnect, channel: TopologyChannel, provider: str) -> ChannelPort:
    policy = loaded.profiles[provider].macsec
    suite = channel_suite(interconnect, channel, loaded.profiles)
    if suite is None:
        raise AssertionError(f"channel {channel.name} passed the checks without a common cipher suite")
    peer = next(other for other in interconnect.providers if other != provider)
    return ChannelPort(
        name=channel.name,
        interconnect=interconnect.name,
        edge=channel.edges[provider],
        peer=peer,
        peer_node=naming.edge_node(peer, channel.edges[peer]),
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
    )


__all__ = [
    "ACCESS_MTU",
    "PORT_MTU",
    "KeySource",
    "plan_channel_states",
    "plan_keys",
    "plan_network",
]
