"""Several faults at one port, and several parts over one router's state: together, and apart in any order."""

from __future__ import annotations

import itertools
from ipaddress import ip_network

import pytest

from xcnet.errors import InputError, LabError
from xcnet.lab.faults.effects import alike, described, together
from xcnet.lab.faults.overlays import check, merged
from xcnet.lab.faults.settings import fault_classes, read_fault
from xcnet.model.load import load_topology
from xcnet.model.overlay import Overlay
from xcnet.model.planner import make_plan
from xcnet.netlink.qdisc import Netem
from xcnet.secret import Secret

PLANNED = Netem(delay=0.001, limit=2442)


def test_without_a_fault_the_planned_impairment_is_left_to_the_last_field() -> None:
    assert together(PLANNED, []) is PLANNED


def test_the_order_of_faults_does_not_matter() -> None:
    effects = [Netem(loss=0.1), Netem(delay=0.02, jitter=0.001), Netem(rate=1_000_000), Netem(loss=0.5, corrupt=0.1)]
    all_orders = {described(together(PLANNED, order)) for order in itertools.permutations(effects)}
    assert all_orders == {"loss 55 %, corrupt 10 %, delay 21 ms, jitter 1 ms, rate 1 Mbit/s"}


def test_one_chance_alone_stays_exactly_what_it_is() -> None:
    assert together(Netem(), [Netem(loss=0.3)]).loss == 0.3
    assert together(Netem(loss=0.3), [Netem(loss=1.0)]).loss == 1.0


def test_the_lowest_rate_counts() -> None:
    assert together(Netem(rate=10**9), [Netem(rate=10**6), Netem(rate=10**8)]).rate == 10**6


def test_the_kernels_rounding_is_no_difference_and_everything_else_is() -> None:
    asked = Netem(loss=0.3, delay=0.02, rate=1_000_001)
    assert alike(asked, Netem(loss=0.3000000001, delay=0.02, rate=1_000_000, limit=1000))
    for other in (Netem(loss=0.31, delay=0.02, rate=1_000_001), Netem(loss=0.3, delay=0.02), Netem()):
        assert not alike(asked, other)


def test_parts_of_several_faults_lie_over_one_state_together() -> None:
    prefixes = (ip_network("203.0.113.0/24"),)
    parts = [Overlay(dark=("gw0",)), Overlay(shut=("ch1",)), Overlay(shut=("ch1",), announced={"prod": prefixes})]
    assert merged(parts) == Overlay(dark=("gw0",), shut=("ch1",), announced={"prod": prefixes})
    assert merged([]) == Overlay()


def test_two_faults_cannot_both_choose_a_channels_key() -> None:
    one = Overlay(caks={"ch1": Secret(b"a" * 16)})
    check(Overlay(caks={"ch2": Secret(b"b" * 16)}), {"wrong-cak-1": one}, "aws-edge1")
    with pytest.raises(LabError, match="wrong-cak-1 has its hand on that"):
        check(Overlay(caks={"ch1": Secret(b"b" * 16)}), {"wrong-cak-1": one}, "aws-edge1")


def test_an_overlay_changes_what_it_names_and_nothing_else() -> None:
    state = make_plan(load_topology("aws-google")).routers["aws-edge1"]
    assert Overlay(dark=("gw0",)).over(state) is state
    assert Overlay(shut=("ch9",)).over(state) == state
    wrong = Secret(b"w" * 32)
    over = Overlay(shut=("ch1",), caks={"ch1": wrong}, passwords={"ch1": Secret(b"other")}).over(state)
    assert {key.cak for key in over.channels[0].keys} == {wrong}
    assert [key.ckn for key in over.channels[0].keys] == [key.ckn for key in state.channels[0].keys]
    for before, after in zip(state.vrfs[0].neighbors, over.vrfs[0].neighbors, strict=True):
        external = before.remote_asn != state.vrfs[0].asn
        assert (after.shut, after != before) == (external, external)
    assert over.model_copy(update={"channels": state.channels, "vrfs": state.vrfs}) == state


def test_an_overlay_passes_a_socket_with_its_keys() -> None:
    overlay = Overlay(caks={"ch1": Secret(b"k" * 16)}, announced={"prod": (ip_network("2001:db8::/32"),)})
    assert Overlay.model_validate_json(overlay.reveal_json()) == overlay
    assert b"k".hex() * 16 not in overlay.model_dump_json()


def test_every_kind_has_a_name() -> None:
    assert len(fault_classes()) == 28
    assert read_fault({"fault": "loss", "on": "ch1", "percent": "5"}).fault == "loss"


@pytest.mark.parametrize(
    ("raw", "where", "remedy"),
    [
        ({"fault": "los"}, "fault", "did you mean 'loss'?"),
        ({}, "fault", "cut"),
        ({"fault": "loss", "on": "ch1", "percnt": 3}, "percnt", "did you mean 'percent'?"),
        ({"fault": "loss", "on": "ch1"}, "percent", "give its percent"),
        ({"fault": "loss", "on": "ch1", "percent": 0}, "percent", "greater than 0"),
        ({"fault": "kill", "on": "aws-gw", "daemon": "ospfd"}, "daemon", "'zebra', 'bgpd'"),
    ],
)
def test_a_wrong_fault_is_answered_with_the_field_and_what_would_be_right(
    raw: dict[str, object], where: str, remedy: str
) -> None:
    with pytest.raises(InputError) as failure:
        read_fault(raw)
    assert failure.value.where == where
    assert remedy in failure.value.remedy
