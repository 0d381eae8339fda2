"""Scheduled work is on one channel of an interconnect at a time, whoever does it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_world import refused

from xcnet.coordinator.policy.maintenance import Window, check_schedule, resolve_conflict
from xcnet.spec.errors import ApiError, Reason

NOW = 1_800_000_000.0
HOUR = 3600.0
GROUPS = {
    "ch1": frozenset({"ic1"}),
    "ch2": frozenset({"ic1"}),
    "ch3": frozenset({"ic1", "ic2"}),
    "ch4": frozenset({"ic2"}),
}


def _window(start: float = 1, end: float = 2, **changed: Any) -> Window:
    """:param start: hours from now."""
    fields: dict[str, Any] = {"channel": "ch1", "id": "m1", "owner": "aws"}
    return Window(**{**fields, "start": NOW + start * HOUR, "end": NOW + end * HOUR, **changed})


def _check(window: Window, *known: Window) -> None:
    check_schedule(window, known, GROUPS, NOW)


def test_a_window_in_the_future_may_be_published() -> None:
    _check(_window())


@pytest.mark.parametrize(("start", "end"), [(1, 1), (2, 1)])
@pytest.mark.parametrize("emergency", [False, True])
def test_a_window_that_does_not_end_after_it_begins_is_refused(start: float, end: float, emergency: bool) -> None:
    with refused(Reason.INVALID_ARGUMENT, "endTime"):
        _check(_window(start, end, emergency=emergency))


@pytest.mark.parametrize("seconds", [0.0, -5.0])
def test_a_window_may_begin_now(seconds: float) -> None:
    _check(_window(start=seconds / HOUR))


@pytest.mark.parametrize(
    ("start", "end"),
    [(-5.1, HOUR), (-HOUR, -1.0), (-4.0, -1.0), (-4.0, 0.0)],
    ids=["began", "is over", "is over just now", "ends now"],
)
def test_a_window_of_the_past_is_refused(start: float, end: float) -> None:
    with refused(Reason.INVALID_ARGUMENT, "startTime"):
        _check(_window(start / HOUR, end / HOUR))


@pytest.mark.parametrize(
    ("start", "end"),
    [(0.5, 1.01), (1, 2), (1.2, 1.3), (0.5, 3), (1.99, 4)],
    ids=["before", "same", "inside", "around", "after"],
)
@pytest.mark.parametrize("owner", ["aws", "gcp"])
@pytest.mark.parametrize("channel", ["ch1", "ch2", "ch3"])
def test_windows_of_one_interconnect_do_not_overlap(start: float, end: float, owner: str, channel: str) -> None:
    other = _window(start, end, channel=channel, id="m2", owner=owner)
    with refused(Reason.MAINTENANCE_OVERLAPS, "startTime", f"m2: {owner} works on {channel}.* to 2027"):
        _check(_window(), other)


@pytest.mark.parametrize(("start", "end"), [(0.5, 1), (2, 3)], ids=["right before", "right after"])
def test_one_may_begin_when_the_other_ends(start: float, end: float) -> None:
    _check(_window(), _window(start, end, channel="ch2", id="m2"))


def test_a_channel_of_another_interconnect_is_nobodys_business() -> None:
    _check(_window(), _window(channel="ch4", id="m2"))
    _check(_window(), _window(channel="unheard of", id="m2"))


def test_a_channel_that_is_not_known_is_still_one() -> None:
    with refused(Reason.MAINTENANCE_OVERLAPS):
        _check(_window(channel="ch9"), _window(channel="ch9", id="m2"))


def test_a_window_is_not_in_its_own_way_but_the_peers_of_the_same_id_is() -> None:
    _check(_window(), _window())
    with refused(Reason.MAINTENANCE_OVERLAPS):
        _check(_window(), _window(owner="gcp"))


def test_emergencies_overlap_what_they_like_and_hold_nobody_off() -> None:
    _check(_window(emergency=True), _window(channel="ch2", id="m2"))
    _check(_window(), _window(channel="ch2", id="m2", emergency=True))
    with refused(Reason.INVALID_ARGUMENT):
        _check(_window(-2, -1, emergency=True))


# -- published at the same moment


def test_of_two_windows_published_at_once_the_one_of_the_later_provider_is_withdrawn() -> None:
    ours, theirs = _window(), _window(channel="ch2", id="m2", owner="gcp")
    assert resolve_conflict(ours, theirs) is theirs
    assert resolve_conflict(theirs, ours) is theirs


@pytest.mark.parametrize(
    "changed",
    [
        {"owner": "aws"},
        {"emergency": True},
        {"start": NOW + 2 * HOUR, "end": NOW + 3 * HOUR},
    ],
    ids=["one provider", "an emergency", "no overlap"],
)
def test_both_stay_where_there_is_no_conflict(changed: dict[str, Any]) -> None:
    other = _window(**{"channel": "ch2", "id": "m2", "owner": "gcp", **changed})
    assert resolve_conflict(_window(), other) is None
    assert resolve_conflict(other, _window()) is None


_WINDOWS = st.builds(
    lambda channel, start, length, owner, emergency, number: _window(
        start, start + length, channel=channel, owner=owner, emergency=emergency, id=f"m{number}"
    ),
    st.sampled_from(sorted(GROUPS)),
    st.integers(0, 20),
    st.integers(1, 6),
    st.sampled_from(("aws", "gcp")),
    st.sampled_from((False, False, False, True)),
    st.integers(0, 10**6),
)


@given(st.lists(_WINDOWS, max_size=20))
def test_whatever_is_scheduled_no_interconnect_has_two_channels_in_scheduled_work(asked: list[Window]) -> None:
    published: list[Window] = []
    for window in asked:
        try:
            check_schedule(window, published, GROUPS, NOW)
        except ApiError:
            assert any(window.overlaps(other) for other in published)
            continue
        published.append(window)
    scheduled = [window for window in published if not window.emergency]
    for hour in range(30):
        for interconnect in ("ic1", "ic2"):
            at_work = [
                window
                for window in scheduled
                if interconnect in GROUPS[window.channel] and window.start <= NOW + hour * HOUR < window.end
            ]
            assert len({(window.owner, window.id) for window in at_work}) <= 1


@given(_WINDOWS, _WINDOWS)
def test_both_sides_withdraw_the_same_window_and_no_conflict_is_left(one: Window, other: Window) -> None:
    loser = resolve_conflict(one, other)
    assert resolve_conflict(other, one) == loser
    if loser is None:
        assert one.owner == other.owner or one.emergency or other.emergency or not one.overlaps(other)
    else:
        assert loser in (one, other) and not loser.emergency
