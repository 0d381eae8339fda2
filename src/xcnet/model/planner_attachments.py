"""The topology's connections: what their two sides agree on for each channel, and the attachment that each side makes of it."""

from __future__ import annotations

from xcnet.model import naming
from xcnet.model.addressing import AddressPlan, families
from xcnet.model.attachments import Attachment, FeatureTerms, channel_rate
from xcnet.model.negotiate import connection_mtu
from xcnet.model.planner_networks import KeySource
from xcnet.model.subnets import Network
from xcnet.model.topology import ConnectionSide, LoadedTopology, TopologyConnection
from xcnet.secret import Secret


def plan_terms(
    loaded: LoadedTopology, addresses: AddressPlan, source: KeySource
) -> dict[str, tuple[FeatureTerms, ...]]:
    """Connection -> what both sides share, for each channel of its interconnect. :param source: of fresh passwords."""
    terms = {}
    for connection in loaded.topology.connections:
        interconnect = loaded.interconnect(connection.interconnect)
        made = []
        for channel in interconnect.channels:
            ends = addresses.channels[connection.name, channel.name]
            made.append(
                FeatureTerms(
                    channel=channel.name,
                    vlan=connection.vlan,
                    mtu=connection_mtu(connection, loaded.profiles)[1],
                    subnets=tuple(pair[0].network for pair in ends),
                    hosts={
                        provider: tuple(pair[position].ip for pair in ends)
                        for position, provider in enumerate(interconnect.providers)
                    },
                    asns={provider: loaded.profiles[provider].asn for provider in interconnect.providers},
                    md5=_password(connection, source),
                )
            )
        terms[connection.name] = tuple(made)
    return terms


def _password(connection: TopologyConnection, source: KeySource) -> Secret | None:
    if isinstance(connection.md5, Secret):
        return connection.md5
    # Hexadecimal, because routing daemons read it as a word of their configuration: 128 bits of chance.
    return Secret.from_text(source(16).reveal().hex()) if connection.md5 else None


def plan_attachments(
    loaded: LoadedTopology,
    provider: str,
    addresses: AddressPlan,
    terms: dict[str, tuple[FeatureTerms, ...]],
    host_ports: dict[tuple[str, str], str],
) -> tuple[Attachment, ...]:
    """One provider's attachments: its side of every connection that ends at it.

    :param host_ports: (connection, provider) -> the gateway's port to the host.
    """
    return tuple(
        _attachment(loaded, provider, index, addresses, terms[connection.name], host_ports)
        for index, connection in enumerate(loaded.topology.connections)
        if provider in connection.sides
    )


def _attachment(
    loaded: LoadedTopology,
    provider: str,
    index: int,
    addresses: AddressPlan,
    terms: tuple[FeatureTerms, ...],
    host_ports: dict[tuple[str, str], str],
) -> Attachment:
    connection = loaded.topology.connections[index]
    edges = [channel.edges[provider] for channel in loaded.interconnect(connection.interconnect).channels]
    rate = channel_rate(connection.bandwidth, len(terms))
    return Attachment(
        name=connection.name,
        vrf=naming.vrf_device(connection.name),
        table=naming.FIRST_TABLE + index,
        # The channels' own tag: no other connection has it on any of these edges.
        internal_vlan=connection.vlan,
        mtu=connection_mtu(connection, loaded.profiles)[1],
        port=host_ports.get((connection.name, provider)),
        networks=shared_networks(connection, connection.sides[provider]),
        internal={edge: addresses.internal[connection.name, provider, edge] for edge in edges},
        features=tuple(each.end(provider, rate=rate) for each in terms),
    )


def shared_networks(connection: TopologyConnection, side: ConnectionSide) -> tuple[Network, ...]:
    """A side's subnets of the families that both sides have."""
    versions = families(connection)
    both = ((4, side.ipv4), (6, side.ipv6))
    return tuple(subnet for version, subnet in both if subnet is not None and version in versions)


__all__ = ["plan_attachments", "plan_terms", "shared_networks"]
