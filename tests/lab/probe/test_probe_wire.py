"""Sender and receiver on a wire that loses, doubles, reorders and delays: what is found is what the kernel counted."""

from __future__ import annotations

import time

import pytest
from wire import FLOWS, PORT, Wire, probed

from xcnet.probe.analysis import Span, lateness
from xcnet.probe.load import HostLoad, judge
from xcnet.probe.plan import Limits

pytestmark = pytest.mark.lab


def netem(wire: Wire, *settings: str) -> None:
    wire.in_a("tc", "qdisc", "replace", "dev", PORT, "root", "netem", "limit", "10000", *settings)


def test_a_good_wire_loses_doubles_and_reorders_nothing(wire: Wire) -> None:
    before = wire.received_by_b()
    outcome = probed(wire)
    stream = outcome.stream
    assert (stream.lost, stream.duplicated, stream.reordered, stream.windows) == (0, 0, 0, ())
    assert stream.sent == len(outcome.sent.times) == wire.received_by_b() - before
    assert outcome.received.drops == 0
    assert len(stream.flows) == FLOWS
    assert 0 <= stream.delay.p50 <= stream.delay.worst


def test_packets_leave_at_their_times_without_drift(wire: Wire) -> None:
    sent = probed(wire, rate=200.0, seconds=3.0).sent
    # Those still to be sent when sending ended are not; nothing else is missing.
    assert len(sent.times) == pytest.approx(200 * 3.0, abs=30)
    behind = sorted(at - sent.due(number) for number, at in enumerate(sent.times))
    assert behind[0] >= 0
    assert behind[len(behind) // 2] < 5_000_000
    assert lateness([sent], Span(sent.times[0], sent.times[-1])).worst_ms == pytest.approx(behind[-1] / 1e6)


def test_loss_is_found_packet_by_packet(wire: Wire) -> None:
    netem(wire, "loss", "20%")
    stream = probed(wire).stream
    assert stream.lost == wire.queue()["drops"] > 0
    assert sum(window.lost for flow in stream.flows for window in flow.windows) == stream.lost
    assert stream.duplicated == 0


def test_copies_are_counted_and_never_as_received(wire: Wire) -> None:
    netem(wire, "duplicate", "20%")
    before = wire.received_by_b()
    stream = probed(wire).stream
    assert stream.duplicated == wire.received_by_b() - before - stream.sent > 0
    assert stream.received == stream.sent


def test_delay_is_what_the_wire_adds(wire: Wire) -> None:
    netem(wire, "delay", "40ms")
    delay = probed(wire).stream.delay
    assert 40.0 <= delay.p50 <= 45.0


def test_reordering_is_seen_within_flows(wire: Wire) -> None:
    # One in four is sent at once, ahead of those waiting: several of its own flow, which come ten milliseconds apart.
    netem(wire, "delay", "50ms", "reorder", "25%")
    stream = probed(wire).stream
    assert stream.reordered > stream.sent // 10
    assert (stream.lost, stream.duplicated) == (0, 0)


def test_a_break_is_a_window_as_long_as_the_break(wire: Wire) -> None:
    broken: list[float] = []

    def break_it() -> None:
        time.sleep(0.7)
        wire.in_b("ip", "link", "set", PORT, "down")
        broken.append(time.monotonic())
        time.sleep(0.6)
        broken.append(time.monotonic())
        wire.in_b("ip", "link", "set", PORT, "up")
        broken.append(time.monotonic())

    stream = probed(wire, seconds=3.0, meanwhile=break_it).stream
    assert len(stream.windows) == 1
    assert stream.flows_hit == FLOWS
    (window,) = stream.windows
    down, before_up, up = broken
    # Each flow has its turn every ten milliseconds; the kernel may let frames out some time after carrier came.
    assert window.start <= down + 0.03
    assert before_up - down - 0.03 <= window.length <= up - down + 1.0
    assert window.lost == stream.lost
    assert stream.longest_loss <= window.length


def test_a_receiver_without_room_knows_it_and_makes_the_run_unfit(wire: Wire) -> None:
    outcome = probed(wire, buffer=1, pause=0.5)
    assert outcome.received.drops == outcome.stream.lost > 0
    late = lateness([], Span(0, 0))
    quality = judge(late, outcome.received.drops, HostLoad(), Limits())
    assert not quality.fit
    assert f"no room for {outcome.stream.lost} packets" in quality.problems[0]
