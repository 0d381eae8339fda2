"""A session that has nearly as many prefixes as it may have: beyond the limit it is torn down, on all channels alike."""

from __future__ import annotations

from xcnet.coordinator.monitor.findings import UNKNOWN, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen
from xcnet.model.monitoring import PrefixLimitPolicy

_LESS = 0.95
"""Of the share at which it is found: below that it is healthy, so that a route more or less is no change."""


class PrefixLimit:
    """By the routes in the forwarding table that lead over the channel."""

    after = 2.0

    def __init__(self, policy: PrefixLimitPolicy) -> None:
        self._policy = policy

    def read(self, _now: float, seen: ChannelSeen) -> Reading:
        if not seen.known or not seen.ready:
            return UNKNOWN
        nearest = seen.prefixes
        if nearest is None:
            return Reading()
        share = nearest.held / nearest.limit
        return Reading(
            bad=share >= self._policy.share,
            healthy=share < self._policy.share * _LESS,
            connections=(nearest.connection,),
            words=f"an IPv{nearest.family} session has {nearest.held} prefixes of at most {nearest.limit}",
            figures={"prefixes": nearest.held, "limit": nearest.limit},
        )

    def forget(self) -> None:
        """Nothing is looked back over."""


__all__ = ["PrefixLimit"]
