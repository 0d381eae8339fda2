"""How long to wait before trying again, and whether to look first."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.coordinator.policy.retry import Backoff, NoAnswer, Outcome, Verdict, judge

_BACKOFF = Backoff(initial=0.1, maximum=10.0, total=60.0)


@given(st.integers(0, 10_000), st.integers(0, 2**32))
def test_a_delay_lies_between_nothing_and_the_bound(attempt: int, seed: int) -> None:
    delay = _BACKOFF.delay(attempt, random.Random(seed))
    assert 0.0 <= delay <= min(10.0, 0.1 * 2.0 ** min(attempt, 20))


@pytest.mark.parametrize(("attempt", "bound"), [(0, 0.1), (1, 0.2), (2, 0.4), (6, 6.4), (7, 10.0), (1000, 10.0)])
def test_the_whole_range_up_to_the_doubling_bound_is_used(attempt: int, bound: float) -> None:
    rng = random.Random(7)
    delays = [_BACKOFF.delay(attempt, rng) for _ in range(2000)]
    assert 0.95 * bound < max(delays) <= bound
    assert min(delays) < 0.05 * bound
    assert 0.45 * bound < sum(delays) / len(delays) < 0.55 * bound


def test_the_same_chance_gives_the_same_delays() -> None:
    one, other = ([_BACKOFF.delay(n, rng) for n in range(9)] for rng in (random.Random(3), random.Random(3)))
    assert one == other


@given(st.integers(0, 50), st.floats(0, 600), st.integers(0, 2**32))
def test_a_delay_is_never_below_what_the_server_asked_for(attempt: int, asked: float, seed: int) -> None:
    delay = _BACKOFF.delay(attempt, random.Random(seed), asked)
    assert asked <= delay <= max(asked, 10.0)


@pytest.mark.parametrize(("now", "exhausted"), [(1000.0, False), (1059.9, False), (1060.0, True), (2000.0, True)])
def test_trying_ends_when_the_time_is_used_up(now: float, exhausted: bool) -> None:
    assert _BACKOFF.exhausted(1000.0, now) is exhausted


def test_trying_may_go_on_for_ever() -> None:
    assert not Backoff(0.1, 30.0, float("inf")).exhausted(0.0, 1e12)


# -- what an attempt's ending means

_LOOK = True
CHANGE = {
    200: (Outcome.SUCCESS, False),
    204: (Outcome.SUCCESS, False),
    302: (Outcome.REFUSED, False),
    400: (Outcome.REFUSED, False),
    401: (Outcome.REFUSED, False),
    403: (Outcome.REFUSED, False),
    404: (Outcome.REFUSED, False),
    405: (Outcome.REFUSED, False),
    408: (Outcome.TRY_LATER, False),
    409: (Outcome.CONFLICT, False),
    413: (Outcome.REFUSED, False),
    429: (Outcome.TRY_LATER, False),
    500: (Outcome.TRY_LATER, _LOOK),
    502: (Outcome.TRY_LATER, _LOOK),
    503: (Outcome.TRY_LATER, _LOOK),
    504: (Outcome.TRY_LATER, _LOOK),
    NoAnswer.NOT_SENT: (Outcome.TRY_LATER, False),
    NoAnswer.LOST: (Outcome.UNKNOWN, _LOOK),
    NoAnswer.UNREADABLE: (Outcome.UNKNOWN, _LOOK),
}


@pytest.mark.parametrize(("ending", "outcome", "look"), [(ending, *expected) for ending, expected in CHANGE.items()])
def test_after_a_change_whose_outcome_is_not_known_somebody_must_look(
    ending: int | NoAnswer, outcome: Outcome, look: bool
) -> None:
    assert judge(ending, mutates=True) == Verdict(outcome, look)


@pytest.mark.parametrize("ending", CHANGE)
def test_a_question_is_simply_asked_again(ending: int | NoAnswer) -> None:
    assert judge(ending, mutates=False) == Verdict(CHANGE[ending][0], settle=False)


@pytest.mark.parametrize("outcome", Outcome)
def test_what_was_refused_or_done_is_not_sent_again(outcome: Outcome) -> None:
    assert Verdict(outcome).again is (outcome in (Outcome.TRY_LATER, Outcome.UNKNOWN))


@given(st.integers(200, 599), st.booleans())
def test_only_what_is_sent_again_has_to_be_looked_at_first(status: int, mutates: bool) -> None:
    verdict = judge(status, mutates=mutates)
    assert verdict.again or not verdict.settle
