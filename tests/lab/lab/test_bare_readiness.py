"""What a lab waits for: for channels that have a key and for routes of connections that stand, and for nothing else."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest

from xcnet.errors import DeadlineError
from xcnet.fabric.network import Fabric, build
from xcnet.lab.readiness import PathWatcher
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.waiting import Deadline

pytestmark = pytest.mark.lab


@pytest.fixture(params=[True, False], ids=["bare", "whole"])
def lab(request: pytest.FixtureRequest) -> Iterator[Fabric]:
    with build(make_plan(load_topology("minimal"), bare=request.param), f"ready-{os.getpid()}") as fabric:
        yield fabric


async def waited_for(fabric: Fabric) -> list[str]:
    """What did not come, where no router's daemon runs."""
    missing = []
    watcher = PathWatcher(fabric.plan, {name: fabric.netns(name) for name in fabric.plan.routers})
    try:
        for wait in (watcher.channels, watcher.routes):
            try:
                await wait(Deadline(0.2))
            except DeadlineError as error:
                missing.append(error.cause)
    finally:
        watcher.close()
    return missing


def test_only_what_is_to_come_is_waited_for(lab: Fabric) -> None:
    missing = asyncio.run(waited_for(lab))
    if not lab.plan.connections:
        assert missing == []
        return
    channels, routes = missing
    assert "aws-edge1 ch1.sec" in channels and "gcp-edge1 ch1.sec" in channels
    assert "aws-gw 10.20.0.0/24 over 1 channels" in routes
