"""The other end of the warm process's SSH connections: connecting, and one request with its streams."""

# ruff: noqa: ARG002 - what the library calls back with is not all of use

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Sequence
from typing import cast

from xcnet.engine.failures import error_from_json
from xcnet.engine.keys import read_keys
from xcnet.engine.rundir import RunDir
from xcnet.engine.spawn import Terminal
from xcnet.engine.sshlib import ALGORITHMS, ERROR_SIGNAL, USER, asyncssh
from xcnet.errors import EngineError, XcnetError

Sink = Callable[[bytes], object]


def _drop(_data: bytes) -> None:
    """Takes output that nobody wants."""


async def connect_ssh(connection: socket.socket, run: RunDir) -> asyncssh.SSHClientConnection:
    """Speak SSH over a connection that is there, knowing the other side by its key and known by ours.

    :raises OSError, asyncssh.Error: it is cut off, or the other side is not who it should be.
    """
    host_key, client_key = read_keys(run)
    public = asyncssh.import_public_key(host_key.export_public_key())
    return await asyncssh.connect(
        "xcnet",  # a name for its log; the connection is there already
        sock=connection,
        username=USER,
        known_hosts=([public], [], []),
        server_host_key_algs=["ssh-ed25519"],
        client_keys=[client_key],
        preferred_auth="publickey",
        agent_path=None,
        config=None,
        gss_host=None,
        **ALGORITHMS,
    )


class Request(asyncssh.SSHClientSession[bytes]):
    """One request to the warm process, from the caller's side.

    :param stdout: takes output as it comes; raising an OSError there ends the request.
    """

    def __init__(self, stdout: Sink = _drop, stderr: Sink = _drop) -> None:
        self._stdout = stdout
        self._stderr = stderr
        self._failure: BaseException | None = None
        self._status: int | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._done = asyncio.Event()

    def connection_made(self, chan: asyncssh.SSHClientChannel[bytes]) -> None:
        self.channel = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        try:
            (self._stdout if datatype is None else self._stderr)(data)
        except OSError as error:
            self._failure = self._failure or error
            self.channel.abort()

    def eof_received(self) -> bool:
        return True

    def pause_writing(self) -> None:
        self._may_write.clear()

    def resume_writing(self) -> None:
        self._may_write.set()

    def exit_status_received(self, status: int) -> None:
        self._status = status

    def exit_signal_received(self, signal: str, core_dumped: bool, msg: str, lang: str) -> None:
        if signal == ERROR_SIGNAL:
            self._failure = self._failure or error_from_json(msg)

    def connection_lost(self, exc: Exception | None) -> None:
        self._may_write.set()
        self._done.set()

    async def send(self, data: bytes) -> None:
        """Input for the request, waiting while the other side reads slower than we send."""
        await self._may_write.wait()
        if not self._done.is_set():
            self.channel.write(data)

    def end_input(self) -> None:
        if not self._done.is_set():
            self.channel.write_eof()

    async def result(self) -> int:
        """Wait for its end. :returns: its exit status.

        :raises XcnetError: what the other side raised, or :class:`EngineError` if the connection was lost.
        :raises OSError: what an output sink raised.
        """
        await self._done.wait()
        if self._failure is not None:
            raise self._failure
        if self._status is None:
            raise EngineError(
                "the connection to the lab's process was lost",
                remedy="see with 'xcnet list' whether the lab still runs",
            )
        return self._status


async def open_request(
    connection: asyncssh.SSHClientConnection,
    argv: Sequence[str],
    *,
    stdout: Sink = _drop,
    stderr: Sink = _drop,
    terminal: Terminal | None = None,
) -> Request:
    """Begin a request. :raises XcnetError: the connection is closed, or the other side does not take it."""
    try:
        _, request = await connection.create_session(
            lambda: Request(stdout, stderr),
            json.dumps(list(argv)),
            encoding=None,
            request_pty="force" if terminal else False,
            term_type=terminal.kind if terminal else None,
            term_size=(terminal.columns, terminal.rows) if terminal else (),
        )
    except asyncssh.Error as error:
        raise EngineError(
            f"the lab's process did not take the request: {error.reason}",
            remedy="see with 'xcnet list' whether it still runs",
        ) from None
    return cast("Request", request)


async def ask(connection: asyncssh.SSHClientConnection, argv: Sequence[str], stdout: Sink = _drop) -> int:
    """A request without input, to its end."""
    request = await open_request(connection, argv, stdout=stdout)
    request.end_input()
    return await request.result()


def connection_failure(run: RunDir, error: BaseException) -> XcnetError:
    """Why a command cannot reach a run, in words."""
    if isinstance(error, FileNotFoundError):
        return EngineError("there is no such lab, or it never came up", where=str(run.path), remedy="run 'xcnet list'")
    if isinstance(error, PermissionError):
        return EngineError(
            "the lab belongs to another user", where=str(run.path), remedy="run the command as that user"
        )
    if isinstance(error, ConnectionRefusedError):
        return EngineError(
            "the lab's own process is gone", where=str(run.path), remedy="run 'xcnet down' to remove the rest"
        )
    return EngineError(
        f"the lab's process does not answer: {error or type(error).__name__}",
        where=str(run.path),
        remedy="run 'xcnet down', then bring the lab up again",
    )


__all__ = ["Request", "Sink", "ask", "connect_ssh", "connection_failure", "open_request"]
