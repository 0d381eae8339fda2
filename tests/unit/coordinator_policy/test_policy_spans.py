"""Ranges of integers behave as the set of the integers in them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from xcnet.coordinator.policy.spans import Spans

_RANGES = st.tuples(st.integers(0, 40), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))


def _members(spans: Spans) -> set[int]:
    return {each for first, last in spans for each in range(first, last + 1)}


def _assert_kept_apart(spans: Spans) -> None:
    ranges = list(spans)
    assert all(first <= last for first, last in ranges)
    assert all(before[1] + 1 < after[0] for before, after in pairwise(ranges))


@given(st.lists(st.tuples(st.booleans(), _RANGES), max_size=20))
def test_adding_and_removing_is_what_it_is_for_a_set(steps: list[tuple[bool, tuple[int, int]]]) -> None:
    spans, members = Spans(), set[int]()
    for adds, (first, last) in steps:
        if adds:
            spans.add(first, last)
            members |= set(range(first, last + 1))
        else:
            spans.remove(first, last)
            members -= set(range(first, last + 1))
        assert _members(spans) == members
        _assert_kept_apart(spans)


@given(st.lists(_RANGES, max_size=10), _RANGES)
def test_what_it_has_in_common_with_a_range_is_found(ranges: list[tuple[int, int]], asked: tuple[int, int]) -> None:
    spans = Spans(ranges)
    _assert_kept_apart(spans)
    wanted = set(range(asked[0], asked[1] + 1))
    assert _members(Spans(spans.within(*asked))) == _members(spans) & wanted
    clash = spans.clash(*asked)
    if clash is None:
        assert not _members(spans) & wanted
    else:
        assert clash in list(spans)
        assert set(range(clash[0], clash[1] + 1)) & wanted


def test_ranges_that_touch_are_one() -> None:
    spans = Spans()
    for first in range(0, 4000, 4):
        spans.add(first, first + 3)
    assert list(spans) == [(0, 3999)]
    assert len(spans) == 1
