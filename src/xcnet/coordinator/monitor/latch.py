"""From when on something is trouble, and until when: what comes and goes is neither found nor cleared at once."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import Reading


class Latch:
    """:param after: seconds that it is bad before it is found. :param hold: seconds that it is healthy before it is cleared.
    :param found: it was found before this process began.
    """

    def __init__(self, *, after: float, hold: float, found: bool = False) -> None:
        self._after = after
        self._hold = hold
        self.found = found
        self._bad_since: float | None = None
        self._healthy_since: float | None = None

    def look(self, now: float, reading: Reading) -> None:
        """What cannot be told interrupts both counts, and changes nothing. What was cleared begins anew."""
        self._bad_since = _since(self._bad_since, now, reading.known and reading.bad)
        self._healthy_since = _since(self._healthy_since, now, reading.known and reading.healthy)
        if not self.found:
            self.found = self._bad_since is not None and now - self._bad_since >= self._after
        elif self._healthy_since is not None and now - self._healthy_since >= self._hold:
            self.found = False


def _since(before: float | None, now: float, holds: bool) -> float | None:
    if not holds:
        return None
    return now if before is None else before


__all__ = ["Latch"]
