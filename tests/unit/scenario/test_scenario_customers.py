"""What customers are told while a scenario runs, and what is left of what was refused."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import pytest
from scenario_world import Clock, PlayedStage, scenario

from xcnet.errors import LabError
from xcnet.lab.inventory import Inventory, differences, lasting, store
from xcnet.scenario.judge import judge
from xcnet.scenario.results import Check, Verdict
from xcnet.scenario.run import Run
from xcnet.scenario.voices import Said, Voices, said_of

CUT = "{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}"
WARM_UP = 2.0


def checks(expect: str, **more: Any) -> dict[str, Check]:
    clock = Clock()
    of = scenario(CUT, expect)
    stage = PlayedStage(clock, **more)
    return {each.name: each for each in judge(of, Run(of, stage, now=clock.host, pause=clock.pause).carry_out())}


def down_between(begin: float, end: float, provider: str = "gcp") -> Callable[[str, float], Said]:
    """:param begin: seconds since the run began."""

    def said(who: str, at: float) -> Said:
        down = who == provider and begin <= at - WARM_UP < end
        return Said("down" if down else "available", bandwidth=1_000_000_000, mtu=8500)

    return said


@pytest.mark.parametrize(
    ("expect", "holds", "measured"),
    [
        ("{check: api-says, by: gcp, state: down, after: cut, within: 5}", True, "after "),
        ("{check: api-says, by: gcp, state: down, after: cut, within: 0.2}", False, "after "),
        ("{check: api-says, state: down, after: cut, within: 5}", False, "aws said available"),
        ("{check: api-says, state: available}", True, "aws: available, gcp: available"),
        ("{check: api-says, by: gcp, state: down}", False, "gcp: available"),
        ("{check: api-says, bandwidth: 1Gbps, mtu: common_mtu}", True, "aws: available, 1000 Mbit/s, MTU 8500"),
        ("{check: api-says, bandwidth: 2Gbps}", False, "aws: available, 1000 Mbit/s"),
        ("{check: api-says, by: aws, mtu: common_mtu - 1}", False, "aws: available, MTU 8500"),
        ("{check: api-says, by: gcp, connection: prod, state: deleted}", False, "gcp: available"),
    ],
)
def test_customers_are_told_in_time_or_not(expect: str, holds: bool, measured: str) -> None:
    (check,) = checks(expect, said=down_between(4.0, 8.0)).values()
    assert check.verdict is (Verdict.PASS if holds else Verdict.FAIL), check
    assert check.measured.startswith(measured)


def test_a_connection_that_nobody_knows_is_deleted() -> None:
    (check,) = checks("{check: api-says, state: deleted}", said=lambda *_: Said("deleted")).values()
    assert check.verdict is Verdict.PASS


def test_a_run_lasts_until_a_customer_is_told_or_it_is_overdue() -> None:
    expect = "{check: api-says, by: gcp, state: down, after: cut, within: 30}"
    (check,) = checks(expect, said=down_between(20.0, 60.0)).values()
    assert check.verdict is Verdict.PASS
    (check,) = checks(expect, said=down_between(90.0, 99.0)).values()
    assert (check.verdict, check.measured) == (Verdict.FAIL, "gcp said available")


def test_a_coordinator_that_does_not_answer_keeps_nobody_from_hearing_the_other() -> None:
    now = 0.0
    asked: list[str] = []

    def ask(provider: str) -> Future[Any]:
        asked.append(provider)
        future: Future[Any] = Future()
        if provider == "aws":
            future.set_exception(LabError("the coordinator is not running"))
        elif now < 5:
            future.set_result({"prod": Said("available")})
        return future

    voices = Voices(("aws", "gcp"), ask, lambda: now)
    for now in range(10):  # noqa: B007 - the time
        voices.listen()
    assert {voice.provider for voice in voices.heard} == {"gcp"}
    assert asked.count("aws") >= 4, "it is asked again"
    assert asked.count("gcp") == 4, "one question at a time"


LEG = {"state": "available", "verified": True, "target_mbps": None, "bandwidth_mbps": 1000, "features": [{"mtu": 8500}]}


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "available"),
        ({"verified": False}, "down"),
        ({"verified": False, "state": "provisioning"}, "pending"),
        ({"target_mbps": 2000}, "updating"),
        ({"state": "deleting"}, "deleting"),
    ],
)
def test_a_customer_hears_in_one_word_how_a_connection_is(change: dict[str, Any], state: str) -> None:
    assert said_of({"legs": [{**LEG, **change}]}) == Said(state, 1_000_000_000, 8500)
    assert said_of({"legs": []}) == Said("pending")


ROUTER: Inventory = {"aws-gw": ("link vrf-prod",)}


@pytest.mark.parametrize(
    ("after", "verdict", "measured"),
    [
        ([ROUTER], Verdict.PASS, "nothing"),
        ([{"aws-gw": ("link vrf-prod", "link vrf-x")}, ROUTER], Verdict.PASS, "nothing"),
        ([{"aws-gw": ("link vrf-prod", "link vrf-x")}], Verdict.FAIL, "+ aws-gw: link vrf-x"),
        ([{}], Verdict.FAIL, "- aws-gw: link vrf-prod"),
    ],
)
def test_what_is_left_of_a_run_is_named(after: list[Inventory], verdict: Verdict, measured: str) -> None:
    (check,) = checks("{check: left-nothing}", held=[ROUTER, *after]).values()
    assert (check.verdict, check.measured) == (verdict, measured)


def test_a_store_is_compared_line_by_line_by_name() -> None:
    def of(*names: str, ahead: float = 0.0, applied: int = 1) -> Inventory:
        views = [{"name": name, "legs": [{"verified": True}], "generation": applied} for name in names]
        return store("aws", {"connections": views}, ahead)

    assert differences(of("a"), of("a", applied=2)) == []
    assert differences(of("b"), of("a", "b")) == [
        "+ coordinator of aws: connections[a].legs[].verified True",
        "+ coordinator of aws: connections[a].name a",
    ]
    (came, went) = differences(of(ahead=0.4), of(ahead=7200.0))
    assert lasting(came) and lasting(went) and "7200 s ahead" in came
    assert not lasting("+ coordinator of aws: connections[a].legs[].verified True")
