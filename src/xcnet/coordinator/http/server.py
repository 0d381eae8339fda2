"""The API's server: an ASGI application under TLS 1.3 with certificates on both sides, from the socket to a graceful end."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

from uvicorn.config import Config
from uvicorn.server import ServerState

from xcnet.clock import Clock, SystemClock
from xcnet.coordinator.http.answers import App
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.http.listener import Listener, ListenerCounts
from xcnet.coordinator.http.protocol import CoordinatorProtocol, Identify
from xcnet.errors import InputError
from xcnet.waiting import Deadline

_STOP_SECONDS = 5.0
_log = logging.getLogger(__name__)


class CoordinatorServer:
    """Serves for as long as it is entered.

    :param app: see :func:`xcnet.coordinator.http.app.create_app`.
    :param ssl_context: with the own certificate; it must demand and verify the client's.
    :param identify: which provider a verified client certificate is of.
    :param port: 0 takes a free one. :param listening: a bound socket to use in place of host and port.
    :raises InputError: the context would let somebody in without a certificate, or with an older TLS than 1.3.
    """

    def __init__(
        self,
        app: App,
        ssl_context: ssl.SSLContext,
        *,
        identify: Identify,
        host: str = "127.0.0.1",
        port: int = 0,
        listening: socket.socket | None = None,
        limits: HttpLimits | None = None,
        clock: Clock | None = None,
    ) -> None:
        _demand(
            ssl_context.verify_mode is ssl.CERT_REQUIRED,
            "clients would not be asked for a certificate",
            "set verify_mode to CERT_REQUIRED",
        )
        _demand(
            ssl_context.minimum_version is ssl.TLSVersion.TLSv1_3,
            "clients might speak an older TLS than 1.3",
            "set minimum_version to TLSv1_3",
        )
        self._context = ssl_context
        self._identify = identify
        self._host, self._port, self._given = host, port, listening
        self._limits = limits or HttpLimits()
        self._clock: Clock = clock or SystemClock()
        self._state = ServerState()
        self._config = Config(
            app,
            http=CoordinatorProtocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=self._limits.keep_alive_seconds,
        )
        self._listener: Listener | None = None
        self._address = ("", 0)

    @property
    def address(self) -> tuple[str, int]:
        """IP address and port that it listens on."""
        return self._address

    @property
    def connections(self) -> int:
        """Open now."""
        return self._listener.open if self._listener is not None else 0

    @property
    def busy(self) -> int:
        """Requests that have begun to arrive and are not answered yet."""
        return len(self._state.tasks)

    @property
    def counts(self) -> ListenerCounts:
        return self._listener.counts if self._listener is not None else ListenerCounts()

    async def __aenter__(self) -> Self:
        """:raises InputError: the address cannot be listened on."""
        self._config.load()
        listening = self._given or self._bound()
        listening.listen(self._limits.backlog)
        self._address = listening.getsockname()[:2]
        self._listener = Listener(listening, self._context, self._make, self._limits, self._clock)
        self._listener.start()
        return self

    def _bound(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self._host, self._port))
        except OSError as error:
            bound.close()
            raise InputError(
                f"cannot listen on {self._host} port {self._port}: {error.strerror}",
                where="the coordinator's API",
                remedy="choose an address of this node and a port that is free",
            ) from error
        return bound

    def _make(self, lost: Callable[[CoordinatorProtocol], None]) -> CoordinatorProtocol:
        return CoordinatorProtocol(self._config, self._state, self._limits, self._identify, lost)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def retire(self) -> None:
        """Let every connection end with what is being answered on it: whoever comes again shakes hands anew."""
        for protocol in list(self._listener.protocols) if self._listener is not None else ():
            protocol.shutdown()

    async def stop(self, deadline: Deadline | None = None) -> None:
        """Take nothing new, let requests that are being answered end, then break off what is left.

        :param deadline: for those that are being answered.
        """
        listener = self._listener
        if listener is None:
            return
        deadline = deadline or Deadline(_STOP_SECONDS)
        for protocol in list(listener.protocols):
            protocol.shutdown()
        await listener.stop_taking()
        # Those whose handshake ended meanwhile.
        for protocol in list(listener.protocols):
            protocol.shutdown()
        try:
            await asyncio.wait_for(listener.empty(), deadline.remaining)
        except TimeoutError:
            _log.warning("%d connections are broken off at the end", listener.open)
            for protocol in list(listener.protocols):
                protocol.abort()
            await listener.empty()
        left = list(self._state.tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._listener = None


def _demand(fulfilled: bool, cause: str, remedy: str) -> None:
    if not fulfilled:
        raise InputError(cause, where="TLS of the coordinator's API", remedy=remedy)


async def start_server(
    app: App,
    ssl_context: ssl.SSLContext,
    *,
    identify: Identify,
    host: str,
    port: int,
    limits: HttpLimits | None = None,
    clock: Clock | None = None,
) -> CoordinatorServer:
    """A :class:`CoordinatorServer` that serves, until its :meth:`~CoordinatorServer.stop`, in the running loop.

    :param host: IPv4 or IPv6 address. :param port: 0 takes a free one; see :attr:`CoordinatorServer.address`.
    :raises InputError: as :class:`CoordinatorServer`; or the address cannot be listened on.
    """
    server = CoordinatorServer(app, ssl_context, identify=identify, host=host, port=port, limits=limits, clock=clock)
    return await server.__aenter__()


__all__ = ["CoordinatorServer", "start_server"]
