"""Addresses and subnets: as integers, as text, and which of a channel's subnet its two ends can have."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from socket import AF_INET, AF_INET6, inet_pton
from typing import Literal

from netaddr import IPAddress, iprange_to_cidrs

from xcnet.coordinator.policy.spans import Spans
from xcnet.spec.connections import L3BaseConfig

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

BITS = {4: 32, 6: 128}

UNUSABLE: tuple[Network, ...] = (
    IPv4Network("0.0.0.0/8"),
    IPv4Network("127.0.0.0/8"),
    IPv4Network("224.0.0.0/3"),
    IPv6Network("::/8"),
    IPv6Network("fe80::/10"),
    IPv6Network("ff00::/8"),
)
"""What no router's link can be numbered from: this host, loopback, multicast, reserved, mapped; and, as they mean nothing
without an interface, IPv6 link-local addresses."""


def parse_span(text: str) -> tuple[int, int, int]:
    """The version, the first and the last address of a network: an address, a slash and a length.

    Bits beyond the length are passed over; an address alone is a network of one. Addresses are read by the system: quicker
    than ``ipaddress`` does, and without zones (``fd00::1%eth0``), which may hold anything and would go on into a router's
    configuration.

    :raises ValueError: it is none.
    """
    address, slash, length = text.partition("/")
    version, family = (6, AF_INET6) if ":" in address else (4, AF_INET)
    bits = BITS[version]
    if slash and not (length.isascii() and length.isdigit() and int(length) <= bits):
        raise ValueError("no prefix length")
    try:
        value = int.from_bytes(inet_pton(family, address), "big")
    except (OSError, UnicodeError):
        raise ValueError("no address") from None
    hosts = (1 << bits - int(length)) - 1 if slash else 0
    return version, value & ~hosts, value | hosts


def parse_network(text: str) -> Network:
    """A network as a peer writes it; see :func:`parse_span`. :raises ValueError: it is none."""
    version, first, last = parse_span(text)
    return network_at(version, first, BITS[version] - (last - first).bit_length())


def network_at(version: int, address: int, length: int) -> Network:
    """The network of that length which an address is in."""
    host_bits = BITS[version] - length
    first = address >> host_bits << host_bits
    # Of an integer alone, ip_network would think that it is an IPv4 address wherever it is small enough.
    return IPv4Network((first, length)) if version == 4 else IPv6Network((first, length))


def parse_address(text: str, version: int) -> Address:
    """:raises ValueError: no address of that version, or one with a zone."""
    try:
        raw = inet_pton(AF_INET if version == 4 else AF_INET6, text)
    except (OSError, UnicodeError, ValueError):
        raise ValueError("no address") from None
    return IPv4Address(raw) if version == 4 else IPv6Address(raw)


def span(network: Network) -> tuple[int, int]:
    """A network's first and last address."""
    first = int(network.network_address)
    return first, first | int(network.hostmask)


def spans(networks: Iterable[Network], version: int) -> Spans:
    """The addresses of those of them that are of one version."""
    return Spans(span(each) for each in networks if each.version == version)


@lru_cache(maxsize=65_536)
def cidrs(version: int, first: int, last: int) -> tuple[str, ...]:
    """A range of addresses as the fewest prefixes."""
    size = last - first + 1
    if size & size - 1 == 0 and first % size == 0:
        # Most often it is one already; the library takes five times as long to find that out.
        return (str(network_at(version, first, BITS[version] + 1 - size.bit_length())),)
    kind: Literal[4, 6] = 4 if version == 4 else 6
    return tuple(str(each) for each in iprange_to_cidrs(IPAddress(first, kind), IPAddress(last, kind)))


def usable(network: Network) -> tuple[Address, Address]:
    """The first two addresses that hosts can have. In a subnet of two, both are (RFC 3021, RFC 6164)."""
    offset = 0 if network.prefixlen == network.max_prefixlen - 1 else 1
    first = network.network_address + offset
    return first, first + 1


def is_usable(network: Network, address: Address) -> bool:
    """Whether a host can have it: inside, and neither the network's own nor the broadcast address.

    IPv6 knows no broadcast; its network's own address is the routers' anycast address (RFC 4291, 2.6.1).
    """
    if address.version != network.version or address not in network:
        return False
    if network.prefixlen >= network.max_prefixlen - 1:
        return True
    if address == network.network_address:
        return False
    return not (network.version == 4 and address == network.broadcast_address)


def canonical(config: L3BaseConfig) -> L3BaseConfig:
    """The same configuration with its addresses written as routers report them (RFC 5952): ``fd00::1``, not ``FD00:0::1``.

    :param config: one that :func:`xcnet.coordinator.policy.guidance.check` has accepted.
    """
    ends = [
        end.model_copy(
            update={
                "host_ipv4": _canonical(end.host_ipv4, 4),
                "host_ipv6": _canonical(end.host_ipv6, 6),
            }
        )
        for end in config.provider_bgp_configs
    ]
    return config.model_copy(
        update={
            "ipv4_subnet": _canonical(config.ipv4_subnet, 4),
            "ipv6_subnet": _canonical(config.ipv6_subnet, 6),
            "provider_bgp_configs": ends,
        }
    )


def _canonical(text: str | None, version: int) -> str | None:
    return None if text is None else str(parse_address(text, version))


__all__ = [
    "BITS",
    "UNUSABLE",
    "Address",
    "Network",
    "canonical",
    "cidrs",
    "is_usable",
    "network_at",
    "parse_address",
    "parse_network",
    "parse_span",
    "span",
    "spans",
    "usable",
]
