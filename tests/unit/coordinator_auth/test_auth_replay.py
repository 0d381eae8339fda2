"""What was seen before is known, for as long as it matters, and cannot be made to be forgotten."""

from __future__ import annotations

import pytest
from auth_world import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.coordinator.auth.replay import ReplayCache, ReplayGuard
from xcnet.coordinator.auth.verdict import AuthReason


def test_a_key_is_new_once() -> None:
    cache = ReplayCache()
    assert not cache.seen("a", 100.0, 0.0)
    assert cache.seen("a", 100.0, 0.0)
    assert cache.seen("a", 100.0, 100.0)
    assert not cache.seen("b", 100.0, 100.0)


def test_what_has_expired_is_forgotten_and_makes_room() -> None:
    cache = ReplayCache(2)
    assert not cache.seen("a", 10.0, 0.0)
    assert not cache.seen("b", 20.0, 0.0)
    assert not cache.seen("c", 30.0, 10.5)
    assert len(cache) == 2
    assert cache.seen("b", 20.0, 10.5)


def test_a_full_cache_refuses_and_forgets_nothing() -> None:
    cache = ReplayCache(2)
    assert not cache.seen("a", 100.0, 0.0)
    assert not cache.seen("b", 100.0, 0.0)
    for number in range(10):
        with refused(AuthReason.TOO_MANY_LIVE):
            cache.seen(f"new {number}", 1000.0, 0.0)
    assert cache.seen("a", 100.0, 0.0)
    assert cache.seen("b", 100.0, 0.0)
    assert len(cache) == 2


def test_what_has_expired_already_is_never_new() -> None:
    cache = ReplayCache()
    assert cache.seen("a", 10.0, 10.1)
    assert len(cache) == 0


def test_a_clock_that_is_set_back_lets_nothing_through_again() -> None:
    cache = ReplayCache()
    assert not cache.seen("a", 100.0, 0.0)
    assert not cache.seen("b", 1000.0, 500.0)
    assert cache.seen("a", 100.0, 0.0)
    assert not cache.seen("new", 101.0, 0.0)


def test_a_clock_that_jumps_ahead_and_back_does_not_shut_callers_out() -> None:
    cache = ReplayCache()
    assert not cache.seen("a", 100.0, 0.0)
    assert not cache.seen("far", 1e9 + 300, 1e9)
    assert not cache.seen("b", 110.0, 10.0)


def test_a_cache_that_begins_empty_takes_what_came_before_for_seen() -> None:
    cache = ReplayCache(forgotten_until=300.0)
    assert cache.seen("signed before the start", 300.0, 10.0)
    assert not cache.seen("signed after it", 300.5, 10.0)


def test_a_cache_has_room() -> None:
    with pytest.raises(ValueError, match="room"):
        ReplayCache(0)


def test_one_callers_requests_do_not_fill_anothers_cache() -> None:
    guard = ReplayGuard(1)
    guard.demand_new("aws", "a", 100.0, 0.0)
    guard.demand_new("gcp", "a", 100.0, 0.0)
    with refused(AuthReason.TOO_MANY_LIVE):
        guard.demand_new("aws", "b", 100.0, 0.0)
    with refused(AuthReason.REPLAYED):
        guard.demand_new("gcp", "a", 100.0, 0.0)


Steps = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5), st.booleans()), max_size=60)


@settings(deadline=None)
@given(steps=Steps, capacity=st.integers(1, 4))
def test_it_agrees_with_one_that_remembers_everything(steps: list[tuple[int, int, bool]], capacity: int) -> None:
    """:param steps: which key, how much later, and whether its time begins again."""
    cache, expires, accepted, now = ReplayCache(capacity), dict[int, float](), set[tuple[int, float]](), 0.0
    for key, later, anew in steps:
        now += later
        if anew or key not in expires:
            expires[key] = now + key % 4
        name = f"{key} {expires[key]}"
        live = sum(1 for _, end in accepted if end >= now)
        if (key, expires[key]) in accepted or expires[key] < now:
            assert cache.seen(name, expires[key], now)
        elif live >= capacity:
            with refused(AuthReason.TOO_MANY_LIVE):
                cache.seen(name, expires[key], now)
        else:
            assert not cache.seen(name, expires[key], now)
            accepted.add((key, expires[key]))
        assert len(cache) <= capacity
