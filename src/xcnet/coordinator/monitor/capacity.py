"""How far an interconnect is from not carrying what is sold on it."""

from __future__ import annotations

from enum import IntEnum

from xcnet.coordinator.monitor.findings import UNKNOWN, Kind, Reading
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen
from xcnet.spec.issues import Priority


class Level(IntEnum):
    """``at_risk``: the next failure would congest it. ``exceeded``: what is sold does not fit. ``gone``: no channel works."""

    ENOUGH = 0
    AT_RISK = 1
    EXCEEDED = 2
    GONE = 3


PRIORITY = {Level.AT_RISK: Priority.P3, Level.EXCEEDED: Priority.P1, Level.GONE: Priority.P0}


def lost(channel: ChannelSeen) -> bool:
    """It should carry and does not, and nobody has planned that. One that this monitor holds would carry if it had to."""
    return channel.expected and not (channel.planned or channel.excused or channel.works)


def level(seen: InterconnectSeen) -> Level:
    """Of what nobody has planned: an interconnect that has lost nothing is as it was meant to be."""
    if not any(lost(each) for each in seen.channels) or not seen.sold:
        return Level.ENOUGH
    working = sum(each.works and not each.planned for each in seen.channels)
    if not working:
        return Level.GONE
    if not seen.can_carry(working):
        return Level.EXCEEDED
    return Level.ENOUGH if seen.can_carry(working - 1) else Level.AT_RISK


def read(seen: InterconnectSeen) -> Reading:
    """The interconnect as a whole."""
    if not all(each.known for each in seen.channels):
        return UNKNOWN
    found = level(seen)
    if found is Level.ENOUGH:
        return Reading()
    working = sum(each.works and not each.planned for each in seen.channels)
    suffer = sorted({uuid for each in seen.channels for uuid in each.connections})
    return Reading(
        bad=True,
        healthy=False,
        connections=tuple(suffer),
        words=f"{working} of {len(seen.channels)} channels work, {sum(seen.sold)} Mbit/s are sold: {_MEANING[found]}",
        figures={"working": working, "channels": len(seen.channels), "sold_mbps": sum(seen.sold)},
    )


_MEANING = {
    Level.AT_RISK: "one more failure and it is congested",
    Level.EXCEEDED: "it is congested when all of it is used",
    Level.GONE: "nothing is carried",
}


def urgent(kind: Kind, base: Priority, found: Level) -> Priority:
    """Trouble on one channel is more urgent once no other can stand in for it."""
    if kind is Kind.CAPACITY:
        return PRIORITY.get(found, base)
    return min(base, Priority.P1) if found >= Level.EXCEEDED else base


__all__ = ["Level", "level", "lost", "read", "urgent"]
