"""A proposal is what both sides accept, and the peer's own check agrees."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from policy_world import (
    AWS,
    CHANNEL,
    GCP,
    NO_IPV6,
    guided,
    ipv4_of,
    ipv6_of,
    link_policies,
    networks,
    policy,
    proposal,
    reserve,
    subnets,
)

from xcnet.coordinator.policy.addresses import UNUSABLE
from xcnet.coordinator.policy.guidance import check, guidance
from xcnet.coordinator.policy.limits import LinkPolicy, usable_asn
from xcnet.coordinator.policy.proposal import NoProposalError, Obstacle
from xcnet.coordinator.policy.reservations import Network, Reservations
from xcnet.spec.connections import (
    ASNRange,
    FeatureGuidance,
    L3BaseConfig,
    L3BaseGuidance,
    MTURange,
    SubnetGuidance,
    VLANRange,
)
from xcnet.spec.resources import AdminState

_LIMITS = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _said(**fields: Any) -> FeatureGuidance:
    return FeatureGuidance(channel_admin_state=AdminState.ENABLED, l3_base_guidance=L3BaseGuidance(**fields))


def _nothing(own: LinkPolicy, theirs: FeatureGuidance, held: Reservations | None = None) -> tuple[Obstacle, str]:
    with pytest.raises(NoProposalError) as caught:
        proposal(own, theirs, held)
    return caught.value.obstacle, str(caught.value)


# -- whatever the policies are


@_LIMITS
@given(
    one=link_policies(),
    other=link_policies(),
    taken=st.lists(st.tuples(networks(4, st.integers(29, 31)), networks(6, st.integers(125, 127))), max_size=6),
    only_theirs=st.lists(networks(4, st.integers(29, 31)), max_size=4),
    swapped=st.booleans(),
    seed=st.integers(0, 2**16),
)
def test_what_is_proposed_from_guidance_passes_the_peers_check(
    one: LinkPolicy,
    other: LinkPolicy,
    taken: list[tuple[Network, Network]],
    only_theirs: list[Network],
    swapped: bool,
    seed: int,
) -> None:
    me, peer = ("gcp", "aws") if swapped else ("aws", "gcp")
    mine, theirs = Reservations(), Reservations()
    for number, (ipv4, ipv6) in enumerate(taken):
        for held in (mine, theirs):
            held.add(CHANNEL, 1025 + number, str(ipv4), str(ipv6))
    for each in only_theirs:
        # Of another channel: the peer does not tell which VLANs are in use, but which subnets.
        theirs.add("ch2", 1025, str(each))
    said = guided(other, theirs, ascending=me < peer)
    try:
        made = proposal(one, said, mine, me=me, peer=peer, seed=seed)
    except NoProposalError as error:
        event(error.obstacle.value)
        return
    event("proposed")
    check(other, theirs, peer, me, made, CHANNEL)
    check(policy_of_own_side(one), mine, me, peer, made, CHANNEL)
    _assert_routers_can_have_it(made)


def policy_of_own_side(one: LinkPolicy) -> LinkPolicy:
    """What a provider proposes for its own side is its own AS number, whatever it lets others choose."""
    return one.model_copy(update={"asn_ranges": ((one.asn, one.asn),)})


def _assert_routers_can_have_it(made: L3BaseConfig) -> None:
    for subnet, hosts in (
        (ipv4_of(made), [each.host_ipv4 for each in made.provider_bgp_configs]),
        (ipv6_of(made), [each.host_ipv6 for each in made.provider_bgp_configs]),
    ):
        if subnet is None:
            assert hosts == [None, None]
            continue
        network = ip_network(subnet)
        assert not any(network.overlaps(never) for never in UNUSABLE if never.version == network.version)
        addresses = [ip_address(host or "") for host in hosts]
        assert len(set(addresses)) == 2
        assert all(address in network and not address.is_multicast for address in addresses)
        if network.prefixlen < network.max_prefixlen - 1:
            assert network.network_address not in addresses
            assert network.version == 6 or network.broadcast_address not in addresses
    asns = [each.asn for each in made.provider_bgp_configs]
    assert len(set(asns)) == 2 and all(usable_asn(asn) for asn in asns)
    assert made.mtu_bytes >= 1280


@_LIMITS
@given(one=link_policies(), other=link_policies(), turns=st.lists(st.booleans(), min_size=6, max_size=25))
def test_proposals_of_both_sides_in_any_order_never_overlap_until_there_is_no_room(
    one: LinkPolicy, other: LinkPolicy, turns: list[bool]
) -> None:
    held = Reservations()
    agreed: list[L3BaseConfig] = []
    for first in turns:
        own, theirs, me, peer = (one, other, "aws", "gcp") if first else (other, one, "gcp", "aws")
        try:
            made = proposal(own, guided(theirs, held, ascending=me < peer), held, me=me, peer=peer)
        except NoProposalError:
            continue
        check(theirs, held, peer, me, made, CHANNEL)
        for before in agreed:
            assert made.vlan_id != before.vlan_id
            assert not ip_network(ipv4_of(made)).overlaps(ip_network(ipv4_of(before)))
            ours, others = ipv6_of(made), ipv6_of(before)
            assert ours is None or others is None or not ip_network(ours).overlaps(ip_network(others))
        reserve(held, made)
        agreed.append(made)
    event(f"agreed on {min(len(agreed), 5)}")


# -- which of those that both accept


def test_the_highest_mtu_the_own_order_of_lengths_and_both_as_numbers() -> None:
    own = policy(64512, mtu=(1400, 9000), ipv4=subnets("169.254.0.0/16", lengths=(29, 31, 30)))
    theirs = policy(16550, mtu=(1280, 8896), ipv4=subnets("169.254.0.0/16", lengths=(30, 31)))
    made = proposal(own, guided(theirs))
    assert made.mtu_bytes == 8896
    assert made.ipv4_subnet_prefix_length == 31
    assert {each.provider: each.asn for each in made.provider_bgp_configs} == {
        "providers/aws": 64512,
        "providers/gcp": 16550,
    }


def test_two_providers_that_propose_at_once_begin_at_opposite_ends() -> None:
    low = proposal(AWS, guided(GCP, ascending=True))
    high = proposal(GCP, guided(AWS, ascending=False), me="gcp", peer="aws")
    assert (low.vlan_id, ipv4_of(low), ipv6_of(low)) == (1100, "169.254.0.0/30", "fd00:169:254::/126")
    assert (high.vlan_id, ipv4_of(high), ipv6_of(high)) == (
        2000,
        "169.254.255.252/30",
        "fd00:169:254:ffff:ffff:ffff:ffff:fffc/126",
    )


@pytest.mark.parametrize("both_take_from_theirs", [False, True], ids=["own preference", "the peer's preference"])
def test_a_hundred_pairs_of_proposals_at_once_do_not_meet(both_take_from_theirs: bool) -> None:
    preferred = "" if both_take_from_theirs else "169.254.0.0/17"
    one, other = (policy(asn, ipv4=subnets("169.254.0.0/16", preferred=preferred)) for asn in (64512, 16550))
    held = Reservations()
    for _ in range(45):
        low = proposal(one, guided(other, held, ascending=True), held)
        high = proposal(other, guided(one, held, ascending=False), held, me="gcp", peer="aws")
        reserve(held, low)
        check(one, held, "aws", "gcp", high, CHANNEL)
        reserve(held, high)


def test_whoever_sorts_first_has_the_first_address_whoever_proposes() -> None:
    for own, theirs, me, peer in ((AWS, GCP, "aws", "gcp"), (GCP, AWS, "gcp", "aws")):
        made = proposal(own, guided(theirs), me=me, peer=peer)
        first, second = made.provider_bgp_configs
        assert (first.provider, second.provider) == ("providers/aws", "providers/gcp")
        for subnet, hosts in (
            (ip_network(ipv4_of(made)), (first.host_ipv4, second.host_ipv4)),
            (ip_network(ipv6_of(made) or ""), (first.host_ipv6, second.host_ipv6)),
        ):
            assert [str(subnet.network_address + 1), str(subnet.network_address + 2)] == list(hosts)


def test_a_subnet_of_two_addresses_gives_both() -> None:
    own = policy(
        64512,
        ipv4=subnets("10.0.0.0/24", lengths=(31,)),
        ipv6=subnets("fd00::/64", lengths=(127,), exclude=("fd00::/127",)),
    )
    made = proposal(own, _said(asn_ranges=[ASNRange(start=1, stop=1)]))
    assert [each.host_ipv4 for each in made.provider_bgp_configs] == ["10.0.0.0", "10.0.0.1"]
    assert [each.host_ipv6 for each in made.provider_bgp_configs] == ["fd00::2", "fd00::3"]


def test_the_own_preference_comes_before_the_peers_and_that_before_anything() -> None:
    said = _said(ipv4_subnet_guidance=[SubnetGuidance(include_subnet="10.0.0.0/24", preferred_subnet="10.0.0.64/30")])
    held = Reservations()
    own = policy(ipv4=subnets("10.0.0.0/16", preferred="10.0.0.32/30"))
    for expected in ("10.0.0.32/30", "10.0.0.64/30", "10.0.0.0/30", "10.0.0.4/30"):
        made = proposal(own, said, held)
        assert ipv4_of(made) == expected
        reserve(held, made)


def test_what_the_peer_excludes_is_left_out_and_so_is_what_only_this_side_excludes() -> None:
    own = policy(ipv4=subnets("10.0.0.0/24", exclude=("10.0.0.0/28",)))
    said = _said(
        ipv4_subnet_guidance=[
            SubnetGuidance(include_subnet="10.0.0.0/24", exclude_subnets=["10.0.0.23/28", "10.0.0.33", "fd00::/64"])
        ]
    )
    assert ipv4_of(proposal(own, said)) == "10.0.0.36/30"


def test_the_vlan_of_a_channel_may_be_in_use_on_another() -> None:
    held = Reservations()
    held.add("ch2", 1100, "169.254.0.0/30")
    made = proposal(AWS, guided(GCP), held)
    assert (made.vlan_id, ipv4_of(made)) == (1100, "169.254.0.4/30")


def test_each_proposal_has_a_password_of_its_own_of_128_bits() -> None:
    passwords = {proposal(AWS, guided(GCP), seed=seed).md5_bgp_password.reveal_text() for seed in range(20)}
    assert len(passwords) == 20
    assert all(len(each) == 32 and bytes.fromhex(each) for each in passwords)
    assert proposal(AWS, guided(GCP), seed=1) == proposal(AWS, guided(GCP), seed=1)


# -- guidance that says little, or nothing


@pytest.mark.parametrize("theirs", [FeatureGuidance(), _said()], ids=["nothing", "nothing of layer 3"])
def test_what_guidance_does_not_mention_is_not_restricted(theirs: FeatureGuidance) -> None:
    made = proposal(AWS, theirs)
    assert (made.vlan_id, made.mtu_bytes) == (1100, 8500)
    assert (ipv4_of(made), ipv6_of(made)) == ("169.254.0.0/30", "fd00:169:254::/126")
    check(policy_of_own_side(AWS), Reservations(), "aws", "gcp", made, CHANNEL)
    assert made.provider_bgp_configs[1].asn == 64513


def test_ranges_may_lack_an_end() -> None:
    theirs = _said(
        asn_ranges=[ASNRange(start=70000)],
        vlan_ranges=[VLANRange(stop=1150)],
        mtu_ranges=[MTURange(stop=1600), MTURange(start=9000)],
    )
    made = proposal(AWS, theirs)
    assert (made.provider_bgp_configs[1].asn, made.vlan_id, made.mtu_bytes) == (70000, 1100, 1600)
    assert proposal(AWS, _said(mtu_ranges=[MTURange(start=1600)])).mtu_bytes == 8500


@pytest.mark.parametrize("order", [1, -1])
def test_of_several_ranges_the_one_with_the_highest_mtu_counts(order: int) -> None:
    ranges = [MTURange(start=1400, stop=1600), MTURange(start=4000, stop=5000), MTURange(start=9000, stop=9100)]
    assert proposal(AWS, _said(mtu_ranges=ranges[::order])).mtu_bytes == 5000


def test_empty_lists_do_not_restrict_but_for_ipv6_which_may_be_lacking() -> None:
    theirs = _said(
        vlan_ranges=[],
        mtu_ranges=[],
        asn_ranges=[],
        ipv4_subnet_guidance=[],
        ipv4_allowed_subnet_prefix_lengths=[],
        ipv6_subnet_guidance=[],
    )
    made = proposal(AWS, theirs)
    assert (ipv4_of(made), ipv6_of(made)) == ("169.254.0.0/30", None)
    assert [each.host_ipv6 for each in made.provider_bgp_configs] == [None, None]


def test_guidance_of_exclusions_alone_is_about_all_of_our_networks() -> None:
    theirs = _said(ipv4_subnet_guidance=[SubnetGuidance(exclude_subnets=["169.254.0.0/24"])])
    assert ipv4_of(proposal(AWS, theirs)) == "169.254.1.0/30"


def test_guided_subnets_may_have_bits_beyond_their_length() -> None:
    theirs = _said(ipv4_subnet_guidance=[SubnetGuidance(include_subnet="169.254.7.9/24")])
    assert ipv4_of(proposal(AWS, theirs)) == "169.254.7.0/30"


@pytest.mark.parametrize("own6, theirs6", [(NO_IPV6, AWS.ipv6), (AWS.ipv6, NO_IPV6), (NO_IPV6, NO_IPV6)])
def test_ipv6_is_proposed_where_both_sides_have_it(own6: Any, theirs6: Any) -> None:
    own, other = policy(ipv6=own6), policy(16550, ipv6=theirs6)
    made = proposal(own, guided(other))
    assert ipv6_of(made) is None
    check(other, Reservations(), "gcp", "aws", made, CHANNEL)


# -- nothing to propose


def test_a_disabled_channel_takes_no_proposal() -> None:
    said = guidance(GCP, CHANNEL, AdminState.DISABLED, Reservations())
    assert _nothing(AWS, said) == (Obstacle.CHANNEL_DISABLED, "the peer has disabled the channel")


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        (_said(vlan_ranges=[VLANRange(start=1201, stop=1999)]), "VLAN"),
        (_said(vlan_ranges=[VLANRange(start=1, stop=1024)]), "VLAN"),
        (_said(mtu_ranges=[MTURange(start=8501, stop=9000), MTURange(start=0, stop=1499)]), "MTU"),
        (_said(asn_ranges=[ASNRange(start=64512, stop=64512)]), "AS number"),
        (_said(asn_ranges=[ASNRange(start=0, stop=0)]), "AS number"),
        (_said(asn_ranges=[ASNRange(start=9, stop=8)]), "AS number"),
        (_said(ipv4_subnet_guidance=[SubnetGuidance(include_subnet="10.0.0.0/8")]), "IPv4 subnet"),
        (_said(ipv4_subnet_guidance=[SubnetGuidance(include_subnet="169.254.0.0/32")]), "IPv4 subnet"),
        (_said(ipv4_allowed_subnet_prefix_lengths=[28, 32]), "IPv4 subnet"),
        (_said(ipv6_subnet_guidance=[SubnetGuidance(include_subnet="fd01::/16")]), "IPv6 subnet"),
        (_said(ipv6_allowed_subnet_prefix_lengths=[64]), "IPv6 subnet"),
    ],
)
def test_bounds_that_have_nothing_in_common_are_said_so(theirs: FeatureGuidance, words: str) -> None:
    obstacle, said = _nothing(AWS, theirs)
    assert obstacle is Obstacle.NOTHING_IN_COMMON
    assert words in said


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"vlan_ranges": ((1100, 1100),)}, "no VLAN that both sides accept is free"),
        ({"ipv4": subnets("169.254.0.0/30")}, "no IPv4 subnet that both sides accept is free"),
        ({"ipv6": subnets("fd00:169:254::/126", lengths=(126,))}, "no IPv6 subnet that both sides accept is free"),
    ],
)
def test_what_is_used_up_is_said_so_and_is_there_again_once_something_is_released(
    changed: dict[str, Any], words: str
) -> None:
    own, held = policy(**changed), Reservations()
    made = proposal(own, guided(GCP, held), held)
    reserve(held, made)
    assert _nothing(own, guided(GCP, held), held) == (Obstacle.EXHAUSTED, words)
    held.remove(CHANNEL, made.vlan_id, ipv4_of(made), ipv6_of(made))
    assert proposal(own, guided(GCP, held), held) == made


@pytest.mark.parametrize(
    "guided_subnet",
    [
        {"include_subnet": "anything"},
        {"include_subnet": "fd00::/64"},
        {"include_subnet": "169.254.0.0/33"},
        {"include_subnet": "169.254.0.0/-1"},
        {"include_subnet": "169.254.0.0/"},
        {"include_subnet": "169.254.0.0/16/16"},
        {"include_subnet": "169.254.0.0/16", "exclude_subnets": ["169.254.0.0/x"]},
        {"include_subnet": "169.254.0.0/16", "exclude_subnets": [""]},
        {"include_subnet": "169.254.0.0/16", "preferred_subnet": "none"},
        {"include_subnet": "169.254.0.0\0/16"},
        {"include_subnet": "169.254.0.٠/16"},
    ],
)
def test_guidance_that_cannot_be_read_is_no_accident_of_ours(guided_subnet: dict[str, Any]) -> None:
    said = _said(ipv4_subnet_guidance=[SubnetGuidance(**guided_subnet)])
    assert _nothing(AWS, said)[0] is Obstacle.GUIDANCE_UNREADABLE
