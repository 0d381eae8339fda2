"""What comes of a command, told as it happens until it is over."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict
from typing import Any

from xcnet.coordinator.core import Core
from xcnet.coordinator.engine.tables import DONE
from xcnet.coordinator.store import records
from xcnet.errors import InputError
from xcnet.events import Event

Write = Callable[[dict[str, Any]], Awaitable[None]]

ANNOUNCED, DONE_ONLY, VERIFIED, APPLIED, GONE = "announced", "done", "verified", "applied", "gone"
"""What can be waited for: maintenance that the peer knows of; the workflow's end; a connection that both sides see to work;
the routers holding what was decided; nothing being left of the connection. Each of the last four includes the workflow's end.
"""

_UNANNOUNCED = ("checking", "publishing")
"""States of maintenance."""

_MOST_HEARD = 10_000

_OF_ALL = frozenset({"GetActivationKeyParameters", "ConfirmActivationKey", "ListInterconnects", "CreateConnection"})
"""Operations of a handshake whose URLs do not name the connection."""


class Heard:
    """One listener's share of what the core tells."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._queue: asyncio.Queue[Event] = asyncio.Queue(_MOST_HEARD)
        self._lost = 0

    def tell(self, event: Event) -> None:
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self._lost += 1

    async def follow(self, until: str, answer: dict[str, Any], write: Write) -> None:
        """Write events of the workflow's subjects until it is over.

        :param answer: the command's: ``workflow``, and ``uuid`` or ``channel``. :raises InputError: no such thing to wait for.
        """
        if until not in (ANNOUNCED, DONE_ONLY, VERIFIED, APPLIED, GONE):
            raise InputError(f"there is no waiting for {until!r}", where="follow")
        subjects = {answer[name] for name in ("uuid", "channel", "issue", "maintenance") if answer.get(name)}
        while True:
            over = self._over(until, answer)
            while not self._queue.empty():
                await self._pass_on(self._queue.get_nowait(), subjects, write)
            if over is not None:
                await write({"end": over, "lost": self._lost})
                return
            await self._pass_on(await self._queue.get(), subjects, write)

    async def _pass_on(self, event: Event, subjects: set[str], write: Write) -> None:
        if event.subject in subjects or event.kind.startswith("router.") or _exchange_about(event, subjects):
            await write({"event": asdict(event)})

    def _over(self, until: str, answer: dict[str, Any]) -> dict[str, Any] | None:
        workflow = answer.get("workflow")
        message = ""
        if workflow is not None:
            row = self._core.database.one("SELECT * FROM outcomes WHERE id = ?", workflow)
            if row is None:
                return self._announced(workflow) if until == ANNOUNCED else None
            if row["state"] != DONE:
                return {"state": row["state"], "message": row["message"]}
            message = row["message"]
        if until not in (ANNOUNCED, DONE_ONLY) and not self._reached(until, answer):
            return None
        return {"state": DONE, "message": message}

    def _announced(self, workflow: str) -> dict[str, Any] | None:
        state = self._core.database.value("SELECT state FROM workflows WHERE id = ?", workflow)
        return None if state in _UNANNOUNCED else {"state": DONE, "message": ""}

    def _reached(self, until: str, answer: dict[str, Any]) -> bool:
        core = self._core
        if until == VERIFIED:
            rows = records.connections(core.database, answer["uuid"])
            return bool(rows) and rows[-1].verified
        settled = core.world.facts.applied >= core.generation
        if until == APPLIED:
            return settled
        return settled and not records.connections(core.database, answer["uuid"])


def _exchange_about(event: Event, subjects: set[str]) -> bool:
    """An answer of the API, to or from here, that belongs to what is followed as far as its URL tells."""
    if event.kind != "api.response":
        return False
    if event.subject in _OF_ALL:
        return event.data.get("side") == "client"
    path = str(event.data.get("path", ""))
    return any(subject in path.split("/") or subject in event.data.get("query", {}).values() for subject in subjects)


class Followers:
    """Whoever listens to what the core tells, at the moment."""

    def __init__(self) -> None:
        self.core: Core | None = None
        self._heard: list[Heard] = []

    def tell(self, event: Event) -> None:
        for each in self._heard:
            each.tell(event)

    @contextlib.contextmanager
    def listening(self) -> Iterator[Heard]:
        assert self.core is not None
        heard = Heard(self.core)
        self._heard.append(heard)
        try:
            yield heard
        finally:
            self._heard.remove(heard)


__all__ = ["ANNOUNCED", "APPLIED", "DONE_ONLY", "GONE", "VERIFIED", "Followers", "Heard"]
