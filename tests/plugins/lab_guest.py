"""The guest's side: an engine application that forks a pytest process, which runs one test for each line it reads."""

from __future__ import annotations

import json
import os
from typing import IO, Any

import pytest

from xcnet.engine.server import Application, Session, WarmContext
from xcnet.errors import InputError


class LabGuest(Application):
    async def handle(self, session: Session) -> int:
        match session.argv:
            case ["pytest", order]:
                return await session.call_in_fork(lambda: run_pytest(json.loads(order)))
            case _:
                raise InputError(f"the test guest knows no request {session.argv[:1]}")


def application(_context: WarmContext) -> LabGuest:
    return LabGuest()


class ReportingPlugin:
    """Runs what standard input says, and writes every report to what was standard output."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders = orders
        self._answers = answers
        self._errors: list[str] = []
        self._items: dict[str, pytest.Item] = {}

    def _tell(self, **message: Any) -> None:
        self._answers.write(json.dumps(message) + "\n")
        self._answers.flush()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self._errors.append(report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self._items = {item.nodeid: item for item in session.items}

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        self._tell(collected=list(self._items), errors="\n".join(self._errors))
        for line in self._orders:
            order = json.loads(line)
            item, following = self._items[order["run"]], self._items.get(order["next"])
            session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            self._tell(done=item.nodeid)
        return True

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        assert self._config is not None
        self._tell(report=self._config.hook.pytest_report_to_serializable(config=self._config, report=report))

    def pytest_configure(self, config: pytest.Config) -> None:
        self._config = config


def run_pytest(order: dict[str, Any]) -> int:
    """In the forked child: pytest with its own streams for orders and reports, since it captures the usual ones."""
    from plugins.lab_runner import DEFAULT_TIMEOUT

    orders = os.fdopen(os.dup(0), "r")
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    # The reports hold all that pytest has to say; only what tests print themselves, uncaptured, is worth more.
    os.dup2(2 if order["capture"] == "no" else null, 1)
    os.chdir(order["rootdir"])
    arguments = [
        *("--rootdir", order["rootdir"], "-p", "no:cacheprovider", "--continue-on-collection-errors"),
        *("--timeout", str(DEFAULT_TIMEOUT), "--tb", order["tbstyle"], "--capture", order["capture"]),
        *(["--showlocals"] if order["showlocals"] else []),
        *order["files"],
    ]
    return int(pytest.main(arguments, plugins=[ReportingPlugin(orders, answers)]))
