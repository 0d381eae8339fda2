"""A channel that is drained: traffic of both directions leaves it, and comes back, without losing a packet or a session."""

from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from one_side import EDGES, ROUTERS, VRF, Flow, Side, edge_state, end_state, plain_states

from xcnet.model.desired import RouterState

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def side() -> Iterator[Side]:
    made = Side(Path("/run/xcnet-frr-draining"))
    made.build()
    try:
        made.start(plain_states())
        for state in plain_states().values():
            made.apply(state)
        made.until_settled()
        yield made
    finally:
        made.stop()


NEAR_TO_FAR = (("gw-host", "far-host", "10.1.0.2", "10.2.0.2"), ("gw-host", "far-host", "fd01::2", "fd02::2"))
FAR_TO_NEAR = (("far-host", "gw-host", "10.2.0.2", "10.1.0.2"), ("far-host", "gw-host", "fd02::2", "fd01::2"))


def drops(side: Side) -> list[tuple[str, str, int]]:
    return [(router, str(each.peer), each.drops) for router in ROUTERS for each in side.sessions(router)]


def preferences(side: Side, router: str, prefix: str) -> dict[str, int]:
    """Local preference of the paths to a prefix, by the neighbour that announced each."""
    with side.vty(router) as bgpd:
        answer = bgpd.json(f"show bgp vrf {VRF} ipv4 unicast {prefix} json")
    return {path["peer"]["peerId"]: path.get("locPrf", 100) for path in answer["paths"]}


@pytest.mark.parametrize("drainer", ["e1", "far"])
def test_either_end_of_a_channel_can_take_both_directions_off_it_and_back_without_loss(side: Side, drainer: str):
    drained = edge_state("e1", drained=True) if drainer == "e1" else end_state("far", drained=("e1",))
    before = drops(side)
    flows = [Flow(*way) for way in NEAR_TO_FAR + FAR_TO_NEAR]
    for _ in range(3):
        assert side.apply(drained)
        for router in ("gw", "far"):
            side.until_hops(router, "e2")
        assert not side.apply(drained)
        assert side.apply(plain_states()[drainer])
        for router in ("gw", "far"):
            side.until_hops(router, *EDGES)
        assert not side.apply(plain_states()[drainer])
    assert [len(flow.end()) for flow in flows] == [0, 0, 0, 0]
    assert all(flow.sent > 1000 for flow in flows)
    assert drops(side) == before


def test_a_drained_channels_routes_are_kept_with_local_preference_0_as_far_as_the_gateway(side: Side):
    side.apply(edge_state("e1", drained=True))
    side.until_hops("gw", "e2")
    assert preferences(side, "e1", "10.2.0.0/16") == {"169.254.1.1": 0}
    assert preferences(side, "gw", "10.2.0.0/16") == {"10.255.1.2": 0, "10.255.2.2": 100}
    assert preferences(side, "far", "10.1.0.0/16") == {"169.254.1.2": 0, "169.254.2.2": 100}
    side.apply(edge_state("e1"))
    side.until_hops("gw", *EDGES)


def test_channels_that_are_all_drained_are_all_used(side: Side):
    for edge, left in (("e1", ("e2",)), ("e2", EDGES)):
        side.apply(edge_state(edge, drained=True))
        for router in ("gw", "far"):
            side.until_hops(router, *left)
    for edge in EDGES:
        assert list(preferences(side, edge, "10.2.0.0/16").values()) == [0]
        side.apply(edge_state(edge))
    side.until_settled()


def test_what_an_edge_does_not_accept_is_not_accepted_from_a_drained_channel_either(side: Side):
    announced = side_with_another_network()
    side.apply(announced)
    side.apply(edge_state("e1", drained=True))
    side.until_hops("gw", "e2")
    with side.vty("gw") as bgpd:
        assert "10.3.0.0/16" not in bgpd.run(f"show bgp vrf {VRF} ipv4 unicast")
    side.apply(edge_state("e1"))
    side.apply(end_state("far"))
    side.until_settled()


def side_with_another_network() -> RouterState:
    far = end_state("far")
    vrf = far.vrfs[0].model_copy(update={"networks": (*far.vrfs[0].networks, ip_network("10.3.0.0/16"))})
    return far.model_copy(update={"vrfs": (vrf,)})
