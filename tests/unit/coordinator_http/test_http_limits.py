"""How much and how fast: token buckets under a clock that the test moves."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xcnet.clock import FakeClock
from xcnet.coordinator.http.limits import HttpLimits, RateLimiter, TokenBucket, retry_after


def test_a_burst_passes_and_then_the_rate() -> None:
    clock = FakeClock()
    bucket = TokenBucket(2.0, 3, clock)
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    clock.advance(0.25)
    assert bucket.take() == 0.25
    clock.advance(0.25)
    assert bucket.take() == 0.0
    clock.advance(3600)
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@given(st.lists(st.floats(0, 2), min_size=1, max_size=60), st.integers(1, 5), st.floats(0.1, 10))
def test_never_more_than_the_burst_and_the_rate(pauses: list[float], burst: int, rate: float) -> None:
    clock = FakeClock()
    bucket = TokenBucket(rate, burst, clock)
    taken, began = 0, clock.monotonic()
    for pause in pauses:
        clock.advance(pause)
        wait = bucket.take()
        taken += wait == 0.0
        assert taken <= burst + rate * (clock.monotonic() - began) + 1e-6
        if wait > 0.0:
            clock.advance(wait + 1e-6)
            assert bucket.take() == 0.0
            taken += 1


def test_callers_do_not_share_a_bucket() -> None:
    limiter = RateLimiter(1.0, 1, FakeClock())
    assert limiter.take("aws") == 0.0
    assert limiter.take("aws") > 0.0
    assert limiter.take("azure") == 0.0


def test_many_callers_do_not_pile_up() -> None:
    clock = FakeClock()
    limiter = RateLimiter(1.0, 1, clock)
    for number in range(5000):
        limiter.take(str(number))
        clock.advance(0.01)
    assert limiter.size <= 1024 + 1
    assert limiter.take("4999") > 0.0


@pytest.mark.parametrize(("seconds", "said"), [(0.001, 1), (1.0, 1), (1.01, 2), (59.5, 60)])
def test_retry_after_is_whole_seconds_and_never_too_soon(seconds: float, said: int) -> None:
    assert retry_after(seconds) == said


def test_limits_are_checked_where_they_are_read() -> None:
    with pytest.raises(ValidationError):
        HttpLimits.model_validate({"body_bytes": 0})
    with pytest.raises(ValidationError):
        HttpLimits.model_validate({"body_bites": 1})
