"""Which channel of an interconnect is better used last: at most one, and only while the others carry what is sold."""

from __future__ import annotations

from collections.abc import Collection

from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen


def to_hold(seen: InterconnectSeen, wanting: Collection[str], me: str) -> str | None:
    """The channel that this provider holds from now on; None: none.

    The rule of maintenance holds for this too: one channel of an interconnect at a time, whoever takes it. Planned work
    goes before; of two providers that took different channels at the same moment the one whose id sorts later lets go.

    :param wanting: channels with trouble that is best avoided. :param me: this provider's id.
    """
    if any(each.planned for each in seen.channels):
        return None
    held = [each.name for each in seen.channels if each.held]
    candidates = [*(name for name in held if name in wanting), *sorted(set(wanting) - set(held))]
    for name in candidates:
        others = [each for each in seen.channels if each.name != name]
        if len(others) == len(seen.channels):
            continue
        if name not in held and any(each.held for each in others):
            continue
        if any(each.excused for each in others):
            # The peer has it out of use. Of this one itself that is no matter: both may have the same one.
            continue
        if any(_drained_by_peer(each) for each in others) and (name not in held or me > seen.peer):
            continue
        if seen.can_carry(sum(_carries(each, wanting) for each in others)):
            return name
    return None


def _drained_by_peer(channel: ChannelSeen) -> bool:
    return channel.idle and not channel.held


def _carries(channel: ChannelSeen, wanting: Collection[str]) -> bool:
    return channel.works and channel.known and channel.name not in wanting


__all__ = ["to_hold"]
