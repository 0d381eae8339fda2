"""Cross-connects, gates and impairments, as frames experience them."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import Any

import pytest

from xcnet.netlink import filters, link_kinds, links, obstacles, qdisc
from xcnet.netlink.filters import GateCounters
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.obstacles import Obstacle
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.socket import NetlinkSocket

pytestmark = pytest.mark.lab

EAPOL_GROUP = bytes.fromhex("0180c2000003")


def _fibres(pair: Any) -> tuple[int, int]:
    """Two more pairs, whose far ends are ``s0`` and ``s1`` in b, and near ends ``n0``, ``n1`` in a."""
    with NetlinkSocket() as anywhere:
        anywhere.submit(
            [
                link_kinds.veth(
                    VethEnd(f"n{i}", pair.a.space, index=200 + i), VethEnd(f"s{i}", pair.b.space, index=200 + i)
                )
                for i in range(2)
            ]
        )
    for station in (pair.a, pair.b):
        station.netlink.submit([links.change(200 + i, up=True) for i in range(2)])
    for station, letter in ((pair.a, "n"), (pair.b, "s")):
        for i in range(2):
            station.await_up(f"{letter}{i}")
    return 200, 201


def test_a_splice_passes_key_agreement_in_both_directions_and_a_bridge_does_not(pair: Any) -> None:
    one, other = _fibres(pair)
    taps = pair.a.tap("n0"), pair.a.tap("n1")
    frame = EAPOL_GROUP + pair.frame(ethertype=0x888E)[6:]
    in_b = ["ip", "-n", pair.b.space.name, "link"]
    subprocess.run([*in_b, "add", "br0", "type", "bridge"], check=True)
    subprocess.run([*in_b, "set", "br0", "up"], check=True)
    bridge = pair.b.link("br0").index
    pair.b.netlink.submit([links.change(one, master=bridge), links.change(other, master=bridge)])
    taps[0].send(frame)
    assert frame not in taps[1].received(deadline=0.1)
    pair.b.netlink.submit([links.delete("br0"), *filters.splice(one, other)])
    for sender, receiver in (taps, taps[::-1]):
        sender.send(frame)
        assert frame in receiver.received()


def test_a_splice_can_be_seen_repeated_and_undone(pair: Any) -> None:
    one, other = _fibres(pair)
    netlink = pair.b.netlink
    assert filters.spliced_to(netlink, one) is None
    for _ in range(2):
        netlink.submit(filters.splice(one, other))
    assert filters.spliced_to(netlink, one) == other
    assert filters.spliced_to(netlink, other) == one
    netlink.submit(filters.splice(one, one))
    assert filters.spliced_to(netlink, one) == one
    netlink.submit(filters.unsplice(one, other) * 2)
    assert filters.spliced_to(netlink, one) is None
    sender, receiver = pair.a.tap("n0"), pair.a.tap("n1")
    sender.send(pair.frame())
    assert receiver.received(deadline=0.1) == []


def test_a_gate_passes_macsec_and_key_agreement_and_counts_what_it_drops_in_both_directions(pair: Any) -> None:
    assert filters.gate_counters(pair.b.netlink, 101) is None
    pair.b.netlink.submit(filters.gate(101))
    outside, inside = pair.a.tap("p0"), pair.b.tap("p1")
    frames = [
        pair.frame(ethertype=0x88E5),
        pair.frame(ethertype=0x888E),
        pair.frame(ethertype=0x0800),
        pair.frame(ethertype=0x86DD),
        pair.frame(b"\x04\x4c\x88\xe5", ethertype=0x8100),
    ]
    for frame in frames:
        outside.send(frame)
        # What the gate drops on its way out is refused to the sender.
        with contextlib.suppress(OSError):
            inside.send(frame)
    assert outside.received(2, deadline=0.3) == frames[:2]
    expected = GateCounters(macsec=1, eapol=1, dropped=3)
    assert filters.gate_counters(pair.b.netlink, 101) == (expected, expected)


def test_a_gate_may_be_set_again_without_opening_and_taken_away(pair: Any) -> None:
    pair.b.netlink.submit(filters.gate(101))
    pair.a.tap("p0").send(pair.frame())
    pair.b.netlink.submit(filters.gate(101))
    assert filters.gate_counters(pair.b.netlink, 101) == (GateCounters(dropped=1), GateCounters())
    pair.b.netlink.submit([filters.ungate(101)] * 2)
    assert filters.gate_counters(pair.b.netlink, 101) is None
    inside = pair.b.tap("p1")
    pair.a.tap("p0").send(pair.frame())
    assert len(inside.received()) == 1


def test_a_gated_port_still_carries_macsec(pair: Any) -> None:
    pair.secure()
    for station in (pair.a, pair.b):
        station.netlink.submit(filters.gate(station.port.index))
    inside = pair.b.tap("ch1")
    pair.a.tap("ch1").send(pair.frame())
    assert inside.received() == [pair.frame()]
    ingress, _egress = filters.gate_counters(pair.b.netlink, 101)
    assert ingress == GateCounters(macsec=1)
    _ingress, egress = filters.gate_counters(pair.a.netlink, 100)
    assert egress == GateCounters(macsec=1)


def test_obstacles_drop_what_they_name_and_come_apart_in_any_order(pair: Any) -> None:
    receiver, sender = pair.b.tap("p1"), pair.a.tap("p0")
    eapol, long, short = pair.frame(ethertype=0x888E), pair.frame(bytes(1200)), pair.frame(bytes(1000))
    clamp, deaf = Obstacle(longer_than=1000), Obstacle(ethertype=0x888E)
    pair.a.netlink.submit([*obstacles.put(100, 100, clamp), *obstacles.put(100, 101, deaf)])

    def sent() -> list[bytes]:
        for frame in (eapol, long, short):
            with contextlib.suppress(OSError):  # a sender is told of what is dropped on its way out
                sender.send(frame)
        return receiver.received(3, deadline=0.3)

    assert sent() == [short]
    assert obstacles.standing(pair.a.netlink, 100) == {100: (clamp, 1), 101: (deaf, 1)}
    pair.a.netlink.submit([obstacles.take(100, 100, clamp)] * 2)
    assert sent() == [long, short]
    pair.a.netlink.submit(obstacles.put(100, 100, Obstacle()))
    assert sent() == []
    pair.a.netlink.submit([obstacles.take(100, 101, deaf), obstacles.take(100, 100, Obstacle())])
    assert sent() == [eapol, long, short]
    assert obstacles.standing(pair.a.netlink, 100) == {}


def test_netem_holds_what_was_asked_and_is_replaced_and_removed(pair: Any) -> None:
    asked = Netem(
        delay=0.0105,
        jitter=0.001,
        loss=0.25,
        duplicate=0.125,
        reorder=0.5,
        corrupt=0.0625,
        rate=100_000_000_000,
        limit=5000,
    )
    pair.a.netlink.submit([qdisc.netem(100, asked)])
    assert _netem(pair) == asked
    pair.a.netlink.submit([qdisc.netem(100, Netem(delay=0.002))])
    assert _netem(pair) == Netem(delay=0.002, limit=Netem(delay=0.002).frames)
    pair.a.netlink.submit([qdisc.delete_root(100)] * 2)
    assert _netem(pair) is None


def test_a_delay_delays_and_a_total_loss_loses(pair: Any) -> None:
    receiver, sender = pair.b.tap("p1"), pair.a.tap("p0")
    pair.a.netlink.submit([qdisc.netem(100, Netem(delay=0.08))])
    start = time.monotonic()
    sender.send(pair.frame())
    assert len(receiver.received()) == 1
    assert time.monotonic() - start >= 0.08
    pair.a.netlink.submit([qdisc.netem(100, Netem(loss=1.0))])
    sender.send(pair.frame())
    assert receiver.received(deadline=0.2) == []


def _netem(pair: Any) -> Netem | None:
    return next((each.netem for each in qdisc.dump(pair.a.netlink) if each.index == 100), None)
