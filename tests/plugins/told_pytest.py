"""A pytest process that runs one test for each line it reads, and answers with the reports as they are made."""

from __future__ import annotations

import json
import os
import sys
from typing import IO, Any

import pytest

TOLD = "XCNET_TESTS_TOLD"
"""Set in the environment of such a process."""


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


def order_of(config: pytest.Config, files: list[str], *more: str) -> str:
    """What such a process is started with. :param more: further arguments of pytest's."""
    return json.dumps(
        {
            "rootdir": str(config.rootpath),
            "files": files,
            "arguments": [
                *("--rootdir", str(config.rootpath), "-p", "no:cacheprovider", "--continue-on-collection-errors"),
                *("--all", "--tb", config.getoption("tbstyle"), "--capture", config.getoption("capture")),
                *(["--showlocals"] if config.getoption("showlocals") else []),
                *more,
            ],
            "uncaptured": config.getoption("capture") == "no",
        }
    )


def report_from(config: pytest.Config, data: dict[str, Any]) -> pytest.TestReport:
    """A report as it was made there."""
    if isinstance(data.get("longrepr"), list):
        data["longrepr"] = tuple(data["longrepr"])  # JSON knows no tuples; a skip's reason is one
    report: pytest.TestReport = config.hook.pytest_report_from_serializable(config=config, data=data)
    return report


def lost_report(item: pytest.Item, seen: str) -> pytest.TestReport:
    """Of a test of which none came."""
    return pytest.TestReport(
        nodeid=item.nodeid,
        location=item.location,
        keywords=dict.fromkeys(item.keywords, 1),
        outcome="failed",
        longrepr=seen,
        when="call",
    )


def run_pytest(order: str) -> int:
    """In a process of its own: pytest with its own streams for orders and reports, since it captures the usual ones.

    :param order: as :func:`order_of` has it.
    """
    settings = json.loads(order)
    orders = os.fdopen(os.dup(0), "r")
    answers = os.fdopen(os.dup(1), "w")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    # The reports hold all that pytest has to say; only what tests print themselves, uncaptured, is worth more.
    os.dup2(2 if settings["uncaptured"] else null, 1)
    os.chdir(settings["rootdir"])
    os.environ[TOLD] = "1"
    return int(pytest.main([*settings["arguments"], *settings["files"]], plugins=[ReportingPlugin(orders, answers)]))


if __name__ == "__main__":
    sys.exit(run_pytest(sys.argv[1]))
