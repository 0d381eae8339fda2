"""Guidance: what this provider accepts for a feature on one channel now; and whether a proposal keeps to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xcnet.coordinator.policy.addresses import Address, Network, is_usable, network_at, parse_address, spans
from xcnet.coordinator.policy.limits import HIGHEST_VLAN, LOWEST_VLAN, LinkPolicy, SubnetPolicy, usable_asn
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.spec.connections import (
    ASNRange,
    FeatureGuidance,
    L3BaseConfig,
    L3BaseGuidance,
    MTURange,
    ProviderBgpConfig,
    SubnetGuidance,
    VLANRange,
)
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.resources import AdminState, FeatureType

LONGEST_PASSWORD = 80
"""Bytes of a TCP MD5 password that Linux takes (TCP_MD5SIG_MAXKEYLEN)."""


def guidance(
    policy: LinkPolicy, channel: str, admin_state: AdminState, reservations: Reservations, *, ascending: bool = True
) -> FeatureGuidance:
    """What whoever asks may propose, and what this provider would like to be proposed.

    :param channel: its resource name, in the tree of whoever asks.
    :param ascending: whether whoever asks takes subnets from below: its id sorts before this provider's. The preferred
        subnet is the next free one from there, and so not the one that this provider would propose at the same moment.
    """
    return FeatureGuidance(
        feature_type=FeatureType.L3_BASE,
        channel=channel,
        channel_admin_state=admin_state,
        l3_base_guidance=L3BaseGuidance(
            asn_ranges=[ASNRange(start=low, stop=high) for low, high in policy.asn_ranges],
            ipv4_subnet_guidance=_subnets(policy.ipv4, reservations, ascending),
            ipv6_subnet_guidance=_subnets(policy.ipv6, reservations, ascending),
            ipv4_allowed_subnet_prefix_lengths=list(policy.ipv4.lengths),
            ipv6_allowed_subnet_prefix_lengths=list(policy.ipv6.lengths),
            # Those in use stand among them: the caller knows them as well as the server.
            vlan_ranges=[VLANRange(start=low, stop=high) for low, high in policy.vlan_ranges],
            mtu_ranges=[MTURange(start=policy.mtu[0], stop=policy.mtu[1])],
            max_received_bgp_route_prefixes=policy.max_prefixes,
        ),
    )


def _subnets(policy: SubnetPolicy, reservations: Reservations, ascending: bool) -> list[SubnetGuidance]:
    guided = []
    for include in policy.include:
        preferred = _preferred(policy, include, reservations, ascending)
        guided.append(
            SubnetGuidance(
                include_subnet=str(include),
                exclude_subnets=list(reservations.excluded(include, policy.exclude)),
                preferred_subnet=str(preferred) if preferred is not None else None,
            )
        )
    return guided


def _preferred(policy: SubnetPolicy, include: Network, reservations: Reservations, ascending: bool) -> Network | None:
    """The next free subnet inside a network: of the length most wanted, from where this provider looks first."""
    pools = [include]
    if policy.preferred is not None and policy.preferred.overlaps(include):
        pools.insert(0, max(policy.preferred, include, key=lambda each: each.prefixlen))
    barred = [spans(policy.exclude, include.version)]
    for length in policy.lengths:
        found = reservations.free_subnet(pools, barred, length, ascending=ascending)
        if found is not None:
            return found
    return None


# -- is a proposal in order?


def _refuse(message: str, field: str) -> ApiError:
    return ApiError(Reason.GUIDANCE_NOT_FOLLOWED, message, field=f"featureConfig.l3BaseConfig.{field}")


def _taken(message: str, field: str) -> ApiError:
    return ApiError(Reason.RESERVED, message, field=f"featureConfig.l3BaseConfig.{field}")


def check(
    policy: LinkPolicy, reservations: Reservations, me: str, peer: str, config: L3BaseConfig, channel: str
) -> None:
    """Whether a proposal can be accepted, as a whole.

    What breaks guidance is named before what is taken: to propose it again would not help.

    :param me: this provider's id. :param peer: the proposer's. :param channel: as reservations know it.
    :raises ApiError: 400 where guidance is not kept to, 409 where something is taken.
    """
    if not LOWEST_VLAN <= config.vlan_id <= HIGHEST_VLAN or not any(
        low <= config.vlan_id <= high for low, high in policy.vlan_ranges
    ):
        raise _refuse(f"VLAN {config.vlan_id} is not in the guided ranges", "vlanId")
    if not policy.mtu[0] <= config.mtu_bytes <= policy.mtu[1]:
        raise _refuse(f"MTU {config.mtu_bytes} is not from {policy.mtu[0]} to {policy.mtu[1]}", "mtuBytes")
    password = config.md5_bgp_password.reveal_text()
    if not (1 <= len(password) <= LONGEST_PASSWORD and password.isascii() and password.isprintable()):
        raise _refuse(f"the password is not 1 to {LONGEST_PASSWORD} printable characters", "md5BgpPassword")
    if " " in password:
        raise _refuse("the password has a space, which routers do not take", "md5BgpPassword")
    ipv4 = _subnet(policy.ipv4, 4, config.ipv4_subnet, config.ipv4_subnet_prefix_length)
    if ipv4 is None:
        raise _refuse("the IPv4 subnet is missing", "ipv4Subnet")
    ipv6 = _subnet(policy.ipv6, 6, config.ipv6_subnet, config.ipv6_subnet_prefix_length)
    _check_providers(me, peer, config.provider_bgp_configs)
    _check_asns(policy, me, config.provider_bgp_configs)
    _check_hosts("hostIpv4", ipv4, [each.host_ipv4 for each in config.provider_bgp_configs])
    _check_hosts("hostIpv6", ipv6, [each.host_ipv6 for each in config.provider_bgp_configs])
    if reservations.vlan_taken(channel, config.vlan_id):
        raise _taken(f"VLAN {config.vlan_id} is in use on {channel}", "vlanId")
    for network in (ipv4, ipv6):
        if network is not None and reservations.subnet_taken(network):
            raise _taken(f"{network}, or part of it, is in use", f"ipv{network.version}Subnet")


def _subnet(policy: SubnetPolicy, version: int, text: str | None, length: int | None) -> Network | None:
    field, length_field = f"ipv{version}Subnet", f"ipv{version}SubnetPrefixLength"
    if text is None and length is None:
        return None
    if text is None or length is None:
        raise _refuse(
            "a subnet has an address and a prefix length: one is missing", field if text is None else length_field
        )
    if not policy.include:
        raise _refuse(f"there is no IPv{version} here", field)
    if length not in policy.lengths:
        raise _refuse(f"/{length} is none of the allowed lengths", length_field)
    try:
        address = parse_address(text, version)
    except ValueError:
        raise _refuse(f"this is no IPv{version} address", field) from None
    network = network_at(version, int(address), length)
    if network.network_address != address:
        raise _refuse(f"there are bits set beyond the prefix length: the network is {network}", field)
    if not any(_inside(network, each) for each in policy.include):
        raise _refuse(f"{network} is in none of the guided subnets", field)
    if any(network.overlaps(each) for each in policy.exclude):
        raise _refuse(f"{network} is excluded", field)
    return network


def _inside(network: Network, other: Any) -> bool:
    """Both are of one version, which the types do not say."""
    return bool(network.subnet_of(other))


def _check_providers(me: str, peer: str, ends: Sequence[ProviderBgpConfig]) -> None:
    wanted = sorted((f"providers/{me}", f"providers/{peer}"))
    if sorted(each.provider for each in ends) != wanted:
        raise _refuse(f"they must be one of {wanted[0]} and one of {wanted[1]}", "providerBgpConfigs")


def _check_asns(policy: LinkPolicy, me: str, ends: Sequence[ProviderBgpConfig]) -> None:
    for index, end in enumerate(ends):
        field = f"providerBgpConfigs[{index}].asn"
        if not usable_asn(end.asn):
            raise _refuse(f"no router can have AS number {end.asn}", field)
        if end.provider == f"providers/{me}" and not any(low <= end.asn <= high for low, high in policy.asn_ranges):
            raise _refuse(f"AS {end.asn} is not in the guided ranges", field)
    if ends[0].asn == ends[1].asn:
        raise _refuse(f"both ends have AS number {ends[0].asn}", "providerBgpConfigs")


def _check_hosts(name: str, network: Network | None, hosts: Sequence[str | None]) -> None:
    """:param network: None where the feature has none of this family: then it has no hosts either."""
    found: list[Address] = []
    for index, text in enumerate(hosts):
        field = f"providerBgpConfigs[{index}].{name}"
        if network is None:
            if text is not None:
                raise _refuse("there is an address, and no subnet that it could be in", field)
            continue
        if text is None:
            raise _refuse(f"it has no address in {network}", field)
        try:
            address = parse_address(text, network.version)
        except ValueError:
            raise _refuse(f"this is no IPv{network.version} address", field) from None
        if not is_usable(network, address):
            raise _refuse(f"{address} can not be a host in {network}", field)
        if address in found:
            raise _refuse(f"both ends have the address {address}", field)
        found.append(address)


__all__ = ["LONGEST_PASSWORD", "check", "guidance"]
