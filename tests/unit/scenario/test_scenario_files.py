"""Scenario files: those that come with the program are right, and every mistake has its place and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcnet.lab.directory import Directory
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.model.problems import TopologyError
from xcnet.scenario.batch import reference_of
from xcnet.scenario.load import check_against, load_scenario, parse_scenario

SHIPPED = sorted((Path(__file__).parents[3] / "lab" / "scenarios").glob("*.yaml"))

GOOD = """\
scenario: cut
title: A cut
steps:
  - {name: cut, at: 3s, fault: cut, on: ch2, for: 5s}
expect:
  - {check: longest-loss, at_most: detection(ch2)}
"""


def directory() -> Directory:
    return Directory.of(make_plan(load_topology("aws-google")))


def mistakes(text: str, *, in_lab: bool = False) -> list[tuple[str, str, str]]:
    try:
        scenario, document = parse_scenario(text, "s.yaml")
        if in_lab:
            check_against(scenario, document, directory())
    except TopologyError as error:
        return [(each.where, each.cause, each.remedy) for each in error.problems]
    return []


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_what_is_shipped_is_right_for_the_lab_that_it_names(file: Path) -> None:
    scenario, document = load_scenario(file)
    assert scenario.scenario == file.stem
    check_against(scenario, document, Directory.of(make_plan(load_topology(reference_of(scenario.topology, file)))))


def test_a_scenario_is_read() -> None:
    scenario, _ = parse_scenario(GOOD)
    step = scenario.step("cut")
    assert (step.at, step.lasts) == (3.0, 5.0)
    assert step.fault is not None and step.fault.fault == "cut" and step.fault.on == "ch2"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "where", "cause", "remedy"),
    [
        ("fault: cut", "fault: cutt", "s.yaml:4:32, steps[0].fault", "there is no fault 'cutt'", "did you mean 'cut'?"),
        ("on: ch2", "one: ch2", "s.yaml:4:37, steps[0].one", "there is no field 'one' here", "did you mean 'on'?"),
        ("at: 3s", "at: 3", "s.yaml:4:21, steps[0].at", "3 is not a span of time", "write a number and its unit"),
        ("at: 3s, ", "", "s.yaml:4:5, steps[0]", "a step has one moment", "write either 'at: 5s' or"),
        (
            "fault: cut, on: ch2, for: 5s",
            "do: rotate",
            "s.yaml:4:5, steps[0].channel",
            "'channel' is missing",
            "add 'channel'",
        ),
        (
            "fault: cut, on: ch2, for: 5s",
            "x: 1",
            "s.yaml:4:5, steps[0]",
            "this step does nothing",
            "write 'fault' (cut,",
        ),
        (
            "check: longest-loss",
            "check: longst",
            "s.yaml:6:13, expect[0].check",
            "there is no check 'longst'",
            "did you mean 'lost'?",
        ),
        (", at_most: detection(ch2)", "", "s.yaml:6:5, expect[0]", "nothing is expected here", "write 'at_most'"),
        (
            "title: A cut",
            "titel: A cut",
            "s.yaml:2:1, titel",
            "there is no field 'titel' here",
            "did you mean 'title'?",
        ),
        (
            "steps:\n  - {name: cut, at: 3s, fault: cut, on: ch2, for: 5s}",
            "steps: []",
            "s.yaml:3:8, steps",
            "'steps' has 0 entries",
            "write 1 or more",
        ),
        (
            "steps:\n  - {name: cut, at: 3s, fault: cut, on: ch2, for: 5s}",
            "steps: [7]",
            "s.yaml:3:9, steps[0]",
            "a step is a mapping",
            "write e.g.",
        ),
    ],
)
def test_a_mistake_is_told_with_its_place_and_remedy(old: str, new: str, where: str, cause: str, remedy: str) -> None:
    found = mistakes(GOOD.replace(old, new))
    assert any(each[:2] == (where, cause) and each[2].startswith(remedy) for each in found), found


@pytest.mark.parametrize(
    ("old", "new", "where", "cause"),
    [
        ("on: ch2", "on: ch9", "s.yaml:4:41, steps[0].on", "there is no channel or node 'ch9' in this lab"),
        ("detection(ch2)", "detection(ch9)", "s.yaml:6:36, expect[0].at_most", "there is no channel 'ch9'"),
        ("detection(ch2)", "hold_time(ch2)", "s.yaml:6:36, expect[0].at_most", "there is no figure 'hold_time'"),
    ],
)
def test_what_only_the_lab_can_tell_is_told_too(old: str, new: str, where: str, cause: str) -> None:
    assert [each[:2] for each in mistakes(GOOD.replace(old, new), in_lab=True)] == [(where, cause)]


def test_steps_that_expectations_name_are_there() -> None:
    text = GOOD + "  - {check: restored, of: cutt, within: 5}\n  - {check: event, event: bgp.down, after: never}\n"
    assert [each[1] for each in mistakes(text)] == ["there is no step 'cutt'", "there is no step 'never'"]


def test_nothing_comes_back_from_a_fault_that_stays() -> None:
    text = GOOD.replace(", for: 5s", "") + "  - {check: restored, of: cut, within: 5}\n"
    cause = "step 'cut' stays to the run's end: nothing can be seen to come back"
    assert any(each[1] == cause and "'for'" in each[2] for each in mistakes(text)), mistakes(text)


def test_without_traffic_nothing_about_it_can_be_expected() -> None:
    assert [each[1] for each in mistakes("traffic: null\n" + GOOD)] == ["there is no traffic to judge"]
