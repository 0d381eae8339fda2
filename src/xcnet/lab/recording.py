"""A recording of a running lab, driven from the host: begun, asked for the routers' states, and ended."""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from xcnet.edge.report import SakReport
from xcnet.engine.client import LabConnection
from xcnet.engine.ssh_client import Request
from xcnet.errors import DeadlineError, LabError
from xcnet.lab.capture_mode import Capture
from xcnet.lab.paths import LabPaths
from xcnet.lab.recording_plan import RecordPlan
from xcnet.proof.record import RecordSummary

_T = TypeVar("_T")
_SECONDS = 60.0
"""For each answer: routers' states of a large lab take the longest."""


class Looked(BaseModel):
    """Routers' states, taken. :param snapshot: the folder with them. :param began: on the lab kernel's monotonic clock.
    :param seconds: that it took. :param problems: what did not answer, in words.
    """

    model_config = ConfigDict(frozen=True)

    snapshot: str
    began: float
    seconds: float
    problems: tuple[str, ...]


class Recorded(BaseModel):
    """:param channels: each one's capture. :param saks: those that frames were under, where they were asked for."""

    model_config = ConfigDict(frozen=True)

    channels: dict[str, RecordSummary]
    saks: tuple[SakReport, ...]


class Recording:
    """Begins with its making; use it in ``with``, which abandons it unless :meth:`end` was called.

    :raises EngineError: the lab does not answer. :raises XcnetError: it cannot record.
    """

    def __init__(self, paths: LabPaths, capture: Capture, *, keys: bool = False, limit: int | None = None) -> None:
        name = f"records/{uuid.uuid4().hex[:12]}"
        self.folder: Path = paths.run_dir / name
        plan = RecordPlan(folder=name, capture=capture, keys=keys)
        self._plan = plan if limit is None else plan.model_copy(update={"limit": limit})
        self._connection = LabConnection(paths.run_dir)
        self._answers: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._saks: dict[SakReport, None] = {}
        self._request: Request | None = None
        self._ending: asyncio.Future[None] | None = None
        self._rest = b""
        self._asking = threading.Lock()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recording", daemon=True)
        self._thread.start()
        self._open = True
        try:
            self._do(self._begin())
        except BaseException:
            self._shut()
            raise

    def look(self, moment: str) -> Looked:
        """Have the routers' states written to a folder of that name. Calls of several threads wait for each other.

        :raises XcnetError: the recorder is gone.
        """
        with self._asking:
            return Looked.model_validate(self._do(self._ask({"snapshot": moment})))

    def end(self) -> Recorded:
        """:raises XcnetError: the recorder failed."""
        with self._asking:
            try:
                found = self._do(self._finish())
            finally:
                self._shut()
        return Recorded(channels=found["recorded"], saks=tuple(self._saks))

    def abandon(self) -> None:
        """End it without its result; does nothing where it has ended."""
        self._shut()

    def remove(self) -> None:
        """What it wrote to the lab's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Recording:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    # -- in the thread

    async def _begin(self) -> None:
        await self._connection.__aenter__()
        arguments = ["record", self._plan.model_dump_json()]
        self._request = await self._connection.open(arguments, self._take, _to_own_stderr)
        self._ending = asyncio.ensure_future(self._ended(self._request))
        await self._answer()

    async def _ended(self, request: Request) -> None:
        """Whoever waits for an answer hears that none will come."""
        try:
            await request.result()
        finally:
            self._answers.put_nowait(None)

    async def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        assert self._request is not None
        await self._request.send(json.dumps(question).encode() + b"\n")
        return await self._answer(lambda answer: answer.get("snapshot") == question["snapshot"])

    async def _finish(self) -> dict[str, Any]:
        assert self._request is not None and self._ending is not None
        self._request.end_input()
        found = await self._answer(lambda answer: "recorded" in answer)
        await self._ending
        return found

    async def _answer(self, fits: Callable[[dict[str, Any]], bool] = lambda _answer: True) -> dict[str, Any]:
        """The next one that fits: what an earlier question was not waited for any more may come first."""
        try:
            async with asyncio.timeout(_SECONDS):
                while (answer := await self._answers.get()) is not None and not fits(answer):
                    pass
        except TimeoutError:
            raise DeadlineError(
                f"the recorder answers: not within {_SECONDS:g} s", remedy="look at engine.log in the lab's folder"
            ) from None
        if answer is None:
            assert self._ending is not None
            await self._ending  # raises what it failed of
            raise LabError("the recorder ended early", remedy="look at engine.log in the lab's folder")
        return answer

    def _take(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "saks" in message:
                # The same SAK is told again and again.
                self._saks |= dict.fromkeys(SakReport.model_validate(told) for told in message["saks"])
            else:
                self._answers.put_nowait(message)

    # -- outside of it

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _close(self) -> None:
        if self._request is not None and self._ending is not None:
            self._request.channel.close()
            await asyncio.gather(self._ending, return_exceptions=True)
        await self._connection.__aexit__(None, None, None)

    def _shut(self) -> None:
        if not self._open:
            return
        self._open = False
        try:
            self._do(self._close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()


def _to_own_stderr(data: bytes) -> None:
    import sys

    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


__all__ = ["Looked", "Recorded", "Recording"]
