"""Runs under a clock of their own: what is done when, what is put back, and what is made of what was seen."""

from __future__ import annotations

from typing import Any

import pytest
from scenario_world import BOOT, FIT, Clock, PlayedStage, event, plan, probe, scenario

from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.probe.results import ChannelShare, ProbeResult
from xcnet.scenario.course import restoration
from xcnet.scenario.document import Scenario
from xcnet.scenario.judge import Seen, judge, verdict
from xcnet.scenario.results import Check, Verdict
from xcnet.scenario.run import Run

CUT = "{name: cut, at: 3s, fault: cut, on: ch2, for: 5s}"
WARM_UP = 2.0


def run(of: Scenario, stage: PlayedStage, clock: Clock) -> Seen:
    return Run(of, stage, now=clock.host, pause=clock.pause).carry_out()


def played(
    expect: str, script: Any = None, steps: str = CUT, probe: ProbeResult | None = None, **more: Any
) -> dict[str, Check]:
    """The checks by name, of a run with a script."""
    clock = Clock()
    of = scenario(steps, expect)
    stage = PlayedStage(clock, script or (lambda _kind, _begins, _at: []), probe, **more)
    seen = run(of, stage, clock)
    assert not stage.standing
    return {check.name: check for check in judge(of, seen)}


def peer_of(channel: str, node: str = "aws-edge2") -> str:
    state = plan().routers[node]
    vrf = state.vrfs[0]
    interface = next(each.name for each in vrf.interfaces if each.name.startswith(f"{channel}."))
    return next(str(each.address) for each in vrf.neighbors if each.interface == interface)


def down_and_up(detection: float = 0.05, back: float = 2.0) -> Any:
    """BFD and BGP of ch2 at one edge, and the gateway's route."""
    peer = peer_of("ch2")
    data = {"vrf": "vrf-prod", "peer": peer}

    def script(_kind: str, begins: bool, at: float) -> list[Event]:
        if begins:
            return [
                event(at + detection, "aws-edge2.bfdd", "bfd.down", f"vrf-prod/{peer}", **data),
                event(at + detection + 0.01, "aws-edge2.bgpd", "bgp.down", f"vrf-prod/{peer}", **data),
                event(
                    at + detection + 0.02,
                    "aws-gw.edged",
                    "fib.lost",
                    "vrf-prod/10.20.0.0/24",
                    interfaces=("edge1.1", "edge3.1"),
                    was=("edge1.1", "edge2.1", "edge3.1"),
                ),
            ]
        return [
            event(at + back - 0.5, "aws-edge2.bfdd", "bfd.up", f"vrf-prod/{peer}", **data),
            event(at + back - 0.2, "aws-edge2.bgpd", "bgp.established", f"vrf-prod/{peer}", **data),
            event(
                at + back,
                "aws-gw.edged",
                "fib.restored",
                "vrf-prod/10.20.0.0/24",
                interfaces=("edge1.1", "edge2.1", "edge3.1"),
                was=("edge1.1", "edge3.1"),
            ),
        ]

    return script


def test_steps_are_done_at_their_moments_and_faults_ended_in_time() -> None:
    clock = Clock()
    stage = PlayedStage(clock)
    seen = run(scenario(CUT + ", {name: turn, at: 4s, do: rotate, channel: ch1}", "{check: verified}"), stage, clock)
    assert [(round(at - WARM_UP, 1), what) for at, what in stage.log] == [
        (3.0, "begin cut"),
        (4.0, "do rotate"),
        (8.0, "end cut"),
        (11.0, "traffic stopped"),
    ]
    (span,) = seen.faults
    assert (round(span.began, 1), round(span.ended or 0, 1), span.channels) == (3.0, 8.0, ("ch2",))


def test_a_fault_without_an_end_is_ended_with_the_run() -> None:
    clock = Clock()
    stage = PlayedStage(clock)
    run(scenario("{name: cut, at: 1s, fault: cut, on: ch2}", "{check: verified}"), stage, clock)
    assert [what for _, what in stage.log] == ["begin cut", "end cut", "traffic stopped"]


def test_whatever_goes_wrong_faults_are_ended_and_traffic_stopped() -> None:
    clock = Clock()
    stage = PlayedStage(clock)

    def failing(_fault: Any) -> Any:
        raise LabError("it cannot be put in place")

    good = stage.begin_fault
    stage.begin_fault = lambda fault: failing(fault) if fault.fault == "loss" else good(fault)  # type: ignore[method-assign]
    steps = CUT + ", {name: worse, at: 4s, fault: loss, percent: 5, on: ch1}"
    with pytest.raises(LabError, match="cannot be put in place"):
        run(scenario(steps, "{check: verified}"), stage, clock)
    assert [what for _, what in stage.log] == ["begin cut", "end cut", "traffic stopped"]


def test_a_fault_that_cannot_be_ended_keeps_none_of_the_others() -> None:
    clock = Clock()
    stage = PlayedStage(clock)
    good = stage.end_fault

    def end(standing: Any) -> float:
        if standing.kind == "loss":
            raise LabError("it cannot be undone")
        return good(standing)

    stage.end_fault = end  # type: ignore[method-assign]
    steps = "{name: cut, at: 1s, fault: cut, on: ch2}, {name: worse, at: 2s, fault: loss, percent: 5, on: ch1}"
    with pytest.raises(LabError, match="cannot be undone"):
        run(scenario(steps, "{check: verified}"), stage, clock)
    assert [what for _, what in stage.log] == ["begin cut", "begin loss", "end cut", "traffic stopped"]


def test_a_step_waits_for_its_event_after_the_steps_above_it() -> None:
    clock = Clock()
    stage = PlayedStage(clock, down_and_up(detection=1.0))
    steps = CUT + ", {name: more, when: {event: bgp.down, on: ch2}, do: rotate, channel: ch1}"
    seen = run(scenario(steps, "{check: verified}"), stage, clock)
    assert 4.0 <= seen.steps["more"] <= 4.3


def test_a_moment_that_never_comes_fails_the_run() -> None:
    steps = CUT + ", {name: more, when: {event: bgp.down, on: ch3, within: 9s}, do: rotate, channel: ch1}"
    check = played("{check: verified}", down_and_up(), steps)["step more"]
    assert (check.verdict, check.measured) == (Verdict.FAIL, "its moment never came")


@pytest.mark.parametrize(
    "expect",
    [
        "{check: event, event: key.removed, on: ch1, after: more, within: 5}",
        "{check: api-says, state: down, by: aws, after: more, within: 5}",
    ],
)
def test_nothing_is_waited_for_after_a_moment_that_never_came(expect: str) -> None:
    steps = CUT + ", {name: more, when: {event: bgp.down, on: ch3, within: 9s}, do: rotate, channel: ch1}"
    checks = played(expect, down_and_up(), steps)
    (check,) = [check for name, check in checks.items() if not name.startswith("step ")]
    assert (check.verdict, check.measured) == (Verdict.FAIL, "more never came")


@pytest.mark.parametrize(
    ("expect", "name", "holds"),
    [
        ("{check: event, event: bgp.down, on: ch2, after: cut, within: 1}", "bgp.down on ch2", True),
        ("{check: event, event: bgp.down, on: ch2, after: cut, within: 0.01}", "bgp.down on ch2", False),
        ("{check: event, event: bgp.down, on: ch2, after: cut, at_least: 0.5}", "bgp.down on ch2", False),
        ("{check: event, event: bgp.down, on: ch1, after: cut, within: 1}", "bgp.down on ch1", False),
        ("{check: event, event: bgp.down, on: aws-edge2}", "bgp.down on aws-edge2", True),
        ("{check: event, event: bgp.down, times: 2}", "bgp.down", False),
        ("{check: no-event, event: bfd.down, on: ch1}", "no bfd.down on ch1", True),
        ("{check: no-event, event: bfd.down}", "no bfd.down", False),
        ("{check: no-event, event: 'b*.down', on: ch2}", "no b*.down on ch2", False),
        ("{check: restored, of: cut, within: 3}", "all as before cut", True),
        ("{check: restored, of: cut, within: 1}", "all as before cut", False),
        ("{check: verified}", "connections seen to work", True),
    ],
)
def test_expectations_hold_or_fail_by_what_happened(expect: str, name: str, holds: bool) -> None:
    assert played(expect, down_and_up())[name].verdict is (Verdict.PASS if holds else Verdict.FAIL)


def test_what_does_not_come_back_is_named() -> None:
    script = down_and_up()
    check = played(
        "{check: restored, of: cut, within: 3}", lambda kind, begins, at: script(kind, begins, at) if begins else []
    )
    assert check["all as before cut"].verdict is Verdict.FAIL
    assert check["all as before cut"].measured.startswith("missing: bfd vrf-prod/")


def test_a_route_that_comes_back_by_other_ways_is_not_as_before() -> None:
    lost = event(1, "gw.edged", "fib.lost", "v/p", was=("a", "b"), interfaces=("a",))
    half = event(2, "gw.edged", "fib.restored", "v/p", was=("a",), interfaces=("a", "c"))
    assert restoration([lost, half], BOOT).at is None
    assert (
        restoration([lost, half, event(3, "gw.edged", "fib.lost", "v/p", interfaces=("a", "b"))], BOOT).at == BOOT + 3
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(4.0, Verdict.PASS), (5.4, Verdict.PASS), (5.8, Verdict.INCONCLUSIVE), (0.5, Verdict.INCONCLUSIVE)],
)
def test_detection_outside_of_what_the_protocol_allows_judges_nothing(seconds: float, said: Verdict) -> None:
    # AWS hears from Google once a second, five times in vain; Google from AWS once a second, three times in vain.
    steps = "{name: hole, at: 3s, fault: blackhole, on: ch2, for: 10s}"
    expect = "{check: detection, of: hole, earliest: first_detection(ch2), computed: detection(ch2)}"
    assert played(expect, down_and_up(seconds), steps)["BFD's detection of hole"].verdict is said


def test_no_detection_at_all_fails() -> None:
    steps = "{name: hole, at: 3s, fault: blackhole, on: ch2, for: 10s}"
    check = played("{check: detection, of: hole, computed: detection(ch2)}", None, steps)["BFD's detection of hole"]
    assert (check.verdict, check.measured) == (Verdict.FAIL, "no session went down")


@pytest.mark.parametrize(
    ("expect", "measured", "said"),
    [
        ("{check: longest-loss, at_most: 0.3}", "0.25 s", Verdict.PASS),
        ("{check: longest-loss, at_most: 0.2}", "0.25 s", Verdict.FAIL),
        ("{check: longest-loss, at_least: 0.3, at_most: 9}", "0.25 s", Verdict.FAIL),
        ("{check: lost, at_most: 0}", "30", Verdict.FAIL),
        ("{check: lost-share, at_most: 10}", "7.5 %", Verdict.PASS),
        ("{check: flows-hit, at_most: 50}", "50 %", Verdict.PASS),
        ("{check: flows-hit, at_most: 49}", "50 %", Verdict.FAIL),
        ("{check: duplicated, at_most: 0}", "1", Verdict.FAIL),
    ],
)
def test_traffic_is_judged_by_what_the_probe_found(expect: str, measured: str, said: Verdict) -> None:
    found = probe(BOOT + 20, {0: (BOOT + 5, 0.25, 20), 1: (BOOT + 5.1, 0.1, 10)}, duplicated=1)
    (check,) = played(expect, probe=found).values()
    assert (check.measured, check.verdict) == (measured, said)


def test_a_channels_share_is_that_of_the_fault_s_time() -> None:
    # The run begins two seconds after the lab's clock; the fault stands from 5 to 10.
    shares = [
        ChannelShare(start=BOOT + at, seconds=1, frames={"ch1": 30, "ch2": 0 if 5 <= at < 10 else 30, "ch3": 30})
        for at in range(2, 14)
    ]
    found = probe(BOOT + 20, shares=shares)
    expect = "{check: channel-share, channel: ch2, during: cut, at_most: 1}"
    assert played(expect, probe=found)["share of ch2 during cut"].verdict is Verdict.PASS
    none = played(expect, probe=probe(BOOT + 20))["share of ch2 during cut"]
    assert none.verdict is Verdict.INCONCLUSIVE


def test_actions_are_done_or_refused_as_the_file_says() -> None:
    steps = (
        "{name: turn, at: 1s, do: rotate, channel: ch1}, "
        "{name: again, at: 2s, do: resize, bandwidth: 2Gbps, refused: in flight}, "
        "{name: third, at: 3s, do: migrate, refused: no room}"
    )
    checks = played(
        "{check: actions}", steps=steps, refusals={"rotate": "it is baking", "resize": "an update is in flight"}
    )
    assert {name: check.verdict for name, check in checks.items()} == {
        "step turn": Verdict.FAIL,
        "step again": Verdict.PASS,
        "step third": Verdict.FAIL,
    }


def test_connections_that_do_not_work_at_the_end_are_named() -> None:
    check = played("{check: verified}", unverified=["prod at AWS"])["connections seen to work"]
    assert (check.verdict, check.measured) == (Verdict.FAIL, "not prod at AWS")


def check(said: Verdict) -> Check:
    return Check(name="x", expected="a", measured="b", verdict=said)


@pytest.mark.parametrize(
    ("checks", "said"),
    [
        ([Verdict.PASS, Verdict.PASS], Verdict.PASS),
        ([Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE], Verdict.FAIL),
        ([Verdict.PASS, Verdict.INCONCLUSIVE], Verdict.INCONCLUSIVE),
    ],
)
def test_a_run_is_as_good_as_its_worst_check(checks: list[Verdict], said: Verdict) -> None:
    assert verdict([check(each) for each in checks], probe(BOOT))[0] is said


@pytest.mark.parametrize("said", [Verdict.PASS, Verdict.FAIL])
def test_an_unfit_probe_is_never_a_pass_and_never_a_fail(said: Verdict) -> None:
    unfit = probe(BOOT, quality=FIT.model_copy(update={"problems": ("the host was busy",)}))
    assert verdict([check(said)], unfit) == (Verdict.INCONCLUSIVE, ("the host was busy",))


def test_a_run_lasts_until_what_is_expected_has_come_or_is_overdue() -> None:
    clock = Clock()
    stage = PlayedStage(clock, down_and_up(back=15.0))
    run(scenario(CUT, "{check: restored, of: cut, within: 30}"), stage, clock)
    assert 22.5 <= stage.log[-1][0] - WARM_UP <= 24.5
    clock = Clock()
    stage = PlayedStage(clock, lambda kind, begins, at: down_and_up()(kind, begins, at) if begins else [])
    run(scenario(CUT, "{check: restored, of: cut, within: 10}"), stage, clock)
    assert 17.5 <= stage.log[-1][0] - WARM_UP <= 19.0
