"""A lab from Python, as docs/python.md shows it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from labtool import Xcnet

from xcnet import Lab
from xcnet.errors import InputError, LabError
from xcnet.lab.capture_mode import Capture
from xcnet.probe.plan import ProbePlan
from xcnet.scenario.results import Verdict

EXAMPLE = Path(__file__).parents[3] / "examples" / "failure_budget.py"
SCENARIO = """\
scenario: from-python
title: A cut
topology: aws-google
steps:
  - {name: the cut, at: 1s, fault: cut, on: ch2, for: 1s}
expect:
  - {check: event, event: bgp.down, on: ch2, after: the cut, within: 5}
"""


@pytest.fixture
def lab(default_lab: Xcnet, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    monkeypatch.setenv("XCNET_STATE", str(default_lab.state))
    with Lab.attach("default") as lab:
        yield lab
        lab.wait_until_up()


def test_traffic_feels_a_fault_that_ends_with_its_block(lab: Lab) -> None:
    assert lab.status().health == "up"
    with lab.traffic(ProbePlan(warm_up=0.5)) as traffic:
        traffic.wait(1)
        with lab.fault("cut", on="ch3") as standing:
            assert standing.channels == ("ch3",)
            traffic.wait(1.5)
            assert lab.status().health == "degraded"
        found = traffic.stop()
    assert 0 < found.lost < found.sent
    assert found.longest_loss > 0
    kinds = [each.kind for each in lab.events() if each.subject == standing.id]
    assert kinds == ["fault.begun", "fault.ended"]
    lab.wait_until_up()
    assert lab.measure(1.0, ProbePlan(warm_up=0.5)).sent > 500


def test_a_scenario_is_run_with_whole_frames_kept(lab: Lab, tmp_path: Path) -> None:
    file = tmp_path / "from-python.yaml"
    file.write_text(SCENARIO)
    steps: list[str] = []
    result = lab.run(file, report=tmp_path / "report", capture=Capture.FULL, told=steps.append)
    assert result.verdict is not Verdict.FAIL, result.reasons
    assert result.settings["capture"] == "full"
    assert steps != []
    assert (tmp_path / "report" / "index.html").stat().st_size > 0
    assert sorted(each.stem for each in (tmp_path / "report" / "evidence").rglob("ch*.pcapng")) != []


def test_what_cannot_be_is_said_before_anything_is_done(lab: Lab, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="evidence lies beside a report"):
        lab.run(tmp_path / "absent.yaml", capture=Capture.HEADERS)
    with pytest.raises(InputError, match="there is no fault 'cutt'") as wrong, lab.fault("cutt", on="ch2"):
        pass
    assert "cut" in wrong.value.remedy
    with pytest.raises(InputError) as wrong, lab.fault("loss", on="ch2", percent=300):
        pass
    assert wrong.value.where == "fault.percent"
    with pytest.raises(LabError):
        Lab.attach("nowhere")
    assert lab.status().health == "up"


def test_the_example_tells_what_a_cut_costs(lab: Lab, default_lab: Xcnet) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLE), "--lab", lab.name, "ch4"],
        env=default_lab.env, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode in (0, 1, 3), done.stderr
    assert done.stdout.startswith("ch4: ")
    # Whether it was within the budget is the machine's matter here; that it costs something is the cut's.
    assert not done.stdout.startswith("ch4: 0 of")
