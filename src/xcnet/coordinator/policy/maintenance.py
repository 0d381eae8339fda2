"""When work on a channel may be scheduled: never on two channels of one interconnect at the same time, by either side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from xcnet.spec.errors import ApiError, Reason

_GRACE = 5.0
"""Seconds that a window's beginning may lie back: it was to be now, and asking the peer took a moment."""


@dataclass(frozen=True, slots=True)
class Window:
    """:param start: policy time. :param owner: the provider that does the work."""

    channel: str
    id: str
    start: float
    end: float
    owner: str
    emergency: bool = False

    def overlaps(self, other: Window) -> bool:
        return self.start < other.end and other.start < self.end


def check_schedule(
    window: Window, known: Iterable[Window], interconnects: Mapping[str, frozenset[str]], now: float
) -> None:
    """Whether a window may be published.

    Two windows on the same channel are in each other's way as well: the end of one would put the channel up amid the
    other. Emergencies overlap whatever there is, and are in nobody's way; they are published as any other. A window
    may begin the moment another ends. Whether devices shared by interconnects could make windows wait for each other
    around a circle is asked when a topology is loaded (``xcnet.model.checks_names``).

    :param known: windows of both sides. :param interconnects: channel -> the interconnects that it belongs to.
    :raises ApiError: 400 for a window that cannot be, 409 for one that overlaps another of the same interconnect.
    """
    if window.end <= window.start:
        raise ApiError(Reason.INVALID_ARGUMENT, "the window does not end after it begins", field="endTime")
    if window.start < now - _GRACE or window.end <= now:
        raise ApiError(Reason.INVALID_ARGUMENT, "the window lies in the past", field="startTime")
    if window.emergency:
        return
    own = interconnects.get(window.channel, frozenset())
    for other in known:
        if other.id == window.id and other.owner == window.owner:
            continue
        shared = other.channel == window.channel or own & interconnects.get(other.channel, frozenset())
        if shared and not other.emergency and window.overlaps(other):
            raise ApiError(
                Reason.MAINTENANCE_OVERLAPS,
                f"it overlaps maintenance {other.id}: {other.owner} works on {other.channel}, of the same interconnect,"
                f" from {_time(other.start)} to {_time(other.end)}",
                field="startTime",
            )


def resolve_conflict(one: Window, other: Window) -> Window | None:
    """Of two windows that both sides have published at the same moment, the one that is withdrawn; None if both can stay.

    That of the provider whose id sorts later, whatever the windows are: both sides come to the same without asking, and
    whichever is given as ``one``. An emergency is never withdrawn, and two windows of one provider are its own affair.

    :param other: of a channel of the same interconnect.
    """
    if one.emergency or other.emergency or one.owner == other.owner or not one.overlaps(other):
        return None
    return one if one.owner > other.owner else other


def _time(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"


__all__ = ["Window", "check_schedule", "resolve_conflict"]
