"""A proposal is taken or refused as a whole: both sides of every border."""

from __future__ import annotations

from typing import Any

import pytest
from policy_world import AWS, CHANNEL, NO_IPV6, PREFIX, config, ends, policy, refused, subnets

from xcnet.coordinator.policy.addresses import canonical
from xcnet.coordinator.policy.guidance import check
from xcnet.coordinator.policy.limits import LinkPolicy
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.spec.connections import L3BaseConfig
from xcnet.spec.errors import ApiError, Reason


def _check(made: L3BaseConfig, by: LinkPolicy = AWS, held: Reservations | None = None) -> None:
    check(by, held or Reservations(), "aws", "gcp", made, CHANNEL)


def _v4(subnet: str, length: int, aws: str, gcp: str) -> dict[str, Any]:
    return {
        "ipv4_subnet": subnet,
        "ipv4_subnet_prefix_length": length,
        "provider_bgp_configs": ends({"host_ipv4": aws}, {"host_ipv4": gcp}),
    }


def _v6(subnet: str, length: int, aws: str, gcp: str) -> dict[str, Any]:
    return {
        "ipv6_subnet": subnet,
        "ipv6_subnet_prefix_length": length,
        "provider_bgp_configs": ends({"host_ipv6": aws}, {"host_ipv6": gcp}),
    }


_V4_ONLY = {
    "ipv6_subnet": None,
    "ipv6_subnet_prefix_length": None,
    "provider_bgp_configs": ends({"host_ipv6": None}, {"host_ipv6": None}),
}

ACCEPTED: dict[str, dict[str, Any]] = {
    "as it stands": {},
    "the lowest VLAN": {"vlan_id": 1100},
    "the highest VLAN": {"vlan_id": 1200},
    "a VLAN of another range": {"vlan_id": 2000},
    "the smallest MTU": {"mtu_bytes": 1500},
    "the largest MTU": {"mtu_bytes": 8500},
    "a password of one character": {"md5_bgp_password": "x"},
    "a password of 80 characters": {"md5_bgp_password": "x" * 80},
    "a password of signs": {"md5_bgp_password": "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"},
    "IPv4 alone": _V4_ONLY,
    "the network's first subnet": _v4("169.254.0.0", 30, "169.254.0.1", "169.254.0.2"),
    "the network's last subnet": _v4("169.254.255.252", 30, "169.254.255.253", "169.254.255.254"),
    "right before what is excluded": _v4("169.254.168.252", 30, "169.254.168.253", "169.254.168.254"),
    "right after what is excluded": _v4("169.254.170.0", 30, "169.254.170.1", "169.254.170.2"),
    "hosts the other way round": _v4("169.254.8.0", 30, "169.254.8.2", "169.254.8.1"),
    "any hosts of a /29": _v4("169.254.8.0", 29, "169.254.8.6", "169.254.8.1"),
    "both addresses of a /31": _v4("169.254.8.0", 31, "169.254.8.0", "169.254.8.1"),
    "both addresses of a /127": _v6("fd00:169:254::8", 127, "fd00:169:254::8", "fd00:169:254::9"),
    "the last address of a /126": _v6("fd00:169:254::8", 126, "fd00:169:254::b", "fd00:169:254::9"),
    "other spellings of IPv6": _v6("FD00:0169:0254:0::8", 126, "fd00:169:254:0:0:0:0:A", "fd00:169:254::9"),
    "the ends in any order": {"provider_bgp_configs": ends()[::-1]},
    "any AS number of the peer": {"provider_bgp_configs": ends(gcp={"asn": 4200000000})},
}


@pytest.mark.parametrize("changed", ACCEPTED.values(), ids=ACCEPTED)
def test_what_keeps_to_guidance_is_accepted(changed: dict[str, Any]) -> None:
    _check(config(**changed))


_BGP = "providerBgpConfigs"
_FIRST, _SECOND = f"{_BGP}[0].", f"{_BGP}[1]."

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "VLAN 1024": ({"vlan_id": 1024}, "vlanId"),
    "VLAN 0": ({"vlan_id": 0}, "vlanId"),
    "VLAN -1": ({"vlan_id": -1}, "vlanId"),
    "VLAN 4095": ({"vlan_id": 4095}, "vlanId"),
    "a VLAN right below": ({"vlan_id": 1099}, "vlanId"),
    "a VLAN right above": ({"vlan_id": 1201}, "vlanId"),
    "a VLAN between two ranges": ({"vlan_id": 1999}, "vlanId"),
    "too small an MTU": ({"mtu_bytes": 1499}, "mtuBytes"),
    "too large an MTU": ({"mtu_bytes": 8501}, "mtuBytes"),
    "no password": ({"md5_bgp_password": ""}, "md5BgpPassword"),
    "a password of 81 characters": ({"md5_bgp_password": "x" * 81}, "md5BgpPassword"),
    "a password with a line break": ({"md5_bgp_password": "a\nb"}, "md5BgpPassword"),
    "a password with a delete": ({"md5_bgp_password": "a\x7fb"}, "md5BgpPassword"),
    "a password with an umlaut": ({"md5_bgp_password": "schlüssel"}, "md5BgpPassword"),
    "a password with a space": ({"md5_bgp_password": "a b"}, "md5BgpPassword"),
    "no IPv4 at all": ({"ipv4_subnet": None, "ipv4_subnet_prefix_length": None}, "ipv4Subnet"),
    "IPv4 without a length": ({"ipv4_subnet_prefix_length": None}, "ipv4SubnetPrefixLength"),
    "IPv4 without a subnet": ({"ipv4_subnet": None}, "ipv4Subnet"),
    "IPv6 without a length": ({"ipv6_subnet_prefix_length": None}, "ipv6SubnetPrefixLength"),
    "IPv6 without a subnet": ({"ipv6_subnet": None}, "ipv6Subnet"),
    "an empty IPv6 subnet": ({"ipv6_subnet": ""}, "ipv6Subnet"),
    "a shorter length": ({"ipv4_subnet_prefix_length": 28}, "ipv4SubnetPrefixLength"),
    "a longer length": ({"ipv4_subnet_prefix_length": 32}, "ipv4SubnetPrefixLength"),
    "a negative length": ({"ipv4_subnet_prefix_length": -1}, "ipv4SubnetPrefixLength"),
    "an IPv6 length that is not allowed": ({"ipv6_subnet_prefix_length": 125}, "ipv6SubnetPrefixLength"),
    "bits beyond the length": (_v4("169.254.8.4", 29, "169.254.8.5", "169.254.8.6"), "ipv4Subnet"),
    "IPv6 bits beyond the length": ({"ipv6_subnet": "fd00:169:254::9"}, "ipv6Subnet"),
    "below the network": (_v4("169.253.255.252", 30, "169.253.255.253", "169.253.255.254"), "ipv4Subnet"),
    "above the network": (_v4("169.255.0.0", 30, "169.255.0.1", "169.255.0.2"), "ipv4Subnet"),
    "the first that is excluded": (_v4("169.254.169.0", 30, "169.254.169.1", "169.254.169.2"), "ipv4Subnet"),
    "the last that is excluded": (_v4("169.254.169.252", 30, "169.254.169.253", "169.254.169.254"), "ipv4Subnet"),
    "text in place of a subnet": ({"ipv4_subnet": "anything"}, "ipv4Subnet"),
    "a subnet with its length": ({"ipv4_subnet": "169.254.8.0/30"}, "ipv4Subnet"),
    "a subnet with a null character": ({"ipv4_subnet": "169.254.8.0\0"}, "ipv4Subnet"),
    "IPv6 in place of IPv4": ({"ipv4_subnet": "fd00:169:254::8"}, "ipv4Subnet"),
    "IPv4 in place of IPv6": ({"ipv6_subnet": "169.254.8.0"}, "ipv6Subnet"),
    "a subnet with a zone": ({"ipv6_subnet": "fd00:169:254::8%eth0"}, "ipv6Subnet"),
    "no ends": ({"provider_bgp_configs": []}, _BGP),
    "one end": ({"provider_bgp_configs": ends()[:1]}, _BGP),
    "three ends": ({"provider_bgp_configs": [*ends(), ends()[0]]}, _BGP),
    "one end twice": ({"provider_bgp_configs": [ends()[0], ends()[0]]}, _BGP),
    "a provider that is not here": ({"provider_bgp_configs": ends(gcp={"provider": "providers/azure"})}, _BGP),
    "a provider by its id": ({"provider_bgp_configs": ends(gcp={"provider": "gcp"})}, _BGP),
    "our AS number from below": ({"provider_bgp_configs": ends({"asn": 64511})}, _FIRST + "asn"),
    "our AS number from above": ({"provider_bgp_configs": ends({"asn": 64513})}, _FIRST + "asn"),
    "AS 0": ({"provider_bgp_configs": ends(gcp={"asn": 0})}, _SECOND + "asn"),
    "AS_TRANS": ({"provider_bgp_configs": ends(gcp={"asn": 23456})}, _SECOND + "asn"),
    "the last AS": ({"provider_bgp_configs": ends(gcp={"asn": 4294967295})}, _SECOND + "asn"),
    "the same AS twice": ({"provider_bgp_configs": ends(gcp={"asn": 64512})}, _BGP),
    "no IPv4 address": ({"provider_bgp_configs": ends(gcp={"host_ipv4": None})}, _SECOND + "hostIpv4"),
    "an empty IPv4 address": ({"provider_bgp_configs": ends({"host_ipv4": ""})}, _FIRST + "hostIpv4"),
    "no IPv6 address": ({"provider_bgp_configs": ends({"host_ipv6": None})}, _FIRST + "hostIpv6"),
    "an IPv6 address without a subnet": (
        {"ipv6_subnet": None, "ipv6_subnet_prefix_length": None, "provider_bgp_configs": ends(gcp={"host_ipv6": None})},
        _FIRST + "hostIpv6",
    ),
    "the network's own address": (_v4("169.254.8.0", 30, "169.254.8.0", "169.254.8.2"), _FIRST + "hostIpv4"),
    "the broadcast address": (_v4("169.254.8.0", 30, "169.254.8.1", "169.254.8.3"), _SECOND + "hostIpv4"),
    "the IPv6 network's own address": (
        _v6("fd00:169:254::8", 126, "fd00:169:254::8", "fd00:169:254::9"),
        _FIRST + "hostIpv6",
    ),
    "the address below": (_v4("169.254.8.0", 31, "169.254.7.255", "169.254.8.1"), _FIRST + "hostIpv4"),
    "the address above": (_v4("169.254.8.0", 31, "169.254.8.0", "169.254.8.2"), _SECOND + "hostIpv4"),
    "the same address twice": (_v4("169.254.8.0", 30, "169.254.8.1", "169.254.8.1"), _SECOND + "hostIpv4"),
    "the same IPv6 address in two spellings": (
        _v6("fd00:169:254::8", 126, "fd00:169:254::9", "fd00:169:254:0::9"),
        _SECOND + "hostIpv6",
    ),
    "an address with a length": ({"provider_bgp_configs": ends({"host_ipv4": "169.254.8.1/30"})}, _FIRST + "hostIpv4"),
    "an address with a zone": (
        {"provider_bgp_configs": ends({"host_ipv6": "fd00:169:254::9%\n shutdown"})},
        _FIRST + "hostIpv6",
    ),
    "an address of the other family": (
        {"provider_bgp_configs": ends({"host_ipv4": "fd00:169:254::9"})},
        _FIRST + "hostIpv4",
    ),
}


@pytest.mark.parametrize(("changed", "field"), REFUSED.values(), ids=REFUSED)
def test_what_does_not_keep_to_guidance_is_refused_and_its_field_named(changed: dict[str, Any], field: str) -> None:
    with refused(Reason.GUIDANCE_NOT_FOLLOWED, PREFIX + field):
        _check(config(**changed))


def test_a_provider_without_ipv6_refuses_it() -> None:
    by = policy(ipv6=NO_IPV6)
    _check(config(**_V4_ONLY), by)
    with refused(Reason.GUIDANCE_NOT_FOLLOWED, PREFIX + "ipv6Subnet", "no IPv6 here"):
        _check(config(), by)


def test_an_as_number_that_no_router_can_have_is_refused_even_inside_the_ranges() -> None:
    by = policy(asn_ranges=((23455, 23457),))
    _check(config(provider_bgp_configs=ends({"asn": 23457})), by)
    with refused(Reason.GUIDANCE_NOT_FOLLOWED):
        _check(config(provider_bgp_configs=ends({"asn": 23456})), by)


def test_a_refusal_never_shows_the_password() -> None:
    written = "hunter2 hunter2"
    with pytest.raises(ApiError) as caught:
        _check(config(md5_bgp_password=written))
    assert "hunter2" not in str(caught.value.to_wire())


# -- what is taken


def test_a_vlan_in_use_is_refused_on_its_channel_alone() -> None:
    held = Reservations()
    held.add(CHANNEL, 1100, "169.254.16.0/30")
    held.add("ch2", 1101, "169.254.16.4/30")
    with refused(Reason.RESERVED, PREFIX + "vlanId"):
        _check(config(vlan_id=1100), held=held)
    _check(config(vlan_id=1101), held=held)


@pytest.mark.parametrize("taken", ["169.254.8.0/30", "169.254.8.0/31", "169.254.8.2/31", "169.254.8.0/24"])
def test_an_ipv4_subnet_that_overlaps_one_in_use_is_refused_whatever_the_channel(taken: str) -> None:
    held = Reservations()
    held.add("ch2", 1150, taken)
    with refused(Reason.RESERVED, PREFIX + "ipv4Subnet"):
        _check(config(), held=held)


@pytest.mark.parametrize("taken", ["169.254.7.252/30", "169.254.8.4/30"])
def test_a_subnet_right_beside_one_in_use_is_accepted(taken: str) -> None:
    held = Reservations()
    held.add("ch2", 1150, taken)
    _check(config(), held=held)


def test_an_ipv6_subnet_in_use_is_refused() -> None:
    held = Reservations()
    held.add("ch2", 1150, "169.254.16.0/30", "fd00:169:254::a/127")
    with refused(Reason.RESERVED, PREFIX + "ipv6Subnet"):
        _check(config(), held=held)
    _check(config(**_V4_ONLY), held=held)


def test_what_is_free_again_is_accepted() -> None:
    held = Reservations()
    held.add(CHANNEL, 1100, "169.254.8.0/30", "fd00:169:254::8/126")
    with refused(Reason.RESERVED):
        _check(config(), held=held)
    held.remove(CHANNEL, 1100, "169.254.8.0/30", "fd00:169:254::8/126")
    _check(config(), held=held)


def test_guidance_that_is_broken_is_named_before_what_is_taken() -> None:
    held = Reservations()
    held.add(CHANNEL, 1100, "169.254.8.0/30", "fd00:169:254::8/126")
    with refused(Reason.GUIDANCE_NOT_FOLLOWED, PREFIX + "mtuBytes"):
        _check(config(mtu_bytes=9000), held=held)


def test_a_subnet_lies_in_one_of_several_networks() -> None:
    by = policy(ipv4=subnets("10.0.0.0/31", "169.254.8.0/30", lengths=(30,)))
    _check(config(), by)


# -- spelling


def test_addresses_are_kept_as_routers_report_them() -> None:
    made = config(**ACCEPTED["other spellings of IPv6"])
    _check(made)
    kept = canonical(made)
    assert kept.ipv6_subnet == "fd00:169:254::8"
    assert [each.host_ipv6 for each in kept.provider_bgp_configs] == ["fd00:169:254::a", "fd00:169:254::9"]
    assert [each.host_ipv4 for each in kept.provider_bgp_configs] == ["169.254.8.1", "169.254.8.2"]
    assert kept.md5_bgp_password == made.md5_bgp_password
    assert canonical(config(**_V4_ONLY)) == config(**_V4_ONLY)
