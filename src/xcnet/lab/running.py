"""A running lab: builds the plan's nodes and links, starts each router's daemons, and keeps hold of them all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from xcnet.edge.client import EdgeClient
from xcnet.errors import LabError
from xcnet.events import EventWriter
from xcnet.fabric.network import Fabric
from xcnet.fabric.network import build as build_fabric
from xcnet.frr.lifecycle import FrrDirs
from xcnet.lab import stores
from xcnet.lab.coordinators import Coordinators
from xcnet.lab.faults.keeper import Faults
from xcnet.lab.paths import LabPaths
from xcnet.lab.processes import Supervisor
from xcnet.lab.readiness import PathWatcher, wait_for_bfd
from xcnet.lab.sabotage import spoil_routes
from xcnet.lab.startup import Startup
from xcnet.model.desired import RouterState
from xcnet.model.plan import Plan
from xcnet.waiting import Deadline

Report = Callable[[str, str], Awaitable[None]]
"""Told of progress: ``("step", text)`` when a step begins, ``("detail", text)`` within it."""

BUILD_SECONDS = 120.0
"""Deadline of the whole bring-up: about ten times what the default lab takes in the slowest kernel it is known to run in."""


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
        self._coordinators: Coordinators | None = None
        self._faults: Faults | None = None
        self.states: dict[str, RouterState] = dict(plan.routers)

    @property
    def fabric(self) -> Fabric:
        if self._fabric is None:
            raise RuntimeError("the fabric is asked for before it is built")
        return self._fabric

    @property
    def coordinators(self) -> Coordinators:
        """:raises LabError: they are started once the path stands."""
        if self._coordinators is None:
            raise LabError("the lab has no coordinators yet", remedy="wait for 'xcnet up' to end")
        return self._coordinators

    @property
    def faults(self) -> Faults:
        """:raises LabError: there is no path yet that a fault could be put to."""
        if self._faults is None:
            raise LabError("the lab is still being built", remedy="wait for 'xcnet up' to end")
        return self._faults

    @property
    def startup(self) -> Startup:
        """Starts routers' daemons."""
        return Startup(self.paths, self.fabric, self.supervisor, self.frr_dirs, self.plan.sabotage)

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
            await self.startup.run(self.states, deadline)
            keyed = [channel.name for router in plan.routers.values() for channel in router.channels if channel.keys]
            if keyed:
                await report("step", f"MACsec secured on {len(set(keyed))} channels ({len(keyed)} ends)")
            await watcher.channels(deadline)
            if plan.connections:
                await report("step", f"routes over all channels, {len(plan.connections)} connection(s), IPv4 and IPv6")
            await watcher.routes(deadline)
        finally:
            watcher.close()
        if plan.connections:
            await report("step", "BFD sessions up")
        await wait_for_bfd(plan, self.frr_dirs, deadline)
        if plan.sabotage is not None:
            spoil_routes(plan, self._fabric.netns)
        seconds = time.monotonic() - self._started
        self.events.emit("lab.ready", plan.topology, seconds=round(seconds, 3))
        self._coordinators = Coordinators(self.paths, plan, self.fabric, self.supervisor, self.events)
        self._coordinators.begin()
        self._faults = Faults(self)
        return seconds

    def _make_folders(self) -> None:
        self.paths.sockets.mkdir(mode=0o711, parents=True, exist_ok=True)
        for name in (*self.plan.routers, *(each.node for each in self.plan.coordinators.values())):
            self.paths.node_sockets(name).mkdir(mode=0o711, exist_ok=True)
        for coordinator in self.plan.coordinators.values():
            stores.make(self.paths.node_sockets(coordinator.node) / stores.FOLDER)
        self.paths.transcripts.mkdir(mode=0o755, exist_ok=True)
        for node in self.plan.nodes:
            self.paths.node_logs(node.name).mkdir(mode=0o755, parents=True, exist_ok=True)

    async def apply(self, node: str, state: dict[str, object]) -> list[str]:
        """Give one router another desired state; returns what that changed."""
        return await self.give(node, RouterState.model_validate(state), Deadline(60.0))

    async def give(self, node: str, state: RouterState, deadline: Deadline) -> list[str]:
        """:meth:`apply` with a model."""
        self.states[node] = state
        return await self.edge(node).apply(state, deadline=deadline)

    def memory(self) -> dict[str, int]:
        """Proportional set size in bytes of each process of the lab, by label, this one included (``lab``)."""
        sizes = {"lab": _pss(os.getpid())}
        for child in self.supervisor.children():
            sizes[child.label] = _pss(child.pid)
        return sizes

    async def stop(self) -> None:
        """End all processes and remove nodes, links and sockets; safe to call at any point of building."""
        if self._faults is not None:
            await self._faults.forget()
            self._faults = None
        if self._coordinators is not None:
            await self._coordinators.stop()
        await self.supervisor.stop_all(Deadline(5.0))
        if self._fabric is not None:
            self._fabric.stop()
            self._fabric = None
        stores.unmount_all(self.paths.sockets)
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
