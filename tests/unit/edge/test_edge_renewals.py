"""Addresses are renewed at once, and then ever more seldom."""

from __future__ import annotations

from xcnet.edge.renewals import FIRST_WAIT, MOST_WAIT, Renewals


def test_a_first_miss_is_answered_at_once() -> None:
    assert Renewals().due("a", 100.0)


def test_a_miss_that_is_repeated_every_second_is_answered_ever_more_seldom() -> None:
    renewals = Renewals()
    assert [second for second in range(140) if renewals.due("a", 100.0 + second)] == [0, 4, 12, 28, 60, 124]
    assert (FIRST_WAIT, MOST_WAIT) == (4.0, 64.0)


def test_addresses_do_not_wait_for_each_other() -> None:
    renewals = Renewals()
    assert renewals.due("a", 0.0)
    assert renewals.due("b", 1.0)
    assert not renewals.due("a", 1.0)


def test_an_address_that_was_left_in_peace_for_long_begins_anew() -> None:
    renewals = Renewals()
    assert renewals.due("a", 0.0)
    assert renewals.due("a", FIRST_WAIT + MOST_WAIT)
    assert not renewals.due("a", FIRST_WAIT + MOST_WAIT + FIRST_WAIT - 0.1)
    assert renewals.due("a", FIRST_WAIT + MOST_WAIT + FIRST_WAIT)
