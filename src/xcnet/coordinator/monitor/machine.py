"""The monitor itself: detectors on every channel, what they have found so far, and which channels it would have used last."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from xcnet.coordinator.monitor import capacity
from xcnet.coordinator.monitor.detectors import DETECTORS
from xcnet.coordinator.monitor.findings import PRIORITIES, Finding, Kind, Reading, action_of
from xcnet.coordinator.monitor.holding import to_hold
from xcnet.coordinator.monitor.latch import Latch
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen
from xcnet.model.monitoring import Action, MonitorPolicy

Trouble = tuple[Kind, str]
"""A kind, and the channel or interconnect."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What should be now. :param holds: channels that are used last."""

    findings: tuple[Finding, ...] = ()
    holds: frozenset[str] = frozenset()


class Monitor:
    """:param me: the provider's id. :param found: trouble that stood when an earlier process ended: it is not found anew."""

    def __init__(self, policy: MonitorPolicy, me: str, found: Collection[Trouble] = ()) -> None:
        self._policy = policy
        self._me = me
        self._found_before = set(found)
        self._channels: dict[str, _ChannelWatch] = {}
        self._capacity: dict[str, _CapacityWatch] = {}

    def look(self, now: float, seen: Iterable[InterconnectSeen]) -> Outcome:
        """:param now: seconds, of a clock that never goes back. :param seen: all interconnects; once a second or so."""
        findings: list[Finding] = []
        holds: set[str] = set()
        for interconnect in seen:
            level = self._capacity_watch(interconnect.name).look(now, interconnect)
            found = [
                self._finding(interconnect, each, kind, reading, level)
                for each in interconnect.channels
                for kind, reading in self._channel_watch(each.name).look(now, each)
            ]
            whole = self._capacity_watch(interconnect.name)
            if whole.found:
                found.append(self._finding(interconnect, None, Kind.CAPACITY, whole.reading, whole.level))
            found = [each for each in found if action_of(self._policy, each.kind) is not Action.NONE]
            wanting = {
                each.channel
                for each in found
                if each.channel is not None and action_of(self._policy, each.kind) is Action.DEPREFER
            }
            held = to_hold(interconnect, wanting, self._me)
            if held is not None:
                holds.add(held)
            findings += found
        return Outcome(tuple(findings), frozenset(holds))

    def _finding(
        self,
        interconnect: InterconnectSeen,
        channel: ChannelSeen | None,
        kind: Kind,
        reading: Reading,
        level: capacity.Level,
    ) -> Finding:
        return Finding(
            kind=kind,
            interconnect=interconnect.name,
            channel=channel.name if channel is not None else None,
            priority=capacity.urgent(kind, PRIORITIES[kind], level),
            connections=reading.connections,
            words=reading.words,
            figures=reading.figures,
        )

    def _channel_watch(self, name: str) -> _ChannelWatch:
        if name not in self._channels:
            self._channels[name] = _ChannelWatch(self._policy, {kind for kind, on in self._found_before if on == name})
        return self._channels[name]

    def _capacity_watch(self, name: str) -> _CapacityWatch:
        if name not in self._capacity:
            self._capacity[name] = _CapacityWatch(self._policy, (Kind.CAPACITY, name) in self._found_before)
        return self._capacity[name]


class _ChannelWatch:
    """All detectors on one channel."""

    def __init__(self, policy: MonitorPolicy, found: Collection[Kind]) -> None:
        self._detectors = {kind: make(policy) for kind, make in DETECTORS.items()}
        self._latches = {
            kind: Latch(after=each.after, hold=policy.hold_seconds, found=kind in found)
            for kind, each in self._detectors.items()
        }
        self._readings: dict[Kind, Reading] = {}

    def look(self, now: float, seen: ChannelSeen) -> list[tuple[Kind, Reading]]:
        """What stands, as it was when it was worst last."""
        standing = []
        for kind, detector in self._detectors.items():
            latch = self._latches[kind]
            reading = detector.read(now, seen)
            if seen.planned:
                # Whatever is the matter with it meanwhile, somebody is at work on it.
                reading = Reading(healthy=False, known=False)
            before = latch.found
            latch.look(now, reading)
            if before and not latch.found:
                detector.forget()
            if reading.known and reading.bad:
                self._readings[kind] = reading
            if latch.found:
                standing.append((kind, self._readings.get(kind, Reading())))
            else:
                self._readings.pop(kind, None)
        return standing


class _CapacityWatch:
    """One interconnect as a whole. :ivar level: the worst that lasted, while it is found."""

    def __init__(self, policy: MonitorPolicy, found: bool) -> None:
        after, hold = policy.capacity.after_seconds, policy.hold_seconds
        self._latch = Latch(after=after, hold=hold, found=found)
        self._worse = {each: Latch(after=after, hold=hold) for each in capacity.Level if each > capacity.Level.AT_RISK}
        self.reading = Reading()
        self.level = capacity.Level.ENOUGH

    @property
    def found(self) -> bool:
        return self._latch.found

    def look(self, now: float, seen: InterconnectSeen) -> capacity.Level:
        reading = capacity.read(seen)
        level = capacity.level(seen)
        self._latch.look(now, reading)
        for each, latch in self._worse.items():
            # Healthy is what is not as bad as this: the interconnect may be short of channels for long.
            bad = reading.bad and level >= each
            latch.look(now, Reading(bad=bad, healthy=not bad, known=reading.known))
        if reading.bad:
            self.reading = reading
        worst = max((each for each, latch in self._worse.items() if latch.found), default=capacity.Level.AT_RISK)
        self.level = worst if self.found else capacity.Level.ENOUGH
        return self.level


__all__ = ["Monitor", "Outcome", "Trouble"]
