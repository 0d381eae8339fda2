"""What one provider accepts for features, from its profile: the bounds of all guidance."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network
from itertools import combinations
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xcnet.coordinator.policy.addresses import UNUSABLE

LOWEST_VLAN, HIGHEST_VLAN = 1025, 4094
"""VLANs at and below 1024 are reserved by the protocol, 4095 by IEEE 802.1Q."""

LOWEST_MTU = 1280
"""Below it there is no IPv6 (RFC 8200, 5)."""

_NO_ASN = frozenset({0, 23456, 65535, 4294967295})
"""RFC 7607, RFC 6793 (AS_TRANS), RFC 7300: no BGP speaker can have these."""

Range = tuple[int, int]
"""The first and the last, both included."""


def usable_asn(asn: int) -> bool:
    """Whether a BGP speaker can have this AS number."""
    return 1 <= asn < 4294967295 and asn not in _NO_ASN


class SubnetPolicy(BaseModel):
    """Where a channel's subnets may lie; all of one address family.

    :param include: anywhere in these; empty where the provider does not have the family at all.
    :param exclude: but in none of these.
    :param preferred: where this provider looks first.
    :param lengths: prefix lengths, the most wanted first.
    """

    model_config = ConfigDict(frozen=True)

    include: tuple[IPv4Network | IPv6Network, ...]
    exclude: tuple[IPv4Network | IPv6Network, ...] = ()
    preferred: IPv4Network | IPv6Network | None = None
    lengths: tuple[int, ...]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        named = [*self.include, *self.exclude, *([] if self.preferred is None else [self.preferred])]
        if len({each.version for each in named}) > 1:
            raise ValueError("the networks are of two address families")
        if bool(self.include) != bool(self.lengths):
            raise ValueError("networks to take subnets from, and allowed prefix lengths, go together")
        for one, other in combinations(self.include, 2):
            if one.overlaps(other):
                raise ValueError(f"{one} and {other} overlap")
        for each in self.include:
            for never in UNUSABLE:
                if each.version == never.version and each.overlaps(never):
                    raise ValueError(f"{each} has addresses that no link can be numbered from ({never})")
            if not all(8 <= length < each.max_prefixlen for length in self.lengths):
                raise ValueError(f"a subnet for two routers has a prefix length from 8 to {each.max_prefixlen - 1}")
        return self


class LinkPolicy(BaseModel):
    """What a provider accepts on a channel.

    :param asn: its own, which it proposes for its side.
    :param asn_ranges: what it lets the peer choose from for this provider's side.
    :param mtu: bytes of the IP packet, the smallest and the largest.
    :param max_prefixes: routes that it takes from the peer.
    """

    model_config = ConfigDict(frozen=True)

    asn: int
    asn_ranges: tuple[Range, ...]
    vlan_ranges: tuple[Range, ...] = ((LOWEST_VLAN, HIGHEST_VLAN),)
    mtu: Range
    ipv4: SubnetPolicy
    ipv6: SubnetPolicy
    max_prefixes: Annotated[int, Field(ge=1)]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if not usable_asn(self.asn):
            raise ValueError(f"no router can have AS number {self.asn}")
        _ranges("AS numbers", self.asn_ranges, 0, 4294967295)
        _ranges("VLANs", self.vlan_ranges, LOWEST_VLAN, HIGHEST_VLAN)
        _ranges("MTUs", (self.mtu,), LOWEST_MTU, 65535)
        if not self.ipv4.include:
            raise ValueError("every feature has an IPv4 subnet, and there is nothing to take it from")
        for version, policy in ((4, self.ipv4), (6, self.ipv6)):
            if any(each.version != version for each in policy.include):
                raise ValueError(f"networks of the other family stand among those of IPv{version}")
        return self


def _ranges(what: str, ranges: tuple[Range, ...], lowest: int, highest: int) -> None:
    if not ranges:
        raise ValueError(f"there are no {what}")
    for first, last in ranges:
        if not lowest <= first <= last <= highest:
            raise ValueError(f"{first} to {last} is no range of {what} from {lowest} to {highest}")


__all__ = ["HIGHEST_VLAN", "LOWEST_MTU", "LOWEST_VLAN", "LinkPolicy", "Range", "SubnetPolicy", "usable_asn"]
