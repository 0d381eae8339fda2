"""What follows from a result: each fault's harm, who told of it, traffic over time, shares of the channels.

All times are seconds since the run began, the probe's too: so a result has them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from xcnet.probe.results import ChannelShare, FlowResult, LossWindow, StreamResult
from xcnet.scenario.results import FaultSpan, Layer, Phase, RunResult

MOST_BUCKETS = 600
"""Spans of time in a picture: of longer runs neighbours are put together."""

_TELLING = (Layer.LINK, Layer.MACSEC, Layer.BFD)


def last_moment(result: RunResult) -> float:
    """The end of the pictures' time axis, above 0: nothing in the result is later."""
    times = [result.seconds, *(entry.at for entry in result.timeline)]
    times += [fault.began if fault.ended is None else fault.ended for fault in result.faults]
    if result.probe is not None:
        times.append(result.probe.ended)
    return max(*times, 0.001)


def end_of(result: RunResult, fault: FaultSpan) -> float:
    """When the fault ended, or the run where it stayed."""
    return last_moment(result) if fault.ended is None else fault.ended


def stream_name(source: str, target: str, version: int) -> str:
    return f"{source} → {target}, IPv{version}"


def phase_of(result: RunResult, fault: FaultSpan) -> Phase | None:
    return next((phase for phase in result.phases if phase.fault == fault.name), None)


def told_by(result: RunResult, fault: FaultSpan) -> Layer | None:
    """The layer of the first loss among link, MACsec and BFD on one of the fault's channels, from its beginning to its end."""
    end = end_of(result, fault)
    for entry in sorted(result.timeline, key=lambda entry: entry.at):
        concerned = not entry.channels or not fault.channels or set(entry.channels) & set(fault.channels)
        if entry.bad and entry.layer in _TELLING and fault.began <= entry.at <= end and concerned:
            return entry.layer
    return None


@dataclass(frozen=True, slots=True)
class Harm:
    """What users felt of a fault: of windows that touch the time from its beginning to the next fault's.

    :param hit: flows that lost. :param flows: in all. :param lost: packets. :param longest: window of one flow, seconds.
    """

    hit: int
    flows: int
    lost: int
    longest: float


def harm_of(result: RunResult, fault: FaultSpan) -> Harm | None:
    """None without a probe."""
    if result.probe is None:
        return None
    later = [other.began for other in result.faults if other.began > fault.began]
    return harm_between(result, fault.began, min(later, default=float("inf")))


def harm_between(result: RunResult, begin: float, end: float) -> Harm:
    hit = flows = lost = 0
    longest = 0.0
    for _, flow in flows_of(result):
        flows += 1
        windows = [window for window in flow.windows if window.start < end and _end(window) >= begin]
        hit += bool(windows)
        lost += sum(window.lost for window in windows)
        longest = max([longest, *(window.length for window in windows)])
    return Harm(hit, flows, lost, longest)


def _end(window: LossWindow) -> float:
    return window.start + window.length


def flows_of(result: RunResult) -> Iterator[tuple[StreamResult, FlowResult]]:
    for stream in result.probe.streams if result.probe is not None else ():
        for flow in stream.flows:
            yield stream, flow


@dataclass(frozen=True, slots=True)
class Moment:
    """Traffic of all streams within one span.

    :param p50: the median delay of the stream whose median is highest, :param worst: of any packet; milliseconds, None where
        nothing arrived.
    """

    start: float
    seconds: float
    sent: int
    lost: int
    p50: float | None
    worst: float | None


def moments(result: RunResult) -> tuple[Moment, ...]:
    """The streams' buckets together, in order, at most ``MOST_BUCKETS``."""
    if result.probe is None:
        return ()
    buckets = [bucket for stream in result.probe.streams for bucket in stream.buckets if bucket.seconds > 0]
    if not buckets:
        return ()
    begin = min(bucket.start for bucket in buckets)
    width = max(bucket.seconds for bucket in buckets)
    count = max(round((bucket.start - begin) / width) for bucket in buckets) + 1
    width *= -(-count // MOST_BUCKETS)
    cells: dict[int, list[float]] = defaultdict(lambda: [0, 0, -1.0, -1.0])
    for bucket in buckets:
        # Half a bucket further in: a start that is a hair early does not fall into the cell before.
        cell = cells[int((bucket.start - begin + bucket.seconds / 2) / width)]
        cell[0] += bucket.sent
        cell[1] += bucket.lost
        if bucket.sent > bucket.lost:
            cell[2] = max(cell[2], bucket.delay_p50)
            cell[3] = max(cell[3], bucket.delay_worst)
    return tuple(
        Moment(
            begin + index * width,
            width,
            int(sent),
            int(lost),
            p50 if p50 >= 0 else None,
            worst if worst >= 0 else None,
        )
        for index, (sent, lost, p50, worst) in sorted(cells.items())
    )


def shares(result: RunResult) -> tuple[ChannelShare, ...]:
    """What crossed each channel, in order of time."""
    if result.probe is None:
        return ()
    return tuple(sorted((each for each in result.probe.shares if each.seconds > 0), key=lambda each: each.start))


def frames_between(result: RunResult, begin: float, end: float) -> dict[str, int]:
    """Frames of each channel in the spans whose middle is within [begin, end)."""
    total: dict[str, int] = defaultdict(int)
    for share in shares(result):
        if begin <= share.start + share.seconds / 2 < end:
            for channel, frames in share.frames.items():
                total[channel] += frames
    return dict(total)


def course(result: RunResult, fault: FaultSpan) -> tuple[tuple[str, dict[str, int]], ...]:
    """Shares before, during and after a fault: back to the last change of faults before it, and on to the next after it.

    A fault that stayed has no "after".
    """
    changes = [
        edge
        for other in result.faults
        for edge in (other.began, other.ended)
        if other is not fault and edge is not None
    ]
    end = end_of(result, fault)
    before = max((edge for edge in changes if edge <= fault.began), default=float("-inf"))
    parts = [
        ("before", frames_between(result, before, fault.began)),
        ("during", frames_between(result, fault.began, end)),
    ]
    if fault.ended is not None:
        after = min((edge for edge in changes if edge > end), default=float("inf"))
        parts.append(("after", frames_between(result, end, after)))
    return tuple(parts)


def channel_styles(result: RunResult) -> dict[str, str]:
    """A class of the style sheet for each channel that anything names: the same in every picture of the page."""
    names = dict.fromkeys(place.name for place in result.channels)
    names.update(dict.fromkeys(name for share in shares(result) for name in share.frames))
    names.update(dict.fromkeys(name for entry in result.timeline for name in entry.channels))
    return {name: f"c{index % 8}" for index, name in enumerate(names)}


__all__ = [
    "MOST_BUCKETS",
    "Harm",
    "Moment",
    "channel_styles",
    "course",
    "end_of",
    "flows_of",
    "frames_between",
    "harm_between",
    "harm_of",
    "last_moment",
    "moments",
    "phase_of",
    "shares",
    "stream_name",
    "told_by",
]
