"""Plans that lack something on purpose: that, and nothing else."""

from __future__ import annotations

import pytest

from xcnet.lab.directory import Directory
from xcnet.lab.sabotage.faults import met
from xcnet.lab.wire import plan_from_wire, plan_to_wire
from xcnet.model.desired import BgpNeighbor, Vrf
from xcnet.model.faults import Blackhole, Cut, Flap, Loss, PrefixOverflow
from xcnet.model.load import load_topology
from xcnet.model.plan import Plan
from xcnet.model.planner import make_plan
from xcnet.model.sabotage import Sabotage
from xcnet.model.sabotaged import sabotaged

WHOLE = make_plan(load_topology("aws-google"))


def external(plan: Plan) -> list[BgpNeighbor]:
    return [
        neighbor
        for router in plan.routers.values()
        for vrf in router.vrfs
        for neighbor in vrf.neighbors
        if neighbor.remote_asn != vrf.asn
    ]


def vrfs(plan: Plan) -> list[Vrf]:
    return [vrf for router in plan.routers.values() for vrf in router.vrfs]


def test_whatever_is_not_the_plans_business_leaves_it_as_it_is() -> None:
    for each in Sabotage:
        made = sabotaged(WHOLE, each)
        assert made.sabotage is each
        assert made.nodes == WHOLE.nodes and made.orders == WHOLE.orders
        assert (made.routers == WHOLE.routers) is (each.about.where != "plan"), each
    assert WHOLE.sabotage is None


def internal(plan: Plan) -> list[BgpNeighbor]:
    return [each for vrf in vrfs(plan) for each in vrf.neighbors if each.remote_asn == vrf.asn]


def test_without_bfd_no_external_session_has_it_and_internal_ones_are_as_they_were() -> None:
    made = sabotaged(WHOLE, Sabotage.BFD_OFF)
    assert all(each.bfd is None for each in external(made)) and all(each.bfd for each in external(WHOLE))
    assert internal(made) == internal(WHOLE) != []


def test_without_a_hold_time_silence_ends_nothing() -> None:
    assert {each.hold for each in external(sabotaged(WHOLE, Sabotage.HOLD_OFF))} == {65535}


def test_without_a_limit_any_number_of_prefixes_is_accepted() -> None:
    limits = {each.prefix_limit for each in external(sabotaged(WHOLE, Sabotage.NO_LIMIT))}
    assert limits == {4294967295}


def test_without_withdrawal_routes_of_silent_neighbours_are_kept() -> None:
    made = sabotaged(WHOLE, Sabotage.NO_WITHDRAWAL)
    assert all(
        each.graceful_restart is not None and each.graceful_restart.stale_path_time == 4095 for each in vrfs(made)
    )


def test_a_sabotaged_plan_crosses_to_the_lab_whole() -> None:
    made = plan_from_wire(plan_to_wire(sabotaged(WHOLE, Sabotage.NO_DRAIN)))
    assert made.sabotage is Sabotage.NO_DRAIN
    assert plan_from_wire(plan_to_wire(WHOLE)).sabotage is None


def test_what_a_lab_says_of_its_timers_is_what_the_topology_promises() -> None:
    assert Directory.of(WHOLE).timers["aws"].bfd == (300, 300, 3)


@pytest.mark.parametrize("fault", [Cut(fault="cut", on="ch2"), Flap(fault="flap", on="ch2", period=3, down=0.5)])
def test_without_carrier_a_cut_is_silent(fault: Cut | Flap) -> None:
    assert met(fault, sabotaged(WHOLE, Sabotage.NO_CARRIER)) == Blackhole(fault="blackhole", on="ch2")
    assert met(fault, WHOLE) is fault
    assert met(fault, sabotaged(WHOLE, Sabotage.BFD_OFF)) is fault


def test_other_faults_are_met_as_they_are() -> None:
    loss = Loss(fault="loss", on="ch2", percent=3)
    assert met(loss, sabotaged(WHOLE, Sabotage.NO_CARRIER)) is loss


def test_without_a_limit_prefixes_are_counted_by_the_one_that_is_promised() -> None:
    overflow = PrefixOverflow(fault="prefix-overflow", side="gcp")
    assert met(overflow, WHOLE) is overflow
    assert met(overflow, sabotaged(WHOLE, Sabotage.NO_LIMIT)).count == 1001  # type: ignore[union-attr]


def test_a_lab_without_monitors_has_none_at_any_provider() -> None:
    made = sabotaged(WHOLE, Sabotage.NO_MONITOR)
    assert all(profile.coordinator.monitor.enabled for profile in WHOLE.profiles.values())
    assert not any(profile.coordinator.monitor.enabled for profile in made.profiles.values())
