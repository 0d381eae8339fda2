"""The shipped scenarios on whole labs: each passes, fails without the mechanism that it relies on, and does not mind a coordinator's death.

A representative half runs by default, the others with ``--all``. A busy machine may make a run inconclusive as a whole, which is never a
pass; what can be told all the same, everything that is no matter of milliseconds, has to hold then too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labtool import Xcnet

from xcnet.scenario import variants
from xcnet.scenario.catalogue import shipped_scenarios
from xcnet.scenario.load import load_scenario

SCENARIOS = {file.stem: file for file in shipped_scenarios()}

HALF = (
    "all-channels-lost",
    "bgp-restart",
    "building-lost",
    "concurrent-resize",
    "key-mismatch",
    "key-misuse",
    "lost-answers",
    "maintenance-overlap",
    "migrate",
    "one-sided-delete",
    "one-way-loss",
    "planned-maintenance",
    "silent-blackhole",
    "two-buildings",
)
"""Of each kind of failure, and of each group of the catalogue, at least one. channel-cut and key-rotation have tests of their own."""

OF_TIME = ("longest loss of one flow", "longest one-way delay of a packet", "BFD's detection of", "packets lost")
"""Checks whose bounds a busy machine can break."""

RUN_SECONDS = 2400.0
JOBS = str(min(2, os.cpu_count() or 1))


def exhaustive(names: list[str], ordinary: tuple[str, ...]) -> list[Any]:
    """Parameters of which those that are not ordinary run with ``--all`` only."""
    return [name if name in ordinary else pytest.param(name, marks=pytest.mark.exhaustive) for name in names]


class Runs:
    """Runs by name, carried out by one command for all tests of the session that ask for such."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._xcnet = Xcnet(folder / "state")
        self.found: dict[str, dict[str, Any]] = {}

    def carry_out(self, names: list[str], *how: str) -> None:
        files = [str(SCENARIOS[name]) for name in dict.fromkeys(names)]
        out = str(self._folder / "-".join(["reports", *how]))
        done = self._xcnet("run", *files, *how, "--jobs", JOBS, "--out", out, "--json", timeout=RUN_SECONDS)
        assert done.returncode in (0, 1, 3), done.stdout + done.stderr
        self.found |= {each["scenario"]: each for each in json.loads(done.stdout)}
        assert self._xcnet.json("list") == []

    def close(self) -> None:
        self._xcnet("down", "--all")


def wanted(request: pytest.FixtureRequest, test: str) -> list[str]:
    """The parameters with which a test is to run in this session."""
    names = []
    for item in request.session.items:
        if isinstance(item, pytest.Function) and item.originalname == test:
            names += [value for key, value in item.callspec.params.items() if key == "name"]
    return names


@pytest.fixture(scope="module")
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("plain"))
    runs.carry_out(wanted(request, "test_a_scenario_passes") or list(HALF))
    yield runs
    runs.close()


@pytest.fixture(scope="module")
def sabotaged(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("sabotaged"))
    names = [each.partition(".")[0] for each in wanted(request, "test_a_scenario_fails_without_its_mechanism")]
    runs.carry_out(names, "--sabotage")
    yield runs
    runs.close()


@pytest.fixture(scope="module")
def killed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    runs = Runs(tmp_path_factory.mktemp("killed"))
    names = wanted(request, "test_a_scenario_passes_although_a_coordinator_dies_meanwhile")
    runs.carry_out(names, "--kill-coordinator", "each")
    yield runs
    runs.close()


def assert_passed(run: dict[str, Any]) -> None:
    assert run["error"] is None, run
    result = run["result"]
    broken = [check for check in result["checks"] if check["verdict"] == "fail"]
    if result["verdict"] == "inconclusive":
        broken = [check for check in broken if not check["name"].startswith(OF_TIME)]
    else:
        assert result["verdict"] == "pass", result["reasons"]
    assert broken == [], result["reasons"]


@pytest.mark.timeout(RUN_SECONDS)
@pytest.mark.parametrize("name", exhaustive(sorted(SCENARIOS), HALF))
def test_a_scenario_passes(plain: Runs, name: str) -> None:
    assert_passed(plain.found[name])


MECHANISMS = [f"{name}.{each.without}" for name, file in SCENARIOS.items() for each in load_scenario(file)[0].sabotage]


@pytest.mark.timeout(RUN_SECONDS)
@pytest.mark.parametrize(
    "name", exhaustive(MECHANISMS, ("one-way-loss.bfd-off", "planned-maintenance.no-drain", "key-mismatch.fail-open"))
)
def test_a_scenario_fails_without_its_mechanism(sabotaged: Runs, name: str) -> None:
    run = sabotaged.found[name]
    assert run["error"] is None, run
    (check,) = run["result"]["checks"]
    assert check["verdict"] == "pass", run["result"]["reasons"]
    assert run["result"]["variant"] == f"sabotaged: {name.partition('.')[2]}"
    assert run["verdict"] in ("pass", "inconclusive")


@pytest.mark.timeout(RUN_SECONDS)
@pytest.mark.parametrize("name", exhaustive(sorted(SCENARIOS), ("key-rotation",)))
def test_a_scenario_passes_although_a_coordinator_dies_meanwhile(killed: Runs, name: str) -> None:
    scenario, _ = load_scenario(SCENARIOS[name])
    for variant in variants.killed(scenario, ("aws", "gcp")):
        provider, run = variant.killed, killed.found[name + variant.suffix]
        assert_passed(run)
        (fault,) = [each for each in run["result"]["faults"] if each["name"] == f"coordinator of {provider} killed"]
        assert "ended by SIGKILL" in fault["artifact"]


@pytest.mark.timeout(RUN_SECONDS)
def test_runs_that_leave_nothing_share_a_lab(plain: Runs) -> None:
    labs = [run["result"]["lab"] for run in plain.found.values()]
    assert len(set(labs)) < len(labs)
    # A connection that was deleted and ordered anew is another one: nobody else runs on that lab afterwards.
    began = {name: run["result"]["began"] for name, run in plain.found.items()}
    spoiled = plain.found["one-sided-delete"]["result"]["lab"]
    later = [name for name in began if began[name] > began["one-sided-delete"]]
    assert spoiled not in [plain.found[name]["result"]["lab"] for name in later]


@pytest.mark.exhaustive
@pytest.mark.usefixtures("busy_host")
def test_on_a_busy_host_a_run_is_inconclusive_whatever_it_measured(default_lab: Xcnet, tmp_path: Path) -> None:
    done = default_lab(
        "run", str(SCENARIOS["channel-cut"]), "--lab", "default", "--out", str(tmp_path), "--json", timeout=400
    )
    assert done.returncode == 3, done.stdout + done.stderr
    (run,) = json.loads(done.stdout)
    assert run["verdict"] == "inconclusive"
    assert any("tasks for each of the host's processors; the limit is 1" in each for each in run["result"]["reasons"])
    assert "Inconclusive" in (tmp_path / "channel-cut" / "report.md").read_text().splitlines()[0]
