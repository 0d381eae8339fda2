"""A small HTTP server of texts that are made when they are asked for: what Prometheus scrapes."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

from xcnet.errors import XcnetError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REQUEST_SECONDS = 10.0
_LIMIT = 16384
"""Bytes of a request's head."""

Text = Callable[[], Awaitable[str]]


async def serve_texts(texts: Mapping[str, Text], host: str, port: int) -> asyncio.Server:
    """Serve until the server is closed: ``GET PATH`` is answered with what its function makes, 503 where that fails.

    :param texts: path -> makes the text; other paths are answered 404 with a list of these.
    :param port: 0 for any that is free. :raises OSError: the address or port cannot be had.
    """

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            try:
                status, kind, body = await _answer(texts, reader)
                head = (
                    f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n"
                )
                if status.startswith("405"):
                    head += "Allow: GET\r\n"
                writer.write(head.encode() + b"\r\n" + body)
                await writer.drain()
            finally:
                writer.close()

    return await asyncio.start_server(connected, host, port, limit=_LIMIT)


async def _answer(texts: Mapping[str, Text], reader: asyncio.StreamReader) -> tuple[str, str, bytes]:
    """(status line, content type, body)"""
    plain = "text/plain; charset=utf-8"
    try:
        async with asyncio.timeout(_REQUEST_SECONDS):
            head = await reader.readuntil(b"\r\n\r\n")
    except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return "400 Bad Request", plain, b"this is no whole request\n"
    parts = head.split(b"\r\n", 1)[0].decode("latin-1").split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        return "400 Bad Request", plain, b"this is no HTTP request\n"
    method, target, _version = parts
    text = texts.get(target.partition("?")[0])
    if text is None:
        return "404 Not Found", plain, f"there are: {' '.join(texts)}\n".encode()
    if method != "GET":
        return "405 Method Not Allowed", plain, b"it can be read only\n"
    try:
        return "200 OK", CONTENT_TYPE, (await text()).encode()
    except XcnetError as error:
        return "503 Service Unavailable", plain, f"{error.cause}\n".encode()


__all__ = ["CONTENT_TYPE", "serve_texts"]
