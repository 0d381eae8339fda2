"""What a fault's ``on`` names in the shipped default lab, and what it does not."""

from __future__ import annotations

import pytest

from xcnet.errors import InputError
from xcnet.lab.faults.targets import Port, channels_of, lines
from xcnet.model.faults import Direction
from xcnet.model.load import load_topology
from xcnet.model.plan import Plan
from xcnet.model.planner import make_plan


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(load_topology("aws-google"))


@pytest.mark.parametrize(
    ("on", "names"),
    [
        ("ch3", ["ch3"]),
        ("fac-a", ["ch1", "ch2"]),
        ("gcp", ["ch1", "ch2", "ch3", "ch4"]),
        ("all", ["ch1", "ch2", "ch3", "ch4"]),
        ("aws-edge2/aws-gw", ["aws-edge2/aws-gw"]),
        ("aws-gw/aws-edge2", ["aws-edge2/aws-gw"]),
    ],
)
def test_a_name_stands_for_its_lines(plan: Plan, on: str, names: list[str]) -> None:
    assert [line.name for line in lines(plan, on)] == names


def test_frames_to_the_second_provider_leave_the_facility_by_its_port(plan: Plan) -> None:
    (line,) = lines(plan, "ch1")
    assert line.ends == (Port("fac-a", "ch1-aws"), Port("fac-a", "ch1-gcp"))
    assert line.ways(Direction.FIRST) == (Port("fac-a", "ch1-gcp"),)
    assert line.ways(Direction.SECOND) == (Port("fac-a", "ch1-aws"),)
    assert set(line.ways(Direction.BOTH)) == set(line.ends)


def test_the_edge_is_the_first_side_of_an_internal_link(plan: Plan) -> None:
    (line,) = lines(plan, "gcp-gw/gcp-edge3")
    assert not line.fibre
    assert line.channels == ("ch3",)
    assert line.ways(Direction.FIRST) == (Port("gcp-edge3", "gw0"),)
    assert line.ways(Direction.SECOND)[0].node == "gcp-gw"


@pytest.mark.parametrize(
    ("on", "remedy"),
    [
        ("ch11", "did you mean 'ch1'?"),
        ("fac-c", "known here: "),
        ("aws-edge1/aws-gv", "did you mean 'aws-edge1/aws-gw'?"),
        ("aws-edge1/gcp-edge1", "aws-edge1/aws-gw"),
        ("", "ch1"),
    ],
)
def test_an_unknown_name_is_answered_with_those_that_there_are(plan: Plan, on: str, remedy: str) -> None:
    with pytest.raises(InputError) as failure:
        lines(plan, on)
    assert remedy in failure.value.remedy


def test_channels_pass_their_routers(plan: Plan) -> None:
    assert channels_of(plan, "aws-edge4") == ("ch4",)
    assert channels_of(plan, "gcp-gw") == ("ch1", "ch2", "ch3", "ch4")
    assert channels_of(plan, "fac-b") == ("ch3", "ch4")
