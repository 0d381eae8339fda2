"""Addresses of a lab's point-to-point links: taken from pools in order, never twice, never out of a customer's subnet."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_interface

from xcnet.model.profile import LinkPools
from xcnet.model.topology import LoadedTopology, TopologyConnection

Network = IPv4Network | IPv6Network
Interface = IPv4Interface | IPv6Interface
LinkEnds = tuple[tuple[Interface, Interface], ...]
"""For each address family in use: the address of either end."""


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

    def take(self, pool: Network, length: int, connection: int) -> Network:
        bits = pool.max_prefixlen - length
        first = int(pool.network_address)
        step = self._next.get((pool, length), 0)
        while step < 1 << (length - pool.prefixlen):
            start = first + (step << bits)
            end = start + (1 << bits) - 1
            clash = next((last for begin, last in self._taken[pool.version] if begin <= end and start <= last), None)
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
        versions = families(connection)
        between = channel_pools(loaded, connection)
        for channel in interconnect.channels:
            channels[connection.name, channel.name] = _link(pools, between, versions, index)
        for provider in interconnect.providers:
            inside = loaded.profiles[provider].addressing.internal
            for channel in interconnect.channels:
                key = (connection.name, provider, channel.edges[provider])
                internal[key] = _link(pools, inside, versions, index)
    return AddressPlan(channels, internal)


def _link(pools: _Pools, source: LinkPools, versions: tuple[int, ...], connection: int) -> LinkEnds:
    ends = []
    for version in versions:
        pool, length = (source.ipv4, source.ipv4_length) if version == 4 else (source.ipv6, source.ipv6_length)
        ends.append(_ends(pools.take(pool, length, connection)))
    return tuple(ends)


def _ends(subnet: Network) -> tuple[Interface, Interface]:
    # RFC 3021 and RFC 6164: on a link of two addresses there is no network address to leave out.
    offset = 0 if subnet.prefixlen == subnet.max_prefixlen - 1 else 1
    first, second = (subnet.network_address + offset, subnet.network_address + offset + 1)
    return ip_interface((first, subnet.prefixlen)), ip_interface((second, subnet.prefixlen))


def customer_ends(subnet: Network) -> tuple[Interface, Interface]:
    """(gateway, host) in a customer's subnet: its first two addresses."""
    return _ends(subnet)


__all__ = [
    "AddressPlan",
    "Interface",
    "LinkEnds",
    "Network",
    "PoolExhaustedError",
    "channel_pools",
    "customer_ends",
    "families",
    "plan_addresses",
]
