"""A small plan: two edges joined through a facility, and a gateway with a host behind one of them."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from ipaddress import ip_interface

import pytest

from xcnet.fabric.network import Fabric, build
from xcnet.model.plan import (
    HostAddressing,
    Impairment,
    NodeKind,
    Plan,
    PlannedLink,
    PlannedNode,
    Splice,
)

_names = itertools.count(1)


@pytest.fixture
def plan() -> Plan:
    return Plan(
        topology="small",
        nodes=(
            PlannedNode("host", NodeKind.HOST, "aws"),
            PlannedNode("gw", NodeKind.GATEWAY, "aws"),
            PlannedNode("edge-a", NodeKind.EDGE, "aws"),
            PlannedNode("fac", NodeKind.FACILITY),
            PlannedNode("edge-b", NodeKind.EDGE, "gcp"),
        ),
        links=(
            PlannedLink(("host", "eth0"), ("gw", "host"), "access", 9000, ("02:00:00:00:00:01", "02:00:00:00:00:02")),
            PlannedLink(
                ("gw", "edge-a"), ("edge-a", "gw0"), "internal", 9100, ("02:00:00:00:00:03", "02:00:00:00:00:04")
            ),
            PlannedLink(
                ("edge-a", "ch1"),
                ("fac", "ch1-aws"),
                "fibre",
                9100,
                ("02:00:00:00:00:05", "02:00:00:00:00:06"),
                "ch1",
                Impairment(delay=0.002),
            ),
            PlannedLink(
                ("edge-b", "ch1"), ("fac", "ch1-gcp"), "fibre", 9100, ("02:00:00:00:00:07", "02:00:00:00:00:08"), "ch1"
            ),
        ),
        splices=(Splice("fac", "ch1", ("ch1-aws", "ch1-gcp")),),
        hosts=(
            HostAddressing(
                "host",
                "eth0",
                "prod",
                (ip_interface("10.10.0.2/24"), ip_interface("fd00:10:10::2/64")),
                ("10.10.0.1", "fd00:10:10::1"),
            ),
        ),
        channels=(),
        connections=(),
        routers={},
    )


@pytest.fixture
def make(plan: Plan) -> Iterator[Callable[[str], Fabric]]:
    """Builds the plan under a name of its own; everything is stopped afterwards."""
    made: list[Fabric] = []

    def build_it(name: str = "") -> Fabric:
        made.append(build(plan, name or f"t{os.getpid()}-{next(_names)}"))
        return made[-1]

    yield build_it
    for fabric in made:
        fabric.stop()


@pytest.fixture
def fabric(make: Callable[[], Fabric]) -> Fabric:
    return make()
