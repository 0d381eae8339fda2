"""One connection at the server: uvicorn's HTTP/1.1 with a peer that is known by its certificate and a limit to its slowness."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from enum import Enum, auto
from ssl import SSLObject
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from xcnet.coordinator.http.answers import with_status
from xcnet.coordinator.http.gate import ABORT, HEADER_TOO_LARGE, PROVIDER
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.spec.errors import ApiError, Reason

Identify = Callable[[SSLObject], str | None]
"""Whose the verified certificate of a peer is; None: of nobody who is known."""

_DIGITS = 18
"""Of a length that is still told from others."""
_CHUNKED = 2
"""Wire bytes that a body may take for each byte that it may have: chunk sizes are on the wire too."""
_LINGER_SECONDS = 1.0
_log = logging.getLogger(__name__)


class _Phase(Enum):
    IDLE = auto()
    HEADER = auto()
    BODY = auto()
    ANSWER = auto()
    REFUSED = auto()


class CoordinatorProtocol(HttpToolsProtocol):
    """:param identify: asked once, after the handshake. :param on_lost: told when the connection is gone."""

    def __init__(
        self,
        config: Config,
        state: ServerState,
        limits: HttpLimits,
        identify: Identify,
        on_lost: Callable[[CoordinatorProtocol], None],
    ) -> None:
        super().__init__(config, state, {})
        self._limits = limits
        self._identify = identify
        self._on_lost = on_lost
        self._provider: str | None = None
        self._phase = _Phase.HEADER
        self._taken = 0
        self._due = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._running: RequestResponseCycle | None = None
        self._lost = False
        self._announced = 0
        """Bytes of body that the request's header has announced."""

    # -- the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows the type of asyncio's own callback
        self._arm(self._limits.header_seconds)
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._provider = self._identify(tls)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unset_keepalive_if_required()
        # uvicorn tells only the last request that it has read; the one that is being answered may be an earlier one.
        self._drop_running()
        self._lost = True
        super().connection_lost(exc)
        self._on_lost(self)

    def _drop_running(self) -> None:
        """What is being answered learns that nobody waits for it any more."""
        if self._running is not None and not self._running.response_complete:
            self._running.disconnected = True
            self._running.message_event.set()

    def shutdown(self) -> None:
        """Let what is being answered end, and close."""
        # Of a TLS transport that is closed twice asyncio forgets the connection: it could not be broken off any more.
        if not self.transport.is_closing():
            super().shutdown()

    def abort(self) -> None:
        """Break it off without another word."""
        if not self._lost:
            self.transport.abort()

    # -- time: one timer, which looks when it fires whether what it waits for has changed

    def _arm(self, seconds: float) -> None:
        self._due = self.loop.time() + seconds
        if self._timer is None or self._timer.when() > self._due:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self.loop.call_at(self._due, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._phase is _Phase.IDLE:
            return  # uvicorn's own timer ends idle connections
        if self.loop.time() < self._due:
            self._timer = self.loop.call_at(self._due, self._look)
            return
        if self._phase is _Phase.REFUSED:
            if not self.transport.is_closing():
                self.transport.close()
            return
        _log.info("connection of %s broken off: too slow with its %s", self.client, self._phase.name.lower())
        self.abort()

    # -- bytes

    def data_received(self, data: bytes) -> None:
        if self._phase is _Phase.REFUSED or self.parser is None:
            return
        self._unset_keepalive_if_required()
        if self._phase is _Phase.IDLE:
            self._enter(_Phase.HEADER, self._limits.header_seconds)
        self._taken += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._refuse(ApiError(Reason.MALFORMED, "this is not a request of HTTP/1.1"))
            return
        limits = self._limits
        if self._phase is _Phase.HEADER and self._taken > limits.header_bytes + limits.url_bytes:
            too_large = ApiError(Reason.TOO_LARGE, "the header is too large", field="header")
            self._refuse(with_status(too_large, HEADER_TOO_LARGE))
        elif self._phase is _Phase.BODY and (
            self._taken > _CHUNKED * limits.body_bytes + limits.header_bytes
            # It will not be read to its end: then the answer must say that the connection ends with it (RFC 9112, 9.6).
            or self._announced > _CHUNKED * limits.body_bytes
        ):
            self._refuse(ApiError(Reason.TOO_LARGE, "the body is too large", field="body"))

    def _enter(self, phase: _Phase, seconds: float) -> None:
        self._phase = phase
        self._taken = 0
        self._arm(seconds)

    def _refuse(self, error: ApiError) -> None:
        """Answer here, as nothing behind has the request as a whole, and close."""
        running = self._running
        if running is not None and not running.response_complete:
            if running is not self.cycle or running.response_started or self._phase is not _Phase.BODY:
                self.abort()  # an answer to a request before this one is under way, which this one would run into
                return
            self._drop_running()
        elif self._phase is _Phase.BODY:
            self._enter(_Phase.REFUSED, _LINGER_SECONDS)  # it has its answer, and goes on
            return
        body = json.dumps(error.to_wire(), separators=(",", ":")).encode()
        self.transport.write(
            b"HTTP/1.1 %d \r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s"
            % (error.status, len(body), body)
        )
        # A socket that is closed upon unread bytes takes back what was sent: what still comes is read, and dropped.
        self._enter(_Phase.REFUSED, _LINGER_SECONDS)

    # -- the parser's callbacks

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._announced = 0
        state: dict[str, Any] = self.scope["state"]
        state[PROVIDER] = self._provider
        state[ABORT] = self.abort
        self._enter(_Phase.HEADER, self._limits.header_seconds)

    def on_header(self, name: bytes, value: bytes) -> None:
        # Behind the header come trailers: nobody here looks at them, and they must not pass for header fields.
        if self._phase is _Phase.HEADER:
            super().on_header(name, value)
            if name.lower() == b"content-length" and value.isdigit():
                self._announced = int(value[:_DIGITS])

    def on_headers_complete(self) -> None:
        if self.parser.should_upgrade():
            raise ValueError("nothing to upgrade to")
        # Every request of a chunk of bytes is read at once, before the first of them is answered.
        if len(self.pipeline) >= self._limits.pipelined:
            raise ValueError("too many requests ahead of their answers")
        self._enter(_Phase.BODY, self._limits.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        if self.cycle.response_complete:
            self._phase = _Phase.IDLE  # it was answered before it was whole
        else:
            self._enter(_Phase.ANSWER, self._limits.answer_seconds)
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._phase is _Phase.ANSWER and not self.transport.is_closing():
            if self.cycle.response_complete:
                self._phase = _Phase.IDLE
            else:
                self._arm(self._limits.answer_seconds)


__all__ = ["CoordinatorProtocol", "Identify"]
