"""The management network: coordinators reach each other over it, and nobody else reaches or is reached from it."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator

import pytest

from xcnet.fabric.network import Fabric, build
from xcnet.fabric.node import CoordinatorNode
from xcnet.model.load import load_topology
from xcnet.model.plan import NodeKind
from xcnet.model.planner import make_plan
from xcnet.netlink import routes, sysctl
from xcnet.netlink.socket import NetlinkSocket

pytestmark = pytest.mark.lab

_names = itertools.count(1)


@pytest.fixture
def lab() -> Iterator[Fabric]:
    with build(make_plan(load_topology("minimal")), f"m{os.getpid()}-{next(_names)}") as fabric:
        yield fabric


def ping(fabric: Fabric, node: str, address: str) -> subprocess.CompletedProcess[str]:
    with fabric.netns(node).entered():
        return subprocess.run(
            ["ping", "-c", "1", "-W", "2", address], capture_output=True, text=True, check=False, timeout=20
        )


def test_coordinators_reach_each_other(lab: Fabric) -> None:
    for coordinator in lab.plan.coordinators.values():
        for link in coordinator.peers.values():
            done = ping(lab, coordinator.node, str(link.peer))
            assert done.returncode == 0, done.stdout + done.stderr


def test_no_other_node_reaches_a_coordinator(lab: Fabric) -> None:
    targets = [str(link.address.ip) for each in lab.plan.coordinators.values() for link in each.peers.values()]
    others = [node for node in lab.plan.nodes if node.kind is not NodeKind.COORDINATOR]
    assert len(others) == 7
    for node in others:
        for target in targets:
            assert ping(lab, node.name, target).returncode != 0, f"{node.name} reaches {target}"


def test_a_coordinator_knows_the_way_to_its_peers_alone_and_hands_nothing_on(lab: Fabric) -> None:
    for coordinator in lab.plan.coordinators.values():
        with NetlinkSocket(netns=lab.netns(coordinator.node)) as netlink:
            held = [each for each in routes.dump(netlink, routes.MAIN_TABLE) if each.destination.version == 4]
        assert [each.destination for each in held] == [link.address.network for link in coordinator.peers.values()]
        assert sysctl.read("net/ipv4/ip_forward", lab.netns(coordinator.node)) == "0"
        host = lab.plan.hosts[0].addresses[0].ip
        refused = ping(lab, coordinator.node, str(host))
        assert refused.returncode != 0
        assert "unreachable" in (refused.stdout + refused.stderr).lower()


def test_coordinators_are_nodes_as_others_are(lab: Fabric) -> None:
    node = lab.node("aws-coord")
    assert isinstance(node, CoordinatorNode)
    assert node.IP() == "198.19.0.0"
    assert node.cmd("ip -br address show dev lo").split()[:2] == ["lo", "UNKNOWN"]
    assert "127.0.0.1/8" in node.cmd("ip -br address show dev lo")
