"""Time as something that is handed in: the system's own, or one that a test or a scenario moves by hand."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """A source of time. Seconds throughout."""

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back. All intervals and deadlines are reckoned on it."""
        ...

    def wall(self) -> float:
        """Seconds since 1970-01-01T00:00:00Z. For showing to people, never for intervals."""
        ...


class SystemClock:
    """CLOCK_MONOTONIC and CLOCK_REALTIME of the kernel this process runs in."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()


class SkewedClock:
    """Another clock, whose wall time is wrong. :ivar skew: seconds that it is ahead; may be changed at any time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.skew = 0.0

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> float:
        return self._clock.wall() + self.skew


class FakeClock:
    """A clock that stands still until it is told to move."""

    def __init__(self, monotonic: float = 1000.0, wall: float = 1_800_000_000.0) -> None:
        self._monotonic = monotonic
        self._wall = wall

    def monotonic(self) -> float:
        return self._monotonic

    def wall(self) -> float:
        return self._wall

    def advance(self, seconds: float) -> None:
        """Move both times forward by ``seconds`` (>= 0)."""
        if seconds < 0:
            raise ValueError("a clock does not go back")
        self._monotonic += seconds
        self._wall += seconds


__all__ = ["Clock", "FakeClock", "SkewedClock", "SystemClock"]
