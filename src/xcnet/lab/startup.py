"""Starts every router's daemons in an order in which the waiting of one passes while another starts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from xcnet.edge.client import EdgeClient
from xcnet.edge.daemon import run as run_edged
from xcnet.edge.kernel import RouterKernel
from xcnet.errors import LabError
from xcnet.fabric.network import Fabric
from xcnet.frr.lifecycle import DaemonSpec, FrrDirs, prepare, remove_crash_logs
from xcnet.frr.render import sessions_opened
from xcnet.lab.paths import LabPaths
from xcnet.lab.processes import Supervisor
from xcnet.lab.sabotage import spoil
from xcnet.model.desired import RouterState
from xcnet.model.overlay import Overlay
from xcnet.model.sabotage import Sabotage
from xcnet.waiting import Deadline, wait_until_async

EDGED_PRIORITY = 20
BFDD_PRIORITY = 30
"""SCHED_RR priorities. A busy machine must not look like a failing network, so that what keeps promises about time
(BFD's hellos, then MKA's) goes before everything else."""

_AT_ONCE = 2 + (os.cpu_count() or 1)
"""How many daemons of a kind are starting at a time: started all together they would all be ready only at the end."""

_LOOK_SECONDS = 0.02


class Startup:
    """:param dirs: where a router's FRR keeps its files. :param sabotage: what its edges do wrong on purpose."""

    def __init__(
        self,
        paths: LabPaths,
        fabric: Fabric,
        supervisor: Supervisor,
        dirs: Callable[[str], FrrDirs],
        sabotage: Sabotage | None = None,
    ) -> None:
        self._paths = paths
        self._fabric = fabric
        self._supervisor = supervisor
        self._dirs = dirs
        self._sabotage = sabotage

    async def run(self, states: Mapping[str, RouterState], deadline: Deadline) -> None:
        """Every router's daemons running, and holding its desired state.

        Interfaces and addresses stand before zebra reads them: this process makes them, as everything that it needs for
        that is in its memory, and edged takes over. MACsec devices stand closed before any daemon can send through them;
        key agreement runs on while FRR starts. zebra comes before the other daemons of FRR, which would look for it again
        only after seconds, and bfdd, which says hello once a second at first, as soon as it can.

        The first bgpds are those of the routers that open most connections: a session that is configured in a running
        bgpd waits a second before it begins, and so does one that was refused. The far ends start meanwhile, those on
        which everything waits first.

        :raises LabError: a daemon has ended. :raises DeadlineError: one does not answer.
        """
        specs = {node: {spec.name: spec for spec in prepare(state, self._dirs(node))} for node, state in states.items()}
        for node, state in states.items():
            with self._fabric.netns(node).entered(), closing(RouterKernel()) as kernel:
                kernel.apply(state)
            await asyncio.sleep(0)
        self._fork_edged(states)
        await _all(self._listening(node, "edged", [self._edge(node).socket], deadline) for node in states)
        settling: list[asyncio.Task[list[str]]] = []

        def ready(node: str) -> None:
            settling.append(asyncio.ensure_future(self._edge(node).settle(deadline=deadline)))

        try:
            for kind in ("zebra", "bfdd"):
                await self._start(states, [specs[node][kind] for node in states], deadline)
            for nodes in _waves(states):
                await self._start(nodes, [specs[node]["bgpd"] for node in nodes], deadline, ready)
            await asyncio.gather(*settling)
        finally:
            for task in settling:
                task.cancel()

    async def _start(
        self,
        nodes: Iterable[str],
        specs: Iterable[DaemonSpec],
        deadline: Deadline,
        then: Callable[[str], None] = lambda _node: None,
    ) -> None:
        """One daemon on each node, a few at a time, until all answer. :param then: told of each node as its daemon does."""
        slots = asyncio.Semaphore(_AT_ONCE)

        async def one(node: str, spec: DaemonSpec) -> None:
            async with slots:
                self._spawn(node, spec)
                await self._listening(node, spec.name, [spec.ready, *spec.serves], deadline)
            then(node)

        await _all(one(node, spec) for node, spec in zip(nodes, specs, strict=True))

    def _fork_edged(self, states: Mapping[str, RouterState]) -> None:
        for node, state in states.items():
            self._fork_one(node, state)

    async def again(
        self, node: str, daemons: Iterable[str], state: RouterState, overlay: Overlay, deadline: Deadline
    ) -> list[str]:
        """Start those of a router's daemons that have ended, and have all of them hold the state again once all run.

        :param overlay: faults that stand on the router otherwise.
        :returns: what the router changed to hold it. :raises LabError: a daemon has ended. :raises DeadlineError: one does
            not answer.
        """
        wanted = set(daemons)
        specs = {spec.name: spec for spec in prepare(overlay.over(state), self._dirs(node))}
        # What a killed daemon has left behind would look like a daemon that listens.
        stale = [socket for kind in wanted & specs.keys() for socket in (specs[kind].ready, *specs[kind].serves)]
        for socket in [*stale, *([self._edge(node).socket] if "edged" in wanted else [])]:
            socket.unlink(missing_ok=True)
        if "edged" in wanted:
            self._fork_one(node, state, overlay)
            await self._listening(node, "edged", [self._edge(node).socket], deadline)
        for kind in ("zebra", "bfdd", "bgpd"):
            if kind in wanted:
                await self._start([node], [specs[kind]], deadline)
        if any(self._supervisor.get(node, daemon) is None for daemon in ("edged", *specs)):
            return []
        return await self._edge(node).apply(state, deadline=deadline)

    def _fork_one(self, node: str, state: RouterState, overlay: Overlay | None = None) -> None:
        sockets = self._paths.node_sockets(node)
        events = self._paths.events / f"{node}.edged.jsonl"
        dirs = self._dirs(node)

        def work() -> None:
            spoil("edges", self._sabotage)
            run_edged(node, sockets, events, frr_dirs=dirs, state=state, overlay=overlay)

        self._supervisor.fork(
            node,
            "edged",
            work,
            netns=self._fabric.netns(node),
            log=self._paths.node_logs(node) / "edged.out",
            realtime=EDGED_PRIORITY,
        )

    def _spawn(self, node: str, spec: DaemonSpec) -> None:
        child = self._supervisor.spawn(
            node,
            spec.name,
            spec.argv,
            netns=self._fabric.netns(node),
            env={**os.environ, **spec.env},
            log=spec.log,
            cwd=spec.cwd,
            realtime=BFDD_PRIORITY if spec.realtime else None,
        )
        child.on_exit = lambda: remove_crash_logs(spec.name, child.pid)

    async def _listening(self, node: str, process: str, sockets: Sequence[Path], deadline: Deadline) -> None:
        """Until a process of the node listens.

        :raises LabError: it has ended: waiting on would be for nothing. :raises DeadlineError: it does not.
        """

        async def seen() -> str | None:
            missing = [socket.name for socket in sockets if not socket.exists()]
            if missing and self._supervisor.get(node, process) is None:
                raise self._ended(node, process)
            return f"no {', '.join(missing)}" if missing else None

        remedy = f"look at {process}'s log in the node's log folder"
        await wait_until_async(
            f"{process} to listen", seen, deadline, where=node, remedy=remedy, interval=_LOOK_SECONDS
        )

    def _ended(self, node: str, process: str) -> LabError:
        words: list[str] = []
        for log in (self._paths.node_logs(node) / f"{process}{kind}" for kind in (".log", ".out")):
            if log.exists():
                words += log.read_text(errors="replace").strip().splitlines()[-3:]
        return LabError(
            f"{process} ended while it was starting: {' / '.join(words) or 'it said nothing'}",
            where=node,
            remedy="run 'xcnet doctor', and 'xcnet up --keep' to look at its log",
        )

    def _edge(self, node: str) -> EdgeClient:
        return EdgeClient(self._paths.node_sockets(node))


def _waves(states: Mapping[str, RouterState]) -> list[list[str]]:
    """First those that open most BGP connections and those that open none, then the rest."""
    opened = {node: sessions_opened(state) for node, state in states.items()}
    most = max(opened.values(), default=0)
    openers = [node for node in states if opened[node] == most]
    listeners = [node for node in states if opened[node] == 0 < most]
    return [[*openers, *listeners], [node for node in states if 0 < opened[node] < most]]


async def _all(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """All of them to their end; the first that fails ends the others."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()


__all__ = ["BFDD_PRIORITY", "EDGED_PRIORITY", "Startup"]
