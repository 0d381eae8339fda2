"""Addresses of a lab's point-to-point links: taken from pools in order, never twice, never out of a customer's subnet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network

from xcnet.model.profile import LinkPools
from xcnet.model.subnets import LinkEnds, Network, link_ends
from xcnet.model.topology import LoadedTopology, TopologyConnection


class PoolExhaustedError(Exception):
    """A pool has no subnet left.

    :param connection: index of the connection that came too late.
    """

    def __init__(self, pool: Network, length: int, connection: int) -> None:
        super().__init__(f"the pool {pool} has no free /{length} left")
        self.pool = pool
        self.length = length
        self.connection = connection


@dataclass(frozen=True, slots=True)
class AddressPlan:
    """Addresses of every link of every connection.

    :param channels: (connection, channel) -> ends in the order of the interconnect's providers.
    :param internal: (connection, provider, edge) -> the edge's end, the gateway's end.
    """

    channels: dict[tuple[str, str], LinkEnds]
    internal: dict[tuple[str, str, str], LinkEnds]


class _Pools:
    """Hands out subnets. Pools may be the same, or lie within each other."""

    def __init__(self) -> None:
        self._next: dict[tuple[Network, int], int] = {}
        self._taken: dict[int, list[tuple[int, int]]] = {4: [], 6: []}

    def take(self, pool: Network, length: int, connection: int, without: Sequence[Network]) -> Network:
        bits = pool.max_prefixlen - length
        first = int(pool.network_address)
        step = self._next.get((pool, length), 0)
        while step < 1 << (length - pool.prefixlen):
            start = first + (step << bits)
            end = start + (1 << bits) - 1
            clash = next((last for begin, last in self._taken[pool.version] if begin <= end and start <= last), None)
            if clash is None:
                clash = next((last for begin, last in map(_span, without) if begin <= end and start <= last), None)
            if clash is None:
                self._next[pool, length] = step + 1
                self._taken[pool.version].append((start, end))
                return IPv4Network((start, length)) if pool.version == 4 else IPv6Network((start, length))
            step = max(step + 1, ((clash - first) >> bits) + 1)
        raise PoolExhaustedError(pool, length, connection)


def families(connection: TopologyConnection) -> tuple[int, ...]:
    """The IP versions that both sides have a subnet of: 4, 6 or both."""
    found = []
    if all(side.ipv4 for side in connection.sides.values()):
        found.append(4)
    if all(side.ipv6 for side in connection.sides.values()):
        found.append(6)
    return tuple(found)


def channel_pools(loaded: LoadedTopology, connection: TopologyConnection) -> LinkPools:
    """The first provider's pools, with what the connection says otherwise.

    :raises pydantic.ValidationError: the two do not fit together.
    """
    first = loaded.interconnect(connection.interconnect).providers[0]
    pools = loaded.profiles[first].addressing.channel
    return LinkPools.model_validate({**pools.model_dump(), **connection.addressing.model_dump(exclude_none=True)})


def plan_addresses(loaded: LoadedTopology) -> AddressPlan:
    """Addresses for every connection, the same for the same topology.

    :raises PoolExhaustedError: a pool is too small.
    """
    pools = _Pools()
    channels: dict[tuple[str, str], LinkEnds] = {}
    internal: dict[tuple[str, str, str], LinkEnds] = {}
    for index, connection in enumerate(loaded.topology.connections):
        interconnect = loaded.interconnect(connection.interconnect)
        # Providers always agree on IPv4 between themselves, whatever the customer's subnets are.
        versions = tuple(sorted({4, *families(connection)}))
        between = channel_pools(loaded, connection)
        without = [subnet for key in interconnect.providers for subnet in loaded.profiles[key].coordinator.excluded]
        for channel in interconnect.channels:
            channels[connection.name, channel.name] = _link(pools, between, versions, index, without)
        for provider in interconnect.providers:
            inside = loaded.profiles[provider].addressing.internal
            for channel in interconnect.channels:
                key = (connection.name, provider, channel.edges[provider])
                internal[key] = _link(pools, inside, versions, index)
    return AddressPlan(channels, internal)


def _link(
    pools: _Pools, source: LinkPools, versions: tuple[int, ...], connection: int, without: Sequence[Network] = ()
) -> LinkEnds:
    ends = []
    for version in versions:
        pool, length = (source.ipv4, source.ipv4_length) if version == 4 else (source.ipv6, source.ipv6_length)
        apart = [subnet for subnet in without if subnet.version == version]
        ends.append(link_ends(pools.take(pool, length, connection, apart)))
    return tuple(ends)


def _span(subnet: Network) -> tuple[int, int]:
    """Its first and last address."""
    return int(subnet.network_address), int(subnet.broadcast_address)


__all__ = ["AddressPlan", "PoolExhaustedError", "channel_pools", "families", "plan_addresses"]
