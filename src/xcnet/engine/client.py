"""Talking to a running lab's warm process: calls, attached programs, streams, forwarded ports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from xcnet.engine.attach import attach
from xcnet.engine.rundir import RunDir
from xcnet.engine.ssh_client import Request, Sink, connect_ssh, connection_failure, open_request
from xcnet.engine.sshlib import asyncssh
from xcnet.errors import EngineError

_CONNECT_SECONDS = 15.0


class LabConnection:
    """One connection, for any number of requests at a time. Use it in ``async with``.

    :param run_dir: the run's folder.
    """

    def __init__(self, run_dir: Path) -> None:
        self._run = RunDir(run_dir)
        self._ssh: asyncssh.SSHClientConnection | None = None

    async def __aenter__(self) -> LabConnection:
        """:raises EngineError: there is no such run, or it does not answer."""
        try:
            async with asyncio.timeout(_CONNECT_SECONDS):
                self._ssh = await connect_ssh(self._run.connect(), self._run)
        except TimeoutError:
            raise connection_failure(self._run, TimeoutError(f"no word within {_CONNECT_SECONDS:g} s")) from None
        except (OSError, asyncssh.Error) as error:
            raise connection_failure(self._run, error) from None
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._ssh is not None:
            self._ssh.close()
            # Its last words, e.g. that a request is to end, must have left before the process does.
            await self._ssh.wait_closed()
            self._ssh = None

    @property
    def ssh(self) -> asyncssh.SSHClientConnection:
        """For forwarding ports and sockets (``forward_local_port``, ``open_unix_connection`` ...)."""
        if self._ssh is None:
            raise EngineError("the connection to the lab is closed")
        return self._ssh

    async def call(self, method: str, params: object = None) -> Any:
        """``rpc METHOD PARAMS`` as a request; its output is the answer, as JSON.

        :raises XcnetError: what the application raised.
        """
        chunks: list[bytes] = []
        status = await self.stream(["rpc", method, json.dumps(params)], chunks.append)
        if status != 0:
            raise EngineError(f"{method} failed with status {status}", remedy="look at engine.log in the lab's folder")
        return json.loads(b"".join(chunks) or b"null")

    async def stream(self, argv: Sequence[str], stdout: Sink, *, stdin: bytes = b"", stderr: Sink | None = None) -> int:
        """A request whose output is handed to ``stdout`` as it comes; cancelling ends it.

        :param stderr: as ``stdout``, for error output; by default it goes to this process's own.
        :returns: its exit status.
        :raises XcnetError: what the application raised.
        """
        request = await open_request(self.ssh, argv, stdout=stdout, stderr=stderr or _to_own_stderr)
        try:
            if stdin:
                await request.send(stdin)
            request.end_input()
            return await request.result()
        finally:
            request.channel.close()

    async def chunks(self, argv: Sequence[str]) -> AsyncIterator[bytes]:
        """The output of a request as it comes; leaving the loop ends the request."""
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        task = asyncio.ensure_future(self.stream(argv, queue.put_nowait))
        task.add_done_callback(lambda _: queue.put_nowait(None))
        try:
            while (data := await queue.get()) is not None:
                yield data
            await task
        finally:
            task.cancel()

    async def run(self, argv: Sequence[str], *, terminal: bool = False) -> int:
        """Attach this process's own input and outputs, and its terminal if asked, to a request.

        :returns: its exit status; 130 if interrupted.
        """
        return await attach(self.ssh, argv, terminal=terminal)

    async def open(self, argv: Sequence[str], stdout: Sink, stderr: Sink) -> Request:
        """A request to be fed and waited for by the caller."""
        return await open_request(self.ssh, argv, stdout=stdout, stderr=stderr)


def _to_own_stderr(data: bytes) -> None:
    import sys

    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


class LabClient:
    """:class:`LabConnection` for code that has no event loop. Use it in ``with``; one request at a time."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir

    def __enter__(self) -> LabClient:
        """:raises EngineError: there is no such run, or it does not answer."""
        self._runner = asyncio.Runner()
        self._connection = LabConnection(self._run_dir)
        try:
            self._runner.run(self._connection.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._runner.run(self._connection.__aexit__(kind, error, trace))
        finally:
            self._runner.close()

    def call(self, method: str, params: object = None) -> Any:
        """See :meth:`LabConnection.call`."""
        return self._runner.run(self._connection.call(method, params))

    def stream(
        self,
        argv: Sequence[str],
        stdout: Sink,
        *,
        stdin: bytes = b"",
        stderr: Sink | None = None,
        seconds: float | None = None,
    ) -> int:
        """See :meth:`LabConnection.stream`. Ctrl-C ends the request and raises KeyboardInterrupt.

        :param seconds: after which it is ended too. :raises TimeoutError: it was.
        """

        async def streamed() -> int:
            async with asyncio.timeout(seconds):
                return await self._connection.stream(argv, stdout, stdin=stdin, stderr=stderr)

        return self._runner.run(streamed())

    def run(self, argv: Sequence[str], *, terminal: bool = False) -> int:
        """See :meth:`LabConnection.run`."""
        return self._runner.run(self._connection.run(argv, terminal=terminal))


__all__ = ["LabClient", "LabConnection"]
