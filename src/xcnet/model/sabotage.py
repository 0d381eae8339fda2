"""Mechanisms that a lab can be robbed of on purpose, to see that what is expected of them then fails.

A sabotaged lab is a broken product. It comes about by ``xcnet run --sabotage`` and in tests alone, and says what it lacks in its record
and reports.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Sabotage(StrEnum):
    """What is taken away."""

    BFD_OFF = "bfd-off"
    HOLD_OFF = "hold-off"
    NO_ECMP = "no-ecmp"
    NO_LIMIT = "no-limit"
    NO_CARRIER = "no-carrier"
    NO_WITHDRAWAL = "no-withdrawal"
    FAIL_OPEN = "fail-open"
    NO_DRAIN = "no-drain"
    NO_ROLLOVER = "no-rollover"
    NO_BAKE = "no-bake"
    NO_OVERLAP_CHECK = "no-overlap-check"
    NO_MAKE_BEFORE_BREAK = "no-make-before-break"
    NO_RETRY = "no-retry"
    NO_STATUS = "no-status"
    NO_MTU = "no-mtu"
    NO_RESIZE = "no-resize"
    NO_CONFLICT_CHECK = "no-conflict-check"
    NO_KEY_CHECK = "no-key-check"
    NO_QUOTA = "no-quota"
    NO_DELETE = "no-delete"
    NO_MONITOR = "no-monitor"

    @property
    def about(self) -> About:
        return _ABOUT[self]


@dataclass(frozen=True, slots=True)
class About:
    """:param lost: what is not there any more, for people. :param where: in which part of the lab."""

    lost: str
    where: str


_ABOUT = {
    Sabotage.BFD_OFF: About("no session with the other provider has BFD", "plan"),
    Sabotage.HOLD_OFF: About("BGP keeps silent sessions for eighteen hours", "plan"),
    Sabotage.NO_ECMP: About("gateways send everything over the first of their edges, whatever BGP says", "routes"),
    Sabotage.NO_LIMIT: About("sessions accept any number of prefixes", "plan"),
    Sabotage.NO_CARRIER: About("a cut fibre keeps its light: frames vanish, and no port is told", "faults"),
    Sabotage.NO_WITHDRAWAL: About("gateways keep the routes of edges whose sessions have ended", "plan"),
    Sabotage.FAIL_OPEN: About("a channel without a key carries its traffic in clear", "edges"),
    Sabotage.NO_DRAIN: About("a channel is taken down without moving its traffic first", "coordinators"),
    Sabotage.NO_ROLLOVER: About("the old key is deleted before the new one is agreed on", "coordinators"),
    Sabotage.NO_BAKE: About("keys may be rotated one right after the other", "coordinators"),
    Sabotage.NO_OVERLAP_CHECK: About("maintenance windows may overlap", "coordinators"),
    Sabotage.NO_MAKE_BEFORE_BREAK: About("a connection leaves its old interconnect at once", "coordinators"),
    Sabotage.NO_RETRY: About("a call without an answer is given up", "coordinators"),
    Sabotage.NO_STATUS: About("nobody notices that a connection does not work any more", "coordinators"),
    Sabotage.NO_MTU: About("proposals carry the lowest MTU that both sides accept", "coordinators"),
    Sabotage.NO_RESIZE: About("a peer's new bandwidth is answered with 200, and not taken over", "coordinators"),
    Sabotage.NO_CONFLICT_CHECK: About("changes are taken while another is under way", "coordinators"),
    Sabotage.NO_KEY_CHECK: About("any activation key is confirmed", "coordinators"),
    Sabotage.NO_QUOTA: About("accounts have as many connections as they ask for", "coordinators"),
    Sabotage.NO_DELETE: About("a peer's deletion is answered with 200, and not carried out", "coordinators"),
    Sabotage.NO_MONITOR: About("nobody looks after the channels", "profiles"),
}


__all__ = ["About", "Sabotage"]
