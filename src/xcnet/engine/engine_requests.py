"""The engine's own requests to a warm process: who are you, start, stop."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from xcnet.engine.base import Progress
from xcnet.engine.ssh_client import ask
from xcnet.engine.sshlib import asyncssh

ENGINE_WORD = "@engine"
"""First word of these requests; no application's begins with it."""


def json_lines(heard: Callable[[Any], object]) -> Callable[[bytes], None]:
    """A sink that hands on each whole line of JSON."""
    rest = b""

    def feed(data: bytes) -> None:
        nonlocal rest
        *lines, rest = (rest + data).split(b"\n")
        for line in lines:
            heard(json.loads(line))

    return feed


async def request_hello(connection: asyncssh.SSHClientConnection) -> dict[str, Any]:
    """``kernel``: the release it runs in; ``pid``: its process id there."""
    chunks: list[bytes] = []
    await ask(connection, [ENGINE_WORD, "hello"], chunks.append)
    answer: dict[str, Any] = json.loads(b"".join(chunks))
    return answer


async def request_start(connection: asyncssh.SSHClientConnection, progress: Progress) -> None:
    """Start the application and return when it has started. :raises XcnetError: what it raised."""
    await ask(connection, [ENGINE_WORD, "start"], json_lines(lambda message: progress(message["progress"])))


async def request_stop(connection: asyncssh.SSHClientConnection) -> None:
    """Stop the application; the process ends behind the answer. :raises XcnetError: what it raised."""
    await ask(connection, [ENGINE_WORD, "stop"])


__all__ = ["ENGINE_WORD", "json_lines", "request_hello", "request_start", "request_stop"]
