"""A lab that plays by a script under a clock of its own: what a run sees of it is known beforehand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.lab.directory import Directory
from xcnet.lab.inventory import Inventory
from xcnet.model.desired import RouterState
from xcnet.model.load import load_topology
from xcnet.model.plan import Plan
from xcnet.model.planner import make_plan
from xcnet.probe.results import ChannelShare, Delay, FlowResult, LossWindow, ProbeResult, Quality, StreamResult
from xcnet.scenario.document import Action, Scenario, Traffic
from xcnet.scenario.load import parse_scenario
from xcnet.scenario.staging import Standing
from xcnet.scenario.voices import Said

BOOT = 1000.0
"""The lab's clock when a test begins: far from zero, so that forgetting to subtract it shows."""

FIT = Quality(worst_lateness_ms=1.0, late_share=0.0, steal_share=0.0, run_queue=0.5)


class Clock:
    """Host and lab: 500 seconds apart."""

    def __init__(self) -> None:
        self.time = 0.0

    def host(self) -> float:
        return 500.0 + self.time

    def pause(self, seconds: float) -> None:
        self.time += seconds


def plan() -> Plan:
    return make_plan(load_topology("aws-google"))


def scenario(steps: str, expect: str, **more: str) -> Scenario:
    lines = ["scenario: test", "title: A test", *(f"{key}: {value}" for key, value in more.items())]
    return parse_scenario("\n".join([*lines, f"steps: [{steps}]", f"expect: [{expect}]"]))[0]


def event(at: float, source: str, kind: str, subject: str, **data: Any) -> Event:
    """:param at: seconds since the test began."""
    return Event(BOOT + at, 0.0, source, kind, subject, data)


class PlayedStage:
    """:param script: what a fault's beginning or end brings about: given its kind, whether it begins, and the time, events.
    :param refusals: action -> the words of its refusal. :param said: what a provider's customers are told at a time, both counted
        from the run's beginning. :param held: what the lab holds, the first time it is asked for and then; the last one stays.
    """

    def __init__(
        self,
        clock: Clock,
        script: Callable[[str, bool, float], list[Event]] = lambda _kind, _begins, _at: [],
        probe: ProbeResult | None = None,
        refusals: Mapping[str, str] | None = None,
        unverified: Sequence[str] = (),
        said: Callable[[str, float], Said] = lambda _provider, _at: Said("available"),
        held: Sequence[Inventory] = ({},),
    ) -> None:
        made = plan()
        self.directory = Directory.of(made)
        self.log: list[tuple[float, str]] = []
        self.standing: set[str] = set()
        self._clock = clock
        self._script = script
        self._probe = probe
        self._refusals = dict(refusals or {})
        self._unverified = unverified
        self._routers = made.routers
        self._said = said
        self._held = list(held)
        self._coming: list[Event] = []

    def clock(self) -> float:
        return BOOT + self._clock.time

    def begin_fault(self, fault: Any) -> Standing:
        at = self._clock.time
        self.log.append((round(at, 2), f"begin {fault.fault}"))
        self.standing.add(fault.fault)
        self._coming += self._script(fault.fault, True, at)
        channels = (fault.on,) if getattr(fault, "on", None) in self.directory.channels else ()
        return Standing(fault.fault, fault.fault, getattr(fault, "on", ""), channels, BOOT + at, "it is there")

    def end_fault(self, standing: Standing) -> float:
        at = self._clock.time
        self.log.append((round(at, 2), f"end {standing.kind}"))
        self.standing.remove(standing.id)
        self._coming += self._script(standing.kind, False, at)
        return BOOT + at

    def act(self, action: Action) -> Future[None]:
        self.log.append((round(self._clock.time, 2), f"do {action.do}"))  # type: ignore[attr-defined]
        future: Future[None] = Future()
        refusal = self._refusals.get(action.do)  # type: ignore[attr-defined]
        if refusal is None:
            future.set_result(None)
        else:
            future.set_exception(LabError(refusal))
        return future

    def start_traffic(self, traffic: Traffic) -> float:
        self._clock.time += traffic.warm_up
        return self.clock()

    def stop_traffic(self) -> ProbeResult:
        self.log.append((round(self._clock.time, 2), "traffic stopped"))
        return self._probe or probe(self.clock())

    def new_events(self) -> list[Event]:
        due = [each for each in self._coming if each.monotonic <= self.clock()]
        self._coming = [each for each in self._coming if each.monotonic > self.clock()]
        return due

    def routers(self) -> Mapping[str, RouterState]:
        return self._routers

    def unverified(self) -> Sequence[str]:
        return self._unverified

    def said(self, provider: str) -> Future[Mapping[str, Said]]:
        future: Future[Mapping[str, Said]] = Future()
        said = self._said(provider, self._clock.time)
        future.set_result({} if said.state == "deleted" else {"prod": said})
        return future

    def inventory(self) -> Inventory:
        return self._held.pop(0) if len(self._held) > 1 else self._held[0]


def probe(
    ended: float,
    lost: Mapping[int, tuple[float, float, int]] | None = None,
    *,
    quality: Quality = FIT,
    shares: Sequence[ChannelShare] = (),
    duplicated: int = 0,
) -> ProbeResult:
    """One stream of four flows of 100 packets. :param lost: flow -> start on the lab's clock, length, packets."""
    lost = lost or {}
    flows = []
    for number in range(4):
        windows = ()
        if number in lost:
            start, length, count = lost[number]
            windows = (LossWindow(start=start, length=length, lost=count),)
        missing = sum(window.lost for window in windows)
        flows.append(
            FlowResult(flow=number, sent=100, received=100 - missing, duplicated=0, reordered=0, windows=windows)
        )
    stream = StreamResult(
        source="aws-app",
        target="gcp-app",
        version=4,
        sent=400,
        received=sum(flow.received for flow in flows),
        duplicated=duplicated,
        reordered=0,
        delay=Delay(),
        windows=tuple(window for flow in flows for window in flow.windows),
        flows=tuple(flows),
        buckets=(),
    )
    return ProbeResult(began=BOOT, ended=ended, streams=(stream,), shares=tuple(shares), quality=quality)
