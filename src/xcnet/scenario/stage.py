"""A running lab as a scenario's run needs it: faults, actions, traffic, events, states."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from xcnet.engine.client import LabClient
from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.lab import faulting, probing
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.inventory import KERNEL, QUERIES, Inventory, store
from xcnet.lab.lasting import LastingCoordination
from xcnet.lab.manager import call_in_lab
from xcnet.lab.paths import LabPaths
from xcnet.lab.timeline import EventSources
from xcnet.model.desired import RouterState
from xcnet.probe.plan import Limits, ProbePlan, RequestsPlan, TransferPlan
from xcnet.probe.results import ProbeResult
from xcnet.scenario.actions import act, unverified
from xcnet.scenario.document import Action, Traffic
from xcnet.scenario.staging import Standing
from xcnet.scenario.voices import Said, said_of
from xcnet.waiting import Deadline, wait_until

_HEALTHY_SECONDS = 60.0
"""Within which every connection of the lab has to work before a run begins."""

_ACTION_SECONDS = 120.0
"""Within which what a step orders has to come to its end: several times what the longest, a migration, takes."""

_CLOCK_READINGS = 5


def plan_of(traffic: Traffic) -> ProbePlan:
    """What the probe is asked for by a scenario's traffic; it goes on until it is stopped."""
    return ProbePlan(
        rate=traffic.rate,
        flows=traffic.flows,
        payload=traffic.payload,
        warm_up=traffic.warm_up,
        limits=Limits(late_share=traffic.late),
        transfers=(TransferPlan(),) if traffic.tcp else (),
        requests=(RequestsPlan(),) if traffic.http else (),
    )


class LabStage:
    """Use it in ``with``; one run at a time."""

    def __init__(self, paths: LabPaths) -> None:
        self._paths = paths
        self.directory = Directory.read(paths)
        self._sources = EventSources(paths)
        self._probing: probing.Probing | None = None
        self._offset = 0.0

    def __enter__(self) -> Self:
        """:raises XcnetError: the lab does not answer, or does not work: nothing could be said of what breaks then."""
        self._client = LabClient(self._paths.run_dir).__enter__()
        try:
            self._talk = Coordination(self._paths, self._client)
            self._offset = self._measure_offset()
            wait_until(
                "the lab's connections to work",
                lambda: ", ".join(self.unverified()) or None,
                Deadline(_HEALTHY_SECONDS),
                where=self._paths.name,
                remedy="see 'xcnet status' and 'xcnet connections'",
                interval=0.2,
            )
            standing = faulting.standing(self._client)
            if standing:
                raise LabError(
                    f"{standing[0].kind} on {standing[0].target} is in place already",
                    where=self._paths.name,
                    remedy="end it first: xcnet fault end --all",
                )
        except BaseException:
            self._client.__exit__(None, None, None)
            raise
        self._workers = ThreadPoolExecutor(max_workers=8, thread_name_prefix="step")
        self._sources.new_events()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._probing is not None:
            self._probing.abandon()
        self._workers.shutdown(wait=kind is None, cancel_futures=True)
        self._client.__exit__(kind, error, trace)

    def clock(self) -> float:
        """By this machine's own clock, whose distance from the lab's was measured once: asking the lab takes its time."""
        return time.monotonic() - self._offset

    def begin_fault(self, fault: Any) -> Standing:
        found = faulting.begin(self._client, fault)
        return Standing(found.id, found.kind, found.target, found.channels, found.monotonic, found.artifact)

    def end_fault(self, standing: Standing) -> float:
        return faulting.end(self._client, standing.id).monotonic

    def act(self, action: Action) -> Future[None]:
        return self._workers.submit(self._act, action)

    def _act(self, action: Action) -> None:
        # A connection of its own: the run's is busy with faults, and one connection serves one request at a time.
        with LabClient(self._paths.run_dir) as client:
            act(action, LastingCoordination(self._paths, client, patience=_ACTION_SECONDS), self.directory)

    def start_traffic(self, traffic: Traffic) -> float:
        self._probing = probing.start(self._paths, plan_of(traffic))
        return self._probing.began

    def stop_traffic(self) -> ProbeResult:
        assert self._probing is not None
        try:
            return self._probing.stop()
        finally:
            self._probing = None

    def new_events(self) -> list[Event]:
        return self._sources.new_events()

    def routers(self) -> Mapping[str, RouterState]:
        return {
            node: RouterState.model_validate(state)
            for provider in self.directory.providers
            for node, state in self._talk.query(provider, "network")["routers"].items()
        }

    def unverified(self) -> Sequence[str]:
        return unverified(self._talk, self.directory)

    def said(self, provider: str) -> Future[Mapping[str, Said]]:
        return self._workers.submit(self._said, provider)

    def _said(self, provider: str) -> Mapping[str, Said]:
        with LabClient(self._paths.run_dir) as client:
            views = Coordination(self._paths, client).query(provider, "connections")
        return {view["name"]: said_of(view) for view in views}

    def inventory(self) -> Inventory:
        return inventory(self._paths, self._talk, self.directory)

    def _measure_offset(self) -> float:
        """This machine's clock less the lab's: of several readings the one that took least."""
        best, offset = float("inf"), 0.0
        for _ in range(_CLOCK_READINGS):
            before = time.monotonic()
            there = float(self._client.call("clock")["monotonic"])
            after = time.monotonic()
            if after - before < best:
                best, offset = after - before, (before + after) / 2 - there
        return offset


def inventory(paths: LabPaths, talk: Coordination, directory: Directory) -> Inventory:
    """See :meth:`LabStage.inventory`."""
    found = {node: tuple(lines) for node, lines in call_in_lab(paths, KERNEL, {}).items()}
    for provider in directory.providers:
        answers = {query: talk.query(provider, query) for query in QUERIES}
        found |= store(provider, answers, talk.query(provider, "clock")["ahead"])
    return found


__all__ = ["LabStage", "inventory", "plan_of"]
