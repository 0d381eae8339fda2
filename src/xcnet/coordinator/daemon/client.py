"""The client of a coordinator's admin socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from xcnet.coordinator.daemon.admin import LIMIT, SOCKET_NAME
from xcnet.errors import DeadlineError, LabError
from xcnet.waiting import Deadline, wait_until_async

ANSWER_SECONDS = 60.0
"""For a query or command where the caller gives no deadline: one that is stopped takes connections, and never answers."""


class AdminClient:
    """:param folder: the coordinator's."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / SOCKET_NAME
        self._node = folder.name

    async def lines(self, request: dict[str, Any]) -> AsyncIterator[bytes]:
        """The answer's lines as they come. :raises LabError: the coordinator does not run."""
        try:
            reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=LIMIT)
        except (FileNotFoundError, ConnectionRefusedError):
            raise LabError(
                "the coordinator is not running",
                where=self._node,
                remedy="see its log in the node's log folder; it is started again by itself unless it was stopped",
            ) from None
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            while line := await reader.readline():
                yield line
        except ConnectionError:  # killed: there is no more to come, as if it had closed the socket itself
            return
        finally:
            writer.close()

    async def ask(self, request: dict[str, Any], deadline: Deadline | None = None) -> Any:
        """The answer to a query or command.

        :raises LabError: refused, or it does not run. :raises DeadlineError: no answer in time.
        """
        deadline = deadline or Deadline(ANSWER_SECONDS)
        try:
            async with asyncio.timeout(deadline.remaining):
                return await self._ask(request)
        except TimeoutError:
            raise DeadlineError(
                f"the coordinator does not answer within {deadline.seconds:g} s",
                where=self._node,
                remedy="see with 'xcnet fault list' whether a fault stops it, and its log in the node's log folder",
            ) from None

    async def _ask(self, request: dict[str, Any]) -> Any:
        async for line in self.lines(request):
            message = json.loads(line)
            if "error" in message:
                error = message["error"]
                raise LabError(error["cause"], where=error["where"], remedy=error["remedy"])
            return message["answer"]
        raise LabError("the coordinator ended while it was asked", where=self._node)

    async def wait(self, deadline: Deadline) -> None:
        """Until it serves. :raises DeadlineError: it does not."""

        async def seen() -> str | None:
            try:
                health = await self.ask({"query": "health"}, Deadline(max(deadline.remaining, 0.001)))
            except (LabError, DeadlineError) as error:
                return error.cause
            return None if health["ready"] else "not ready yet"

        remedy = "look at its log in the node's log folder"
        await wait_until_async("the coordinator to serve", seen, deadline, where=self._node, remedy=remedy)


__all__ = ["AdminClient"]
