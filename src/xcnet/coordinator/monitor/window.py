"""Sums over the last so many seconds."""

from __future__ import annotations

from collections import deque


class Window:
    """:param seconds: how far it looks back."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._entries: deque[tuple[float, float]] = deque()

    def add(self, now: float, value: float) -> None:
        self._entries.append((now, value))

    def total(self, now: float) -> float:
        """Of what was added within the last seconds."""
        while self._entries and self._entries[0][0] <= now - self._seconds:
            self._entries.popleft()
        return sum(value for _moment, value in self._entries)

    def clear(self) -> None:
        self._entries.clear()


class Gain:
    """What a counter has gained since it was looked at last; one that went back began anew."""

    def __init__(self) -> None:
        self._last: int | None = None

    def of(self, value: int) -> int:
        before, self._last = self._last, value
        if before is None:
            return 0
        return value - before if value >= before else value


__all__ = ["Gain", "Window"]
