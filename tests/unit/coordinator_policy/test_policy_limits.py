"""A policy that could not be kept to is refused where it is read."""

from __future__ import annotations

from typing import Any

import pytest
from policy_world import NO_IPV6, policy, subnets
from pydantic import ValidationError

from xcnet.coordinator.policy.limits import usable_asn


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"asn": 0}, "AS number 0"),
        ({"asn": 23456}, "AS number 23456"),
        ({"asn": 4294967295}, "AS number 4294967295"),
        ({"asn_ranges": ()}, "no AS numbers"),
        ({"asn_ranges": ((2, 1),)}, "2 to 1 is no range"),
        ({"asn_ranges": ((1, 4294967296),)}, "no range"),
        ({"vlan_ranges": ()}, "no VLANs"),
        ({"vlan_ranges": ((1024, 1100),)}, "1024 to 1100"),
        ({"vlan_ranges": ((1100, 4095),)}, "1100 to 4095"),
        ({"mtu": (1279, 1500)}, "1279 to 1500"),
        ({"mtu": (1500, 1400)}, "1500 to 1400"),
        ({"mtu": (1500, 65536)}, "1500 to 65536"),
        ({"ipv4": NO_IPV6}, "every feature has an IPv4 subnet"),
        ({"ipv4": subnets("fd00::/64", lengths=(126,))}, "other family"),
        ({"ipv6": subnets("10.0.0.0/8")}, "other family"),
        ({"max_prefixes": 0}, "greater than or equal to 1"),
    ],
)
def test_a_link_policy_that_makes_no_sense_is_refused(changed: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        policy(**changed)


@pytest.mark.parametrize(
    ("include", "options", "words"),
    [
        (("10.0.0.0/8", "fd00::/64"), {}, "two address families"),
        (("10.0.0.0/8",), {"exclude": ("fd00::/64",)}, "two address families"),
        (("10.0.0.0/8",), {"preferred": "fd00::/64"}, "two address families"),
        (("10.0.0.0/8", "10.1.0.0/16"), {}, "overlap"),
        (("10.0.0.0/8",), {"lengths": ()}, "go together"),
        ((), {"lengths": (30,)}, "go together"),
        (("10.0.0.0/8",), {"lengths": (32,)}, "from 8 to 31"),
        (("10.0.0.0/8",), {"lengths": (30, 7)}, "from 8 to 31"),
        (("fd00::/64",), {"lengths": (128,)}, "from 8 to 127"),
        (("224.0.0.0/24",), {}, "no link can be numbered"),
        (("0.0.0.0/0",), {}, "no link can be numbered"),
        (("127.0.0.0/24",), {}, "no link can be numbered"),
        (("fe80::/64",), {"lengths": (127,)}, "no link can be numbered"),
        (("ff02::/64",), {"lengths": (127,)}, "no link can be numbered"),
        (("::/0",), {"lengths": (127,)}, "no link can be numbered"),
    ],
)
def test_subnets_that_make_no_sense_are_refused(include: tuple[str, ...], options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        subnets(*include, **options)


@pytest.mark.parametrize(
    "changed",
    [
        {"asn": 4294967294},
        {"asn_ranges": ((0, 4294967295),)},
        {"vlan_ranges": ((1025, 4094),)},
        {"mtu": (1280, 65535)},
        {"mtu": (1500, 1500)},
        {"ipv6": NO_IPV6},
        {"ipv4": subnets("169.254.0.0/16", "10.0.0.0/8", lengths=(31, 8))},
    ],
)
def test_what_lies_on_the_border_of_sense_is_taken(changed: dict[str, Any]) -> None:
    assert policy(**changed)


@pytest.mark.parametrize("asn", [1, 23455, 23457, 64512, 65534, 65536, 4294967294])
def test_as_numbers_that_a_router_can_have(asn: int) -> None:
    assert usable_asn(asn)


@pytest.mark.parametrize("asn", [-1, 0, 23456, 65535, 4294967295, 4294967296])
def test_as_numbers_that_no_router_can_have(asn: int) -> None:
    assert not usable_asn(asn)
