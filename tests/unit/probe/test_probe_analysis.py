"""What is found is what was lost: conservation, windows, duplicates, reordering, delays; for any traffic."""

from __future__ import annotations

import time
from array import array
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.probe.analysis import Span, analyse, delay_of, lateness, merged
from xcnet.probe.receiver import ReceivedRecord, on_monotonic, wall_offset
from xcnet.probe.results import Delay, LossWindow, StreamResult
from xcnet.probe.sender import SentRecord

MS = 1_000_000
S = 1_000_000_000


def received(*arrivals: tuple[int, int, int]) -> ReceivedRecord:
    """:param arrivals: flow, sequence, when; in order of arrival."""
    record = ReceivedRecord()
    for flow, sequence, at in arrivals:
        record.flows.append(flow)
        record.sequences.append(sequence)
        record.sent.append(0)
        record.received.append(at)
    return record


def stream(sent: dict[int, list[int]], record: ReceivedRecord, span: Span, bucket: float = 0.1) -> StreamResult:
    return analyse("a", "b", 4, sent, record, span, bucket)


@st.composite
def traffic(draw: st.DrawFn) -> tuple[dict[int, list[int]], list[tuple[int, int, int]], Span]:
    """Flows with rising times, and copies of some of their packets in any order."""
    sent: dict[int, list[int]] = {}
    arrivals = []
    for flow in range(draw(st.integers(1, 4))):
        gaps = draw(st.lists(st.integers(1, 200 * MS), min_size=1, max_size=25))
        times = [sum(gaps[: index + 1]) for index in range(len(gaps))]
        sent[flow] = times
        for sequence, at in enumerate(times):
            for _copy in range(draw(st.integers(0, 2))):
                arrivals.append((flow, sequence, at + draw(st.integers(0, 300 * MS))))
    last = max(times[-1] for times in sent.values())
    began = draw(st.integers(0, last))
    return sent, sorted(arrivals, key=lambda each: each[2]), Span(began, last)


@given(traffic())
def test_what_was_sent_arrived_or_was_lost_and_copies_are_counted_apart(
    made: tuple[dict[int, list[int]], list[tuple[int, int, int]], Span],
) -> None:
    sent, arrivals, span = made
    result = stream(sent, received(*arrivals), span)
    counted = {(f, s) for f, times in sent.items() for s, at in enumerate(times) if span.began <= at <= span.ended}
    copies = Counter((flow, sequence) for flow, sequence, _ in arrivals if (flow, sequence) in counted)
    assert result.sent == len(counted)
    assert result.received == len(copies)
    assert result.lost == len(counted) - len(copies) == sum(each.lost for each in result.buckets)
    assert result.duplicated == sum(copies.values()) - len(copies)
    assert sum(each.sent for each in result.buckets) == result.sent
    assert result.received == sum(flow.received for flow in result.flows) <= result.sent


@given(traffic())
def test_windows_cover_exactly_the_lost_packets(
    made: tuple[dict[int, list[int]], list[tuple[int, int, int]], Span],
) -> None:
    sent, arrivals, span = made
    result = stream(sent, received(*arrivals), span)
    came = {(flow, sequence) for flow, sequence, _ in arrivals}
    for flow in result.flows:
        assert sum(window.lost for window in flow.windows) == flow.lost
        assert list(flow.windows) == sorted(flow.windows, key=lambda window: window.start)
        covered = set()
        for window in flow.windows:
            end = window.start + window.length
            for sequence, at in enumerate(sent[flow.flow]):
                last = at == span.ended and end == pytest.approx(at / S, abs=1e-12)
                inside = window.start - 1e-10 <= at / S < end - 1e-10 or last
                if inside and span.began <= at <= span.ended:
                    covered.add(sequence)
        missing = {
            sequence
            for sequence, at in enumerate(sent[flow.flow])
            if span.began <= at <= span.ended and (flow.flow, sequence) not in came
        }
        assert missing == covered - {s for s in covered if (flow.flow, s) in came and sent[flow.flow][s] == span.ended}
    assert sum(window.lost for window in result.windows) == result.lost
    ends = [window.start + window.length for window in result.windows]
    assert all(end < after.start for end, after in zip(ends, result.windows[1:], strict=False))


@given(traffic())
def test_buckets_have_no_gaps(made: tuple[dict[int, list[int]], list[tuple[int, int, int]], Span]) -> None:
    sent, arrivals, span = made
    buckets = stream(sent, received(*arrivals), span).buckets
    assert buckets[0].start == span.began / S
    for index, bucket in enumerate(buckets):
        assert bucket.start == pytest.approx(span.began / S + index * bucket.seconds)
    assert buckets[-1].start <= span.ended / S < buckets[-1].start + buckets[-1].seconds + 1e-9


def test_a_window_runs_from_the_first_lost_packet_to_the_next_that_arrived() -> None:
    times = [index * 10 * MS for index in range(10)]
    lost = {3, 4, 5, 9}
    came = received(*((0, number, at + MS) for number, at in enumerate(times) if number not in lost))
    (flow,) = stream({0: times}, came, Span(0, 95 * MS)).flows
    assert flow.windows == (
        LossWindow(start=0.03, length=0.03, lost=3),
        LossWindow(start=0.09, length=0.005, lost=1),
    )


def test_losses_of_flows_that_touch_are_one_of_the_stream() -> None:
    one, other, third = (LossWindow(start=start, length=0.5, lost=2) for start in (1.0, 1.5, 2.25))
    assert merged([third, other, one]) == (
        LossWindow(start=1.0, length=1.0, lost=4),
        LossWindow(start=2.25, length=0.5, lost=2),
    )


def test_the_warm_up_counts_for_nothing() -> None:
    times = [0, 10 * MS, 20 * MS, 30 * MS]
    came = received((0, 0, MS), (0, 0, 2 * MS), (0, 3, 31 * MS), (0, 2, 32 * MS))
    result = stream({0: times}, came, Span(15 * MS, 30 * MS))
    assert (result.sent, result.received, result.duplicated, result.reordered) == (2, 2, 0, 1)


def test_another_streams_flows_and_numbers_never_sent_are_passed_over() -> None:
    came = received((0, 0, MS), (7, 0, MS), (0, 4_000_000_000, MS))
    result = stream({0: [0]}, came, Span(0, MS))
    assert (result.received, result.duplicated, result.lost) == (1, 0, 0)


def test_reordered_is_what_came_after_a_later_one_of_its_flow() -> None:
    times = [index * MS for index in range(5)]
    order = [0, 2, 1, 4, 3]
    came = received(*((0, number, (10 + place) * MS) for place, number in enumerate(order)))
    assert stream({0: times}, came, Span(0, 5 * MS)).reordered == 2


def test_percentiles_are_values_that_occurred() -> None:
    assert delay_of(number * MS for number in range(100, 0, -1)) == Delay(p50=50, p95=95, p99=99, worst=100)
    assert delay_of([]) == Delay()
    assert delay_of([3 * MS]) == Delay(p50=3, p95=3, p99=3, worst=3)


def test_lateness_is_reckoned_from_the_start_so_that_drift_shows() -> None:
    exact = SentRecord((0,), array("q", (index * 10 * MS for index in range(100))), 0, 100.0)
    assert (lateness([exact], Span(0, S)).worst_ms, lateness([exact], Span(0, S)).share) == (0, 0)
    slow = SentRecord((0,), array("q", (index * 11 * MS for index in range(100))), 0, 100.0)
    found = lateness([slow, exact], Span(0, 2 * S))
    assert found.worst_ms == 99
    assert (found.late, found.of) == (89, 200)


@given(st.integers(0, 10**15), st.integers(-(10**12), 10**12), st.integers(0, 20 * MS), st.integers(0, 20 * MS))
def test_arrival_times_are_right_although_the_wall_clock_was_set(came: int, step: int, ago: int, ahead: int) -> None:
    since, until, offset = came - ago, came + ahead, -(10**18)
    # Stamped before the clock was set, and read after; and stamped after it.
    for stamp in (came - offset, came - (offset - step)):
        found = on_monotonic(stamp, offset - step, offset, since, until)
        assert abs(found - came) <= max(ago, ahead) + MS
        if abs(step) > 50 * MS:
            assert found == came


def test_a_wait_between_two_looks_at_the_clocks_does_not_shift_arrivals(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = iter([0, 30 * MS, 40 * MS, 40 * MS + 20_000])
    walls = iter([S, S + 40 * MS + 10_000])
    monkeypatch.setattr("xcnet.probe.receiver.time.monotonic_ns", lambda: next(looks))
    monkeypatch.setattr("xcnet.probe.receiver.time.time_ns", lambda: next(walls))
    assert wall_offset() == -S


def test_ten_minutes_of_a_thousand_packets_a_second_are_reckoned_in_seconds() -> None:
    number, flows = 150_000, 16
    times = [index * 4 * MS for index in range(number)]
    sent = {flow: times[flow::flows] for flow in range(flows)}
    record = ReceivedRecord(
        array("H", (index % flows for index in range(number))),
        array("I", (index // flows for index in range(number))),
        array("q", bytes(8 * number)),
        array("q", (at + MS for at in times)),
    )
    began = time.process_time()
    result = stream(sent, record, Span(0, times[-1]), 1.0)
    assert result.lost == 0
    # A quarter of the packets in a quarter of the time.
    assert time.process_time() - began < 2.0
