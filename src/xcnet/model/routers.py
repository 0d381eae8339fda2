"""Routers' desired states out of channels and attachments: one pure function, whoever decided what these are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_interface

from xcnet.model import naming
from xcnet.model.attachments import Attachment, FeatureEnd
from xcnet.model.desired import BgpNeighbor, Channel, RouterState, Vrf, VrfInterface
from xcnet.model.network import ChannelPort, ChannelState, ProviderNetwork
from xcnet.model.profile import SessionTimers
from xcnet.model.routers_check import check_attachments
from xcnet.model.subnets import Interface, LinkEnds, first_address, link_ends

_MAXIMUM_PATHS = 16
_MOST_PATHS = 64


def render(
    network: ProviderNetwork, channels: Iterable[ChannelState], attachments: Iterable[Attachment]
) -> dict[str, RouterState]:
    """The desired state of every router of one provider, the gateway first, then the edges in the network's order.

    The same input gives the same states, in whatever order channels and attachments come: VRFs are ordered by their
    tables, everything else by the network's edges and channels. One more attachment adds its parts and moves no others.

    :param channels: those without a state here have no key and stay closed.
    :raises ValueError: something is named that the network does not have, or two attachments want the same thing.
    """
    states = {state.name: state for state in channels}
    ordered = sorted(attachments, key=lambda attachment: attachment.table)
    check_attachments(network, states, ordered)
    routers = {network.gateway: _gateway(network, ordered)}
    for edge, node in network.edges.items():
        routers[node] = _edge(network, edge, states, ordered)
    return routers


def _gateway(network: ProviderNetwork, attachments: list[Attachment]) -> RouterState:
    """A VRF for each connection, with its edges, its host or the addresses that stand for one."""
    vrfs = []
    for attachment in attachments:
        interfaces = []
        neighbors: list[BgpNeighbor] = []
        for edge, node in network.edges.items():
            ends = attachment.internal.get(edge)
            if ends is None:
                continue
            interface = _internal_interface(edge, attachment, ends, 1)
            interfaces.append(interface)
            neighbors += _internal_neighbors(network, attachment, interface, ends, 0, f"edge {node}")
        interfaces += _customer(network, attachment)
        vrfs.append(_vrf(network, attachment, network.gateway, interfaces, neighbors, gateway=True))
    return RouterState(node=network.gateway, provider=network.provider, ports=dict(network.ports), vrfs=tuple(vrfs))


def _customer(network: ProviderNetwork, attachment: Attachment) -> Iterator[VrfInterface]:
    """Where the customer's own subnets are: behind a port, or at the gateway itself."""
    name = attachment.port
    if name is not None:
        addresses = tuple(link_ends(subnet)[0] for subnet in attachment.networks)
        yield VrfInterface(name=name, parent=name, mtu=network.ports[name], addresses=addresses)
    elif attachment.networks:
        # Single addresses: a whole subnet on the VRF's device would send packets to its other addresses round and round.
        own = tuple(ip_interface(first_address(subnet)) for subnet in attachment.networks)
        yield VrfInterface(name=attachment.vrf, parent=attachment.vrf, mtu=attachment.mtu, addresses=own)


def _edge(
    network: ProviderNetwork, edge: str, states: dict[str, ChannelState], attachments: list[Attachment]
) -> RouterState:
    """Its channels, and a VRF for each connection that has an internal link to it."""
    node = network.edges[edge]
    ports = [port for port in network.channels if port.edge == edge]
    vrfs = []
    for attachment in attachments:
        ends = attachment.internal.get(edge)
        if ends is None:
            continue
        internal = _internal_interface(naming.EDGE_PORT, attachment, ends, 0)
        interfaces = [internal]
        towards = f"gateway {network.gateway}"
        neighbors = list(_internal_neighbors(network, attachment, internal, ends, 1, towards))
        features = {feature.channel: feature for feature in attachment.features}
        for port in ports:
            feature = features.get(port.name)
            if feature is not None:
                outside = _external_interface(port, feature)
                interfaces.append(outside)
                drained = feature.drained or states.get(port.name, ChannelState(name=port.name)).drained
                neighbors += _external_neighbors(network, port, feature, outside, drained=drained)
        vrfs.append(_vrf(network, attachment, node, interfaces, neighbors, gateway=False))
    return RouterState(
        node=node,
        provider=network.provider,
        ports={naming.EDGE_PORT: network.ports[edge]},
        channels=tuple(_channel(port, states.get(port.name, ChannelState(name=port.name))) for port in ports),
        vrfs=tuple(vrfs),
    )


def _channel(port: ChannelPort, state: ChannelState) -> Channel:
    return Channel(
        name=port.name,
        port=port.port,
        device=port.device,
        port_mtu=port.port_mtu,
        macsec=port.macsec,
        key_agreement=port.key_agreement,
        keys=state.keys,
        enabled=state.enabled,
    )


def _internal_interface(parent: str, attachment: Attachment, ends: LinkEnds, own: int) -> VrfInterface:
    addresses: tuple[Interface, ...] = tuple(pair[own] for pair in ends)
    vlan = attachment.internal_vlan
    name = naming.vlan_interface(parent, vlan)
    return VrfInterface(name=name, parent=parent, vlan=vlan, mtu=attachment.mtu, addresses=addresses)


def _external_interface(port: ChannelPort, feature: FeatureEnd) -> VrfInterface:
    return VrfInterface(
        name=naming.vlan_interface(port.port, feature.vlan),
        parent=port.device,
        vlan=feature.vlan,
        mtu=feature.mtu,
        addresses=feature.addresses,
        rate=feature.rate,
    )


def _internal_neighbors(
    network: ProviderNetwork,
    attachment: Attachment,
    interface: VrfInterface,
    ends: LinkEnds,
    peer: int,
    description: str,
) -> Iterator[BgpNeighbor]:
    timers: SessionTimers = network.internal
    for pair in ends:
        yield BgpNeighbor(
            address=pair[peer].ip,
            remote_asn=_asn(network, attachment),
            description=description,
            interface=interface.name,
            keepalive=timers.bgp.keepalive,
            hold=timers.bgp.hold,
            bfd=timers.bfd.timers() if timers.bfd else None,
            next_hop_self=True,
        )


def _external_neighbors(
    network: ProviderNetwork, port: ChannelPort, feature: FeatureEnd, interface: VrfInterface, *, drained: bool
) -> Iterator[BgpNeighbor]:
    timers = network.external
    limit = network.prefix_limit
    for address in feature.peers:
        yield BgpNeighbor(
            address=address,
            remote_asn=feature.peer_asn,
            description=f"{port.name} {port.peer_node}",
            interface=interface.name,
            keepalive=timers.bgp.keepalive,
            hold=timers.bgp.hold,
            md5=feature.md5,
            bfd=timers.bfd.timers() if timers.bfd else None,
            prefix_limit=limit.ipv4 if address.version == 4 else limit.ipv6,
            drained=drained,
        )


def _asn(network: ProviderNetwork, attachment: Attachment) -> int:
    return network.asn if attachment.asn is None else attachment.asn


def _vrf(
    network: ProviderNetwork,
    attachment: Attachment,
    node: str,
    interfaces: list[VrfInterface],
    neighbors: list[BgpNeighbor],
    *,
    gateway: bool,
) -> Vrf:
    return Vrf(
        name=attachment.vrf,
        connection=attachment.name,
        table=attachment.table,
        asn=_asn(network, attachment),
        router_id=network.router_ids[node],
        interfaces=tuple(interfaces),
        neighbors=tuple(neighbors),
        networks=attachment.networks if gateway else (),
        maximum_paths=min(_MOST_PATHS, max(_MAXIMUM_PATHS, len(interfaces))),
        graceful_restart=network.graceful_restart,
    )


__all__ = ["render"]
