"""The client of a router's daemon: one request and one answer over its Unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

from xcnet.edge.report import EdgeReport, ProbeReports, SakReports
from xcnet.errors import DeadlineError, LabError, RoutingError
from xcnet.model.desired import RouterState
from xcnet.model.observed import ObservationChange, RouterObservation
from xcnet.model.overlay import Overlay
from xcnet.waiting import Deadline

SOCKET_NAME = "edged.sock"
_LIMIT = 16 * 2**20
"""Bytes in one line: the largest state there can be, with room."""

_ABSENT_SECONDS = 0.05
"""Between two looks for a daemon that is not there: nothing announces its socket to another process."""


class EdgeClient:
    """:param folder: the router's folder of sockets."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / SOCKET_NAME
        self._node = folder.name

    @property
    def socket(self) -> Path:
        """There once the daemon serves, and is agreeing on the keys of what it was started with."""
        return self._socket

    async def settle(self, *, deadline: Deadline) -> list[str]:
        """Have the routing daemons hold what the router's daemon was started with.

        :returns: what was changed; see :meth:`apply` for what is raised.
        """
        return list((await self._ask("settle", deadline))["changed"])

    async def apply(self, state: RouterState, *, deadline: Deadline) -> list[str]:
        """Give the router the whole truth that it should have.

        :returns: what was changed in the kernel and in FRR, a few words each; empty if all was so already.
        :raises DeadlineError: no answer in time. :raises RoutingError: the router could not make it so.
        """
        answer = await self._ask("apply", deadline, state.reveal_json())
        return list(answer["changed"])

    async def overlay(self, overlay: Overlay, *, deadline: Deadline) -> list[str]:
        """Lay faults over whatever state the router has and is given, instead of those before; the empty one ends them.

        :returns: what that changed; see :meth:`apply` for what is raised.
        """
        return list((await self._ask("overlay", deadline, overlay=overlay.reveal_json()))["changed"])

    async def status(self, *, deadline: Deadline | None = None) -> EdgeReport:
        return EdgeReport.model_validate(await self._ask("status", deadline or Deadline(10.0)))

    async def probe(self, count: int, *, deadline: Deadline) -> ProbeReports:
        """Have a burst of echo requests sent over each channel, and be told what came of those before.

        :param count: requests in a burst. :raises XcnetError: the daemon does not answer, or refuses.
        """
        return ProbeReports.model_validate(await self._ask("probe", deadline, count=count))

    async def watch(self) -> AsyncGenerator[RouterObservation]:
        """What the router shows of itself: at once, and again whenever something of it changed.

        Without an end: when the daemon ends, or is not there yet, an observation that says so (``running`` is False) comes
        once, and all that it has when it is back. Whoever takes them slowly is given the newest only. Close the iterator
        (``contextlib.aclosing``) to stop.

        :raises RoutingError: the daemon refuses.
        """
        news = asyncio.Event()
        latest: list[RouterObservation] = []

        def seen(observation: RouterObservation) -> None:
            latest[:] = [observation]
            news.set()

        following = asyncio.create_task(self._follow(seen))
        following.add_done_callback(lambda _task: news.set())
        try:
            while True:
                await news.wait()
                news.clear()
                if following.done():
                    following.result()
                if latest:
                    yield latest.pop()
        finally:
            following.cancel()
            await asyncio.wait([following])

    async def _follow(self, seen: Callable[[RouterObservation], None]) -> None:
        """Tell of every observation, for ever."""
        present = True
        while True:
            with contextlib.suppress(FileNotFoundError, ConnectionError):  # not there, or ended without a word
                reader, writer = await asyncio.open_unix_connection(str(self._socket), limit=_LIMIT)
                try:
                    writer.write(b'{"op": "watch"}\n')
                    observation = RouterObservation(node=self._node)
                    while line := await reader.readline():
                        present = True
                        observation = observation.after(self._change(line))
                        seen(observation)
                finally:
                    writer.close()
            if present:
                present = False
                seen(RouterObservation(node=self._node, running=False))
            await asyncio.sleep(_ABSENT_SECONDS)

    def _change(self, line: bytes) -> ObservationChange:
        if line.startswith(b'{"error"'):
            raise self._refusal(json.loads(line)["error"])
        return ObservationChange.model_validate_json(line)

    async def saks(self, *, deadline: Deadline | None = None) -> SakReports:
        """The keys in use, for decrypting captures; handle with care."""
        return SakReports.model_validate(await self._ask("saks", deadline or Deadline(10.0)))

    async def _ask(
        self, op: str, deadline: Deadline, state: str = "null", *, overlay: str = "null", count: int = 0
    ) -> dict[str, Any]:
        """:param state: in JSON; what hundreds of connections make of it is not to be taken apart on its way."""
        try:
            reader, writer = await self._connect(deadline)
            try:
                request = f'{{"op": "{op}", "state": {state}, "overlay": {overlay}, "count": {count}}}\n'
                writer.write(request.encode())
                line = await asyncio.wait_for(reader.readline(), deadline.remaining)
            finally:
                writer.close()
        except TimeoutError:
            raise DeadlineError(
                f"edged answers {op!r}: not within {deadline.seconds:g} s",
                where=self._node,
                remedy="look at edged.out in the node's log folder",
            ) from None
        if not line:
            raise LabError(
                f"edged ended while it was asked for {op!r}",
                where=self._node,
                remedy="look at edged.out in the node's log folder",
            )
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise self._refusal(answer["error"])
        return answer

    def _refusal(self, error: dict[str, str]) -> RoutingError:
        where = ": ".join(part for part in (self._node, error["where"]) if part)
        return RoutingError(error["cause"], where=where, remedy=error["remedy"])

    async def _connect(self, deadline: Deadline) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while True:
            try:
                return await asyncio.open_unix_connection(str(self._socket), limit=_LIMIT)
            except (FileNotFoundError, ConnectionRefusedError):
                if deadline.expired:
                    raise LabError(
                        "edged is not running",
                        where=self._node,
                        remedy="bring the lab down and up again, or see why it ended in the node's log folder",
                    ) from None
                # It is starting: its socket appears when it listens, and nothing announces that.
                await asyncio.sleep(min(0.02, max(deadline.remaining, 0.001)))


__all__ = ["SOCKET_NAME", "EdgeClient"]
