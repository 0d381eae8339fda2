"""What is free is found, from opposite ends, and never twice."""

from __future__ import annotations

from ipaddress import ip_network
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_world import CHANNEL, networks

from xcnet.coordinator.policy.addresses import spans
from xcnet.coordinator.policy.reservations import Network, Reservations, vlan_set

_WHOLE = ((1025, 4094),)


def _free(
    held: Reservations, pool: str, length: int, *, ascending: bool = True, barred: tuple[str, ...] = ()
) -> str | None:
    network = ip_network(pool)
    avoided = [spans((ip_network(each) for each in barred), network.version)]
    found = held.free_subnet([network], avoided, length, ascending=ascending)
    return None if found is None else str(found)


# -- VLANs


@pytest.mark.parametrize(
    ("ours", "theirs", "lowest", "highest"),
    [
        (_WHOLE, _WHOLE, 1025, 4094),
        (((1, 4095),), ((0, 9999),), 1025, 4094),
        (((1100, 1200),), ((1150, 1300),), 1150, 1200),
        (((1100, 1200), (3000, 3100)), ((1200, 3000),), 1200, 3000),
        (((3000, 3100), (1100, 1200)), _WHOLE, 1100, 3100),
        (((1100, 4000), (1200, 1210)), _WHOLE, 1100, 4000),
        (((1100, 1200),), ((1201, 1300),), None, None),
        (((1000, 1024),), _WHOLE, None, None),
        (((1200, 1100),), _WHOLE, None, None),
    ],
    ids=[
        "everything", "beyond what there is", "overlap", "two islands", "in any order", "one in another",
        "nothing in common", "reserved by the protocol", "backwards",
    ],
)  # fmt: skip
def test_a_vlan_comes_from_what_both_sides_accept(
    ours: tuple[tuple[int, int], ...], theirs: tuple[tuple[int, int], ...], lowest: int | None, highest: int | None
) -> None:
    held = Reservations()
    assert held.free_vlan(CHANNEL, ours, theirs, ascending=True) == lowest
    assert held.free_vlan(CHANNEL, ours, theirs, ascending=False) == highest


def test_vlans_are_taken_from_opposite_ends_until_they_meet_and_on_one_channel_only() -> None:
    held, ranges = Reservations(), ((1025, 1028),)
    taken = []
    for turn in range(4):
        vlan = held.free_vlan(CHANNEL, ranges, _WHOLE, ascending=turn % 2 == 0)
        assert vlan is not None
        held.add(CHANNEL, vlan, f"10.0.0.{turn * 4}/30")
        taken.append(vlan)
    assert taken == [1025, 1028, 1026, 1027]
    assert held.free_vlan(CHANNEL, ranges, _WHOLE, ascending=True) is None
    assert held.free_vlan("ch2", ranges, _WHOLE, ascending=True) == 1025


@given(st.sets(st.integers(1025, 1060)), st.integers(1020, 1070), st.integers(1020, 1070))
def test_the_lowest_and_the_highest_free_vlan_are_found(taken: set[int], low: int, high: int) -> None:
    held = Reservations()
    for number, vlan in enumerate(sorted(taken)):
        held.add(CHANNEL, vlan, f"10.0.{number}.0/30")
    free = sorted(set(range(max(low, 1025), high + 1)) - taken)
    assert held.free_vlan(CHANNEL, ((low, high),), _WHOLE, ascending=True) == (free[0] if free else None)
    assert held.free_vlan(CHANNEL, ((low, high),), _WHOLE, ascending=False) == (free[-1] if free else None)
    assert all(held.vlan_taken(CHANNEL, vlan) == (vlan in taken) for vlan in range(1020, 1070))


def test_the_set_of_vlans_has_none_that_no_feature_may_have() -> None:
    assert vlan_set(((0, 5000),)).bit_count() == 4094 - 1024


# -- subnets


@pytest.mark.parametrize(
    ("pool", "length", "lowest", "highest"),
    [
        ("169.254.0.0/16", 30, "169.254.0.0/30", "169.254.255.252/30"),
        ("169.254.0.0/16", 31, "169.254.0.0/31", "169.254.255.254/31"),
        ("10.0.0.0/30", 30, "10.0.0.0/30", "10.0.0.0/30"),
        ("10.0.0.0/30", 29, None, None),
        ("fd00::/64", 126, "fd00::/126", "fd00::ffff:ffff:ffff:fffc/126"),
        ("::/0", 127, "::/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"),
    ],
)
def test_a_subnet_comes_from_either_end_of_its_pool(
    pool: str, length: int, lowest: str | None, highest: str | None
) -> None:
    assert _free(Reservations(), pool, length) == lowest
    assert _free(Reservations(), pool, length, ascending=False) == highest


def test_a_subnet_is_not_taken_from_what_is_barred_or_in_use_and_begins_where_its_length_can() -> None:
    held = Reservations()
    held.add(CHANNEL, 1025, "10.0.0.0/31")
    assert _free(held, "10.0.0.0/24", 31) == "10.0.0.2/31"
    assert _free(held, "10.0.0.0/24", 29) == "10.0.0.8/29"
    assert _free(held, "10.0.0.0/24", 29, barred=("10.0.0.15/32", "10.0.0.16/28")) == "10.0.0.32/29"
    assert _free(held, "10.0.0.0/24", 29, barred=("10.0.0.241/32",), ascending=False) == "10.0.0.248/29"
    assert _free(held, "10.0.0.0/24", 29, barred=("10.0.0.249/32",), ascending=False) == "10.0.0.240/29"
    assert _free(held, "10.0.0.0/24", 29, barred=("10.0.0.0/8",)) is None


def test_what_is_taken_of_one_family_is_free_in_the_other() -> None:
    held = Reservations()
    held.add(CHANNEL, 1025, "0.0.0.4/30", "::8/126")
    assert held.subnet_taken(ip_network("0.0.0.4/31"))
    assert not held.subnet_taken(ip_network("0.0.0.8/30"))
    assert held.subnet_taken(ip_network("::8/127"))
    assert not held.subnet_taken(ip_network("::4/126"))


@given(
    pool=networks(4, st.integers(25, 29)),
    taken=st.lists(networks(4, st.integers(29, 32)), max_size=12),
    barred=st.lists(networks(4, st.integers(27, 32)), max_size=4),
    length=st.integers(28, 32),
    ascending=st.booleans(),
)
def test_the_free_subnet_is_the_first_one_that_looking_at_each_would_find(
    pool: Network, taken: list[Network], barred: list[Network], length: int, ascending: bool
) -> None:
    held = Reservations()
    for each in taken:
        held.add(CHANNEL, 1025, str(each))
    free = [
        each
        for each in (pool.subnets(new_prefix=length) if length >= pool.prefixlen else ())
        if not any(each.overlaps(other) for other in [*taken, *barred])
    ]
    found = held.free_subnet([pool], [spans(barred, 4)], length, ascending=ascending)
    assert found == (free[0 if ascending else -1] if free else None)


@given(st.lists(st.tuples(st.booleans(), st.sampled_from((29, 30, 31)), st.integers(0, 9)), max_size=40))
def test_however_they_are_given_out_and_given_back_no_two_subnets_overlap(steps: list[tuple[bool, int, int]]) -> None:
    held, pool = Reservations(), ip_network("10.0.0.0/26")
    given_out: list[tuple[int, Network]] = []
    vlan = 1025
    for ascending, length, victim in steps:
        if victim < 3 and given_out:
            number, gone = given_out.pop(victim % len(given_out))
            held.remove(CHANNEL, number, str(gone))
        found = held.free_subnet([pool], [], length, ascending=ascending)
        if found is None:
            continue
        assert not held.subnet_taken(found)
        assert not any(found.overlaps(other) for _, other in given_out)
        held.add(CHANNEL, vlan, str(found))
        given_out.append((vlan, found))
        vlan += 1
    for number, each in given_out:
        held.remove(CHANNEL, number, str(each))
    assert held.excluded(pool) == ()
    assert held.free_vlan(CHANNEL, _WHOLE, _WHOLE, ascending=True) == 1025


@given(
    include=networks(4, st.integers(25, 28)),
    taken=st.lists(networks(4, st.integers(29, 32)), max_size=12),
    always=st.lists(networks(4, st.integers(24, 32)), max_size=4),
)
def test_what_is_excluded_is_what_is_in_use_and_what_never_may_be_in_as_few_prefixes_as_can_be(
    include: Network, taken: list[Network], always: list[Network]
) -> None:
    held = Reservations()
    for each in taken:
        held.add(CHANNEL, 1025, str(each))
    shown = [ip_network(each) for each in held.excluded(include, tuple(always))]
    assert {address for each in shown for address in each} == {
        address for each in [*taken, *always] for address in each if address in include
    }
    for one, other in pairwise(shown):
        assert not one.overlaps(other)
        assert one.prefixlen != other.prefixlen or one.supernet() != other.supernet()


def test_what_is_excluded_follows_every_change() -> None:
    held, include = Reservations(), ip_network("10.0.0.0/24")
    assert held.excluded(include) == ()
    held.add(CHANNEL, 1025, "10.0.0.0/30")
    held.add(CHANNEL, 1026, "10.0.0.4/30", "fd00::/126")
    assert held.excluded(include) == ("10.0.0.0/29",)
    held.remove(CHANNEL, 1025, "10.0.0.0/30")
    assert held.excluded(include) == ("10.0.0.4/30",)
    assert held.excluded(ip_network("fd00::/64")) == ("fd00::/126",)
    assert not held.vlan_taken(CHANNEL, 1025)


def test_subnets_that_overlap_are_in_use_until_the_last_of_them_is_gone() -> None:
    held = Reservations()
    held.add("ch1", 1025, "10.0.0.0/29")
    held.add("ch2", 1025, "10.0.0.4/30")
    held.add("ch3", 1025, "10.0.0.4/30")
    held.remove("ch1", 1025, "10.0.0.0/29")
    assert held.excluded(ip_network("10.0.0.0/24")) == ("10.0.0.4/30",)
    held.remove("ch2", 1025, "10.0.0.4/30")
    assert held.subnet_taken(ip_network("10.0.0.4/30"))
    held.remove("ch3", 1025, "10.0.0.4/30")
    assert not held.subnet_taken(ip_network("10.0.0.0/24"))


def test_what_was_never_added_cannot_be_removed() -> None:
    held = Reservations()
    held.add(CHANNEL, 1025, "10.0.0.0/29")
    with pytest.raises(KeyError):
        held.remove(CHANNEL, 1025, "10.0.0.0/30")
    with pytest.raises(KeyError):
        held.remove("ch2", 1025, "10.0.0.0/29")
    with pytest.raises(KeyError):
        held.remove(CHANNEL, 1026, "10.0.0.0/29")
    assert held.vlan_taken(CHANNEL, 1025)
    assert held.subnet_taken(ip_network("10.0.0.0/29"))


def test_subnets_given_out_from_one_end_stay_one_prefix_for_the_peer() -> None:
    held, pool = Reservations(), ip_network("10.0.0.0/16")
    for number in range(1024):
        found = held.free_subnet([pool], [], 30, ascending=True)
        assert found is not None
        held.add(f"ch{number % 8}", 1025 + number // 8, str(found))
    assert held.excluded(pool) == ("10.0.0.0/20",)
