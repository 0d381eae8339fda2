"""One request to the warm process: its arguments, its streams, and what may be attached to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence

from xcnet.engine.failures import error_from_json
from xcnet.engine.spawn import Child, Terminal, start_function, start_program
from xcnet.engine.sshlib import asyncssh

_CHUNK = 65536
_END_OF_INPUT = b"\x04"  # what a terminal's line discipline takes for the end of input
_GRACE = 1.0  # seconds for a program to end after its caller has gone away
_LINGER = 0.05  # seconds for the last output of a program that has ended
_REST_LIMIT = 4 * 1024 * 1024  # bytes; more than any pipe holds
_STDERR = asyncssh.EXTENDED_DATA_STDERR


class ByteWriter:
    """An output of the request. ``write`` never blocks; ``drain`` waits while the caller reads slower than we write."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], datatype: int | None) -> None:
        self._channel = channel
        self._datatype = datatype
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._gone = False

    def write(self, data: bytes) -> None:
        if data and not self._gone:
            self._channel.write(data, self._datatype)

    async def drain(self) -> None:
        """:raises ConnectionResetError: the caller went away."""
        await self._may_write.wait()
        if self._gone:
            raise ConnectionResetError("the caller went away")

    def pause(self) -> None:
        self._may_write.clear()

    def resume(self) -> None:
        self._may_write.set()

    def lose(self) -> None:
        self._gone = True
        self._may_write.set()


class Session:
    """One request.

    :ivar argv: its words.
    :ivar terminal: the caller's terminal if it asked for one; then ``stderr`` is not told from ``stdout``.
    :ivar closed: set when the request is over for both sides.
    """

    def __init__(
        self,
        argv: list[str],
        terminal: Terminal | None,
        channel: asyncssh.SSHServerChannel[bytes],
        stdin: asyncio.StreamReader,
    ) -> None:
        self.argv = argv
        self.terminal = terminal
        self.stdin = stdin
        self.stdout = ByteWriter(channel, None)
        self.stderr = ByteWriter(channel, None if terminal else _STDERR)
        self.closed = asyncio.Event()
        self._child: Child | None = None
        self._task: asyncio.Task[object] | None = None

    def attach_task(self, task: asyncio.Task[object]) -> None:
        """The task to cancel when the request is to end."""
        self._task = task

    def signal(self, number: int) -> None:
        """The caller sends a signal: to what is attached, else the request itself ends."""
        if self._child is not None:
            self._child.signal(number)
        elif self._task is not None and number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL):
            self._task.cancel()

    def resize(self, columns: int, rows: int) -> None:
        """The caller's terminal has another size now."""
        if self.terminal is not None:
            self.terminal = Terminal(self.terminal.kind, columns, rows)
        if self._child is not None:
            self._child.resize(columns, rows)

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        netns_fd: int | None = None,
        cwd: str | None = None,
        realtime: int | None = None,
        title: str | None = None,
    ) -> int:
        """Run a program attached to this request, with a terminal if the caller asked for one.

        Input and its end, output, signals and the terminal's size are passed on. It is ended when the caller goes away.

        :param env: its whole environment; None for this process's own.
        :param netns_fd: the network namespace to start it in.
        :param realtime: SCHED_RR priority 1-99.
        :returns: its exit status; 128 plus the signal's number if one ended it.
        :raises EngineError: it cannot be started.
        """
        child = start_program(
            argv,
            env=os.environ if env is None else env,
            terminal=self.terminal,
            netns_fd=netns_fd,
            cwd=cwd,
            realtime=realtime,
            title=title,
        )
        return await self._attend(child)

    async def call_in_fork(self, function: Callable[[], int | None], *, keep: Sequence[int] = ()) -> int:
        """Run ``function`` in a forked child of the warm process, attached to this request; for heavy work.

        It has every module that is imported here, no event loop, and none of this process's descriptors but ``keep``.

        :returns: what it returned (None is 0), 1 after an exception, whose traceback it printed.
        :raises XcnetError: the one that ``function`` raised.
        """
        child = start_function(function, keep=keep)
        assert child.failure is not None
        told = os.dup(child.failure)
        try:
            status = await self._attend(child)
            if failure := os.read(told, _CHUNK):
                raise error_from_json(failure.decode())
            return status
        finally:
            os.close(told)

    async def _attend(self, child: Child) -> int:
        self._child = child
        loop = asyncio.get_running_loop()
        exited = loop.create_future()
        loop.add_reader(child.pidfd, _settle, exited)
        feeding = loop.create_task(self._feed(child))
        outputs = (self.stdout, self.stderr)
        relaying = [loop.create_task(_relay(fd, outputs[index])) for index, fd in enumerate(child.outputs)]
        try:
            await asyncio.shield(exited)
            loop.remove_reader(child.pidfd)
            status = child.reap()
            for fd, task, output in zip(child.outputs, relaying, outputs, strict=False):
                await _cancel(task)
                await _rest(fd, output)
            return status
        except (asyncio.CancelledError, ConnectionResetError):
            if not exited.done():
                await asyncio.shield(_end(child, exited))
            if exited.done():
                with contextlib.suppress(ChildProcessError):
                    child.reap()
            raise
        finally:
            self._child = None
            loop.remove_reader(child.pidfd)
            for task in (feeding, *relaying):
                await _cancel(task)
            child.close()

    async def _feed(self, child: Child) -> None:
        """The caller's input to the program's, until either ends."""
        assert child.stdin is not None
        try:
            while data := await self.stdin.read(_CHUNK):
                await _write(child.stdin, data)
            if child.terminal:
                await _write(child.stdin, _END_OF_INPUT)
        except OSError:
            pass  # it closed its input, or ended: its exit status tells
        finally:
            if not child.terminal:
                os.close(child.stdin)
                child.stdin = None


async def _end(child: Child, exited: asyncio.Future[None]) -> None:
    """The caller went away: a program in a terminal sees it hang up, others are asked to end; then they must."""
    child.signal(signal.SIGHUP)
    child.signal(signal.SIGTERM)
    child.signal(signal.SIGCONT)
    await asyncio.wait([exited], timeout=_GRACE)
    # Also when the leader has ended: those it started may have ignored the signals.
    child.signal(signal.SIGKILL)
    await exited


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, ConnectionResetError):
        await task


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _ready(fd: int, *, to_write: bool) -> asyncio.Future[None]:
    """Done when ``fd`` can be read or written."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[None] = loop.create_future()
    watch, unwatch = (loop.add_writer, loop.remove_writer) if to_write else (loop.add_reader, loop.remove_reader)
    watch(fd, _settle, future)
    future.add_done_callback(lambda _: unwatch(fd))
    return future


async def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except BlockingIOError:
            await _ready(fd, to_write=True)


def _read(fd: int) -> bytes | None:
    """b"" at the end, None where there is nothing yet."""
    try:
        return os.read(fd, _CHUNK)
    except BlockingIOError:
        return None
    except OSError:
        return b""  # a terminal whose other end is closed by all


async def _relay(fd: int, output: ByteWriter) -> None:
    while (data := _read(fd)) != b"":
        if data is None:
            await _ready(fd, to_write=False)
            continue
        output.write(data)
        await output.drain()


async def _rest(fd: int, output: ByteWriter) -> None:
    """What the program wrote before it ended. Others may hold the other end open for long: they are not waited for."""
    budget = _REST_LIMIT
    while budget > 0 and (data := _read(fd)) != b"":
        if data is None:
            # A terminal hands on what was written to it a moment later; its end, if nobody holds it, comes at once.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(_ready(fd, to_write=False), _LINGER)
                continue
            return
        budget -= len(data)
        output.write(data)
        await output.drain()


__all__ = ["ByteWriter", "Session"]
