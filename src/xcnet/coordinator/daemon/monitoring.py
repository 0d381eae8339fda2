"""Runs the monitor: has channels probed, asks what was counted, shows it all to the monitor, and has the core follow."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar, runtime_checkable

from xcnet.coordinator.acts import findings
from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.counted import Counters
from xcnet.coordinator.daemon.drops import Drops
from xcnet.coordinator.daemon.reports import Reports
from xcnet.coordinator.daemon.sight import Sight
from xcnet.coordinator.monitor.machine import Monitor
from xcnet.coordinator.monitor.seen import Prefixes
from xcnet.coordinator.store.database import StoreFullError
from xcnet.edge.report import ProbeReport, ProbeReports
from xcnet.errors import XcnetError
from xcnet.model.monitoring import Action, MonitorPolicy
from xcnet.model.network import ProviderNetwork
from xcnet.model.observed import RouterObservation
from xcnet.waiting import Deadline

_LOOK_SECONDS = 1.0
"""Between two looks, each with a burst of probes on every channel."""

_COUNT_EVERY = 5
"""Looks between two times that edges are asked for all their counters."""

_ANSWER_SECONDS = 0.8

_T = TypeVar("_T")


@runtime_checkable
class Probed(Protocol):
    """A router's daemon that probes its channels (:class:`xcnet.edge.client.EdgeClient`)."""

    async def probe(self, count: int, *, deadline: Deadline) -> ProbeReports: ...


class Shown(Protocol):
    def shown(self) -> Mapping[str, RouterObservation]: ...


class Monitoring:
    """:param routers: node -> its daemon. :param turn: called when something is to be done.
    :param clock: seconds, never back: real time, whatever policy time is.
    """

    def __init__(
        self,
        core: Core,
        network: ProviderNetwork,
        routers: Mapping[str, object],
        policy: MonitorPolicy,
        turn: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._core = core
        self._policy = policy
        self._turn = turn
        self._clock = clock
        self._edges = [node for node in network.edges.values() if node in routers]
        self._probed = {node: each for node, each in routers.items() if isinstance(each, Probed)}
        self._reports = {node: each for node, each in routers.items() if isinstance(each, Reports)}
        self._drops = Drops(network)
        self._counters = Counters()
        self._sight = Sight(core, network, clock())
        found = [(row.kind, row.subject) for row in findings.every(core.database)]
        self._monitor = Monitor(policy, core.world.me, found)
        self._prefixes: dict[str, Prefixes] = {}
        self.probes: dict[str, ProbeReport] = {}
        """Channel -> what came of its probes, as far as is known."""

    def changed(self, before: RouterObservation, now: RouterObservation) -> None:
        """A router shows something else: see :class:`xcnet.coordinator.daemon.observer.RouterObserver`."""
        self._drops.note(self._clock(), before, now)

    async def run(self, observer: Shown) -> None:
        """Until it is cancelled."""
        looks = 0
        due = self._clock()
        while True:
            await self._ask(observer, counters=looks % _COUNT_EVERY == 0)
            self.look(observer.shown())
            looks += 1
            # Late looks are not made up for: bursts would come together.
            due = max(due + _LOOK_SECONDS, self._clock())
            await asyncio.sleep(due - self._clock())

    def look(self, shown: Mapping[str, RouterObservation]) -> None:
        """Once."""
        now = self._clock()
        seen = self._sight.look(
            now,
            shown,
            drops=self._drops.count,
            probes=self.probes,
            counted=self._counters.channels,
            prefixes=self._prefixes,
        )
        outcome = self._monitor.look(now, seen)
        try:
            news = self._core.monitored(outcome)
        except StoreFullError:
            return  # The next look says the same, or what is true by then.
        if news:
            self._turn()

    async def _ask(self, observer: Shown, *, counters: bool) -> None:
        asked = [self._have_probed()]
        if counters:
            asked.append(self._have_counted(observer.shown()))
        await asyncio.gather(*asked)

    async def _have_probed(self) -> None:
        grey = self._policy.grey_loss
        if grey.action is Action.NONE:
            return
        nodes = [node for node in self._edges if node in self._probed]
        answers = await asyncio.gather(
            *(_answer(self._probed[node].probe(grey.probes, deadline=Deadline(_ANSWER_SECONDS))) for node in nodes)
        )
        for answer in answers:
            if answer is not None:
                self.probes |= {each.channel: each for each in answer.probes}

    async def _have_counted(self, shown: Mapping[str, RouterObservation]) -> None:
        nodes = [node for node in self._edges if node in self._reports]
        answers = await asyncio.gather(
            *(_answer(self._reports[node].status(deadline=Deadline(_ANSWER_SECONDS))) for node in nodes)
        )
        reports = [channel for answer in answers if answer is not None for channel in answer.channels]
        self._counters.note(self._clock(), reports, self.probes)
        self._prefixes = self._sight.prefixes(shown)


async def _answer(asked: Awaitable[_T]) -> _T | None:
    """None from a daemon that does not answer."""
    try:
        return await asked
    except XcnetError:
        return None


__all__ = ["Monitoring", "Probed"]
