"""The host's side of one user-mode kernel: boots it, carries commands' connections into it, notices its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import AsyncIterator
from pathlib import Path

from xcnet.engine.engine_requests import request_hello, request_start, request_stop
from xcnet.engine.processes import ProcessMark
from xcnet.engine.rundir import RunDir, RunRecord, tail
from xcnet.engine.serial import HostLine
from xcnet.engine.ssh_client import connect_ssh
from xcnet.engine.sshlib import asyncssh
from xcnet.engine.starter import StarterLink, detach
from xcnet.engine.uml_kernel import UmlKernel
from xcnet.engine.uml_processor import Keeper, allowed_processors, any_processor, interval
from xcnet.errors import EngineError, XcnetError
from xcnet.waiting import Deadline

_BOOT_SECONDS = 60.0
_END_SECONDS = 2.0
"""From the end of its line to that of the kernel."""
_STOP_SECONDS = 15.0
_GUEST_SOCKET = "/run/xcnet-engine/ssh.sock"
_LINE_BUFFER = 1 << 20


class Supervisor:
    """Lives as long as its kernel, which dies with it."""

    def __init__(self, run: RunDir, kernel: UmlKernel, memory: int, starter: StarterLink) -> None:
        self._run = run
        self._kernel = kernel
        self._memory = memory
        self._starter = starter

    async def supervise(self) -> None:
        """Boot, serve, and return when the kernel has ended or this process was told to end.

        :raises XcnetError: it did not come up.
        """
        loop = asyncio.get_running_loop()
        terminated = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, terminated.set)
        starter_gone = asyncio.Event()
        loop.add_reader(self._starter.fileno(), starter_gone.set)
        async with self._booted() as (line, ended):
            coming_up = loop.create_task(self._come_up(line))
            first = await _first_of(coming_up, ended, terminated, starter_gone)
            loop.remove_reader(self._starter.fileno())
            if first is coming_up and coming_up.exception() is not None:
                # A kernel that ends closes its line a moment before it has ended: then that is why.
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(ended.wait(), _END_SECONDS)
            if first is ended or ended.is_set():
                raise self._failure("the user-mode kernel ended while it was coming up")
            if first is not coming_up:
                return
            connection = coming_up.result()
            self._starter.ready()
            self._starter.close()
            if await _first_of(ended, terminated) is terminated:
                await self._power_off(connection, ended)

    @contextlib.asynccontextmanager
    async def _booted(self) -> AsyncIterator[tuple[HostLine, asyncio.Event]]:
        """The kernel running, as the host's end of its serial line and its end as an event; killed on leaving."""
        loop = asyncio.get_running_loop()
        data, far_data = socket.socketpair()
        count, far_count = socket.socketpair()
        with far_data, far_count:
            far_data.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LINE_BUFFER)
            processor = any_processor()
            lines = (far_data.fileno(), far_count.fileno())
            process = self._kernel.boot(self._run, self._memory, serial=lines, processor=processor)
        line = HostLine(data, count)
        handle = os.pidfd_open(process.pid)
        ended = asyncio.Event()

        def has_ended() -> None:
            loop.remove_reader(handle)
            ended.set()

        loop.add_reader(handle, has_ended)
        self._write_record("", process.pid)
        self._kernel_pid = process.pid
        keeping = loop.create_task(_keep(Keeper(process.pid, processor)))
        try:
            yield line, ended
        finally:
            keeping.cancel()
            process.kill()
            await ended.wait()
            process.wait()
            os.close(handle)
            line.close()

    async def _come_up(self, line: HostLine) -> asyncssh.SSHClientConnection:
        try:
            async with asyncio.timeout(_BOOT_SECONDS):
                await line.open()
                connection = await connect_ssh(line.socket, self._run)
                hello = await request_hello(connection)
        except TimeoutError:
            raise self._failure(f"the user-mode kernel did not answer within {_BOOT_SECONDS:g} s") from None
        except (asyncssh.Error, OSError) as error:
            raise self._failure(f"the user-mode kernel does not answer as it should: {error}") from None
        self._write_record(hello["kernel"], self._kernel_pid)
        await request_start(connection, self._starter.progress)
        # The folder may be too deep for a socket's address; it is this process's working folder.
        os.chdir(self._run.path)
        await connection.forward_local_path("ssh.sock", _GUEST_SOCKET)
        return connection

    def _write_record(self, release: str, kernel_pid: int) -> None:
        marks = tuple(mark for pid in (os.getpid(), kernel_pid) if (mark := ProcessMark.of(pid)) is not None)
        self._run.write_record(RunRecord("uml", release, marks, {"binary": str(self._kernel.binary)}))

    async def _power_off(self, connection: asyncssh.SSHClientConnection, ended: asyncio.Event) -> None:
        deadline = Deadline(_STOP_SECONDS)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(deadline.remaining):
                await request_stop(connection)
                await ended.wait()

    def _failure(self, cause: str) -> EngineError:
        said = "\n".join(filter(None, (tail(self._run.console), tail(self._run.log))))
        return EngineError(cause, where=said, remedy="run 'xcnet doctor' to see which kernels work on this machine")


async def _keep(keeper: Keeper) -> None:
    """Look after the kernel's processor for as long as it runs."""
    if len(allowed_processors()) == 1:
        return
    loop = asyncio.get_running_loop()
    while True:
        keeper.look(loop.time())
        await asyncio.sleep(interval())


async def _first_of(*things: asyncio.Event | asyncio.Task[asyncssh.SSHClientConnection]) -> object:
    """The first of them to happen."""
    waits = {
        thing if isinstance(thing, asyncio.Task) else asyncio.ensure_future(thing.wait()): thing for thing in things
    }
    done, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    return next(thing for task, thing in waits.items() if task in done)


def main(argv: list[str]) -> int:
    """``FD RUN_DIR MEMORY BINARY MODULES ROOT SECCOMP``; see :func:`xcnet.engine.starter.launch_process`."""
    detach()
    fd, run_dir, memory, binary, modules, root, seccomp = argv
    starter = StarterLink(int(fd))
    kernel = UmlKernel(Path(binary), Path(modules), root, seccomp == "1")
    try:
        asyncio.run(Supervisor(RunDir(Path(run_dir)), kernel, int(memory), starter).supervise())
    except XcnetError as error:
        print(error, file=sys.stderr)
        starter.fail(error)
        return 1
    except Exception as error:  # a defect: whoever waits is told, the log has the traceback
        traceback.print_exc()
        starter.fail(EngineError(f"the lab's supervisor failed: {type(error).__name__}: {error}"))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
