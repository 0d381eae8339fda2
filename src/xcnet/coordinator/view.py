"""What the own network should be, by what is in the store: the border between negotiating and configuring."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network

from xcnet.coordinator.acts import holds
from xcnet.coordinator.acts.attachments import AttachmentRow
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState, FeatureRow, FeatureState, KeyRow
from xcnet.coordinator.world import World
from xcnet.model import naming
from xcnet.model.attachments import Attachment, FeatureEnd, channel_rate
from xcnet.model.desired import Cak
from xcnet.model.network import ChannelState
from xcnet.secret import Secret
from xcnet.spec.resources import AdminState

_CONFIGURED = (FeatureState.PENDING, FeatureState.FINAL, FeatureState.WITHDRAWING)


@dataclass(frozen=True, slots=True)
class NetworkView:
    """:param generation: grows with every change. :param uuids: VRF -> the connection's UUID."""

    generation: int
    channels: tuple[ChannelState, ...]
    attachments: tuple[Attachment, ...]
    uuids: dict[str, str]


def network_view(world: World) -> NetworkView:
    """All of it, read at one moment."""
    db = world.db
    features: dict[tuple[str, str], list[FeatureRow]] = {}
    for row in db.all("SELECT * FROM features ORDER BY seq"):
        feature = FeatureRow.of(row)
        if feature.state in _CONFIGURED:
            features.setdefault((feature.interconnect, feature.uuid), []).append(feature)
    connections: dict[str, list[ConnectionRow]] = {}
    for row in db.all("SELECT * FROM connections ORDER BY seq"):
        connection = ConnectionRow.of(row)
        if connection.state is not ConnectionState.DELETING:
            connections.setdefault(connection.uuid, []).append(connection)
    links: dict[str, dict[str, tuple[str | None, ...]]] = {}
    for row in db.all("SELECT uuid, edge, ipv4, ipv6 FROM internal_links ORDER BY edge"):
        links.setdefault(row["uuid"], {})[row["edge"]] = (row["ipv4"], row["ipv6"])
    attachments = []
    uuids = {}
    for row in db.all("SELECT * FROM attachments ORDER BY number"):
        held = AttachmentRow.of(row)
        made = _attachment(world, held, connections.get(held.uuid, []), features, links.get(held.uuid, {}))
        if made is not None:
            attachments.append(made)
            uuids[made.vrf] = held.uuid
    return NetworkView(world.generation, _channels(world), tuple(attachments), uuids)


def _channels(world: World) -> tuple[ChannelState, ...]:
    found = []
    for environment in world.config.environments:
        for interconnect in environment.interconnects:
            for channel in interconnect.channels:
                rows = world.db.all("SELECT * FROM keys WHERE channel = ? ORDER BY seq", channel.name)
                found.append(
                    ChannelState(
                        name=channel.name,
                        keys=tuple(_cak(KeyRow.of(row)) for row in rows),
                        enabled=not holds.is_down(world, channel.name),
                        drained=holds.held(world, channel.name),
                    )
                )
    return tuple(found)


def _cak(row: KeyRow) -> Cak:
    return Cak(ckn=row.ckn, cak=Secret(bytes.fromhex(row.cak.reveal_text())), preferred=row.preferred)


def _attachment(
    world: World,
    row: AttachmentRow,
    connections: list[ConnectionRow],
    features: dict[tuple[str, str], list[FeatureRow]],
    links: dict[str, tuple[str | None, ...]],
) -> Attachment | None:
    ends = []
    edges = set()
    mtu = 0
    for connection in connections:
        config = world.config.interconnect(connection.interconnect)
        if config is None or connection.admin is AdminState.DISABLED:
            continue
        rate = channel_rate(connection.bandwidth_mbps * 1_000_000, len(config.channels))
        edge_of = {channel.name: channel.edge for channel in config.channels}
        for feature in features.get((connection.interconnect, connection.uuid), []):
            joining = records.is_joining(feature, connection, connections[0])
            drained = connection.deprefer or feature.state is FeatureState.WITHDRAWING or joining
            ends.append(_end(feature, drained, rate))
            edges.add(edge_of[feature.channel])
            mtu = max(mtu, feature.mtu)
    if not ends:
        return None
    return Attachment(
        name=row.name,
        vrf=naming.vrf_device(row.name),
        table=naming.FIRST_TABLE + row.number - 1,
        internal_vlan=row.internal_vlan,
        mtu=mtu,
        port=row.port,
        networks=tuple(ip_network(each) for each in row.networks),
        internal={edge: tuple(_link(subnet) for subnet in links[edge] if subnet is not None) for edge in sorted(edges)},
        features=tuple(ends),
    )


def _end(feature: FeatureRow, drained: bool, rate: int) -> FeatureEnd:
    addresses: list[IPv4Interface | IPv6Interface] = [
        ip_interface(f"{feature.own_ipv4}/{ip_network(feature.ipv4).prefixlen}")
    ]
    peers = [ip_address(feature.peer_ipv4)]
    if feature.ipv6 is not None and feature.own_ipv6 is not None and feature.peer_ipv6 is not None:
        addresses.append(ip_interface(f"{feature.own_ipv6}/{ip_network(feature.ipv6).prefixlen}"))
        peers.append(ip_address(feature.peer_ipv6))
    return FeatureEnd(
        channel=feature.channel,
        vlan=feature.vlan,
        mtu=feature.mtu,
        addresses=tuple(addresses),
        peers=tuple(peers),
        peer_asn=feature.peer_asn,
        # A topology may do without; the API never does.
        md5=feature.md5 if len(feature.md5) else None,
        drained=drained,
        rate=rate,
    )


def _link(subnet: str) -> tuple[IPv4Interface | IPv6Interface, IPv4Interface | IPv6Interface]:
    """(the edge's end, the gateway's end)"""
    network = ip_network(subnet)
    offset = 0 if network.prefixlen == network.max_prefixlen - 1 else 1
    first = network.network_address + offset
    return ip_interface(f"{first}/{network.prefixlen}"), ip_interface(f"{first + 1}/{network.prefixlen}")


__all__ = ["NetworkView", "network_view"]
