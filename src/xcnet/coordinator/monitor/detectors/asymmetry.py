"""A channel that one side uses for a connection, and the other does not."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading
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
        if not seen.one_way:
            return Reading()
        return Reading(
            bad=True,
            healthy=False,
            connections=seen.one_way,
            words=f"{len(seen.one_way)} connections work over it at this side, and do not at yours",
        )

    def forget(self) -> None:
        """Nothing is looked back over."""


__all__ = ["Asymmetry"]
