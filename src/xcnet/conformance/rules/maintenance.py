"""Maintenance: windows are shown, and of scheduled ones no two on an interconnect overlap."""

from __future__ import annotations

from datetime import datetime
from itertools import combinations
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, name_of
from xcnet.spec import rfc3339

_group = Group("Maintenance")
_REFERENCE = "protocol, maintenance"

Window = tuple[datetime, datetime]


async def _windows(session: Session) -> dict[str, list[Window]]:
    found: dict[str, list[Window]] = {}
    for each in await session.channels():
        channel = name_of(each).id
        shown = (await session.fetch("GetMaintenanceEvents", {"channel": channel})).object
        found[channel] = [_window(channel, event) for event in shown.get("events") or []]
    return found


def _window(channel: str, event: dict[str, Any]) -> Window:
    try:
        start, end = (rfc3339.parse(str(event[name])) for name in ("startTime", "endTime"))
    except (KeyError, ValueError):
        raise Violation(f"{channel}: an event has no startTime and endTime of RFC 3339") from None
    return start, end


@_group.must("maintenance-notified", "A notification of maintenance is taken", _REFERENCE, "NotifyMaintenance")
async def notified(session: Session) -> str | None:
    expect(await session.call("NotifyMaintenance", {}, ids={"channel": await session.channel()}), 200)
    return None


@_group.must("maintenance-windows", "Every window begins before it ends", _REFERENCE, "GetMaintenanceEvents")
async def windows(session: Session) -> str | None:
    found = await _windows(session)
    for channel, each in found.items():
        if any(start >= end for start, end in each):
            raise Violation(f"{channel}: a window ends before it begins")
    return f"{sum(map(len, found.values()))} windows"


@_group.should("maintenance-one", "Two channels of an interconnect are not in maintenance at once", _REFERENCE)
async def one(session: Session) -> str | None:
    found = {channel: each for channel, each in (await _windows(session)).items() if each}
    if len(found) < 2:
        raise NotTestable("fewer than two channels have windows")
    for (first, ones), (second, others) in combinations(found.items(), 2):
        for start, end in ones:
            if any(start < until and since < end for since, until in others):
                raise Violation(f"windows of {first} and {second} overlap (an emergency's may, and does not say so)")
    return None
