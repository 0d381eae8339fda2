"""A channel that loses some of what it carries, while everything that watches it stays up.

What counts is in how many of the last seconds some of a burst of probes was lost, not how many probes: losses of grey channels
are spread over time, those of an outage are in a lump. A burst that was lost whole is an outage, and other detectors' business.
"""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.coordinator.monitor.window import Gain, Window
from xcnet.model.monitoring import GreyLossPolicy


class GreyLoss:
    """Is to be shown each burst's outcome by itself: once a second."""

    after = 0.0

    def __init__(self, policy: GreyLossPolicy) -> None:
        self._policy = policy
        self._lossy = Window(policy.window_seconds)
        self._lost = Window(policy.window_seconds)
        self._judged = Window(policy.window_seconds)
        self._answered_gain, self._lost_gain = Gain(), Gain()

    def read(self, now: float, seen: ChannelSeen) -> Reading:
        if seen.probes is None or not seen.known:
            return UNKNOWN
        answered, lost = self._answered_gain.of(seen.probes.answered), self._lost_gain.of(seen.probes.lost)
        if not seen.works or seen.busy or not answered:
            # Dark, or congested, or nothing came back at all: that says nothing of the fibre's quality.
            return UNKNOWN
        self._judged.add(now, answered + lost)
        self._lost.add(now, lost)
        self._lossy.add(now, 1 if lost else 0)
        seconds = int(self._lossy.total(now))
        missing, judged = int(self._lost.total(now)), int(self._judged.total(now))
        bad = seconds >= self._policy.lossy_seconds
        share = 100 * missing / judged if judged else 0.0
        return Reading(
            bad=bad,
            healthy=not lost,
            connections=seen.connections,
            words=f"{missing} of {judged} probes were lost ({share:.1f} %), in {seconds} different seconds",
            figures={"lost": missing, "probes": judged, "seconds": seconds},
        )

    def forget(self) -> None:
        for window in (self._lossy, self._lost, self._judged):
            window.clear()


__all__ = ["GreyLoss"]
