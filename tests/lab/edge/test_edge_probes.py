"""Probes over real channels: answered by the far end's kernel, lost where frames are, in IPv4 and in IPv6 alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from routed_pair import RoutedPair, RoutedRouter, build, new_key, vrf_state

from xcnet.edge.report import ProbeReport
from xcnet.model.desired import RouterState, Vrf
from xcnet.netlink import links, qdisc
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

KEYS = {1: (new_key(),)}
COUNT = 20


@pytest.fixture(scope="module")
def pair() -> Iterator[RoutedPair]:
    made = build(Path("/run/xcnet-probe-test"), (1,))
    try:
        give(made)
        yield made
    finally:
        made.close()


def give(pair: RoutedPair, *, families: tuple[int, ...] = (4, 6), vrfs: int = 1) -> None:
    def state(router: RoutedRouter) -> RouterState:
        return router.state(KEYS, [_only(vrf_state(number, router.end, (1,)), families) for number in range(vrfs)])

    pair.apply(state)
    for router in pair.both():
        with router.watched() as watched:
            watched.until("secured", lambda seen: all(each.ready for each in seen.channels) and bool(seen.channels), 40)


def _only(vrf: Vrf, families: tuple[int, ...]) -> Vrf:
    kept = tuple(each for each in vrf.neighbors if each.address.version in families)
    return vrf.model_copy(update={"neighbors": kept})


def burst(router: RoutedRouter, count: int = COUNT) -> ProbeReport | None:
    """Have one sent, and what is known then."""
    answer = asyncio.run(router.client.probe(count, deadline=Deadline(10)))
    return next((each for each in answer.probes if each.channel == "ch1"), None)


def settled(router: RoutedRouter) -> ProbeReport:
    """Once everything that was sent has come, or is given up; the report of nothing more sent."""
    last: list[ProbeReport] = []

    def seen() -> str | None:
        report = burst(router, 0)
        assert report is not None
        last[:] = [report]
        waiting = report.sent - report.answered - report.lost
        return f"{waiting} are waited for" if waiting else None

    wait_until("the probes", seen, Deadline(5), interval=0.1)
    return last[0]


def gained(router: RoutedRouter, bursts: int = 5) -> tuple[int, int]:
    """(answered, lost) of some bursts."""
    before = settled(router)
    for _ in range(bursts):
        burst(router)
    after = settled(router)
    return after.answered - before.answered, after.lost - before.lost


def shape(router: RoutedRouter, settings: Netem | None) -> None:
    """What happens to frames that leave its port."""
    with NetlinkSocket(netns=router.space) as netlink:
        index = links.get(netlink, "ch1").index
        netlink.submit([qdisc.delete_root(index) if settings is None else qdisc.netem(index, settings)])


@pytest.mark.parametrize("family", [4, 6])
def test_every_probe_is_answered_on_a_good_channel_from_both_ends(pair: RoutedPair, family: int) -> None:
    give(pair, families=(family,))
    for router in pair.both():
        burst(router)  # finds the neighbour
        settled(router)
        assert gained(router) == (5 * COUNT, 0)
        report = burst(router)
        assert report is not None
        assert report.peer.version == family
        assert report.rtt is None or 0 < report.rtt < 0.5


def test_probes_are_lost_where_frames_are_and_only_as_long(pair: RoutedPair) -> None:
    give(pair)
    burst(pair.left)
    settled(pair.left)
    shape(pair.right, Netem(loss=0.5))
    try:
        answered, lost = gained(pair.left, 10)
    finally:
        shape(pair.right, None)
    assert answered + lost == 10 * COUNT
    assert 0.3 < lost / (answered + lost) < 0.7
    assert gained(pair.left) == (5 * COUNT, 0)


def test_what_could_not_leave_is_not_lost(pair: RoutedPair) -> None:
    give(pair)
    burst(pair.left)
    before = settled(pair.left)
    pair.left.set_link("ch1", up=False)
    try:
        for _ in range(3):
            burst(pair.left)
        after = settled(pair.left)
    finally:
        pair.left.set_link("ch1", up=True)
        give(pair)
    assert (after.sent, after.lost) == (before.sent, before.lost)
    burst(pair.left)
    settled(pair.left)
    assert gained(pair.left) == (5 * COUNT, 0)


def test_a_channel_without_connections_is_not_probed(pair: RoutedPair) -> None:
    give(pair, vrfs=0)
    assert burst(pair.left) is None
    give(pair)
    burst(pair.left)
    settled(pair.left)
    assert gained(pair.left) == (5 * COUNT, 0)


def test_a_burst_costs_milliseconds(pair: RoutedPair) -> None:
    """A second holds a hundred of them on one processor."""
    give(pair)
    stat = Path(f"/proc/{pair.left.pids['edged']}/stat")

    def ticks() -> int:
        fields = stat.read_text().rpartition(")")[2].split()
        return int(fields[11]) + int(fields[12])

    before = ticks()
    for _ in range(50):
        burst(pair.left, 10)
    assert (ticks() - before) / 100 / 50 < 0.02
