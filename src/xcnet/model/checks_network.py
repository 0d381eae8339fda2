"""Checks that need the profiles: ciphers, MTUs, subnets that would share a routing table, pools that are large enough."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from xcnet.model import naming
from xcnet.model.addressing import PoolExhaustedError, channel_pools, families, plan_addresses
from xcnet.model.negotiate import FOREIGN_SUITE, accepted_suites, channel_suite, connection_mtu, foreign_sides
from xcnet.model.problems import Path, Problem
from xcnet.model.subnets import Network
from xcnet.model.topology import LoadedTopology, TopologyChannel, TopologyConnection


def check_network(loaded: LoadedTopology) -> list[Problem]:
    """Everything wrong with a topology whose names are right."""
    found = [*_gateways(loaded), *_asns(loaded), *_channels(loaded)]
    for index, connection in enumerate(loaded.topology.connections):
        found += [*_mtu(loaded, index, connection), *_subnets(loaded, index, connection)]
    return found or list(_pools(loaded))


def _gateways(loaded: LoadedTopology) -> Iterator[Problem]:
    """The gateway's name comes from the profile where the topology gives none."""
    facilities = set(loaded.topology.facilities)
    hosts = {
        naming.host_node(key, side.host)
        for connection in loaded.topology.connections
        for key, side in connection.sides.items()
        if side.host
    }
    for key, provider in loaded.topology.providers.items():
        gateway = loaded.gateway(key)
        for kind, nodes in (
            ("an edge", {naming.edge_node(key, edge) for edge in provider.edges}),
            ("a facility", facilities),
            ("a host", hosts),
            ("a coordinator", {naming.coordinator_node(other) for other in loaded.topology.providers}),
        ):
            if gateway in nodes:
                cause = f"the gateway and {kind} would both be node '{gateway}'"
                yield Problem(("providers", key, "gateway"), cause, "rename one of them")


def _asns(loaded: LoadedTopology) -> Iterator[Problem]:
    for index, interconnect in enumerate(loaded.topology.interconnects):
        first, second = interconnect.providers
        if loaded.profiles[first].asn == loaded.profiles[second].asn:
            asn = loaded.profiles[first].asn
            yield Problem(
                ("interconnects", index, "providers"),
                f"'{first}' and '{second}' have the same AS number, {asn}: they would reject each other's routes",
                f"give one another: providers.{second}.overrides.asn",
            )


def _channels(loaded: LoadedTopology) -> Iterator[Problem]:
    for i, interconnect in enumerate(loaded.topology.interconnects):
        accepted = accepted_suites(interconnect, loaded.profiles)
        if not accepted and not all(foreign_sides(channel) for channel in interconnect.channels):
            first, second = interconnect.providers
            yield Problem(
                ("interconnects", i, "providers"),
                f"the profiles of '{first}' and '{second}' have no cipher suite in common",
                f"add one: providers.{second}.overrides.macsec.cipher_suites",
            )
            continue
        words = ", ".join(accepted)
        for c, channel in enumerate(interconnect.channels):
            here: Path = ("interconnects", i, "channels", c)
            foreign = foreign_sides(channel)
            if foreign and channel.cipher not in (None, FOREIGN_SUITE):
                yield Problem(
                    (*here, "cipher"),
                    f"wpa_supplicant on the side of '{foreign[0]}' agrees on {FOREIGN_SUITE} only, not {channel.cipher}",
                    f"leave cipher out, or write {FOREIGN_SUITE}",
                )
            elif channel_suite(interconnect, channel, loaded.profiles) is None:
                yield Problem(
                    (*here, "cipher"),
                    f"{channel.cipher} is not accepted by both profiles",
                    f"accepted by both: {words}; a provider's overrides.macsec.cipher_suites changes that",
                )
            else:
                yield from _key(loaded, i, channel, here)


def _key(loaded: LoadedTopology, index: int, channel: TopologyChannel, here: Path) -> Iterator[Problem]:
    suite = channel_suite(loaded.topology.interconnects[index], channel, loaded.profiles)
    if suite is not None and channel.key is not None and len(channel.key.cak) != suite.key_length:
        yield Problem(
            (*here, "key", "cak"),
            f"the CAK has {len(channel.key.cak) * 8} bits, {suite} wants {suite.key_length * 8}",
            f"write {suite.key_length * 2} hexadecimal digits",
        )


def _mtu(loaded: LoadedTopology, index: int, connection: TopologyConnection) -> Iterator[Problem]:
    named = False
    for provider, side in connection.sides.items():
        limits = loaded.profiles[provider].mtu
        if side.mtu is not None and not limits.minimum <= side.mtu <= limits.maximum:
            named = True
            yield Problem(
                ("connections", index, "sides", provider, "mtu"),
                f"{loaded.profiles[provider].display_name} does not accept an MTU of {side.mtu}",
                f"write {limits.minimum} to {limits.maximum}, or leave mtu out",
            )
    lowest, highest = connection_mtu(connection, loaded.profiles)
    if lowest > highest and not named:
        yield Problem(
            ("connections", index, "sides"),
            f"the sides have no MTU in common: one takes at most {highest}, the other at least {lowest}",
            "change a side's mtu, or a provider's overrides.mtu",
        )


def _subnets(loaded: LoadedTopology, index: int, connection: TopologyConnection) -> Iterator[Problem]:
    here: Path = ("connections", index)
    if not families(connection):
        yield Problem(
            (*here, "sides"),
            "one side has IPv4 alone and the other IPv6 alone: nothing can pass",
            "give both sides a subnet of the same family",
        )
        return
    try:
        between = channel_pools(loaded, connection)
    except ValidationError as error:
        context = error.errors()[0].get("ctx", {})
        yield Problem((*here, "addressing"), str(context.get("cause", "")), str(context.get("remedy", "")))
        return
    taken: list[tuple[Network, str]] = [
        (pool, "the addresses of the channels") for pool in (between.ipv4, between.ipv6)
    ]
    for provider in connection.sides:
        inside = loaded.profiles[provider].addressing.internal
        taken += [(pool, f"the internal addresses of '{provider}'") for pool in (inside.ipv4, inside.ipv6)]
    for field, pool in (("ipv4", connection.addressing.ipv4), ("ipv6", connection.addressing.ipv6)):
        if pool is not None and not _is_unicast(pool):
            cause = f"{pool} holds no addresses that routers could have"
            yield Problem((*here, "addressing", field), cause, "write a pool of unicast or link-local addresses")
    for provider, side in connection.sides.items():
        for field, subnet in (("ipv4", side.ipv4), ("ipv6", side.ipv6)):
            if subnet is not None:
                yield from _subnet((*here, "sides", provider, field), subnet, taken, host=side.host is not None)
                taken.append((subnet, f"the subnet of '{provider}'"))


def _subnet(path: Path, subnet: Network, taken: list[tuple[Network, str]], *, host: bool) -> Iterator[Problem]:
    """The first thing wrong with a customer's subnet."""
    overlapping = (item for item in taken if item[0].version == subnet.version and item[0].overlaps(subnet))
    if not _is_unicast(subnet) or subnet.is_link_local:
        private = "10.10.0.0/24" if subnet.version == 4 else "fd00:10:10::/64"
        yield Problem(path, f"{subnet} cannot be a customer's subnet", f"write a unicast one, e.g. {private}")
    elif host and subnet.prefixlen == subnet.max_prefixlen:
        yield Problem(
            path, f"{subnet} has no room for a gateway and a host", f"write a /{subnet.prefixlen - 1} or larger"
        )
    else:
        for other, what in overlapping:
            yield Problem(
                path,
                f"{subnet} overlaps {what} ({other}): one routing table cannot hold both",
                "choose a subnet apart from it",
            )


def _is_unicast(subnet: Network) -> bool:
    return not (subnet.prefixlen == 0 or subnet.is_multicast or subnet.is_loopback or subnet.is_unspecified)


def _pools(loaded: LoadedTopology) -> Iterator[Problem]:
    try:
        plan_addresses(loaded)
    except PoolExhaustedError as error:
        yield Problem(
            ("connections", error.connection),
            f"{error} for this connection's links",
            "give the connection (addressing) or the provider (overrides.addressing) a larger pool",
        )


def warnings(loaded: LoadedTopology) -> tuple[str, ...]:
    """What is allowed but probably not meant."""
    topology = loaded.topology
    found = []
    used_facilities = set()
    used_edges = set()
    for interconnect in topology.interconnects:
        buildings = {channel.facility for channel in interconnect.channels}
        used_facilities |= buildings
        used_edges |= {(p, edge) for channel in interconnect.channels for p, edge in channel.edges.items()}
        if len(buildings) == 1:
            found.append(
                f"interconnect '{interconnect.name}' runs through one facility ({buildings.pop()}): "
                "losing that building loses every channel"
            )
    found += [f"facility '{name}' has no channel" for name in topology.facilities if name not in used_facilities]
    found += [
        f"edge '{naming.edge_node(key, edge)}' has no channel"
        for key, provider in topology.providers.items()
        for edge in provider.edges
        if (key, edge) not in used_edges
    ]
    fast = topology.timers == "fast"
    found += [
        f"'{key}' has graceful restart and BFD: BFD shares the router's fate and ends the session first"
        for key, profile in loaded.profiles.items()
        if profile.graceful_restart.enabled and profile.external(fast=fast).bfd
    ]
    for connection in topology.connections:
        shared = families(connection)
        for version in (4, 6):
            sides = [key for key, side in connection.sides.items() if (side.ipv4 if version == 4 else side.ipv6)]
            if sides and version not in shared:
                found.append(f"connection '{connection.name}' has IPv{version} at '{sides[0]}' alone: it is left out")
    if not topology.connections:
        found.append("there is no connection: the channels are encrypted, but nothing is routed over them")
    return tuple(found)


__all__ = ["check_network", "warnings"]
