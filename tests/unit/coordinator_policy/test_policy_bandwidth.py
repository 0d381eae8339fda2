"""Which bandwidths can be had, and when one may be changed."""

from __future__ import annotations

import pytest
from policy_world import refused

from xcnet.coordinator.policy.bandwidth import check_capacity, check_size, check_update, free
from xcnet.spec.errors import Reason

_SIZES = (500, 1000, 5000)


@pytest.mark.parametrize(("capacity", "reserved", "left"), [(10, (), 10), (10, (4, 6), 0), (10, (4, 7), -1)])
def test_what_is_free_is_what_is_not_reserved(capacity: int, reserved: tuple[int, ...], left: int) -> None:
    assert free(capacity, reserved) == left


@pytest.mark.parametrize("mbps", _SIZES)
def test_a_size_that_is_offered_is_taken(mbps: int) -> None:
    check_size(mbps, _SIZES)


@pytest.mark.parametrize("mbps", [-500, 0, 499, 501, 6000])
def test_a_size_that_is_not_offered_is_refused_and_those_offered_are_named(mbps: int) -> None:
    with refused(Reason.UNSUPPORTED_SIZE, "bandwidthMbps", "500, 1000, 5000"):
        check_size(mbps, (5000, 500, 1000))


@pytest.mark.parametrize(("more", "room"), [(1000, 1000), (0, 0), (0, -5), (-500, -5)])
def test_what_fits_and_what_needs_no_room_is_taken(more: int, room: int) -> None:
    check_capacity(more, room)


@pytest.mark.parametrize(
    ("more", "room", "said"), [(1000, 999, "999 are free"), (1, 0, "0 are free"), (1, -5, "0 are free")]
)
def test_what_does_not_fit_is_refused(more: int, room: int, said: str) -> None:
    with refused(Reason.NO_CAPACITY, "bandwidthMbps", said):
        check_capacity(more, room)


@pytest.mark.parametrize(
    ("current", "wanted", "room"),
    [(500, 1000, 500), (1000, 5000, 4000), (1000, 500, 0), (1000, 500, -100), (1000, 1000, 0)],
    ids=["growth", "more growth", "less", "less, where too much is reserved", "the same"],
)
def test_growth_needs_room_for_the_difference_and_less_needs_none(current: int, wanted: int, room: int) -> None:
    check_update(current, wanted, sizes=_SIZES, free_mbps=room, in_flight=False)


def test_growth_beyond_what_is_free_is_refused() -> None:
    with refused(Reason.NO_CAPACITY):
        check_update(500, 1000, sizes=_SIZES, free_mbps=499, in_flight=False)


@pytest.mark.parametrize("wanted", [500, 1000, 5000])
def test_nothing_is_changed_while_another_change_is_under_way(wanted: int) -> None:
    with refused(Reason.UPDATE_IN_FLIGHT):
        check_update(1000, wanted, sizes=_SIZES, free_mbps=10_000, in_flight=True)


def test_a_size_that_is_not_offered_is_said_so_whatever_else_there_is() -> None:
    with refused(Reason.UNSUPPORTED_SIZE):
        check_update(1000, 1001, sizes=_SIZES, free_mbps=0, in_flight=True)
