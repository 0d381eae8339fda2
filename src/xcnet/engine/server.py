"""The warm process's side of the SSH connections: who may connect, and how a request becomes a session."""

# ruff: noqa: ARG002 - what the library calls back with is not all of use

from __future__ import annotations

import asyncio
import json
import logging
import signal
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xcnet.engine.failures import error_to_json
from xcnet.engine.forwarding import connect_tcp, relay_streams
from xcnet.engine.session import ByteWriter, Session
from xcnet.engine.spawn import Terminal
from xcnet.engine.sshlib import ALGORITHMS, ERROR_SIGNAL, SSHTCPStreamSession, asyncssh
from xcnet.errors import EngineError, InputError, XcnetError

_log = logging.getLogger(__name__)
_INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class WarmContext:
    """What the warm process is told of its run.

    :param run_dir: the run's folder on the host's disk. A user-mode kernel sees it, but sockets cannot live in it.
    :param runtime_dir: a folder for sockets and the like, in the lab's own kernel, gone with it.
    :param progress: says a few words to whoever waits for the start.
    """

    name: str
    engine: str
    run_dir: Path
    runtime_dir: Path
    progress: Callable[[str], None]


class Application:
    """What an entry returns: the thing that the warm process serves. Subclasses say what a request does."""

    async def start(self) -> None:
        """Make ready. May take long, and says so with :attr:`WarmContext.progress`; requests are served only after it."""

    async def handle(self, session: Session) -> int:
        """Serve one request; many run at a time. Cancelled when the caller goes away.

        :returns: the exit status, 0 to 255.
        :raises XcnetError: reaches the caller as the same error.
        """
        raise InputError(f"nothing here serves {session.argv[:1]}")

    async def stop(self) -> None:
        """Undo what :meth:`start` and requests did. The process ends afterwards."""

    def destination(self, host: str) -> tuple[int | None, str]:
        """Where a forwarded TCP connection to ``host`` is to be opened: the network namespace (None: this process's
        own) and the address in it."""
        return None, host


Handler = Callable[[Session], Awaitable[int]]
Destination = Callable[[str], tuple[int | None, str]]


class _Channel(asyncssh.SSHServerSession[bytes]):
    """One SSH session channel, i.e. one request, from the protocol's side."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self._stdin = asyncio.StreamReader(limit=256 * 1024)
        self._terminal: Terminal | None = None
        self._session: Session | None = None
        self._argv: list[str] = []
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._chan = chan
        # The reader asks its "transport" to pause when nobody reads it, and the channel understands the same two calls.
        self._stdin.set_transport(chan)  # type: ignore[arg-type]

    def pty_requested(self, term_type: str, term_size: tuple[int, int, int, int], term_modes: object) -> bool:
        self._terminal = Terminal(term_type or "dumb", term_size[0] or 80, term_size[1] or 24)
        return True

    def exec_requested(self, command: str) -> bool:
        try:
            words = json.loads(command)
        except ValueError:
            return False
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            return False
        self._argv = words
        return True

    def session_started(self) -> None:
        self._session = Session(self._argv, self._terminal, self._chan, self._stdin)
        self._task = asyncio.get_running_loop().create_task(self._run(self._session))
        self._session.attach_task(self._task)

    async def _run(self, session: Session) -> None:
        try:
            status = await self._handle(session)
        except XcnetError as error:
            self._chan.exit_with_signal(ERROR_SIGNAL, False, error_to_json(error))
        except asyncio.CancelledError:
            self._chan.exit(_INTERRUPTED)
        except ConnectionResetError:
            self._chan.close()
        except Exception as error:  # a defect: the caller is told, the log has the traceback, the process lives on
            _log.exception("request %s failed", session.argv[:2])
            failure = EngineError(
                f"the lab's process failed: {type(error).__name__}: {error}",
                remedy="look at engine.log in the lab's folder",
            )
            self._chan.exit_with_signal(ERROR_SIGNAL, False, error_to_json(failure))
        else:
            self._chan.exit(status & 0xFF)

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._stdin.feed_data(data)

    def eof_received(self) -> bool:
        self._stdin.feed_eof()
        return True  # the other direction stays open: the answer comes after the question's end

    def signal_received(self, signal: str) -> None:
        number = _signal_number(signal)
        if self._session is not None and number is not None:
            self._session.signal(number)

    def terminal_size_changed(self, width: int, height: int, pixwidth: int, pixheight: int) -> None:
        if self._session is not None:
            self._session.resize(width, height)

    def _outputs(self) -> tuple[ByteWriter, ...]:
        return (self._session.stdout, self._session.stderr) if self._session is not None else ()

    def pause_writing(self) -> None:
        for output in self._outputs():
            output.pause()

    def resume_writing(self) -> None:
        for output in self._outputs():
            output.resume()

    def connection_lost(self, exc: Exception | None) -> None:
        for output in self._outputs():
            output.lose()
        if not self._stdin.at_eof():
            self._stdin.feed_eof()
        if self._task is not None:
            self._task.cancel()
        if self._session is not None:
            self._session.closed.set()


def _signal_number(name: str) -> int | None:
    try:
        return signal.Signals[f"SIG{name}"].value
    except KeyError:
        return None


class _Peer(asyncssh.SSHServer):
    """One connection. Whoever holds the run's client key may do everything; nobody else gets this far."""

    def __init__(self, handle: Handler, destination: Destination) -> None:
        self._handle = handle
        self._destination = destination

    def begin_auth(self, username: str) -> bool:
        return True

    def session_requested(self) -> _Channel:
        return _Channel(self._handle)

    def unix_connection_requested(self, dest_path: str) -> bool:
        return True

    def connection_requested(self, dest_host: str, dest_port: int, orig_host: str, orig_port: int) -> Any:
        return self._forward(dest_host, dest_port)

    async def _forward(self, host: str, port: int) -> Any:
        netns_fd, address = self._destination(host)
        try:
            far = await connect_tcp(address, port, netns_fd)
        except OSError as error:
            raise asyncssh.ChannelOpenError(asyncssh.OPEN_CONNECT_FAILED, str(error)) from None
        return SSHTCPStreamSession(lambda reader, writer: relay_streams(reader, writer, far))


class SshServer:
    """Serves requests over any number of sockets."""

    def __init__(
        self, handle: Handler, destination: Destination, host_key: asyncssh.SSHKey, client_key: asyncssh.SSHKey
    ) -> None:
        self._factory = lambda: _Peer(handle, destination)
        authorized = asyncssh.import_authorized_keys(client_key.export_public_key().decode())
        self._options = {
            "server_host_keys": [host_key],
            "authorized_client_keys": authorized,
            "encoding": None,
            "line_editor": False,
            "allow_scp": False,
            "server_version": "xcnet",
            "gss_host": None,
            "login_timeout": 60,
            **ALGORITHMS,
        }
        self._listeners: list[asyncssh.SSHAcceptor] = []

    async def listen(self, listener: socket.socket) -> None:
        """Accept connections on a listening Unix socket."""
        self._listeners.append(await asyncssh.listen(sock=listener, server_factory=self._factory, **self._options))

    async def serve(self, connection: socket.socket) -> asyncssh.SSHServerConnection:
        """Serve one connection that is there already."""
        return await asyncssh.run_server(connection, server_factory=self._factory, **self._options)

    def close(self) -> None:
        for listener in self._listeners:
            listener.close()


__all__ = ["Application", "Session", "SshServer", "WarmContext"]
