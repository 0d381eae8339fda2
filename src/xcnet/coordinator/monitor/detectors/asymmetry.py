"""A channel that one side uses for a connection, and the other does not."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading, connections
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.model.monitoring import AsymmetryPolicy


class Asymmetry:
    """By what both sides say of their forwarding. How much traffic goes each way tells nothing: flows and their answers are
    hashed to different channels."""

    def __init__(self, policy: AsymmetryPolicy) -> None:
        self.after = policy.after_seconds

    def read(self, _now: float, seen: ChannelSeen) -> Reading:
        if not seen.known or not seen.works:
            return UNKNOWN
        if seen.one_way:
            words = f"this side sends {connections(seen.one_way)} over it, and at yours it does not work"
            return Reading(bad=True, healthy=False, connections=seen.one_way, words=words)
        if seen.unanswered:
            words = f"your side sends over it, and this one has no route over it for {connections(seen.unanswered)}"
            return Reading(bad=True, healthy=False, connections=seen.unanswered, words=words)
        return Reading()

    def forget(self) -> None:
        """Nothing is looked back over."""


__all__ = ["Asymmetry"]
