"""Addresses within one subnet: the two ends of a link, and the address that a gateway answers with."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_interface,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Interface = IPv4Interface | IPv6Interface
LinkEnds = tuple[tuple[Interface, Interface], ...]
"""For each address family in use: the address of either end."""


def link_ends(subnet: Network) -> tuple[Interface, Interface]:
    """The first two addresses of a subnet of two or more."""
    # RFC 3021 and RFC 6164: on a link of two addresses there is no network address to leave out.
    offset = 0 if subnet.prefixlen == subnet.max_prefixlen - 1 else 1
    first, second = (subnet.network_address + offset, subnet.network_address + offset + 1)
    return ip_interface((first, subnet.prefixlen)), ip_interface((second, subnet.prefixlen))


def first_address(subnet: Network) -> Address:
    """The first address of a subnet that a router may have; of a subnet of one address, that one."""
    return subnet.network_address if subnet.prefixlen == subnet.max_prefixlen else link_ends(subnet)[0].ip


__all__ = ["Address", "Interface", "LinkEnds", "Network", "first_address", "link_ends"]
