"""From what was sent and what arrived to what a stream's users felt. Pure: no clock, no input or output."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from xcnet.probe.plan import LATE_MS
from xcnet.probe.receiver import ReceivedRecord
from xcnet.probe.results import Bucket, Delay, FlowResult, LossWindow, StreamResult
from xcnet.probe.sender import SentRecord

_BILLION = 1_000_000_000
_MILLION = 1_000_000
_MISSING = -1


@dataclass(frozen=True, slots=True)
class Span:
    """What is measured: packets sent from ``began`` to ``ended``, both included; nanoseconds."""

    began: int
    ended: int


@dataclass(slots=True)
class _Flow:
    """:param times: of sending, by number. :param first, beyond: numbers within the span. :param arrived: when each arrived first.
    :param highest: number that has arrived so far."""

    times: Sequence[int]
    first: int
    beyond: int
    arrived: list[int]
    highest: int = -1
    duplicated: int = 0
    reordered: int = 0


def analyse(
    source: str,
    target: str,
    version: int,
    sent: Mapping[int, Sequence[int]],
    received: ReceivedRecord,
    span: Span,
    bucket: float,
) -> StreamResult:
    """One stream.

    :param sent: flow -> when each of its packets was sent, by number, nanoseconds, rising; also those outside of the span.
    :param received: of the target host; other streams' flows in it are passed over. :param bucket: seconds.
    """
    flows = {flow: _flow(times, span) for flow, times in sent.items()}
    _take_in(flows, received)
    results = []
    delays: list[int] = []
    for number, flow in sorted(flows.items()):
        arrived = [at for at in flow.arrived if at != _MISSING]
        delays += _delays(flow)
        results.append(
            FlowResult(
                flow=number,
                sent=flow.beyond - flow.first,
                received=len(arrived),
                duplicated=flow.duplicated,
                reordered=flow.reordered,
                windows=tuple(_windows(flow, span)),
            )
        )
    return StreamResult(
        source=source,
        target=target,
        version=version,
        sent=sum(each.sent for each in results),
        received=sum(each.received for each in results),
        duplicated=sum(each.duplicated for each in results),
        reordered=sum(each.reordered for each in results),
        delay=delay_of(delays),
        windows=merged(window for each in results for window in each.windows),
        flows=tuple(results),
        buckets=tuple(_buckets(flows.values(), span, bucket)),
    )


def _flow(times: Sequence[int], span: Span) -> _Flow:
    first, beyond = bisect_left(times, span.began), bisect_right(times, span.ended)
    return _Flow(times, first, beyond, [_MISSING] * (beyond - first))


def _take_in(flows: Mapping[int, _Flow], received: ReceivedRecord) -> None:
    for number, sequence, at in zip(received.flows, received.sequences, received.received, strict=True):
        flow = flows.get(number)
        if flow is None or not flow.first <= sequence < flow.beyond:
            continue
        index = sequence - flow.first
        if flow.arrived[index] != _MISSING:
            flow.duplicated += 1
            continue
        flow.arrived[index] = at
        if sequence < flow.highest:
            flow.reordered += 1
        else:
            flow.highest = sequence


def _delays(flow: _Flow) -> list[int]:
    """Nanoseconds. Two clocks are read, one after the other, to compare them: a delay next to nothing may seem to be below."""
    times = flow.times[flow.first : flow.beyond]
    return [max(0, at - sent) for sent, at in zip(times, flow.arrived, strict=True) if at != _MISSING]


def _windows(flow: _Flow, span: Span) -> Iterable[LossWindow]:
    begun: int | None = None
    count = 0
    for index, at in enumerate(flow.arrived):
        if at == _MISSING:
            if begun is None:
                begun, count = flow.times[flow.first + index], 0
            count += 1
        elif begun is not None:
            yield _window(begun, flow.times[flow.first + index], count)
            begun = None
    if begun is not None:
        yield _window(begun, span.ended, count)


def _window(start: int, end: int, lost: int) -> LossWindow:
    return LossWindow(start=start / _BILLION, length=(end - start) / _BILLION, lost=lost)


def merged(windows: Iterable[LossWindow]) -> tuple[LossWindow, ...]:
    """Windows that touch or overlap become one, which lost what they lost together; in order of time."""
    found: list[LossWindow] = []
    end = 0.0
    for window in sorted(windows, key=lambda each: each.start):
        its_end = window.start + window.length
        if found and window.start <= end:
            last = found[-1]
            end = max(end, its_end)
            found[-1] = LossWindow(start=last.start, length=end - last.start, lost=last.lost + window.lost)
        else:
            found.append(window)
            end = its_end
    return tuple(found)


def delay_of(delays: Iterable[int]) -> Delay:
    """Percentiles (the smallest value that so many per cent do not exceed). :param delays: nanoseconds, in any order."""
    ordered = sorted(delays)
    if not ordered:
        return Delay()

    def at(percent: int) -> float:
        return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] / _MILLION

    return Delay(p50=at(50), p95=at(95), p99=at(99), worst=ordered[-1] / _MILLION)


def _buckets(flows: Iterable[_Flow], span: Span, seconds: float) -> Iterable[Bucket]:
    length = round(seconds * _BILLION)
    number = (span.ended - span.began) // length + 1
    sent, lost = [0] * number, [0] * number
    delays: list[list[int]] = [[] for _ in range(number)]
    for flow in flows:
        for time, at in zip(flow.times[flow.first : flow.beyond], flow.arrived, strict=True):
            index = (time - span.began) // length
            sent[index] += 1
            if at == _MISSING:
                lost[index] += 1
            else:
                delays[index].append(max(0, at - time))
    for index in range(number):
        delay = delay_of(delays[index])
        yield Bucket(
            start=(span.began + index * length) / _BILLION,
            seconds=seconds,
            sent=sent[index],
            lost=lost[index],
            delay_p50=delay.p50,
            delay_worst=delay.worst,
        )


@dataclass(frozen=True, slots=True)
class Lateness:
    """How far senders kept to their time. :param worst_ms: of any packet. :param late: how many by more than 10 ms, :param of: so many."""

    worst_ms: float = 0.0
    late: int = 0
    of: int = 0

    @property
    def share(self) -> float:
        return self.late / self.of if self.of else 0.0


def lateness(records: Iterable[SentRecord], span: Span) -> Lateness:
    """Of all packets within the span."""
    worst, late, number = 0, 0, 0
    limit = LATE_MS * _MILLION
    for record in records:
        first, beyond = bisect_left(record.times, span.began), bisect_right(record.times, span.ended)
        number += beyond - first
        for packet in range(first, beyond):
            behind = record.times[packet] - record.due(packet)
            if behind > worst:
                worst = behind
            if behind > limit:
                late += 1
    return Lateness(worst / _MILLION, late, number)


__all__ = ["Lateness", "Span", "analyse", "delay_of", "lateness", "merged"]
