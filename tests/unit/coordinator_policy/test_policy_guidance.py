"""Guidance says what is accepted, and what is in use."""

from __future__ import annotations

from policy_world import AWS, CHANNEL, GCP, NO_IPV6, guided, policy, proposal, reserve, subnets

from xcnet.coordinator.policy.guidance import guidance
from xcnet.coordinator.policy.limits import LinkPolicy
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.spec.connections import SubnetGuidance
from xcnet.spec.resources import AdminState, FeatureType


def _ipv4(by: LinkPolicy, reservations: Reservations | None = None, *, ascending: bool = True) -> list[SubnetGuidance]:
    made = guided(by, reservations, ascending=ascending)
    assert made.l3_base_guidance is not None and made.l3_base_guidance.ipv4_subnet_guidance is not None
    return made.l3_base_guidance.ipv4_subnet_guidance


def test_all_of_the_policy_is_said() -> None:
    made = guidance(AWS, "providers/gcp/channels/ch1", AdminState.DISABLED, Reservations())
    assert made.feature_type is FeatureType.L3_BASE
    assert made.channel == "providers/gcp/channels/ch1"
    assert made.channel_admin_state is AdminState.DISABLED
    assert made.to_wire()["l3BaseGuidance"] == {
        "asnRanges": [{"start": 64512, "stop": 64512}],
        "ipv4SubnetGuidance": [
            {
                "includeSubnet": "169.254.0.0/16",
                "excludeSubnets": ["169.254.169.0/24"],
                "preferredSubnet": "169.254.0.0/30",
            }
        ],
        "ipv6SubnetGuidance": [
            {"includeSubnet": "fd00:169:254::/48", "excludeSubnets": [], "preferredSubnet": "fd00:169:254::/126"}
        ],
        "ipv4AllowedSubnetPrefixLengths": [30, 29, 31],
        "ipv6AllowedSubnetPrefixLengths": [126, 127],
        "vlanRanges": [{"start": 1100, "stop": 1200}, {"start": 2000, "stop": 2000}],
        "mtuRanges": [{"start": 1500, "stop": 8500}],
        "maxReceivedBgpRoutePrefixes": 1000,
    }


def test_vlans_in_use_stay_in_the_ranges_and_subnets_in_use_are_excluded() -> None:
    held = Reservations()
    before = guided(AWS, held, ascending=False)
    reserve(held, proposal(GCP, before, held, me="gcp", peer="aws"))
    after = guided(AWS, held)
    assert before.l3_base_guidance is not None and after.l3_base_guidance is not None
    assert after.l3_base_guidance.vlan_ranges == before.l3_base_guidance.vlan_ranges
    assert _ipv4(AWS, held)[0].exclude_subnets == ["169.254.169.0/24", "169.254.255.252/30"]


def test_exclusions_are_put_together_and_told_of_each_network_apart() -> None:
    by = policy(
        ipv4=subnets(
            "10.0.0.0/24", "10.0.1.0/24", exclude=("10.0.0.0/29", "10.0.0.192/26", "192.168.0.0/16", "10.0.1.0/24")
        )
    )
    held = Reservations()
    held.add(CHANNEL, 1100, "10.0.0.12/30")
    held.add(CHANNEL, 1101, "10.0.0.8/30")
    held.add("ch2", 1101, "172.16.0.0/30")
    first, second = _ipv4(by, held)
    assert first.exclude_subnets == ["10.0.0.0/28", "10.0.0.192/26"]
    assert second.exclude_subnets == ["10.0.1.0/24"]
    assert second.preferred_subnet is None


def test_an_exclusion_larger_than_the_network_excludes_all_of_it_and_no_more() -> None:
    by = policy(ipv4=subnets("10.0.0.0/24", exclude=("10.0.0.0/8",)))
    assert _ipv4(by)[0].exclude_subnets == ["10.0.0.0/24"]


def test_the_preferred_subnet_is_the_next_free_one_from_the_end_of_whoever_asks() -> None:
    held = Reservations()
    held.add(CHANNEL, 1100, "169.254.0.0/30")
    held.add(CHANNEL, 1101, "169.254.255.252/30")
    assert _ipv4(AWS, held)[0].preferred_subnet == "169.254.0.4/30"
    assert _ipv4(AWS, held, ascending=False)[0].preferred_subnet == "169.254.255.248/30"


def test_the_preferred_subnet_is_from_where_the_provider_looks_first_and_then_from_anywhere() -> None:
    by = policy(ipv4=subnets("10.0.0.0/24", preferred="10.0.0.128/30"))
    held = Reservations()
    assert _ipv4(by, held)[0].preferred_subnet == "10.0.0.128/30"
    held.add(CHANNEL, 1100, "10.0.0.128/30")
    assert _ipv4(by, held)[0].preferred_subnet == "10.0.0.0/30"


def test_the_preferred_subnet_has_the_next_length_where_the_first_has_no_room() -> None:
    by = policy(ipv4=subnets("10.0.0.0/29", lengths=(29, 31)))
    held = Reservations()
    held.add(CHANNEL, 1100, "10.0.0.0/31")
    assert _ipv4(by, held)[0].preferred_subnet == "10.0.0.2/31"


def test_a_provider_without_ipv6_says_so_by_an_empty_list() -> None:
    made = guided(policy(ipv6=NO_IPV6))
    assert made.l3_base_guidance is not None
    assert made.l3_base_guidance.ipv6_subnet_guidance == []
