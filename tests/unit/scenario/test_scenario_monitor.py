"""Scenarios that say what the providers' monitors do meanwhile."""

from __future__ import annotations

import pytest
from scenario_world import scenario

from xcnet.lab.directory import Directory
from xcnet.model.load import load_topology, with_monitor
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.planner import make_plan
from xcnet.model.problems import TopologyError
from xcnet.scenario.formula import FormulaError, evaluate
from xcnet.scenario.timers import figures

CUT = "{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}"
VERIFIED = "{check: verified}"


def test_a_scenario_without_a_word_leaves_it_to_the_topology() -> None:
    assert scenario(CUT, VERIFIED).monitor is None


def test_monitors_are_switched_off_or_set_for_a_scenario() -> None:
    off = scenario(CUT, VERIFIED, monitor="{enabled: false}").monitor
    assert off is not None and not off.enabled
    quick = scenario(CUT, VERIFIED, monitor="{hold_seconds: 10, flap: {count: 3, action: report}}").monitor
    assert quick is not None and quick.enabled
    assert (quick.hold_seconds, quick.flap.count, quick.flap.window_seconds) == (10.0, 3, 60.0)


def test_a_mistake_in_it_has_its_place_and_remedy() -> None:
    with pytest.raises(TopologyError) as caught:
        scenario(CUT, VERIFIED, monitor="{capacity: {action: deprefer}, hold: 3}")
    told = {(each.cause, each.remedy.partition("?")[0]) for each in caught.value.problems}
    assert ("to use a channel last is no remedy for this", "write none or report") in told
    assert any(cause == "there is no field 'hold' here" for cause, _remedy in told)


def test_it_stands_for_every_provider_of_the_lab() -> None:
    changed = with_monitor(load_topology("aws-google"), MonitorPolicy(hold_seconds=7.0))
    plan = make_plan(changed)
    assert {each.coordinator.monitor.hold_seconds for each in plan.profiles.values()} == {7.0}
    assert evaluate("30 + monitor_hold", figures(Directory.of(plan))) == 37.0


def test_there_is_no_hold_period_where_all_monitors_are_off() -> None:
    plan = make_plan(with_monitor(load_topology("aws-google"), MonitorPolicy(enabled=False)))
    with pytest.raises(FormulaError, match="off"):
        evaluate("monitor_hold", figures(Directory.of(plan)))
