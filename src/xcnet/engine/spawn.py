"""Starting a program attached to pipes or to a terminal of its own, at the price of posix_spawn instead of fork."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import struct
import termios
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from xcnet.engine.forked import run_and_exit
from xcnet.errors import EngineError

_CLONE_NEWNET = 0x40000000
_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Terminal:
    """What the caller's terminal is. :param kind: as in ``$TERM``."""

    kind: str
    columns: int
    rows: int


@dataclass
class Child:
    """A process attached to this one, the leader of a session of its own.

    :param stdin: where to write its input; the terminal's own end if it has one. None once closed.
    :param outputs: where its output and error output come from; only one with a terminal.
    :param failure: where a forked function's :class:`XcnetError` comes from, as JSON.
    """

    pid: int
    pidfd: int
    stdin: int | None
    outputs: tuple[int, ...]
    terminal: bool
    failure: int | None = None

    def signal(self, number: int) -> None:
        """Signal the process and those it started, unless they left its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def resize(self, columns: int, rows: int) -> None:
        if self.terminal and self.stdin is not None:
            fcntl.ioctl(self.stdin, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def reap(self) -> int:
        """Its exit status, once ``pidfd`` is readable; 128 plus the signal's number if one ended it."""
        result = os.waitid(os.P_PIDFD, self.pidfd, os.WEXITED)
        if result is None or result.si_code == os.CLD_EXITED:
            return result.si_status if result is not None else 0
        return 128 + result.si_status

    def close(self) -> None:
        ends = {self.pidfd, *self.outputs, self.stdin, self.failure} - {None}
        for fd in ends:
            os.close(cast("int", fd))


@contextlib.contextmanager
def inside(netns_fd: int | None, cwd: str | None) -> Iterator[None]:
    """This thread in another network namespace and folder for as long as it takes to start a process there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC) if netns_fd is not None else -1
    folder = os.open(".", os.O_PATH | os.O_CLOEXEC) if cwd is not None else -1
    try:
        if netns_fd is not None:
            _setns(netns_fd)
        if cwd is not None:
            os.chdir(cwd)
        yield
    finally:
        if folder >= 0:
            os.fchdir(folder)
            os.close(folder)
        if home >= 0:
            _setns(home)
            os.close(home)


def _setns(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise EngineError(f"the network namespace cannot be entered: {os.strerror(number)}", remedy="run it as root")


def _stdio(terminal: Terminal | None) -> tuple[list[int], list[int], str]:
    """This side's ends (input, output, error output), the child's ends, and the terminal's device if there is one."""
    if terminal is None:
        in_child, in_here = os.pipe2(os.O_CLOEXEC)
        out_here, out_child = os.pipe2(os.O_CLOEXEC)
        err_here, err_child = os.pipe2(os.O_CLOEXEC)
        return [in_here, out_here, err_here], [in_child, out_child, err_child], ""
    try:
        master, slave = os.openpty()
    except OSError as error:
        raise EngineError(
            f"no terminal can be had: {error.strerror}",
            where="/dev/pts",
            remedy="mount devpts there, or go without one",
        ) from None
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", terminal.rows, terminal.columns, 0, 0))
    return [master], [slave], os.ttyname(slave)


def start_program(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    terminal: Terminal | None = None,
    netns_fd: int | None = None,
    cwd: str | None = None,
    realtime: int | None = None,
    title: str | None = None,
) -> Child:
    """Start ``argv`` as the leader of a new session.

    :param realtime: SCHED_RR priority 1-99, so that equals take turns; None for the ordinary scheduler.
    :param title: what the program sees as its own name, where that is not ``argv[0]``.
    :raises EngineError: there is no such program, or it cannot be started.
    """
    program = argv[0] if "/" in argv[0] else shutil.which(argv[0], path=env.get("PATH", os.defpath))
    if program is None:
        raise EngineError(
            f"there is no program {argv[0]!r}", remedy="install it on this machine, or give its full path"
        )
    environment = dict(env)
    here, there, device = _stdio(terminal)
    actions: list[tuple[int, ...] | tuple[int, int, str, int, int]]
    if terminal is None:
        actions = [(os.POSIX_SPAWN_DUP2, end, number) for number, end in enumerate(there)]
    else:
        environment["TERM"] = terminal.kind
        # A session's leader that opens a terminal gets it as its controlling one.
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, device, os.O_RDWR, 0),
            (os.POSIX_SPAWN_DUP2, 0, 1),
            (os.POSIX_SPAWN_DUP2, 0, 2),
        ]
    names = [title or argv[0], *argv[1:]]
    common = {"file_actions": actions, "setsid": True, "setsigdef": _DEFAULT_SIGNALS, "setsigmask": ()}
    if realtime is not None:
        common["scheduler"] = (os.SCHED_RR, os.sched_param(realtime))
    try:
        with inside(netns_fd, cwd):
            pid = os.posix_spawn(program, names, environment, **common)  # type: ignore[arg-type]
    except OSError as error:
        for end in here:
            os.close(end)
        raise EngineError(f"the program cannot be started: {error.strerror}", where=program) from None
    finally:
        for end in there:
            os.close(end)
    return _attached(pid, here, terminal is not None)


def start_function(function: Callable[[], int | None], *, keep: Sequence[int] = ()) -> Child:
    """Run ``function`` in a forked child of this process, in a session of its own; what it returns is its exit status.

    It sees every module that is imported here. Its output goes where a program's would.

    :param keep: descriptors that stay open in it; all others are closed.
    """
    here, there, _ = _stdio(None)
    failure_here, failure_child = os.pipe2(os.O_CLOEXEC)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        run_and_exit(function, parent, there, failure_child, keep)
    for end in (*there, failure_child):
        os.close(end)
    child = _attached(pid, here, False)
    child.failure = failure_here
    return child


def _attached(pid: int, here: list[int], terminal: bool) -> Child:
    for end in here:
        os.set_blocking(end, False)
    return Child(pid, os.pidfd_open(pid), here[0], tuple(here[:1] if terminal else here[1:]), terminal)


__all__ = ["Child", "Terminal", "inside", "start_function", "start_program"]
