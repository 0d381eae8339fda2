"""A channel that has worked, and does not."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading, connections
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.model.monitoring import ChannelDownPolicy


class ChannelDown:
    """Not lit, not secured, or without sessions or routes of a connection in use."""

    def __init__(self, policy: ChannelDownPolicy) -> None:
        self.after = policy.after_seconds

    def read(self, _now: float, seen: ChannelSeen) -> Reading:
        if not seen.known or not seen.expected:
            return UNKNOWN
        if seen.works:
            return Reading()
        if not seen.carrier:
            words = "it has lost its light"
        elif not seen.ready:
            words = "it is lit, but MACsec is closed: no keys are agreed on"
        else:
            words = f"it is secured, but BGP does not work over it for {connections(seen.broken)}"
        suffer = seen.broken if seen.ready else seen.connections
        return Reading(bad=True, healthy=False, connections=suffer, words=words)

    def forget(self) -> None:
        """Nothing is looked back over."""


__all__ = ["ChannelDown"]
