"""Runs the quick tests beside those that wait: in processes of their own, while the ones marked ``lab`` run in their kernel, which has one
processor. What the machine has more of would idle meanwhile. Tests of the whole lab begin when all of these are done: they have the machine
to themselves.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import Any

import pytest

from plugins.told_pytest import TOLD, lost_report, order_of, report_from

_LEAST = 500
"""So many tests are worth the start of further processes."""

_TIMEOUT = 300
"""Seconds for a test that says nothing else."""

_ATTEMPTS = 3
"""Processes that may be lost before no further one is started."""

_QUICK = ("unit", "golden")


def pytest_configure(config: pytest.Config) -> None:
    if _wanted(config):
        config.pluginmanager.register(Beside(config), "xcnet-beside")


def _wanted(config: pytest.Config) -> bool:
    """Whoever debugs, reads what tests print, or has texts written anew wants one process; what is one of several has no others."""
    option = config.option
    alone = option.usepdb or option.trace or option.capture == "no" or option.update_golden or option.collectonly
    told = TOLD in os.environ or hasattr(config, "workerinput")
    return not (alone or told or getattr(option, "numprocesses", None)) and (os.cpu_count() or 1) > 1


class Beside:
    """Takes the quick tests out of pytest's hands, file by file, and gives it their reports."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._results = _Results()
        self._workers: list[_Worker] = []
        self._files: deque[list[str]] = deque()
        self._mine: set[str] = set()
        self._order = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> Any:
        result = yield
        quick = [item for item in items if _quick(item)]
        if len(quick) < _LEAST:
            return result
        by_file: dict[str, list[str]] = {}
        for item in quick:
            by_file.setdefault(item.nodeid.partition("::")[0], []).append(item.nodeid)
            # It is timed where it runs.
            item.add_marker(pytest.mark.timeout(0), append=False)
        self._mine = {item.nodeid for item in quick}
        self._files = deque(by_file.values())
        more = [each for each in self._config.invocation_params.args if str(each).startswith("--hypothesis-")]
        self._order = order_of(self._config, list(by_file), "--timeout", str(_TIMEOUT), *map(str, more))
        items.sort(key=lambda item: (0 if item.get_closest_marker("lab") else 1) if _early(item) else 2)
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> None:
        if self._mine:
            self._start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool | None:
        if item.nodeid not in self._mine:
            return None
        if len(self._workers) < 2:
            self._start()  # the processor that the kernel of the others had
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        reports, lost = self._results.wait(item.nodeid)
        for data in reports:
            hook.pytest_runtest_logreport(report=report_from(self._config, data))
        if lost is not None:
            hook.pytest_runtest_logreport(report=lost_report(item, lost))
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True

    def _start(self) -> None:
        worker = _Worker(self._order, self._files, self._results)
        self._workers.append(worker)
        worker.start()

    def pytest_sessionfinish(self) -> None:
        for worker in self._workers:
            worker.stop()


def _quick(item: pytest.Item) -> bool:
    return not item.get_closest_marker("lab") and any(f"/{part}/" in f"/{item.nodeid}" for part in _QUICK)


def _early(item: pytest.Item) -> bool:
    return item.get_closest_marker("lab") is not None or _quick(item)


class _Results:
    """What came of the tests so far; written by several threads, waited for by one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reports: dict[str, list[dict[str, Any]]] = {}
        self._ended: dict[str, str | None] = {}

    def report(self, nodeid: str, data: dict[str, Any]) -> None:
        self._reports.setdefault(nodeid, []).append(data)

    def end(self, nodeid: str, lost: str | None = None) -> None:
        """:param lost: why no verdict came, where none did."""
        with self._changed:
            self._ended[nodeid] = lost
            self._changed.notify_all()

    def wait(self, nodeid: str) -> tuple[list[dict[str, Any]], str | None]:
        with self._changed:
            self._changed.wait_for(lambda: nodeid in self._ended)
        return self._reports.pop(nodeid, []), self._ended.pop(nodeid)


class _Worker(threading.Thread):
    """One process after another, of which there is one unless they are lost; each is told test after test."""

    def __init__(self, order: str, files: deque[list[str]], results: _Results) -> None:
        super().__init__(daemon=True)
        self._order = order
        self._files = files
        self._results = results
        self._rest: deque[str] = deque()
        self._process: subprocess.Popen[str] | None = None
        self._stopped = False

    def run(self) -> None:
        lost = "no process was started"
        for _ in range(_ATTEMPTS):
            lost = self._one_process()
            if self._stopped or not self._next():
                return
        while nodeid := self._next():
            self._rest.popleft()
            self._results.end(nodeid, lost)

    def _next(self) -> str | None:
        """The test that is due; it stays so until it is taken away."""
        if not self._rest:
            try:
                self._rest.extend(self._files.popleft())
            except IndexError:
                return None
        return self._rest[0]

    def _one_process(self) -> str:
        """Carry out what there is to; what was seen of its end, should it end before that."""
        tests = str(Path(__file__).parent.parent)
        path = os.pathsep.join([tests, *filter(None, [os.environ.get("PYTHONPATH")])])
        with subprocess.Popen(
            [sys.executable, "-m", "plugins.told_pytest", self._order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
        ) as process:
            self._process = process
            running: str | None = None
            try:
                self._answer()
                while running := self._next():
                    self._rest.popleft()
                    self._tell(running, self._next())
                    while "done" not in (answer := self._answer()):
                        self._results.report(running, answer["report"])
                    self._results.end(running)
            except (OSError, EOFError):
                seen = f"the pytest that ran it ended with status {process.wait()}"
                if running is not None:
                    self._results.end(running, seen)
                return seen
        return ""

    def _tell(self, nodeid: str, following: str | None) -> None:
        assert self._process is not None and self._process.stdin is not None
        self._process.stdin.write(json.dumps({"run": nodeid, "next": following}) + "\n")
        self._process.stdin.flush()

    def _answer(self) -> dict[str, Any]:
        """:raises EOFError: there will be none."""
        assert self._process is not None and self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    def stop(self) -> None:
        """End it, whatever it does: of what is still to run nobody wants to know."""
        self._stopped = True
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
