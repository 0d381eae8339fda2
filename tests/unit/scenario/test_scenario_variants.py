"""Scenarios under harder conditions: what is added to them, and what a run without their mechanism says of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from scenario_world import Clock, PlayedStage, probe, scenario

from xcnet.model.sabotage import Sabotage
from xcnet.scenario.batch import plan_jobs
from xcnet.scenario.catalogue import shipped_scenarios
from xcnet.scenario.document import Scenario
from xcnet.scenario.judge import judge, verdict
from xcnet.scenario.load import load_scenario
from xcnet.scenario.results import RunResult, Verdict
from xcnet.scenario.run import Run
from xcnet.scenario.variants import Variant, as_sabotaged, sabotages, with_coordinator_killed

BFD_OFF = Variant(sabotage=Sabotage.BFD_OFF, fails="lost")


def result(of: Scenario, said: Verdict | None = None) -> RunResult:
    """Of a run without anything happening. :param said: its verdict, in place of that by its checks."""
    clock = Clock()
    stage = PlayedStage(clock)
    seen = Run(of, stage, now=clock.host, pause=clock.pause).carry_out()
    checks = judge(of, seen)
    found, reasons = verdict(checks, seen.probe)
    return RunResult(
        scenario="test",
        title="A test",
        description="",
        lab="test",
        topology="aws-google",
        began=datetime(2026, 1, 1, tzinfo=UTC),
        seconds=1.0,
        verdict=said or found,
        reasons=reasons,
        checks=checks,
        faults=(),
        phases=(),
        timeline=(),
        probe=probe(10.0),
        providers={},
        channels=(),
        settings={},
        versions={},
    )


CUT = "{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}"


def test_what_fails_as_it_must_makes_the_scenario_pass() -> None:
    of = scenario(CUT, "{check: lost, at_least: 1}, {check: verified}")
    said = as_sabotaged(result(of), of, BFD_OFF)
    assert said.verdict is Verdict.PASS
    assert said.variant == "sabotaged: bfd-off"
    assert said.reasons[0].startswith(
        "sabotaged: bfd-off (no session with the other provider has BFD): failed as it must"
    )
    assert [check.verdict for check in said.checks] == [Verdict.PASS]


def test_what_holds_all_the_same_is_a_scenario_that_cannot_fail() -> None:
    of = scenario(CUT, "{check: lost, at_most: 0}, {check: verified}")
    said = as_sabotaged(result(of), of, BFD_OFF)
    assert said.verdict is Verdict.FAIL
    assert "this scenario cannot fail" in said.reasons[0]


def test_another_failure_than_the_expected_one_does_not_count() -> None:
    of = scenario(CUT, "{check: lost, at_most: 0}, {check: flows-hit, at_least: 100}")
    said = as_sabotaged(result(of), of, BFD_OFF)
    assert said.verdict is Verdict.FAIL
    assert "lost held all the same" in said.reasons[0]


def test_an_inconclusive_run_says_nothing_of_the_scenario() -> None:
    of = scenario(CUT, "{check: lost, at_least: 1}")
    said = as_sabotaged(result(of, Verdict.INCONCLUSIVE), of, BFD_OFF)
    assert said.verdict is Verdict.INCONCLUSIVE
    assert said.variant == "sabotaged: bfd-off"


@pytest.mark.parametrize("steps", [CUT, f"{CUT}, {{name: turn, at: 7s, do: rotate, channel: ch1}}"])
def test_a_coordinator_is_killed_in_the_middle_of_an_action_or_of_the_first_step(steps: str) -> None:
    of = with_coordinator_killed(scenario(steps, "{check: verified}"), "gcp")
    killed = of.steps[-1]
    assert killed.fault is not None
    assert (killed.fault.fault, killed.fault.on, killed.fault.daemon) == ("kill", "gcp-coord", "coordinator")  # type: ignore[attr-defined]
    assert killed.at == pytest.approx(7.3 if "turn" in steps else 3.3)
    assert killed.lasts == 3.0


def test_the_data_plane_has_no_more_time_because_a_coordinator_is_dead() -> None:
    expect = (
        "{check: event, event: bgp.down, after: cut, within: 1}, {check: event, event: connection.lost, after: cut, within: mka_life}, "
        "{check: restored, of: cut, within: 3}, {check: longest-loss, at_most: 0.3}, "
        "{check: api-says, state: down, after: cut, within: 5}, {check: event, event: monitor.held, after: cut, within: 4}"
    )
    of = scenario(CUT, expect)
    bounds = [getattr(each, "within", None) or getattr(each, "at_most", None) for each in of.expect]
    assert bounds == [1, "mka_life", 3, 0.3, 5, 4]
    patient = with_coordinator_killed(of, "aws")
    bounds = [getattr(each, "within", None) or getattr(each, "at_most", None) for each in patient.expect]
    assert bounds == [1, "(mka_life) + 13", 3, 0.3, "(5) + 13", "(4) + 13"]


def test_a_scenario_says_when_its_coordinators_are_killed() -> None:
    of = with_coordinator_killed(scenario(CUT, "{check: verified}", kill_at="4.5s"), "gcp")
    assert of.steps[-1].at == 4.5


def test_a_run_with_a_coordinator_killed_does_everything_that_the_file_says() -> None:
    clock = Clock()
    stage = PlayedStage(clock)
    of = with_coordinator_killed(scenario(CUT, "{check: verified}"), "aws")
    seen = Run(of, stage, now=clock.host, pause=clock.pause).carry_out()
    assert [what for _, what in stage.log] == ["begin cut", "begin kill", "end kill", "end cut", "traffic stopped"]
    assert verdict(judge(of, seen), seen.probe)[0] is Verdict.PASS


@pytest.mark.parametrize("file", shipped_scenarios(), ids=lambda file: file.stem)
def test_each_shipped_scenario_names_a_mechanism_without_which_it_fails(file: Path) -> None:
    of, _ = load_scenario(file)
    assert sabotages(of)
    assert with_coordinator_killed(of, "aws").steps[-1].at is not None


def test_each_way_of_running_has_a_folder_of_its_own(tmp_path: Path) -> None:
    file = next(each for each in shipped_scenarios() if each.stem == "building-lost")

    def planned(**more: object) -> list[str]:
        jobs = plan_jobs([file], out=tmp_path, repeat=1, engine="auto", lab=None, keep=False, **more)  # type: ignore[arg-type]
        return [job.folder.name for job in jobs]

    assert planned() == ["building-lost"]
    assert planned(variants=lambda of, _lab: sabotages(of)) == ["building-lost.bfd-off", "building-lost.no-ecmp"]
    assert planned(variants=lambda _of, lab: [Variant(killed=each) for each in lab.providers]) == [
        "building-lost.aws-killed",
        "building-lost.gcp-killed",
    ]
