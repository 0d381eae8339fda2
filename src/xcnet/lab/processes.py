"""The lab's own processes: started in a node's namespace, watched, stopped. An exit that nobody asked for is an event."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from xcnet.engine.forked import run_and_exit
from xcnet.errors import DeadlineError, LabError
from xcnet.events import EventWriter
from xcnet.netlink.netns import Netns
from xcnet.waiting import Deadline, wait_until_async

_PR_SET_NAME = 15


@dataclass
class Child:
    """One process of the lab. ``exit_status`` is None while it runs; negative for a signal."""

    node: str
    name: str
    pid: int
    pidfd: int
    stopping: bool = False
    exit_status: int | None = None
    on_exit: Callable[[], None] | None = None
    exited: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def label(self) -> str:
        return f"{self.node}.{self.name}"


class Governor(Protocol):
    """Has a hand on how much of the processor some processes get."""

    def governs(self, node: str, name: str) -> bool: ...

    def started(self, child: Child, realtime: int | None) -> None:
        """One of them was started, at ordinary priority. :param realtime: what it would have been started with."""
        ...


class Supervisor:
    """Starts processes inside namespaces and knows of each whether it runs.

    Programs are started with ``posix_spawn``: in a user-mode kernel a fork of this large process costs ten times as much,
    and is kept for those that want the modules which are already imported here.
    """

    def __init__(self, events: EventWriter) -> None:
        self._events = events
        self._children: dict[tuple[str, str], Child] = {}
        self.governors: list[Governor] = []
        self._loop = asyncio.get_running_loop()

    def children(self) -> list[Child]:
        return list(self._children.values())

    def get(self, node: str, name: str) -> Child | None:
        return self._children.get((node, name))

    def spawn(
        self,
        node: str,
        name: str,
        argv: Sequence[str],
        *,
        netns: Netns,
        env: Mapping[str, str],
        log: Path,
        cwd: Path | None = None,
        realtime: int | None = None,
    ) -> Child:
        """Start a program in the node's namespace, its output appended to ``log``.

        :param cwd: the folder that it is started in.
        :param realtime: SCHED_RR priority 1-99; None for the ordinary scheduler. Equals take turns: none can keep the only
            processor from the one that it waits for.
        :raises LabError: the program cannot be started.
        """
        governor, wanted = self._governor(node, name), realtime
        if governor is not None:
            realtime = None
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            with netns.entered(), contextlib.chdir(cwd or "/"):
                if realtime is None:
                    pid = os.posix_spawn(argv[0], list(argv), dict(env), file_actions=actions, setsid=True)
                else:
                    pid = os.posix_spawn(
                        argv[0],
                        list(argv),
                        dict(env),
                        file_actions=actions,
                        setsid=True,
                        scheduler=(os.SCHED_RR, os.sched_param(realtime)),
                    )
        except OSError as error:
            raise LabError(
                f"{name} cannot be started: {error.strerror}",
                where=f"{node}: {argv[0]}",
                remedy="run 'xcnet doctor' to see what is missing",
            ) from None
        return self._adopt(node, name, pid, governor, wanted)

    def fork(
        self, node: str, name: str, run: Callable[[], None], *, netns: Netns, log: Path, realtime: int | None = None
    ) -> Child:
        """Run ``run`` in a forked child of this process, inside the node's namespace; it ends when ``run`` returns."""
        governor, wanted = self._governor(node, name), realtime
        if governor is not None:
            realtime = None
        parent = os.getpid()
        null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

        def inside() -> None:
            _settle_in(name, netns, realtime)
            run()

        try:
            pid = os.fork()
            if pid == 0:
                run_and_exit(inside, parent, (null, out, out), 2, (netns.fd,))
        finally:
            os.close(null)
            os.close(out)
        return self._adopt(node, name, pid, governor, wanted)

    def _governor(self, node: str, name: str) -> Governor | None:
        return next((each for each in self.governors if each.governs(node, name)), None)

    def _adopt(self, node: str, name: str, pid: int, governor: Governor | None, realtime: int | None) -> Child:
        child = Child(node, name, pid, os.pidfd_open(pid))
        self._children[(node, name)] = child
        self._loop.add_reader(child.pidfd, self._exited, child)
        if governor is not None:
            governor.started(child, realtime)
        return child

    def _exited(self, child: Child) -> None:
        self._loop.remove_reader(child.pidfd)
        try:
            result = os.waitid(os.P_PIDFD, child.pidfd, os.WEXITED)
        except ChildProcessError:
            result = None
        os.close(child.pidfd)
        if result is None:
            child.exit_status = 0
        else:
            by_signal = result.si_code in (os.CLD_KILLED, os.CLD_DUMPED)
            child.exit_status = -result.si_status if by_signal else result.si_status
        self._children.pop((child.node, child.name), None)
        child.exited.set()
        if child.on_exit is not None:
            child.on_exit()
        kind = "process.stopped" if child.stopping else "process.died"
        self._events.emit(kind, child.label, pid=child.pid, exit_status=child.exit_status)

    def terminate(self, child: Child, number: int = signal.SIGTERM) -> None:
        """Ask it to end; its exit is then no surprise."""
        child.stopping = True
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.pidfd, number)

    def kill(self, child: Child) -> None:
        """End it with SIGKILL, as if by accident."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(child.pidfd, signal.SIGKILL)

    async def stop_all(self, deadline: Deadline) -> None:
        """Ask all to end, and end by force those that have not by the deadline."""
        children = self.children()
        for child in children:
            self.terminate(child)

        async def running() -> str | None:
            left = [child.label for child in children if child.exit_status is None]
            return f"still running: {', '.join(left)}" if left else None

        try:
            await wait_until_async("processes to end", running, deadline, interval=0.02)
        except DeadlineError:
            for child in children:
                if child.exit_status is None:
                    self.terminate(child, signal.SIGKILL)
            await wait_until_async("killed processes to end", running, Deadline(5.0), interval=0.02)


def state_of(pid: int) -> str:
    """One letter as in ps: R, S, D, T (stopped), Z ...; empty where there is no such process."""
    try:
        # The name stands in brackets and may hold anything; the state follows the last of them.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _settle_in(name: str, netns: Netns, realtime: int | None) -> None:
    """Inside a forked child: its name, its namespace, its priority."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15], 0, 0, 0)
    netns.enter()
    if realtime is not None:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(realtime))


__all__ = ["Child", "Governor", "Supervisor", "state_of"]
