"""Names and batches of a fabric, decided without a kernel."""

from __future__ import annotations

import pytest
from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.errors import LabError
from xcnet.fabric.batches import Blueprint
from xcnet.fabric.facility import Facility, netem_of
from xcnet.fabric.network import namespace_name, namespace_prefix
from xcnet.model.plan import Impairment, NodeKind, Plan, PlannedLink, PlannedNode, Splice
from xcnet.netlink.netns import Netns
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.socket import decode


def _plan() -> Plan:
    fibre = ("02:00:00:00:00:01", "02:00:00:00:00:02")
    return Plan(
        topology="t",
        nodes=(
            PlannedNode("e1", NodeKind.EDGE, "aws"),
            PlannedNode("f", NodeKind.FACILITY),
            PlannedNode("e2", NodeKind.EDGE, "gcp"),
        ),
        links=(
            PlannedLink(("e1", "ch1"), ("f", "one"), "fibre", 9100, fibre, "ch1", Impairment(delay=0.001)),
            PlannedLink(("f", "two"), ("e2", "ch1"), "fibre", 9100, fibre, "ch1"),
        ),
        splices=(Splice("f", "ch1", ("one", "two")),),
        hosts=(),
        channels=(),
        connections=(),
        routers={},
    )


def _blueprint() -> Blueprint:
    plan = _plan()
    return Blueprint(plan, {node.name: Netns(node.name, 50 + i) for i, node in enumerate(plan.nodes)})


def test_no_labs_names_begin_with_anothers() -> None:
    assert not namespace_name("lab-b", "x").startswith(namespace_prefix("lab"))
    assert namespace_name("lab", "aws-edge1") == "xcnet.lab.aws-edge1"


def test_each_end_is_made_in_its_own_namespace_under_a_number_chosen_beforehand() -> None:
    blueprint = _blueprint()
    first = decode(ifinfmsg, blueprint.links()[0].encode(1))
    assert first.get_attr("IFLA_NET_NS_FD") == 50
    assert first["index"] == blueprint.index("e1", "ch1")
    peer = first.get_attr("IFLA_LINKINFO").get_attr("IFLA_INFO_DATA").get_attr("VETH_INFO_PEER")
    assert peer.get_attr("IFLA_NET_NS_FD") == 51
    assert peer.get_attr("IFLA_ADDRESS") == "02:00:00:00:00:02"
    assert peer.get_attr("IFLA_MTU") == 9100
    assert blueprint.index("f", "one") != blueprint.index("f", "two")


def test_a_routers_fibre_port_is_gated_before_it_is_up() -> None:
    wanted = [request.what for request in _blueprint().ports("e1")]
    gated = max(i for i, what in enumerate(wanted) if what.startswith("gate"))
    raised = min(i for i, what in enumerate(wanted) if what.endswith(": up"))
    assert gated < raised


def test_a_facility_is_not_gated_but_joined_and_impaired_on_the_planned_port_only() -> None:
    blueprint = _blueprint()
    wanted = [request.what for request in blueprint.ports("f")]
    assert not any(what.startswith("gate") for what in wanted)
    assert sum(what.startswith("send what comes in") for what in wanted) == 2
    impaired = [what for what in wanted if what.startswith("put Netem")]
    assert len(impaired) == 1
    assert f"number {blueprint.index('f', 'one')}" in impaired[0]


def test_an_impairment_is_netems() -> None:
    assert netem_of(Impairment(0.1, 0.01, 0.5, 1000)) == Netem(delay=0.1, jitter=0.01, loss=0.5, rate=1000)
    assert netem_of(Impairment()).idle


def test_a_facility_names_its_ports_and_channels_when_asked_for_others() -> None:
    facility = Facility("f", Netns("f", -1), _plan().splices, {"one": 101, "two": 102})
    with pytest.raises(LabError, match="no port three") as refused:
        facility.index("three")
    assert refused.value.remedy == "its ports are one, two"
    with pytest.raises(LabError, match="channel ch9") as refused:
        facility.splice("ch9")
    assert refused.value.remedy == "its channels are ch1"
