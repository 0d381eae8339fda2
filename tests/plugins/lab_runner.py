"""Runs tests marked ``lab`` in a throw-away kernel and reports each as if it had run here.

One user-mode kernel is booted when the first of them is due. In it, one pytest process (``lab_guest``) runs what it is
told to, one test at a time, and its reports come back as they are made. Where pytest is already in a kernel that can do
what a lab needs (inside that user-mode kernel, or as root on a machine that has everything) the tests simply run.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from plugins.lab_protocol import DEFAULT_TIMEOUT, IN_ENGINE
from plugins.lab_remote import Lost, RemotePytest
from plugins.told_pytest import lost_report

_ORDER = {"unit": 0, "golden": 0, "lab": 1, "host": 2}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--lab-kernel",
        choices=("auto", "here", "guest"),
        default="auto",
        help="run tests marked lab in this kernel, in a user-mode kernel, or in whichever is fit (default: auto)",
    )


def pytest_configure(config: pytest.Config) -> None:
    if not config.option.collectonly:
        config.pluginmanager.register(LabRunner(config), "xcnet-lab-runner")


class LabRunner:
    """Takes the tests marked ``lab`` out of pytest's hands where they cannot run here."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._remote: RemotePytest | None = None
        self._timeouts: dict[str, float] = {}

    def _runs_here(self) -> bool:
        wanted = self._config.getoption("--lab-kernel")
        if wanted != "auto":
            return bool(wanted == "here")
        return bool(os.environ.get(IN_ENGINE)) or _fit()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        items.sort(key=_place)
        lab_items = [item for item in items if item.get_closest_marker("lab")]
        if not lab_items or self._runs_here():
            return
        self._remote = RemotePytest(self._config)
        for item in lab_items:
            self._timeouts[item.nodeid] = _timeout(item)
            # The guest's pytest times it; a timer on this side would count the boot too.
            item.add_marker(pytest.mark.timeout(0), append=False)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
        if item.nodeid not in self._timeouts or self._remote is None:
            return None
        hook = item.ihook
        hook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for report in self._reports(item, nextitem):
            hook.pytest_runtest_logreport(report=report)
        hook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        if nextitem is None or nextitem.nodeid not in self._timeouts:
            self._remote.stop()
        return True

    def _reports(self, item: pytest.Item, nextitem: pytest.Item | None) -> Iterator[pytest.TestReport]:
        assert self._remote is not None
        following = nextitem.nodeid if nextitem is not None and nextitem.nodeid in self._timeouts else None
        try:
            yield from self._remote.run(item.nodeid, following, list(self._timeouts), self._timeouts[item.nodeid])
        except Lost as lost:
            yield lost_report(item, str(lost))

    def pytest_sessionfinish(self) -> None:
        if self._remote is not None:
            self._remote.stop()


def _place(item: pytest.Item) -> int:
    """Quick tests first; those that need a kernel together, so that one boot serves all."""
    if item.get_closest_marker("lab"):
        return _ORDER["lab"]
    return next((order for part, order in _ORDER.items() if f"/{part}/" in f"/{item.nodeid}"), 0)


def _timeout(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    if marker is None:
        return DEFAULT_TIMEOUT
    return float(marker.args[0] if marker.args else marker.kwargs["timeout"])


def _fit() -> bool:
    if os.geteuid() != 0:
        return False
    from xcnet.engine.kernel_features import kernel_shortcomings

    return not kernel_shortcomings()
