"""A monitor that is shown one interconnect once a second, by a clock moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from xcnet.coordinator.monitor.findings import Finding, Kind
from xcnet.coordinator.monitor.machine import Monitor, Outcome
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen, Probes
from xcnet.model.monitoring import MonitorPolicy

CHANNELS = ("ch1", "ch2", "ch3", "ch4")
PROD = "4bd0e6f2-0000-4000-8000-000000000001"
BURST = 10


class Shown:
    """What a monitor sees, changed by tests. Each second a burst of probes passes over each channel that works.

    :ivar losing: channel -> how many of the next burst are lost.
    """

    def __init__(self, *, channels: Iterable[str] = CHANNELS, sold: tuple[int, ...] = (1000,), **policy: Any) -> None:
        self.channels = {
            name: ChannelSeen(name=name, connections=(PROD,), probes=Probes(0, 0), refused=0) for name in channels
        }
        self.sold = sold
        self.losing: dict[str, int] = {}
        self.now = 1000.0
        self.policy = MonitorPolicy.model_validate(policy)
        self.monitor = Monitor(self.policy, "aws")
        self.outcome = Outcome()

    def restart(self) -> None:
        """Another process, which knows what the store has."""
        self.monitor = Monitor(self.policy, "aws", [(each.kind, each.subject) for each in self.outcome.findings])

    def change(self, name: str, **changes: Any) -> None:
        self.channels[name] = replace(self.channels[name], **changes)

    def second(self) -> Outcome:
        self.now += 1.0
        for name, channel in self.channels.items():
            if channel.probes is not None and channel.works:
                lost = min(self.losing.get(name, 0), BURST)
                answered, before = channel.probes
                self.change(name, probes=Probes(answered + BURST - lost, before + lost))
        seen = InterconnectSeen("ic1", "gcp", tuple(self.channels.values()), self.sold)
        self.outcome = self.monitor.look(self.now, [seen])
        for name in self.channels:
            self.change(name, held=name in self.outcome.holds, idle=name in self.outcome.holds)
        return self.outcome

    def seconds(self, count: int, each: Callable[[int], None] = lambda _second: None) -> Outcome:
        for second in range(count):
            each(second)
            self.second()
        return self.outcome

    def until(self, holds: Callable[[Outcome], bool], *, within: int) -> int:
        """How many seconds it took."""
        for second in range(1, within + 1):
            if holds(self.second()):
                return second
        raise AssertionError(f"not within {within} s: {self.outcome}")

    def found(self, kind: Kind, subject: str) -> Finding | None:
        return next((each for each in self.outcome.findings if (each.kind, each.subject) == (kind, subject)), None)

    @property
    def troubles(self) -> set[tuple[str, str]]:
        return {(each.kind.value, each.subject) for each in self.outcome.findings}


__all__ = ["BURST", "CHANNELS", "PROD", "Shown"]
