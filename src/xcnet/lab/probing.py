"""A probe of a running lab, driven from the host: started, watched and ended, with what the host itself did meanwhile."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable

from xcnet.engine.client import LabConnection
from xcnet.engine.ssh_client import Request
from xcnet.errors import LabError
from xcnet.lab.paths import LabPaths
from xcnet.probe.findings import Findings, Progress
from xcnet.probe.load import LoadWatch
from xcnet.probe.plan import ProbePlan
from xcnet.probe.results import ProbeResult


def start(paths: LabPaths, plan: ProbePlan, heard: Callable[[Progress], None] | None = None) -> Probing:
    """Begin to probe, and return when the warm-up is over and a datagram of every flow has arrived.

    :param heard: told of progress once a second, by another thread.
    :raises DeadlineError: a flow did not arrive. :raises InputError: there is no such host. :raises EngineError: the lab does
        not answer.
    """
    return Probing(paths, plan, heard)


class Probing:
    """A probe that runs. Use it in ``with``, or call :meth:`stop` or :meth:`abandon`; see :func:`start`."""

    def __init__(self, paths: LabPaths, plan: ProbePlan, heard: Callable[[Progress], None] | None) -> None:
        self._paths = paths
        self._plan = plan
        self._heard = heard
        self._began: float | None = None
        self._result: ProbeResult | None = None
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._ended = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._abandon = asyncio.Event()
        self._thread = threading.Thread(target=self._work, name="probe", daemon=True)
        self._thread.start()
        try:
            self._ready.wait()
        except BaseException:
            self.abandon()
            raise
        if self._began is None:
            self._thread.join()
            raise self._failed()

    @property
    def began(self) -> float:
        """When measuring began, seconds on the lab kernel's monotonic clock."""
        assert self._began is not None
        return self._began

    def wait(self, seconds: float | None = None) -> bool:
        """Until it has ended by itself (the plan's duration, or a failure) or so many seconds have passed; whether it has."""
        return self._ended.wait(seconds)

    def stop(self) -> ProbeResult:
        """End measuring, if the plan's duration has not done so, and wait for what was found.

        :raises XcnetError: the probe failed, or the lab is gone.
        """
        self._set(self._stop)
        self._thread.join()
        if self._result is None:
            raise self._failed()
        return self._result

    def abandon(self) -> None:
        """End it without a result; does nothing where it has ended."""
        self._set(self._abandon)
        self._thread.join()

    def __enter__(self) -> Probing:
        return self

    def __exit__(self, *_: object) -> None:
        self.abandon()

    def _set(self, event: asyncio.Event) -> None:
        try:
            self._loop.call_soon_threadsafe(event.set)
        except RuntimeError:
            return  # the loop is closed: it has ended

    def _failed(self) -> BaseException:
        return self._failure or LabError("the probe ended early", remedy="look at engine.log in the lab's folder")

    def _work(self) -> None:
        try:
            self._loop.run_until_complete(self._talk())
        except BaseException as failure:
            self._failure = failure
        finally:
            self._loop.close()
            self._ended.set()
            self._ready.set()

    async def _talk(self) -> None:
        findings: list[Findings] = []
        watch = LoadWatch()
        rest: list[bytes] = []

        def take(data: bytes) -> None:
            # The result is one long line that comes in many pieces.
            first, *others = data.split(b"\n")
            rest.append(first)
            for other in others:
                self._take(json.loads(b"".join(rest)), watch, findings)
                rest[:] = [other]

        try:
            async with LabConnection(self._paths.run_dir) as connection:
                request = await connection.open(["probe", self._plan.model_dump_json()], take, _to_own_stderr)
                try:
                    await self._until_over(request)
                finally:
                    request.channel.close()
        finally:
            watch.close()
        if findings:
            self._result = findings[0].judged(watch.load, self._plan.limits)

    async def _until_over(self, request: Request) -> None:
        """Hand on that it is to end, and wait until it has ended, or is to be abandoned."""
        stopped = asyncio.ensure_future(self._stop.wait())
        abandoned = asyncio.ensure_future(self._abandon.wait())
        result = asyncio.ensure_future(request.result())
        try:
            await asyncio.wait([stopped, abandoned, result], return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                request.end_input()
            await asyncio.wait([abandoned, result], return_when=asyncio.FIRST_COMPLETED)
            if result.done():
                result.result()
        finally:
            for task in (stopped, abandoned, result):
                task.cancel()
            await asyncio.gather(stopped, abandoned, result, return_exceptions=True)

    def _take(self, message: dict[str, object], watch: LoadWatch, findings: list[Findings]) -> None:
        if "began" in message:
            watch.start()
            self._began = float(str(message["began"]))
            self._ready.set()
        elif "ended" in message:
            # What the lab's kernel does from now on, to find out what it found, harms no measuring.
            watch.close()
        elif "progress" in message and self._heard is not None:
            self._heard(Progress.model_validate(message["progress"]))
        elif "result" in message:
            findings.append(Findings.model_validate(message["result"]))


def _to_own_stderr(data: bytes) -> None:
    import sys

    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()


__all__ = ["Probing", "start"]
