"""TLS connections of the client on asyncio itself, as the HTTP library's network: half the work of its own way there."""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from types import ModuleType
from typing import Any, cast

import httpcore

_BUFFERED = 256 * 1024
"""Bytes received ahead of the reader, beyond which the peer is made to wait."""
_SHUTDOWN_SECONDS = 1.0
_REFUSALS = ("CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_FAILURE", "PROTOCOL_VERSION", "ACCESS_DENIED")

if "sniffio" not in sys.modules and find_spec("sniffio") is None:
    # The library asks for this optional module at each of its locks, and each time all of sys.path is searched for it in
    # vain: a third of the cost of a call. The import system takes None as "known not to be there".
    sys.modules["sniffio"] = cast(ModuleType, None)


def refused_by_tls(error: BaseException | None) -> bool:
    """Whether an error says that the peer did not accept this side in the TLS handshake.

    In TLS 1.3 a client has sent its request by the time it is told so: the server has never looked at it (RFC 8446, 4.4.2.4).
    """
    seen = 0
    while error is not None and seen < 8:
        if isinstance(error, ssl.SSLError):
            reason = error.reason or ""
            return "ALERT" in reason and any(word in reason for word in _REFUSALS)
        error, seen = error.__cause__ or error.__context__, seen + 1
    return False


class _Connection(asyncio.Protocol):
    """The bytes of one connection, and whether it still stands."""

    def __init__(self, lost: set[_Connection]) -> None:
        self._open = lost
        self._loop = asyncio.get_running_loop()
        self._received = bytearray()
        self._reader: asyncio.Future[None] | None = None
        self._writers: list[asyncio.Future[None]] = []
        self._paused = False
        self._ended = False
        self._error: Exception | None = None
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._open.add(self)

    def data_received(self, data: bytes) -> None:
        self._received += data
        if len(self._received) > _BUFFERED and self.transport is not None:
            self.transport.pause_reading()
        self._wake_reader()

    def eof_received(self) -> None:
        self._ended = True
        self._wake_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended = True
        self._error = exc
        self._open.discard(self)
        self._wake_reader()
        self.resume_writing()
        if not self.lost.done():
            self.lost.set_result(None)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        for writer in self._writers:
            if not writer.done():
                writer.set_result(None)
        self._writers.clear()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    @property
    def readable(self) -> bool:
        """Something has come that nobody asked for, or the end."""
        return self._ended or bool(self._received)

    async def read(self, most: int) -> bytes:
        """What has come; empty at the end. :raises OSError: the connection broke."""
        while not self._received and not self._ended:
            self._reader = self._loop.create_future()
            await self._reader
        if not self._received and self._error is not None:
            raise self._error
        full = len(self._received) > _BUFFERED
        data = bytes(self._received[:most])
        del self._received[:most]
        if full and len(self._received) <= _BUFFERED and self.transport is not None and not self._ended:
            self.transport.resume_reading()
        return data

    async def write(self, data: bytes) -> None:
        """:raises OSError: the connection is gone."""
        if self._ended or self.transport is None:
            raise self._error or ConnectionResetError("the connection is closed")
        self.transport.write(data)
        if self._paused:
            writer = self._loop.create_future()
            self._writers.append(writer)
            await writer


class _Stream(httpcore.AsyncNetworkStream):
    def __init__(self, host: str, port: int, local_address: str | None, open_: set[_Connection]) -> None:
        self._host, self._port, self._local = host, port, local_address
        self._open = open_
        self._connection: _Connection | None = None

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's own signature
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(timeout):
                _, self._connection = await loop.create_connection(
                    lambda: _Connection(self._open),
                    self._host,
                    self._port,
                    ssl=ssl_context,
                    server_hostname=server_hostname,
                    local_addr=(self._local, 0) if self._local is not None else None,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("no connection in time") from error
        except OSError as error:
            raise httpcore.ConnectError(str(error)) from error
        return self

    def _connected(self) -> _Connection:
        if self._connection is None:
            raise httpcore.UnsupportedProtocol("only https is spoken here")
        return self._connection

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109
        try:
            async with asyncio.timeout(timeout):
                return await self._connected().read(max_bytes)
        except TimeoutError as error:
            raise httpcore.ReadTimeout("no answer in time") from error
        except OSError as error:
            raise httpcore.ReadError(str(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109
        if not buffer:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._connected().write(buffer)
        except TimeoutError as error:
            raise httpcore.WriteTimeout("the request was not taken in time") from error
        except OSError as error:
            raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        if self._connection is not None and self._connection.transport is not None:
            self._connection.transport.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable":
            return self._connection is None or self._connection.readable
        if self._connection is None or self._connection.transport is None:
            return None
        return self._connection.transport.get_extra_info(info)


class AsyncioNetwork(httpcore.AsyncNetworkBackend):
    """Connections of one client; :meth:`close` ends those that are left."""

    def __init__(self) -> None:
        self._open: set[_Connection] = set()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """The connection itself is made together with TLS on it."""
        del timeout, socket_options
        return _Stream(host, port, local_address, self._open)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @property
    def connections(self) -> int:
        return len(self._open)

    async def close(self) -> None:
        """Break what is open, and see it gone."""
        ending = [each.lost for each in self._open]
        for each in list(self._open):
            if each.transport is not None:
                each.transport.abort()
        if ending:
            await asyncio.wait(ending)


__all__ = ["AsyncioNetwork", "refused_by_tls"]
