"""Which hosts a probe runs between, and what it needs of them."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from xcnet.errors import InputError, LabError
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.netlink.netns import Netns
from xcnet.probe.ground import Ground, Host, chosen_hosts
from xcnet.probe.plan import Directions, ProbePlan

LAB = make_plan(load_topology("aws-google"))


def ground(*versions: int) -> Ground:
    every = {4: ip_address("10.0.0.1"), 6: ip_address("fd00::1")}
    held = {version: every[version] for version in versions}
    return Ground(Host("a", Netns("lab-a", -1), every), Host("b", Netns("lab-b", -1), held), (), {})


def test_without_names_it_is_the_two_hosts_of_a_connection() -> None:
    assert chosen_hosts(LAB, None, None) == ("aws-app", "gcp-app")
    assert chosen_hosts(make_plan(load_topology("aws-google"), bare=True), None, None) == ("aws-app", "gcp-app")


def test_named_hosts_are_taken_in_their_order_and_must_be_hosts() -> None:
    assert chosen_hosts(LAB, "gcp-app", "aws-app") == ("gcp-app", "aws-app")
    for name in ("aws-gw", "nowhere"):
        with pytest.raises(InputError, match=f"there is no host '{name}'"):
            chosen_hosts(LAB, "aws-app", name)


@pytest.mark.parametrize(
    ("directions", "expected"),
    [
        (Directions.FORTH, ["a > b IPv4", "a > b IPv6"]),
        (Directions.BACK, ["b > a IPv4", "b > a IPv6"]),
        (Directions.BOTH, ["a > b IPv4", "a > b IPv6", "b > a IPv4", "b > a IPv6"]),
    ],
)
def test_there_is_a_stream_for_each_direction_and_version(directions: Directions, expected: list[str]) -> None:
    streams = ground(4, 6).streams(ProbePlan(directions=directions, flows=16))
    assert [stream.name for stream in streams] == expected
    assert sorted(flow for stream in streams for flow in stream.flows) == list(range(16))


def test_a_host_without_an_address_of_a_version_is_named() -> None:
    assert len(ground(4).streams(ProbePlan(versions=(4,)))) == 2
    with pytest.raises(LabError, match="b has no IPv6 address"):
        ground(4).streams(ProbePlan())
