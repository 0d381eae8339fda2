"""MACsec keys: who may make them, how many, and when."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st
from policy_world import refused

from xcnet.coordinator.policy.keys import (
    InterconnectKeys,
    KeyFacts,
    check_create,
    check_delete,
    check_material,
    check_rotation_request,
)
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError, Reason

NOW, BAKE = 1_800_000_000.0, 7200.0


def _key(channel: str, key_id: str = "old", *, active: bool = True) -> KeyFacts:
    return KeyFacts(channel, key_id, active, NOW - 86400)


def _facts(*keys: KeyFacts, **changed: Any) -> InterconnectKeys:
    fields: dict[str, Any] = {"channels": 4, "rotating": None, "last_rotation_end": None, "bake_seconds": BAKE}
    return InterconnectKeys(keys=keys, **{**fields, **changed})


_SETTLED = _facts(*(_key(f"ch{number}") for number in range(1, 5)))


def _create(
    facts: InterconnectKeys, channel: str = "ch1", key_id: str = "new", caller: str = "aws", now: float = NOW
) -> None:
    check_create(facts, caller, "aws", channel, key_id, now)


# -- making one


def test_the_manager_may_give_a_channel_a_second_key() -> None:
    _create(_SETTLED)


@pytest.mark.parametrize("facts", [_facts(), _SETTLED], ids=["the first", "the second"])
def test_nobody_else_may(facts: InterconnectKeys) -> None:
    with refused(Reason.NOT_KEY_MANAGER, "channel", "managed by aws"):
        _create(facts, caller="gcp")


def test_who_may_not_make_keys_is_not_told_which_there_are() -> None:
    with refused(Reason.NOT_KEY_MANAGER):
        _create(_SETTLED, key_id="old", caller="gcp")


def test_an_id_is_good_for_one_key_of_a_channel() -> None:
    with refused(Reason.ALREADY_EXISTS, "macSecKeyId"):
        _create(_SETTLED, key_id="old")
    _create(_facts(_key("ch2", "new"), _key("ch1")), key_id="new")


@pytest.mark.parametrize("newest_active", [True, False])
def test_a_channel_has_two_keys_at_most(newest_active: bool) -> None:
    held = (_key("ch1", active=not newest_active), _key("ch1", "second", active=newest_active))
    for rotating in ("ch1", None):
        with refused(Reason.TOO_MANY_KEYS, words="ch1 has 2 keys"):
            _create(_facts(*held, rotating=rotating))


def test_a_second_channel_does_not_rotate_while_one_does() -> None:
    facts = replace(_SETTLED, keys=(*_SETTLED.keys, _key("ch2", "new", active=False)), rotating="ch2")
    with refused(Reason.ROTATION_NOT_ALLOWED, words="the key of ch2 is being rotated"):
        _create(facts)


def test_a_rotation_that_has_no_key_yet_holds_off_others_and_not_itself() -> None:
    facts = replace(_SETTLED, rotating="ch2")
    with refused(Reason.ROTATION_NOT_ALLOWED):
        _create(facts, "ch1")
    _create(facts, "ch2")


def test_an_interconnect_has_one_key_more_than_channels_at_most() -> None:
    full = _facts(_key("ch1"), _key("ch2"), _key("ch2", "new"), channels=2)
    with refused(Reason.TOO_MANY_KEYS, words="3 keys on 2 channels"):
        _create(full)
    _create(_facts(_key("ch1"), _key("ch2"), channels=2))


def test_the_limit_of_the_interconnect_holds_for_first_keys_too() -> None:
    crowded = _facts(_key("ch2"), _key("ch2", "b"), _key("ch3"), _key("ch3", "b"), channels=3)
    with refused(Reason.TOO_MANY_KEYS):
        _create(crowded, "ch1")


@pytest.mark.parametrize(
    ("now", "allowed"), [(NOW, False), (NOW + BAKE - 0.001, False), (NOW + BAKE, True), (NOW + BAKE + 1, True)]
)
def test_nothing_is_rotated_before_the_bake_time_is_over(now: float, allowed: bool) -> None:
    facts = replace(_SETTLED, last_rotation_end=NOW)
    if allowed:
        _create(facts, now=now)
        return
    with refused(Reason.ROTATION_NOT_ALLOWED, words="2027-01-15T10:00:00Z"):
        _create(facts, now=now)


def test_the_bake_time_is_over_where_there_is_none() -> None:
    _create(replace(_SETTLED, last_rotation_end=NOW, bake_seconds=0.0))


def test_first_keys_wait_for_nothing_and_for_nobody() -> None:
    keys: tuple[KeyFacts, ...] = ()
    for number in range(1, 5):
        _create(_facts(*keys, rotating="ch9", last_rotation_end=NOW), f"ch{number}")
        keys = (*keys, _key(f"ch{number}", "new", active=False))


def test_fail_forward_the_failed_key_goes_and_the_next_one_follows_at_once() -> None:
    failed = replace(_SETTLED, keys=(*_SETTLED.keys, _key("ch1", "failed", active=False)), rotating="ch1")
    with refused(Reason.TOO_MANY_KEYS):
        _create(failed, key_id="newer")
    check_delete(failed, "aws", "aws", "ch1", "failed")
    # It never came into use: no rotation has ended, and there is nothing to bake.
    _create(_SETTLED, key_id="newer")


# -- taking one away


def test_the_active_key_cannot_be_deleted_another_can() -> None:
    facts = _facts(_key("ch1"), _key("ch1", "new", active=False), _key("ch2", "new"))
    with refused(Reason.KEY_ACTIVE, "macSecKey"):
        check_delete(facts, "aws", "aws", "ch1", "old")
    check_delete(facts, "aws", "aws", "ch1", "new")


def test_only_the_manager_may_delete_whatever_key_it_is() -> None:
    for key_id in ("old", "none such"):
        with refused(Reason.NOT_KEY_MANAGER):
            check_delete(_SETTLED, "gcp", "aws", "ch1", key_id)


# -- asking for one


def test_the_manager_can_be_asked() -> None:
    check_rotation_request(_SETTLED, "aws", "aws", "ch1", NOW)


def test_the_manager_itself_cannot_ask_the_other_side() -> None:
    with refused(Reason.NOT_KEY_MANAGER):
        check_rotation_request(_SETTLED, "gcp", "aws", "ch1", NOW)


def test_what_may_not_be_rotated_now_may_not_be_asked_for() -> None:
    with refused(Reason.ROTATION_NOT_ALLOWED):
        check_rotation_request(replace(_SETTLED, rotating="ch2"), "aws", "aws", "ch1", NOW)
    with refused(Reason.ROTATION_NOT_ALLOWED):
        check_rotation_request(replace(_SETTLED, last_rotation_end=NOW - 1), "aws", "aws", "ch1", NOW)


def test_what_is_being_rotated_may_be_asked_for_again() -> None:
    check_rotation_request(replace(_SETTLED, rotating="ch1", last_rotation_end=NOW - 1), "aws", "aws", "ch1", NOW)


# -- whatever the order of events

_STEPS = ("create", "create", "activate", "activate", "delete", "wait", "wait longer")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_is_asked_in_whatever_order_the_limits_hold(seed: int) -> None:
    rng = random.Random(seed)
    steps = [(rng.choice(_STEPS), rng.randrange(3)) for _ in range(150)]
    keys: list[KeyFacts] = []
    now, ended, rotated = NOW, None, 0
    for number, (step, which) in enumerate(steps):
        channel = f"ch{which}"
        held = [key for key in keys if key.channel == channel]
        rotating = next((key.channel for key in keys if sum(each.channel == key.channel for each in keys) > 1), None)
        facts = InterconnectKeys(3, tuple(keys), rotating, ended, BAKE)
        try:
            if step == "create":
                check_create(facts, "aws", "aws", channel, f"k{number}", now)
                assert not held or ended is None or now >= ended + BAKE
                assert not held or rotating is None
                keys.append(KeyFacts(channel, f"k{number}", False, now))
            elif step == "activate" and held and not held[-1].active:
                keys = [replace(key, active=key == held[-1]) if key.channel == channel else key for key in keys]
                if len(held) > 1:
                    ended, rotated = now, rotated + 1
            elif step == "delete" and held:
                check_delete(facts, "aws", "aws", channel, held[0].key_id)
                keys.remove(held[0])
        except ApiError as error:
            assert error.status == 409
        now += {"wait": 60.0, "wait longer": BAKE}.get(step, 1.0)
        assert all(sum(key.channel == f"ch{each}" for key in keys) <= 2 for each in range(3))
        assert len(keys) <= 4
        assert sum(sum(key.channel == f"ch{each}" for key in keys) == 2 for each in range(3)) <= 1
    event(f"{rotated} rotations")


# -- what a key is made of


@pytest.mark.parametrize("ckn", ["00", "ab" * 32, "AB" * 16])
@pytest.mark.parametrize("length", [16, 32])
def test_a_key_and_its_name_are_kept_in_lower_case(ckn: str, length: int) -> None:
    kept, cak = check_material(ckn, Secret.from_text("Ab" * length), length, ())
    assert kept == ckn.lower()
    assert cak.reveal_text() == "ab" * length


@pytest.mark.parametrize("ckn", ["", "a", "abc", "ab" * 33, "gg", "ab ab", "0xab", "ab\n", "аb"])
def test_a_name_that_is_none_is_refused(ckn: str) -> None:
    with refused(Reason.INVALID_ARGUMENT, "ckn"):
        check_material(ckn, Secret.from_text("ab" * 16), 16, ())


@pytest.mark.parametrize(
    ("cak", "length"),
    [
        ("", 16),
        ("ab" * 15, 16),
        ("ab" * 17, 16),
        ("ab" * 16 + "a", 16),
        ("ab" * 16, 32),
        ("ab" * 32, 16),
        ("zz" * 16, 16),
    ],
)
def test_a_key_that_does_not_suit_the_channel_is_refused_and_never_shown(cak: str, length: int) -> None:
    with refused(Reason.INVALID_ARGUMENT, "cak"):
        check_material("01", Secret.from_text(cak), length, ())
    with pytest.raises(ApiError) as caught:
        check_material("01", Secret.from_text(cak), length, ())
    assert not cak or cak not in str(caught.value.to_wire())


@pytest.mark.parametrize("in_use", ["abcd", "ABCD"])
def test_a_name_is_good_for_one_key_of_an_interconnect_however_it_is_written(in_use: str) -> None:
    for ckn in ("abcd", "AbCd"):
        with refused(Reason.ALREADY_EXISTS, "ckn"):
            check_material(ckn, Secret.from_text("ab" * 16), 16, {in_use})
    check_material("abce", Secret.from_text("ab" * 16), 16, {in_use})
