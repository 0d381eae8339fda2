"""Frames that MACsec has not let in, on a channel that is secured: somebody else's, damaged, or under another key."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.coordinator.monitor.window import Gain, Window
from xcnet.model.monitoring import MacsecErrorsPolicy

_SETTLE_SECONDS = 10.0
"""After it was secured: one end sends under a key a moment before the other accepts it."""


class MacsecErrors:
    """By the SecY's counters of refused frames (IEEE 802.1AE, 10.7)."""

    after = 0.0

    def __init__(self, policy: MacsecErrorsPolicy) -> None:
        self._policy = policy
        self._refused = Window(policy.window_seconds)
        self._gain = Gain()
        self._ready_since: float | None = None

    def read(self, now: float, seen: ChannelSeen) -> Reading:
        if seen.refused is None or not seen.known:
            return UNKNOWN
        gained = self._gain.of(seen.refused)
        if not seen.ready:
            self._ready_since = None
            return UNKNOWN
        if self._ready_since is None:
            self._ready_since = now
        if now - self._ready_since < _SETTLE_SECONDS:
            return UNKNOWN
        self._refused.add(now, gained)
        count = int(self._refused.total(now))
        return Reading(
            bad=count >= self._policy.frames,
            healthy=not gained,
            connections=seen.connections,
            words=f"MACsec has refused {count} frames within {self._policy.window_seconds:g} s",
            figures={"frames": count},
        )

    def forget(self) -> None:
        self._refused.clear()


__all__ = ["MacsecErrors"]
