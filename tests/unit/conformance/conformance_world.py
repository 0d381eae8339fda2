"""This project's own coordinators, tried by the rules: as they are, or with one thing broken."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xcnet.conformance.own import _with_stranger, subject_of
from xcnet.conformance.registry import Rule, Verdict, rules
from xcnet.conformance.runner import Report, run
from xcnet.conformance.subject import Subject
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.coordinator.daemon.settings import DaemonSettings
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan

logging.getLogger("xcnet").addHandler(logging.NullHandler())
OTHER = {"aws": "gcp", "gcp": "aws"}


@dataclass(frozen=True)
class Left:
    """What a server has at the end, from its operators: connections and issues that are open."""

    connections: list[Any]
    issues: list[Any]


def _unlimited(settings: DaemonSettings) -> DaemonSettings:
    generous = {
        "requests_per_second": 1e5,
        "request_burst": 100_000,
        "refusals_per_second": 1e4,
        "refusal_burst": 10_000,
    }
    return replace(_with_stranger(settings), http=settings.http.model_copy(update=generous))


def tried(
    server: str = "gcp",
    topology: str = "aws-google",
    *,
    chosen: Sequence[Rule] | None = None,
    limited: bool = False,
    subject: Callable[[Subject], Subject] = lambda given: given,
) -> tuple[Report, Left]:
    """A run against a server of a topology, called by the other provider.

    :param limited: with the limits that the profiles name. :param subject: changes what the suite is given.
    """

    async def go() -> tuple[Report, Left]:
        plan = make_plan(load_topology(topology), bare=True)
        with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
            adjust = _with_stranger if limited else _unlimited
            settings = local_settings(plan, Path(folder), adjust=adjust)
            async with serving(settings) as local:
                report = await run(subject(subject_of(local, server, OTHER[server])), chosen or rules())
                return report, await _left(local, server)

    return asyncio.run(go())


async def _left(local: LocalCoordinators, server: str) -> Left:
    connections = await local.query(server, "connections")
    issues = await local.query(server, "issues")
    return Left(connections, [each for each in issues if each.get("state") != "STATE_CLOSED"])


def broken(report: Report) -> dict[str, str]:
    """Rules that failed, and why."""
    return {each.rule.id: each.why for each in report.findings if each.verdict is Verdict.FAIL}


def not_testable(report: Report) -> dict[str, str]:
    return {each.rule.id: each.why for each in report.findings if each.verdict is Verdict.NOT_TESTABLE}
