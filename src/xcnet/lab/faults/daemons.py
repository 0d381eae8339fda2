"""Daemons that die or hang: SIGKILL and SIGSTOP to one process of a router, or to a coordinator."""

from __future__ import annotations

import contextlib
import os
import signal
from typing import TYPE_CHECKING

from xcnet.errors import InputError, LabError
from xcnet.lab.coordinators import PROCESS
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.processes import state_of
from xcnet.model.desired import RouterState
from xcnet.model.faults import Kill, Stop
from xcnet.waiting import Deadline, wait_until_async

if TYPE_CHECKING:
    from xcnet.lab.processes import Child
    from xcnet.lab.running import RunningLab

ROUTER_DAEMONS = ("edged", "zebra", "bfdd", "bgpd")
"""In the order of starting."""

RESTART_SECONDS = 120.0
"""For a router's daemons to be started again and hold their state: as long as the whole lab may take."""
_SIGNAL_SECONDS = 10.0


def child_of(lab: RunningLab, node: str, daemon: str) -> Child:
    """:raises LabError: it does not run."""
    child = lab.supervisor.get(node, daemon)
    if child is None:
        raise LabError(
            f"{daemon} of {node} does not run", where=node, remedy="end the fault that keeps it from running first"
        )
    return child


async def gone(child: Child) -> None:
    """Wait until a process that was killed has ended. :raises DeadlineError: it has not."""

    async def seen() -> str | None:
        return f"pid {child.pid} is there" if child.exit_status is None else None

    await wait_until_async(
        f"{child.label} to end", seen, Deadline(_SIGNAL_SECONDS), where=child.node, remedy="try again", interval=0.01
    )


async def wanted_state(lab: RunningLab, node: str) -> RouterState:
    """What a router should hold now: its coordinator's word where it has one that can be asked, else what it was last given."""
    provider = lab.states[node].provider
    coordinator = lab.supervisor.get(lab.coordinators.node(provider), PROCESS)
    if coordinator is not None and state_of(coordinator.pid) != "T":
        network = await lab.coordinators.ask(provider, {"query": "network"})
        lab.states[node] = RouterState.model_validate(network["routers"][node])
    return lab.states[node]


async def start_again(lab: RunningLab, overlays: Overlays, node: str, daemons: tuple[str, ...]) -> None:
    """Start what is missing of a router's daemons, and have it hold what it should, standing faults included."""
    missing = [daemon for daemon in daemons if lab.supervisor.get(node, daemon) is None]
    state = await wanted_state(lab, node)
    await lab.startup.again(node, missing, state, overlays.of(node), Deadline(RESTART_SECONDS))


def _check_daemon(lab: RunningLab, fault: Kill | Stop) -> str:
    """The node. :raises InputError: there is no such daemon on it."""
    if fault.daemon == PROCESS:
        nodes = {planned.node: provider for provider, planned in lab.plan.coordinators.items()}
        if fault.on not in nodes:
            raise InputError(
                f"there is no coordinator on {fault.on!r}", where="on", remedy=f"they are on: {', '.join(nodes)}"
            )
        return fault.on
    return targets.router(lab.plan, fault.on)


class _Process(Standing):
    def __init__(self, fault: Kill | Stop, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: there is no such daemon on the node."""
        self._node = _check_daemon(lab, fault)
        channels = targets.channels_of(lab.plan, fault.on) if fault.daemon != PROCESS else ()
        super().__init__(f"{fault.on} {fault.daemon}", channels)
        self._lab = lab
        self._overlays = overlays
        self._daemon = fault.daemon
        self._child: Child | None = None

    @property
    def _provider(self) -> str:
        return self._lab.plan.node(self._node).provider or ""


class Killing(_Process):
    """The process ends by SIGKILL, and nobody starts it again before the fault ends."""

    async def begin(self) -> None:
        child = self._child = child_of(self._lab, self._node, self._daemon)
        self.mark()
        if self._daemon == PROCESS:
            self._lab.coordinators.halt(self._provider)
        else:
            self._lab.supervisor.kill(child)
        await gone(child)

    async def end(self) -> None:
        self.mark()
        if self._daemon == PROCESS:
            self._lab.coordinators.resume(self._provider)
            await self._lab.coordinators.client(self._provider)
        else:
            # As FRR's own watchfrr does: daemons that have lost their zebra do not give all their routes to another one.
            others = ("bfdd", "bgpd") if self._daemon == "zebra" else ()
            await self._end_others(others)
            await start_again(self._lab, self._overlays, self._node, (self._daemon, *others))

    async def _end_others(self, daemons: tuple[str, ...]) -> None:
        """:raises LabError: one of them is stopped."""
        children = [child for name in daemons if (child := self._lab.supervisor.get(self._node, name)) is not None]
        for child in children:
            if state_of(child.pid) == "T":
                raise LabError(
                    f"{child.name} has to start again with {self._daemon}, and is stopped",
                    where=self._node,
                    remedy="end the fault that stops it first",
                )
        for child in children:
            self._lab.supervisor.terminate(child)
        for child in children:
            await gone(child)

    async def artifact(self) -> str:
        child = self._child
        other = self._lab.supervisor.get(self._node, self._daemon)
        if child is None or other is not None:
            raise absent(f"{self._daemon} runs with pid {other.pid if other else '?'}", self._node)
        if child.exit_status != -signal.SIGKILL:
            raise absent(f"{self._daemon} ended with status {child.exit_status}", self._node)
        return f"{self._daemon} of {self._node} ended by SIGKILL (it had pid {child.pid}), and none runs"


class Stopping(_Process):
    """The process is stopped by SIGSTOP until the fault ends: its sockets stay open, and it answers nobody."""

    async def begin(self) -> None:
        child = self._child = child_of(self._lab, self._node, self._daemon)
        if state_of(child.pid) == "T":
            raise LabError(f"{self._daemon} is stopped already", where=self._node, remedy="end that fault first")
        self.mark()
        self._signal(signal.SIGSTOP)
        try:
            await self._await(stopped=True)
        except BaseException:
            self._signal(signal.SIGCONT)
            raise

    async def end(self) -> None:
        self.mark()
        self._signal(signal.SIGCONT)
        await self._await(stopped=False)
        if self._daemon == "edged" and self._lab.supervisor.get(self._node, "edged") is self._child:
            await self._overlays.give(self._node)

    async def forget(self) -> None:
        # A stopped process does not hear that it is to end.
        self._signal(signal.SIGCONT)

    async def artifact(self) -> str:
        pid = self._child.pid if self._child is not None else 0
        state = state_of(pid)
        if state != "T":
            raise absent(f"{self._daemon} (pid {pid}) is in state {state or 'ended'}", self._node)
        return f"{self._daemon} of {self._node} (pid {pid}) is in state T (stopped)"

    def _signal(self, number: int) -> None:
        if self._child is not None and self._child.exit_status is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, number)

    async def _await(self, *, stopped: bool) -> None:
        pid = self._child.pid if self._child is not None else 0

        async def seen() -> str | None:
            state = state_of(pid)
            return None if (state == "T") == stopped else f"state {state}"

        what = f"{self._daemon} to {'stop' if stopped else 'go on'}"
        await wait_until_async(
            what, seen, Deadline(_SIGNAL_SECONDS), where=self._node, remedy="try again", interval=0.005
        )


__all__ = ["ROUTER_DAEMONS", "Killing", "Stopping", "child_of", "gone", "start_again", "wanted_state"]
