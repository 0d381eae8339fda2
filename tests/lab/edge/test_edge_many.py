"""Sixty connections on a router, and one more: what is added touches nothing of what stands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from routed_pair import RoutedPair, RoutedRouter, Watched, build, new_key, vrf_state

from xcnet.frr.state import bgp_sessions
from xcnet.frr.vty import Vty
from xcnet.model.desired import BfdTimers, RouterState
from xcnet.model.observed import RouterObservation

pytestmark = [pytest.mark.lab, pytest.mark.timeout(240)]

MANY = 60
KEYS = {1: (new_key(),)}
BFD = BfdTimers(transmit_ms=1000, receive_ms=1000, multiplier=5)
_VRF = re.compile(r"vrf-\d+")


@pytest.fixture(scope="module")
def pair() -> Iterator[RoutedPair]:
    made = build(Path("/run/xcnet-many-test"), (1,))
    try:
        made.apply(lambda router: state(router, MANY), 120)
        yield made
    finally:
        made.close()


def state(router: RoutedRouter, connections: int) -> RouterState:
    return router.state(KEYS, [vrf_state(number, router.end, (1,), bfd=BFD) for number in range(connections)])


def until_up(watched: Watched, connections: int) -> RouterObservation:
    def up(seen: RouterObservation) -> bool:
        return len(seen.vrfs) == connections and all(
            all(session.up for session in vrf.sessions)
            and all(vrf.through(vrf.sessions[0].interface, version) == 1 for version in (4, 6))
            for vrf in seen.vrfs.values()
        )

    return watched.until(f"{connections} connections up", up, 60)


def losses(router: RoutedRouter) -> dict[tuple[str, str], int]:
    with Vty(router.dirs.socket("bgpd")) as bgpd:
        return {(each.vrf, str(each.peer)): each.drops for each in bgp_sessions(bgpd)}


def test_every_connection_is_up_in_both_families_and_every_daemon_lives(pair: RoutedPair) -> None:
    for router in pair.both():
        with router.watched() as watched:
            until_up(watched, MANY)
        assert {name: os.waitpid(pid, os.WNOHANG) for name, pid in router.pids.items()} == dict.fromkeys(
            router.pids, (0, 0)
        )


def test_one_more_names_nothing_else_and_disturbs_nothing_else(pair: RoutedPair) -> None:
    with pair.left.watched() as watched:
        before = until_up(watched, MANY)
        drops = losses(pair.left)
        pair.apply(lambda router: state(router, MANY + 1))
        after = until_up(watched, MANY + 1)
        assert pair.left.apply(state(pair.left, MANY + 1)) == []
        assert all(after.vrfs[name] is vrf for name, vrf in before.vrfs.items())
        assert {session: count for session, count in losses(pair.left).items() if session in drops} == drops
        removed = pair.left.apply(state(pair.left, MANY))
        assert {name for line in removed for name in _VRF.findall(line)} == {f"vrf-{MANY}"}
        last = watched.until("the last one gone", lambda seen: len(seen.vrfs) == MANY, since=len(watched.seen) - 1)
        assert all(last.vrfs[name] is vrf for name, vrf in before.vrfs.items())
    pair.right.apply(state(pair.right, MANY))
