"""The operators' socket: commands and queries as JSON lines, and what comes of a command as it happens.

One connection, one request: ``{"command": NAME, "parameters": {...}, "follow": FOLLOW}`` or ``{"query": NAME, "parameters":
{...}}``. The answer is ``{"answer": ...}``, or ``{"error": ...}``; with ``follow`` there are ``{"event": ...}`` lines after it,
and ``{"end": ...}`` at last.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon import breaking
from xcnet.coordinator.daemon.breaking import Breaking
from xcnet.coordinator.daemon.follow import Followers
from xcnet.coordinator.daemon.queries import Queries
from xcnet.errors import InputError, XcnetError

SOCKET_NAME = "coordinator.sock"
LIMIT = 4 * 2**20
"""Bytes of a line."""


class AdminRequest(BaseModel):
    """One request. :param follow: what to wait for: see :class:`xcnet.coordinator.daemon.follow.Followers`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    command: str | None = None
    query: str | None = None
    parameters: dict[str, Any] = {}
    follow: str | None = None


class AdminServer:
    """:param turn: called after every command: something may be to be done. :param ready: whether the process serves its peers.
    :param faults: of the process itself.
    :param metrics: makes the text that the query ``metrics`` is answered with.
    """

    def __init__(
        self,
        core: Core,
        queries: Queries,
        folder: Path,
        *,
        followers: Followers,
        turn: Callable[[], None],
        ready: Callable[[], bool],
        faults: Breaking,
        metrics: Callable[[], Awaitable[str]],
    ) -> None:
        self._core = core
        self._queries = queries
        self._metrics = metrics
        self._followers = followers
        self._socket = folder / SOCKET_NAME
        self._turn = turn
        self._ready = ready
        self._faults = faults
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, str(self._socket), limit=LIMIT)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._socket.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def write(message: dict[str, Any]) -> None:
            writer.write(json.dumps(message, separators=(",", ":"), default=str).encode() + b"\n")
            await writer.drain()

        with contextlib.suppress(ConnectionError):
            try:
                line = await reader.readline()
                if not line:
                    return
                await self._answer(AdminRequest.model_validate_json(line), reader, write)
            except ValidationError as error:
                first = error.errors(include_input=False, include_url=False)[0]
                where = ".".join(str(part) for part in first["loc"])
                await write(
                    {"error": InputError(f"not understood: {first['msg']}", where=where).as_dict(), "status": 2}
                )
            except XcnetError as error:
                await write({"error": error.as_dict(), "status": error.exit_code})
            finally:
                writer.close()

    async def _answer(
        self, request: AdminRequest, reader: asyncio.StreamReader, write: Callable[[dict[str, Any]], Any]
    ) -> None:
        """:raises XcnetError: refused. :raises ValidationError: malformed."""
        if request.query == "health":
            await write({"answer": self._queries.health(ready=self._ready()).model_dump(mode="json")})
        elif request.query == breaking.QUERY:
            await write({"answer": self._faults.show()})
        elif request.command in breaking.COMMANDS:
            answer = self._faults.run(request.command, request.parameters)
            self._turn()
            await write({"answer": answer})
        elif request.query == "metrics":
            await write({"answer": await self._metrics()})
        elif request.query is not None:
            await write({"answer": self._queries.run(request.query, request.parameters)})
        elif request.command is not None:
            with self._followers.listening() as heard:
                answer = self._core.commands.run(request.command, request.parameters)
                self._turn()
                await write({"answer": answer})
                if request.follow is not None:
                    await _while_open(reader, heard.follow(request.follow, answer, write))
        else:
            raise InputError("neither a command nor a query", where="request")


async def _while_open(reader: asyncio.StreamReader, work: Coroutine[Any, Any, None]) -> None:
    """Whoever asked may go away before the end."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(reader.read())
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
    finally:
        task.cancel()
        gone.cancel()


__all__ = ["LIMIT", "SOCKET_NAME", "AdminRequest", "AdminServer"]
