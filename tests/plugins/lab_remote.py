"""The host's side of tests that run elsewhere: boots a kernel, starts pytest in it, asks for one test after another."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.lab_protocol import DEFAULT_TIMEOUT, ENTRY, IN_ENGINE
from plugins.told_pytest import order_of, report_from

_MARGIN = 30.0
"""Seconds beyond a test's own timeout before the whole guest is taken for stuck."""

_COLLECT_SECONDS = 120.0

_ATTEMPTS = 2
"""Guests in a row that may fail to come up before no further one is tried."""


class Lost(Exception):
    """The guest or its pytest is gone, or does not answer; the text says what was seen."""


class RemotePytest:
    """One pytest process in one user-mode kernel; both are made when first needed, and anew after they were lost."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._guest: _Guest | None = None
        self._refusals: list[str] = []

    def run(
        self, nodeid: str, following: str | None, nodeids: list[str], timeout: float
    ) -> Iterator[pytest.TestReport]:
        """Run one test. :param following: the one that comes next, so that shared fixtures stay.

        :raises Lost: no verdict came. The next test gets a fresh kernel.
        """
        try:
            if self._guest is None:
                self._guest = self._new_guest(nodeids)
            for data in self._guest.run(nodeid, following, timeout + _MARGIN):
                yield report_from(self._config, data)
        except Lost:
            self.stop(clean=False)
            raise

    def _new_guest(self, nodeids: list[str]) -> _Guest:
        if len(self._refusals) >= _ATTEMPTS:
            raise Lost(self._refusals[-1])
        try:
            guest = _Guest(self._config, nodeids)
        except Lost as lost:
            self._refusals.append(str(lost))
            raise
        self._refusals.clear()
        return guest

    def stop(self, *, clean: bool = True) -> None:
        if self._guest is not None:
            guest, self._guest = self._guest, None
            guest.close(clean=clean)


class _Guest:
    def __init__(self, config: pytest.Config, nodeids: list[str]) -> None:
        from xcnet.engine.base import LaunchSpec
        from xcnet.engine.client import LabConnection
        from xcnet.engine.uml import UmlEngine
        from xcnet.errors import XcnetError

        self._folder = Path(tempfile.mkdtemp(prefix="xcnet-tests-")).resolve()
        self._engine = UmlEngine()
        self._runner = asyncio.Runner()
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._rest = b""
        plugins = str(Path(__file__).parent.parent)
        try:
            self._engine.start(
                LaunchSpec(
                    name="tests",
                    run_dir=self._folder,
                    entry=ENTRY,
                    env={IN_ENGINE: "1"},
                    path=(plugins, *(entry for entry in sys.path if entry)),
                ),
                lambda _text: None,
            )
            self._connection = LabConnection(self._folder)
            self._runner.run(self._connection.__aenter__())
            self._runner.run(self._begin(config, nodeids))
        except XcnetError as error:
            self.close(clean=False)
            raise Lost(f"no kernel to run it in: {error}") from None
        except BaseException:
            self.close(clean=False)
            raise

    async def _begin(self, config: pytest.Config, nodeids: list[str]) -> None:
        files = list(dict.fromkeys(nodeid.partition("::")[0] for nodeid in nodeids))
        order = order_of(config, files, "--timeout", str(DEFAULT_TIMEOUT))
        self._request = await self._connection.open(["pytest", order], self._hear, _show)
        self._waiting = asyncio.ensure_future(self._request.result())
        self._waiting.add_done_callback(lambda _: self._messages.put_nowait(None))
        message = await self._next(_COLLECT_SECONDS, "collecting the tests")
        missing = set(nodeids) - set(message.get("collected", []))
        if missing:
            raise Lost(
                f"the guest does not find {', '.join(sorted(missing)[:3])}; it said: {message.get('errors', '')}"
            )

    def _hear(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._messages.put_nowait(json.loads(line))

    async def _next(self, seconds: float, doing: str) -> dict[str, Any]:
        try:
            message = await asyncio.wait_for(self._messages.get(), seconds)
        except TimeoutError:
            raise Lost(self._seen(f"{doing}: not within {seconds:g} s")) from None
        if message is None:
            error = self._waiting.exception()
            raise Lost(self._seen(f"{doing}: pytest in the guest ended" + (f": {error}" if error else "")))
        return message

    def _seen(self, what: str) -> str:
        from xcnet.engine.rundir import RunDir, tail

        run = RunDir(self._folder)
        parts = [what]
        for title, file in (("console", run.console), ("engine.log", run.log), ("supervisor.log", run.supervisor_log)):
            if text := tail(file, 20):
                parts.append(f"--- {title}\n{text}")
        return "\n".join(parts)

    def run(self, nodeid: str, following: str | None, seconds: float) -> Iterator[dict[str, Any]]:
        message = json.dumps({"run": nodeid, "next": following}).encode() + b"\n"
        self._runner.run(self._request.send(message))
        while True:
            answer = self._runner.run(self._next(seconds, nodeid))
            if "done" in answer:
                return
            yield answer["report"]

    def close(self, *, clean: bool) -> None:
        with contextlib.suppress(Exception):  # whatever state it is in: it is ended by force next
            if clean:
                self._request.end_input()
                self._runner.run(asyncio.wait_for(asyncio.shield(self._waiting), 30))
            if hasattr(self, "_connection"):
                self._connection.ssh.abort()
        if not (clean and self._engine.stop(self._folder)):
            self._engine.kill(self._folder)
        self._runner.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def _show(data: bytes) -> None:
    sys.stderr.buffer.write(data)
    sys.stderr.buffer.flush()
