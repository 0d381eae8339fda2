"""How often an address may be renewed: taking one away ends the sessions that use it, so that haste makes what it is to mend."""

from __future__ import annotations

from collections.abc import Hashable

FIRST_WAIT = 4.0
"""Seconds after a first renewal in which there is no second: a daemon that is busy has not read of it yet."""

MOST_WAIT = 64.0
"""Seconds; the wait doubles with every renewal until then. After as long without one an address begins anew."""


class Renewals:
    """Has no clock of its own: every moment is given, in seconds."""

    def __init__(self) -> None:
        self._last: dict[Hashable, tuple[float, float]] = {}
        """What was renewed -> when, and how long it then has to wait."""

    def due(self, what: Hashable, now: float) -> bool:
        """Whether ``what`` is to be renewed now; if so, it counts as done."""
        self._last = {each: (at, wait) for each, (at, wait) in self._last.items() if now < at + wait + MOST_WAIT}
        at, wait = self._last.get(what, (now, 0.0))
        if now < at + wait:
            return False
        self._last[what] = now, min(max(2 * wait, FIRST_WAIT), MOST_WAIT)
        return True


__all__ = ["FIRST_WAIT", "MOST_WAIT", "Renewals"]
