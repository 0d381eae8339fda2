"""A running lab: builds the plan's nodes and links, starts each router's daemons, and keeps hold of them all."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from xcnet.edge.client import EdgeClient
from xcnet.edge.daemon import run as run_edged
from xcnet.errors import LabError
from xcnet.events import EventWriter
from xcnet.fabric.network import Fabric
from xcnet.fabric.network import build as build_fabric
from xcnet.frr.lifecycle import DaemonSpec, FrrDirs, prepare, remove_crash_logs
from xcnet.lab.collect import collect_status
from xcnet.lab.paths import LabPaths
from xcnet.lab.processes import Supervisor
from xcnet.lab.readiness import PathWatcher, wait_for_bfd
from xcnet.lab.status import LabStatus
from xcnet.model.desired import RouterState
from xcnet.model.plan import Plan
from xcnet.waiting import Deadline, wait_until_async

Report = Callable[[str, str], Awaitable[None]]
"""Told of progress: ``("step", text)`` when a step begins, ``("detail", text)`` within it."""

BUILD_SECONDS = 120.0
"""Deadline of the whole bring-up: about ten times what the default lab takes in the slowest kernel it is known to run in."""

EDGED_PRIORITY = 20
BFDD_PRIORITY = 30
"""SCHED_RR priorities. A busy machine must not look like a failing network, so that what keeps promises about time
(BFD's hellos, then MKA's) goes before everything else."""


class RunningLab:
    """:param plan: what to build. :param events: where the lab's own transitions go."""

    def __init__(self, paths: LabPaths, plan: Plan, events: EventWriter) -> None:
        self.paths = paths
        self.plan = plan
        self.events = events
        self.supervisor = Supervisor(events)
        self.built = False
        self._started = time.monotonic()
        self._fabric: Fabric | None = None
        self.states: dict[str, RouterState] = dict(plan.routers)

    @property
    def fabric(self) -> Fabric:
        if self._fabric is None:
            raise RuntimeError("the fabric is asked for before it is built")
        return self._fabric

    @property
    def uptime(self) -> float:
        """Seconds since building began."""
        return time.monotonic() - self._started

    def frr_dirs(self, node: str) -> FrrDirs:
        return FrrDirs.of(self.paths.node_sockets(node), self.paths.node_logs(node))

    def edge(self, node: str) -> EdgeClient:
        return EdgeClient(self.paths.node_sockets(node))

    async def build(self, report: Report) -> float:
        """Build everything and wait until the path stands.

        :returns: seconds from the first step to the last state seen.
        :raises DeadlineError: something did not come up; the lab is left for inspection.
        """
        deadline = Deadline(BUILD_SECONDS)
        self._started = time.monotonic()
        plan = self.plan
        self._make_folders()
        await report("step", f"nodes and links ({len(plan.nodes)} nodes, {len(plan.links)} links)")
        self._fabric = build_fabric(plan, self.paths.name)
        self.events.emit("lab.fabric_built", plan.topology, nodes=len(plan.nodes), links=len(plan.links))

        self.built = True
        watcher = PathWatcher(plan, {name: self.fabric.netns(name) for name in plan.routers})
        try:
            await report("step", f"key agreement and routing daemons on {len(plan.routers)} routers")
            await self._start_routers(deadline)
            ends = sum(len(router.channels) for router in plan.routers.values())
            await report("step", f"MACsec secured on {len(plan.channels)} channels ({ends} ends)")
            await watcher.channels(deadline)
            await report("step", f"routes over all channels, {len(plan.connections)} connection(s), IPv4 and IPv6")
            await watcher.routes(deadline)
        finally:
            watcher.close()
        await report("step", "BFD sessions up")
        await wait_for_bfd(plan, self.frr_dirs, deadline)
        seconds = time.monotonic() - self._started
        self.events.emit("lab.ready", plan.topology, seconds=round(seconds, 3))
        return seconds

    def _make_folders(self) -> None:
        self.paths.sockets.mkdir(mode=0o711, parents=True, exist_ok=True)
        for router in self.plan.routers:
            self.paths.node_sockets(router).mkdir(mode=0o711, exist_ok=True)
        for node in self.plan.nodes:
            self.paths.node_logs(node.name).mkdir(mode=0o755, parents=True, exist_ok=True)

    async def _start_routers(self, deadline: Deadline) -> None:
        """Each router's daemons in the order in which they need each other; see :meth:`_start_router`."""
        prepared = {node: prepare(state, self.frr_dirs(node)) for node, state in self.states.items()}
        # What is forked from here on shares this process's memory for as long as nobody writes to it: without this, the
        # collector of each would write to every page.
        gc.collect()
        gc.freeze()
        try:
            for node, state in self.states.items():
                self._start_edged(node, state)
        finally:
            gc.unfreeze()
        await asyncio.gather(*(self._start_router(node, specs, deadline) for node, specs in prepared.items()))

    def _start_edged(self, node: str, state: RouterState) -> None:
        sockets = self.paths.node_sockets(node)
        events = self.paths.events / f"{node}.edged.jsonl"
        dirs = self.frr_dirs(node)
        self.supervisor.fork(
            node,
            "edged",
            lambda: run_edged(node, sockets, events, frr_dirs=dirs, state=state),
            netns=self.fabric.netns(node),
            log=self.paths.node_logs(node) / "edged.out",
            realtime=EDGED_PRIORITY,
        )

    async def _start_router(self, node: str, specs: list[DaemonSpec], deadline: Deadline) -> None:
        """Interfaces and addresses, then zebra, which can miss news of them that come while it reads what there is; then
        the others, as a daemon that finds no zebra retries late; then their configuration."""
        edge = self.edge(node)
        await self._sockets(node, "edged", [edge.socket], deadline)
        for spec in specs:
            if spec.after:
                await self._sockets(node, "zebra", spec.after, deadline)
            self._spawn_daemon(node, spec)
            # Starting one child after another starves what is running already; let the loop breathe.
            await asyncio.sleep(0)
        for spec in specs:
            await self._sockets(node, spec.name, [spec.ready], deadline)
        await edge.settle(deadline=deadline)

    async def _sockets(self, node: str, process: str, sockets: Sequence[Path], deadline: Deadline) -> None:
        """Until a process of the node listens.

        :raises LabError: it has ended: waiting on would be for nothing. :raises DeadlineError: it does not.
        """

        async def seen() -> str | None:
            missing = [socket.name for socket in sockets if not socket.exists()]
            if missing and self.supervisor.get(node, process) is None:
                raise self._ended(node, process)
            return f"no {', '.join(missing)}" if missing else None

        remedy = f"look at {process}'s log in the node's log folder"
        await wait_until_async(f"{process} to listen", seen, deadline, where=node, remedy=remedy, interval=0.02)

    def _ended(self, node: str, process: str) -> LabError:
        words: list[str] = []
        for log in (self.paths.node_logs(node) / f"{process}{end}" for end in (".log", ".out")):
            if log.exists():
                words += log.read_text(errors="replace").strip().splitlines()[-3:]
        return LabError(
            f"{process} ended while it was starting: {' / '.join(words) or 'it said nothing'}",
            where=node,
            remedy="run 'xcnet doctor', and 'xcnet up --keep' to look at its log",
        )

    def _spawn_daemon(self, node: str, spec: DaemonSpec) -> None:
        child = self.supervisor.spawn(
            node,
            spec.name,
            spec.argv,
            netns=self.fabric.netns(node),
            env={**os.environ, **spec.env},
            log=spec.log,
            cwd=spec.cwd,
            realtime=BFDD_PRIORITY if spec.realtime else None,
        )
        child.on_exit = lambda: remove_crash_logs(spec.name, child.pid)

    async def apply(self, node: str, state: dict[str, object]) -> list[str]:
        """Give one router another desired state; returns what that changed."""
        return await self.give(node, RouterState.model_validate(state), Deadline(60.0))

    async def give(self, node: str, state: RouterState, deadline: Deadline) -> list[str]:
        """:meth:`apply` with a model."""
        self.states[node] = state
        return await self.edge(node).apply(state, deadline=deadline)

    async def status(self) -> LabStatus:
        return await collect_status(self)

    def memory(self) -> dict[str, int]:
        """Proportional set size in bytes of each process of the lab, by label, this one included (``lab``)."""
        sizes = {"lab": _pss(os.getpid())}
        for child in self.supervisor.children():
            sizes[child.label] = _pss(child.pid)
        return sizes

    async def stop(self) -> None:
        """End all processes and remove nodes, links and sockets; safe to call at any point of building."""
        await self.supervisor.stop_all(Deadline(5.0))
        if self._fabric is not None:
            self._fabric.stop()
            self._fabric = None
        shutil.rmtree(self.paths.sockets, ignore_errors=True)


def _pss(pid: int) -> int:
    try:
        with Path(f"/proc/{pid}/smaps_rollup").open() as file:
            for line in file:
                if line.startswith("Pss:"):
                    return int(line.split()[1]) * 1024
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 0


__all__ = ["BUILD_SECONDS", "Report", "RunningLab"]
