"""A channel that goes down again and again: each time flows move away from it, and back."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.coordinator.monitor.window import Gain, Window
from xcnet.model.monitoring import FlapPolicy


class Flap:
    """Counts how often it went down, not how long it was."""

    after = 0.0

    def __init__(self, policy: FlapPolicy) -> None:
        self._policy = policy
        self._drops = Window(policy.window_seconds)
        self._gain = Gain()

    def read(self, now: float, seen: ChannelSeen) -> Reading:
        dropped = self._gain.of(seen.drops)
        if seen.planned:
            # Whoever works on it has taken it down.
            self._drops.clear()
            return UNKNOWN
        self._drops.add(now, dropped)
        count = int(self._drops.total(now))
        return Reading(
            bad=count >= self._policy.count,
            healthy=seen.known and seen.works and not dropped,
            connections=seen.connections,
            words=f"it went down {count} times within {self._policy.window_seconds:g} s",
            figures={"times": count},
        )

    def forget(self) -> None:
        self._drops.clear()


__all__ = ["Flap"]
