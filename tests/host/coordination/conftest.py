from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from coordinated import TOPOLOGY, World

from xcnet.engine.client import LabClient
from xcnet.lab.manager import bring_up, take_down
from xcnet.lab.paths import LabPaths

# What measures traffic in the lab's kernel is the benchmarks' own; the lab takes this process's path over.
sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))


class _Silent:
    def step(self, text: str) -> None:
        del text

    def detail(self, text: str) -> None:
        del text


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two providers, two interconnects, two customers with the same prefixes, and no connection."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XCNET_STATE", str(tmp_path_factory.mktemp("coordination")))
        bring_up(TOPOLOGY, name="coordination", engine="auto", fast=False, bare=True, progress=_Silent())
        try:
            paths = LabPaths.of("coordination")
            with LabClient(paths.run_dir) as client:
                yield World(paths, client)
        finally:
            take_down("coordination")


@pytest.fixture
def world(lab: World) -> Iterator[World]:
    """The lab, without any connection before and after."""
    yield lab
    lab.disconnect_all()
