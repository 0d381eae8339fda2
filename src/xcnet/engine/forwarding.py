"""TCP connections from the warm process on a caller's behalf, also from inside a network namespace."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator
from typing import Protocol

from xcnet.engine.spawn import inside

_CHUNK = 65536


class _Reader(Protocol):
    async def read(self, n: int = -1) -> bytes: ...


class _Writer(Protocol):
    def write(self, data: bytes) -> None: ...
    async def drain(self) -> None: ...
    def write_eof(self) -> None: ...
    def close(self) -> None: ...


async def connect_tcp(address: str, port: int, netns_fd: int | None) -> socket.socket:
    """A connection from inside a namespace. A socket stays in the namespace that it was made in.

    :param address: an IPv4 or IPv6 address, or ``localhost``.
    :raises OSError: nobody answers there.
    """
    try:
        ip = ipaddress.ip_address("127.0.0.1" if address == "localhost" else address)
    except ValueError:
        raise OSError(f"{address!r} is not an IP address") from None
    with inside(netns_fd, None):
        connection = socket.socket(socket.AF_INET6 if ip.version == 6 else socket.AF_INET, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (str(ip), port))
    except BaseException:
        connection.close()
        raise
    return connection


async def relay_streams(reader: _Reader, writer: _Writer, far: socket.socket) -> None:
    """Carry both directions, each until its own end, then close."""
    far_reader, far_writer = await asyncio.open_connection(sock=far)
    async with _closing(far_writer), _closing(writer):
        await asyncio.gather(_carry(reader, far_writer), _carry(far_reader, writer))


@contextlib.asynccontextmanager
async def _closing(writer: _Writer) -> AsyncIterator[None]:
    try:
        yield
    finally:
        writer.close()


async def _carry(reader: _Reader, writer: _Writer) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()


__all__ = ["connect_tcp", "relay_streams"]
