"""TLS connections of the client, kept alive: one request at a time on each, its answer read by the parser of httptools.

A connection on which anything went otherwise than a whole answer to a whole request is never used again. So whoever gives
up waiting, at whatever moment, leaves nothing behind that the next call could stumble upon.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import cast

import httptools

_HEADER_BYTES = 64 * 1024
"""Of an answer's status line and header."""
_READ_AT_ONCE = 64 * 1024
"""Bytes of a request that any server reads together with its header."""
_FINAL = 200
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "PROTOCOL_VERSION", "ACCESS_DENIED")


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """:param headers: lower-case names; the values of one that is there more than once, with commas between."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class AnswerLostError(Exception):
    """What was to be an answer ended too early, or is no HTTP. :param refused: the peer has not looked at the request."""

    def __init__(self, why: str, *, refused: bool = False) -> None:
        super().__init__(why)
        self.refused = refused


class AnswerTooLargeError(Exception):
    """:param status: the answer's, as far as it came."""

    def __init__(self, status: int) -> None:
        super().__init__("the answer is too large")
        self.status = status


def refused_by_tls(error: BaseException | None) -> bool:
    """Whether an error says that the peer did not accept this side in the TLS handshake.

    In TLS 1.3 a client has sent its request by the time it is told so: the server has never looked at it (RFC 8446, 4.4.2.4).
    """
    if not isinstance(error, ssl.SSLError):
        return False
    reason = error.reason or ""
    return "ALERT" in reason and any(word in reason for word in _REFUSALS)


class PeerConnection(asyncio.Protocol):
    """:param most: bytes of an answer's body."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[RawAnswer] | None = None
        self._parser: httptools.HttpResponseParser | None = None
        self._headers: dict[str, str] = {}
        self._body = bytearray()
        self._in_header = True
        self._header_bytes = 0
        self._length = 0
        self._ended = False
        self.usable = False
        """Nothing is under way on it, and another request can be sent."""
        self.idle_since = 0.0
        self.lost: asyncio.Future[None] = self._loop.create_future()

    # -- asyncio's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self.usable = True

    def data_received(self, data: bytes) -> None:
        if self._answer is None or self._answer.done() or self._parser is None:
            self.usable = False  # words that nobody has asked for
            return
        if self._in_header:
            self._header_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._fail(AnswerLostError("it is not an answer of HTTP/1.1"))
            return
        if self._in_header and self._header_bytes > _HEADER_BYTES:
            self._fail(AnswerLostError(f"its header has more than {_HEADER_BYTES} bytes"))
        elif len(self._body) > self._most:
            self._fail(AnswerTooLargeError(self._parser.get_status_code()))

    def eof_received(self) -> None:
        self._end(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc)
        if not self.lost.done():
            self.lost.set_result(None)

    def _end(self, error: Exception | None) -> None:
        self._ended = True
        self.usable = False
        if self._answer is None or self._answer.done() or self._parser is None:
            return
        # Without a length a body goes on to the end of the connection (RFC 9112, 6.3).
        bounded = not self._headers.keys().isdisjoint(("content-length", "transfer-encoding"))
        if error is None and not self._in_header and not bounded:
            self._complete()
        elif refused_by_tls(error):
            self._fail(AnswerLostError(str(error), refused=True))
        else:
            self._fail(AnswerLostError(str(error) if error is not None else "the connection was closed before its end"))

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)

    # -- the parser's callbacks

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_header:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        if self._parser is not None and self._parser.get_status_code() >= _FINAL:
            self._in_header = False
        else:
            self._headers.clear()  # an interim answer: the real one follows

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if not self._in_header and self._parser is not None:
            # Whoever refuses a large request may have read a part of it, and would take the rest for the next one
            # (RFC 9112, 9.5). What the kernel has still to send asyncio does not say of TLS.
            unread = self._length > _READ_AT_ONCE and self._parser.get_status_code() >= 400
            self.usable = not self._ended and self._parser.should_keep_alive() and not unread
            self._complete()

    def _complete(self) -> None:
        if self._parser is not None and len(self._body) > self._most:
            self._fail(AnswerTooLargeError(self._parser.get_status_code()))
        elif self._answer is not None and not self._answer.done() and self._parser is not None:
            self._answer.set_result(RawAnswer(self._parser.get_status_code(), self._headers, bytes(self._body)))

    # -- one exchange after the other

    async def exchange(self, request: bytes) -> RawAnswer:
        """Send it, and wait for the answer.

        :raises AnswerLostError: there was none. :raises AnswerTooLargeError: it is larger than it may be.
        """
        if self._transport is None or self._ended:
            raise AnswerLostError("the connection was closed before the request was sent", refused=True)
        self.usable = False
        self._answer = self._loop.create_future()
        self._parser = httptools.HttpResponseParser(self)
        self._headers, self._body = {}, bytearray()
        self._in_header, self._header_bytes = True, 0
        self._length = len(request)
        self._transport.write(request)
        return await self._answer

    def close(self) -> None:
        """End it: with TLS's farewell if it is at rest, else at once. Of what is closed twice asyncio forgets the connection."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._answer is None or (self._answer.done() and not self._answer.cancelled()):
            self._transport.close()
        else:
            self._transport.abort()

    def abort(self) -> None:
        """Break it off; whether it was closed before does not matter."""
        if self._transport is not None and not self.lost.done():
            self._transport.abort()


class ConnectionPool:
    """The connections to one peer.

    :param connect: makes one. :param most: open at once. :param queue_seconds: for one to be free.
    :param keep_seconds: how long an idle one is kept.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[PeerConnection]],
        *,
        most: int,
        queue_seconds: float,
        keep_seconds: float,
    ) -> None:
        self._connect = connect
        self._free = asyncio.Semaphore(most)
        self._queue_seconds = queue_seconds
        self._keep_seconds = keep_seconds
        self._idle: list[PeerConnection] = []
        self._retired: set[PeerConnection] = set()
        self._open: set[PeerConnection] = set()

    @property
    def open(self) -> int:
        return len(self._open)

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator[PeerConnection]:
        """One for the time of one exchange: the last one used that still stands, or a new one.

        :raises TimeoutError: none was free, or made, in time. :raises OSError: none can be made.
        """
        async with asyncio.timeout(self._queue_seconds):
            await self._free.acquire()
        try:
            connection = self._kept()
            if connection is None:
                connection = await self._connect()
                self._open.add(connection)
                connection.lost.add_done_callback(lambda _: self._gone(connection))
            try:
                yield connection
            finally:
                if connection.usable and connection not in self._retired:
                    connection.idle_since = asyncio.get_running_loop().time()
                    self._idle.append(connection)
                else:
                    connection.close()
        finally:
            self._free.release()

    def _gone(self, connection: PeerConnection) -> None:
        self._open.discard(connection)
        self._retired.discard(connection)

    def retire(self) -> None:
        """What is open now carries no further exchange: those that are under way end, and the next ones shake hands anew."""
        self._retired |= self._open
        idle, self._idle = self._idle, []
        for each in idle:
            each.close()

    def _kept(self) -> PeerConnection | None:
        now = asyncio.get_running_loop().time()
        found: PeerConnection | None = None
        while self._idle and found is None:
            last = self._idle.pop()
            if last.usable and now < last.idle_since + self._keep_seconds:
                found = last
            else:
                last.close()
        return found

    async def close(self) -> None:
        """Break off what is open, and see it gone."""
        self._idle.clear()
        ending = [each.lost for each in self._open]
        for each in list(self._open):
            each.abort()
        if ending:
            await asyncio.wait(ending)


__all__ = [
    "AnswerLostError",
    "AnswerTooLargeError",
    "ConnectionPool",
    "PeerConnection",
    "RawAnswer",
    "refused_by_tls",
]
