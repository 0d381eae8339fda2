"""Thousands of routes at once are a crowd; those that were shown one by one before stay so."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_network
from itertools import islice
from socket import AF_INET, AF_INET6

from xcnet.edge.crowds import Crowds
from xcnet.edge.fib import Key
from xcnet.model.observed import CrowdObservation, VrfObservation

CUSTOMER = "10.20.0.0/24"


def key(prefix: str | IPv4Network | IPv6Network) -> Key:
    network = ip_network(prefix)
    return (AF_INET if network.version == 4 else AF_INET6, network.network_address.packed, network.prefixlen)


def held(*prefixes: str, flood: int = 0, through: tuple[str, ...] = ("ch1.1100",)) -> dict[Key, tuple[str, ...]]:
    surplus = islice(IPv4Network("100.96.0.0/11").subnets(new_prefix=28), flood)
    return {key(each): through for each in (*prefixes, *surplus)}


def test_a_few_are_shown_one_by_one_in_order() -> None:
    routes, crowd = Crowds().shown(held("fd00:10:20::/64", "10.20.1.0/24", CUSTOMER))
    assert [str(each.prefix) for each in routes] == [CUSTOMER, "10.20.1.0/24", "fd00:10:20::/64"]
    assert crowd == ()


def test_a_flood_is_counted_and_what_was_there_before_stays_single() -> None:
    crowds = Crowds()
    crowds.shown(held(CUSTOMER))
    routes, crowd = crowds.shown(held(CUSTOMER, flood=5000))
    assert [str(each.prefix) for each in routes] == [CUSTOMER]
    assert crowd == (CrowdObservation(version=4, interfaces=("ch1.1100",), count=5000),)
    # The customer's own goes and comes back in the middle of it.
    assert crowds.shown(held(flood=4000))[0] == ()
    assert [str(each.prefix) for each in crowds.shown(held(CUSTOMER, flood=5000))[0]] == [CUSTOMER]
    assert crowds.shown(held(CUSTOMER)) == crowds.shown(held(CUSTOMER))
    assert crowds.shown(held(CUSTOMER))[1] == ()


def test_the_end_of_a_flood_does_not_make_its_rest_single() -> None:
    crowds = Crowds()
    crowds.shown(held(CUSTOMER))
    crowds.shown(held(CUSTOMER, flood=1000))
    routes, crowd = crowds.shown(held(CUSTOMER, flood=3))
    assert len(routes) == 1
    assert [each.count for each in crowd] == [3]


def test_a_crowd_counts_like_single_routes() -> None:
    crowds = Crowds()
    crowds.shown(held(CUSTOMER))
    routes, crowd = crowds.shown({**held(CUSTOMER, flood=100), **held("10.30.0.0/24", through=("a", "b"))})
    vrf = VrfObservation(name="v", routes=routes, crowd=crowd)
    assert (vrf.held(4), vrf.held(6)) == (102, 0)
    assert (vrf.through("ch1.1100", 4), vrf.through("a", 4), vrf.through("ch1.1100", 6)) == (101, 1, 0)
