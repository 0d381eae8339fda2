"""The lab's coordinators: what they trust each other by, their processes, and their being started again when they die."""

from __future__ import annotations

import asyncio
import importlib
import time
from typing import TYPE_CHECKING, Any

from xcnet.errors import InputError, LabError, XcnetError
from xcnet.events import EventWriter
from xcnet.fabric.network import Fabric
from xcnet.lab import stores
from xcnet.lab.paths import LabPaths
from xcnet.lab.processes import Child, Supervisor, state_of
from xcnet.lab.sabotage import spoil
from xcnet.model.plan import Plan
from xcnet.waiting import Deadline

if TYPE_CHECKING:
    from pathlib import Path

    from xcnet.coordinator.auth.pki import Credential, LabAuthority
    from xcnet.coordinator.daemon.client import AdminClient
    from xcnet.coordinator.daemon.settings import DaemonSettings

PROCESS = "coordinator"
READY_SECONDS = 60.0
"""For all coordinators to serve: some ten times what it takes in the slowest kernel known."""
SOON_SECONDS = 2.0
"""For an answer of one that serves, where another picture is to be had without it."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_HOUR = 3600.0
_STEADY_SECONDS = 30.0
"""One that has run so long is started again at once."""


class Coordinators:
    """One process for each provider, forked from this one once it has what they all need in memory."""

    def __init__(
        self, paths: LabPaths, plan: Plan, fabric: Fabric, supervisor: Supervisor, events: EventWriter
    ) -> None:
        self._paths = paths
        self._plan = plan
        self._fabric = fabric
        self._supervisor = supervisor
        self._events = events
        self._settings: dict[str, DaemonSettings] = {}
        self._authority: LabAuthority | None = None
        self._wanted: set[str] = set()
        self._served: set[str] = set()
        """Those that have served once."""
        self._pauses: dict[str, float] = {}
        self._starting: asyncio.Task[None] | None = None
        self._restarts: set[asyncio.Task[None]] = set()

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(self._plan.coordinators)

    def node(self, provider: str) -> str:
        """:raises InputError: there is no such provider."""
        found = self._plan.coordinators.get(provider)
        if found is None:
            raise InputError(
                f"there is no provider {provider!r} in this lab", remedy=f"there are: {', '.join(self.providers)}"
            )
        return found.node

    def begin(self) -> None:
        """Start them, beside everything else: loading what they need takes the user-mode kernel seconds."""
        self._starting = asyncio.ensure_future(self._start())

    async def _start(self) -> None:
        # In a thread, so that the lab answers meanwhile. It has ended when the processes are forked.
        await asyncio.to_thread(importlib.import_module, "xcnet.coordinator.daemon.process")
        self._settings = self._all_settings()
        for provider in self.providers:
            self._wanted.add(provider)
            self._fork(provider)

    def _all_settings(self) -> dict[str, DaemonSettings]:
        from xcnet.coordinator.auth.pki import LabAuthority
        from xcnet.coordinator.daemon.assemble import Place, assemble
        from xcnet.coordinator.daemon.settings import METRICS_PORT

        places = {}
        for provider, planned in self._plan.coordinators.items():
            network = self._plan.networks[provider].network
            nodes = (network.gateway, *network.edges.values())
            places[provider] = Place(
                folder=self._paths.node_sockets(planned.node),
                routers={node: self._paths.node_sockets(node) for node in nodes},
                transcript=self._paths.transcripts / f"{planned.node}.api.jsonl",
                events=self._paths.events / f"{planned.node}.coordinator.jsonl",
                metrics_port=METRICS_PORT,
                store=self._paths.node_sockets(planned.node) / stores.FOLDER,
            )
        self._authority = LabAuthority.create(self._paths.name, time.time())
        return assemble(self._plan, self._paths.name, places, time.time(), self._authority)

    def store(self, provider: str) -> Path:
        """The file of a coordinator's store, whose folder is a file system of its own where this user may mount one.

        :raises LabError: they are not started yet.
        """
        if provider not in self._settings:
            raise LabError("the lab has no coordinators yet", remedy="wait for 'xcnet up' to end")
        return self._settings[provider].store

    def credential(self, provider: str) -> Credential:
        """The one that its process is started with."""
        return self._settings[provider].trust.credential

    def expired_credential(self, provider: str) -> Credential:
        """One of the lab's own authority whose time was over an hour ago."""
        from xcnet.coordinator.daemon.assemble import certify

        assert self._authority is not None
        return certify(self._authority, self._plan, provider, time.time() - 2 * _HOUR, _HOUR)

    def _fork(self, provider: str) -> None:
        from xcnet.coordinator.daemon.process import run

        settings = self._settings[provider]
        started = time.monotonic()

        def work() -> None:
            spoil("coordinators", self._plan.sabotage)
            run(settings)

        child = self._supervisor.fork(
            settings.node,
            PROCESS,
            work,
            netns=self._fabric.netns(settings.node),
            log=self._paths.node_logs(settings.node) / "coordinator.out",
        )
        child.on_exit = lambda: self._ended(provider, child, time.monotonic() - started)

    def _ended(self, provider: str, child: Child, seconds: float) -> None:
        """As a service manager would: what died is started again, ever later where it keeps dying."""
        if child.stopping or provider not in self._wanted:
            return
        pause = _FIRST_PAUSE if seconds >= _STEADY_SECONDS else self._pauses.get(provider, _FIRST_PAUSE)
        self._pauses[provider] = min(2 * pause, _LONGEST_PAUSE)
        task = asyncio.ensure_future(self._again(provider, pause))
        self._restarts.add(task)
        task.add_done_callback(self._restarts.discard)

    async def _again(self, provider: str, pause: float) -> None:
        await asyncio.sleep(pause)
        if provider in self._wanted and self._supervisor.get(self.node(provider), PROCESS) is None:
            self._events.emit("coordinator.restarted", provider, after=pause)
            self._fork(provider)

    def halt(self, provider: str) -> bool:
        """Kill one with SIGKILL and leave it dead, until :meth:`resume`. Returns whether it ran."""
        self._wanted.discard(provider)
        return self.kill(provider)

    def kill(self, provider: str) -> bool:
        """Kill one with SIGKILL; it is started again by itself. Returns whether it ran."""
        child = self._supervisor.get(self.node(provider), PROCESS)
        if child is None:
            return False
        self._supervisor.kill(child)
        return True

    def resume(self, provider: str) -> None:
        """Start one that was halted."""
        node = self.node(provider)
        self._wanted.add(provider)
        if self._supervisor.get(node, PROCESS) is None:
            self._fork(provider)

    # -- talking to them

    async def client(self, provider: str) -> AdminClient:
        """Once it serves. :raises XcnetError: it does not."""
        node = self.node(provider)
        if self._starting is None:
            raise LabError("the lab has no coordinators yet", where=node, remedy="wait for 'xcnet up' to end")
        await asyncio.shield(self._starting)
        from xcnet.coordinator.daemon.client import AdminClient

        client = AdminClient(self._paths.node_sockets(node))
        await client.wait(Deadline(READY_SECONDS))
        self._served.add(provider)
        return client

    async def ask(self, provider: str, request: dict[str, Any]) -> Any:
        """:raises XcnetError: it does not serve, or refused."""
        return await (await self.client(provider)).ask(request)

    async def ask_now(self, provider: str, request: dict[str, Any]) -> Any:
        """:meth:`ask` of one that runs; only the first start of all is waited for.

        :raises XcnetError: it does not answer within :data:`SOON_SECONDS`.
        """
        node = self.node(provider)
        if self._starting is not None:
            await asyncio.shield(self._starting)
        child = self._supervisor.get(node, PROCESS)
        state = state_of(child.pid) if child is not None else ""
        if state in ("", "T"):
            raise LabError(f"the coordinator {'is stopped' if state else 'does not run'}", where=node)
        if provider not in self._served:
            await self.client(provider)
        from xcnet.coordinator.daemon.client import AdminClient

        return await AdminClient(self._paths.node_sockets(node)).ask(request, Deadline(SOON_SECONDS))

    async def answers(self, provider: str) -> bool:
        """Whether it serves now, and says so at once."""
        try:
            return bool((await self.ask_now(provider, {"query": "health"}))["ready"])
        except XcnetError:
            return False

    async def stop(self) -> None:
        self._wanted.clear()
        for task in (*self._restarts, *([self._starting] if self._starting is not None else [])):
            task.cancel()


__all__ = ["PROCESS", "READY_SECONDS", "SOON_SECONDS", "Coordinators"]
