"""Too little processor: a node's daemons together in a control group with a bound, without their real-time priority."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from xcnet.errors import InputError, LabError, XcnetError
from xcnet.lab.coordinators import PROCESS
from xcnet.lab.cpu_groups import CpuGroup
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.lab.faults.daemons import ROUTER_DAEMONS
from xcnet.model.faults import SlowCpu

if TYPE_CHECKING:
    from xcnet.lab.processes import Child
    from xcnet.lab.running import RunningLab

_REALTIME = (os.SCHED_RR, os.SCHED_FIFO)


class Slowing(Standing):
    """The bound does not concern real-time threads: these are ordinary ones while it stands. What is started meanwhile is
    slow too."""

    def __init__(self, fault: SlowCpu, lab: RunningLab) -> None:
        """:raises InputError: there is no such node, or daemon on it."""
        known: tuple[str, ...] = (PROCESS,)
        channels: tuple[str, ...] = ()
        coordinators = tuple(planned.node for planned in lab.plan.coordinators.values())
        if fault.on in coordinators:
            self._node = fault.on
        else:
            self._node, known = targets.node(lab.plan, fault.on, coordinators), ROUTER_DAEMONS
            channels = targets.channels_of(lab.plan, fault.on)
        if fault.daemon is not None and fault.daemon not in known:
            raise InputError(
                f"there is no {fault.daemon} on {fault.on!r}", where="daemon", remedy=f"there are: {', '.join(known)}"
            )
        self._daemons: tuple[str, ...] = (fault.daemon,) if fault.daemon is not None else known
        super().__init__(f"{fault.on} {fault.daemon}" if fault.daemon is not None else fault.on, channels)
        self._lab = lab
        self._share = fault.percent / 100
        self._group: CpuGroup | None = None
        self._were: dict[tuple[int, int], tuple[int, int]] = {}
        """(process, thread) -> policy and priority that it had, or should have."""

    def governs(self, node: str, name: str) -> bool:
        return node == self._node and name in self._daemons

    def started(self, child: Child, realtime: int | None) -> None:
        if realtime is not None:
            self._were[child.pid, child.pid] = (os.SCHED_RR, realtime)
        # It is running already; if it cannot be slowed down, the artifact says so.
        with contextlib.suppress(LabError):
            self._slow(child.pid)

    async def begin(self) -> None:
        supervisor = self._lab.supervisor
        for daemon in self._daemons:
            for other in supervisor.governors:
                if other.governs(self._node, daemon):
                    raise LabError(
                        f"another fault keeps {daemon} slow already", where=self._node, remedy="end that fault first"
                    )
        self._group = CpuGroup(self._lab.paths.name, self.id)
        self._group.make(self._share)
        self.mark()
        supervisor.governors.append(self)
        async with self.undone():
            for child in self._children():
                for pid in (child.pid, *_descendants(child.pid)):
                    self._slow(pid)

    async def end(self) -> None:
        self.mark()
        if self in self._lab.supervisor.governors:
            self._lab.supervisor.governors.remove(self)
        if self._group is not None:
            self._group.remove()
            self._group = None
        for (pid, thread), (policy, priority) in self._were.items():
            if thread in _threads(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.sched_setscheduler(thread, policy, os.sched_param(priority))
        self._were.clear()

    async def forget(self) -> None:
        with contextlib.suppress(XcnetError):
            await self.end()

    async def artifact(self) -> str:
        if self._group is None or (quota := self._group.quota()) is None:
            raise absent("there is no bound any more", self.target)
        members, children = self._group.members(), self._children()
        outside = [child.name for child in children if child.pid not in members]
        if outside:
            raise absent(f"not in the control group: {', '.join(outside)}", self._node)
        urgent = [child.name for child in children if any(_policy(each) in _REALTIME for each in _threads(child.pid))]
        if urgent:
            raise absent(f"with real-time priority, which no bound concerns: {', '.join(urgent)}", self._node)
        names = ", ".join(f"{child.name} ({child.pid})" for child in children) or "no process"
        return (
            f"{self._group.path.name}: {quota[0]} of {quota[1]} us of processor time for {names} of {self._node}, none "
            f"with real-time priority; they had to wait in {self._group.throttled()} periods so far"
        )

    def _children(self) -> list[Child]:
        found = (self._lab.supervisor.get(self._node, daemon) for daemon in self._daemons)
        return [child for child in found if child is not None]

    def _slow(self, pid: int) -> None:
        """:raises LabError: it cannot be."""
        assert self._group is not None
        for thread in _threads(pid):
            policy = _policy(thread)
            if policy in _REALTIME:
                with contextlib.suppress(ProcessLookupError):
                    self._were.setdefault((pid, thread), (policy, os.sched_getparam(thread).sched_priority))
                    os.sched_setscheduler(thread, os.SCHED_OTHER, os.sched_param(0))
        self._group.take(pid)


def _threads(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _policy(thread: int) -> int:
    try:
        # The flag says that children do not inherit it.
        return os.sched_getscheduler(thread) & ~os.SCHED_RESET_ON_FORK
    except ProcessLookupError:
        return os.SCHED_OTHER


def _descendants(pid: int) -> list[int]:
    """Processes that a process has started, and theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found, left = [], [pid]
    while left:
        more = children.get(left.pop(), [])
        found += more
        left += more
    return found


__all__ = ["Slowing"]
