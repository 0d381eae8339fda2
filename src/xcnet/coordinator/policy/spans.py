"""Sets of integers as ranges in order: to ask, to add and to take away costs the logarithm of their number."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator


class Spans:
    """Ranges, both ends included, that neither overlap nor touch: those that would are one.

    Addresses that are given out one after the other from one end make one range, however many they are.

    :param ranges: in any order, overlapping or not.
    """

    __slots__ = ("_firsts", "_lasts")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        for first, last in sorted(ranges):
            if self._lasts and first <= self._lasts[-1] + 1:
                self._lasts[-1] = max(self._lasts[-1], last)
            else:
                self._firsts.append(first)
                self._lasts.append(last)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self._firsts, self._lasts, strict=True)

    def __len__(self) -> int:
        """How many ranges there are."""
        return len(self._firsts)

    def add(self, first: int, last: int) -> None:
        """Have every integer of the range in the set."""
        low, high = bisect_left(self._lasts, first - 1), bisect_right(self._firsts, last + 1)
        if low < high:
            first, last = min(first, self._firsts[low]), max(last, self._lasts[high - 1])
        self._firsts[low:high] = [first]
        self._lasts[low:high] = [last]

    def remove(self, first: int, last: int) -> None:
        """Have none of them in it."""
        low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
        if low >= high:
            return
        before, after = (self._firsts[low], first - 1), (last + 1, self._lasts[high - 1])
        kept = [each for each in (before, after) if each[0] <= each[1]]
        self._firsts[low:high] = [each[0] for each in kept]
        self._lasts[low:high] = [each[1] for each in kept]

    def clash(self, first: int, last: int) -> tuple[int, int] | None:
        """A range of the set that has something in common with this one; None if there is none."""
        at = bisect_right(self._firsts, last) - 1
        if at >= 0 and self._lasts[at] >= first:
            return self._firsts[at], self._lasts[at]
        return None

    def within(self, first: int, last: int) -> list[tuple[int, int]]:
        """What the set has in common with this range."""
        low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
        return [(max(self._firsts[at], first), min(self._lasts[at], last)) for at in range(low, high)]


__all__ = ["Spans"]
