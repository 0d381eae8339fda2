"""The timeline picture: a lane for each channel and layer, the faults as bands; and close-ups of each fault's beginning."""

from __future__ import annotations

from collections import defaultdict

from xcnet.scenario.report.charts.cluster import Mark, Tone
from xcnet.scenario.report.charts.lanes import Bar, Group, Lane, lanes_chart
from xcnet.scenario.report.facts import channel_styles, end_of, harm_of, last_moment, phase_of
from xcnet.scenario.report.figures.common import bands, fault_words
from xcnet.scenario.report.words import LAYERS, count, moment, seconds
from xcnet.scenario.results import Entry, FaultSpan, Layer, RunResult

_CLOSE_UPS = 4
_LINE = 88
"""Characters of a tooltip's line."""
_SHORTEST, _LONGEST = 0.05, 30.0
"""Seconds that a close-up shows after a fault's beginning."""


def timeline_picture(result: RunResult) -> str | None:
    """The whole run."""
    groups = _groups(result)
    if not groups:
        return None
    return lanes_chart("Timeline of events by channel and layer", groups, 0.0, last_moment(result), bands(result))


def close_ups(result: RunResult) -> tuple[tuple[str, str], ...]:
    """(caption, picture) for the beginning of each of the first faults, where it is much shorter than the run."""
    shown = []
    for fault in sorted(result.faults, key=lambda fault: fault.began)[:_CLOSE_UPS]:
        length = _course_seconds(result, fault)
        if length is None or length * 4 > last_moment(result):
            continue
        low, high = max(fault.began - length * 0.15, 0.0), fault.began + length
        groups = _groups(result, low, high)
        title = f"{fault_words(fault)}: the first {seconds(length)}"
        shown.append((title, lanes_chart(title, groups, low, high, bands(result))))
    return tuple(shown)


def _course_seconds(result: RunResult, fault: FaultSpan) -> float | None:
    """From the fault until traffic passed whole, and a bit; None where nothing is known of that."""
    phase = phase_of(result, fault)
    if phase is None or phase.detection is None:
        return None
    harm = harm_of(result, fault)
    end = phase.detection + (phase.withdrawal or 0.0) + (phase.reroute or 0.0)
    end = max(end, harm.longest if harm is not None else 0.0)
    end = min(end, end_of(result, fault) - fault.began)
    return min(max(end * 1.35, _SHORTEST), _LONGEST)


def _groups(result: RunResult, low: float = 0.0, high: float = float("inf")) -> list[Group]:
    styles = channel_styles(result)
    shown: dict[str, dict[Layer, list[Mark]]] = defaultdict(lambda: defaultdict(list))
    for entry in result.timeline:
        if entry.layer is not Layer.FAULT and low <= entry.at <= high:
            for channel in entry.channels or ("",):
                shown[channel][entry.layer].append(_mark(entry))
    groups = []
    lost = _loss_lane(result, low, high)
    if result.faults:
        groups.append(Group("Faults", "", _fault_lanes(result)))
    if lost is not None:
        groups.append(Group("Traffic", "", (lost,)))
    for channel in [*styles, ""]:
        if channel in shown:
            lanes = tuple(
                Lane(LAYERS[layer], tuple(shown[channel][layer])) for layer in Layer if layer in shown[channel]
            )
            groups.append(Group(channel or "No channel", styles.get(channel, ""), lanes))
    return groups


def _mark(entry: Entry) -> Mark:
    tone = Tone.BAD if entry.bad else Tone.GOOD if entry.good else Tone.PLAIN
    return Mark(entry.at, tone, _cut(f"{moment(entry.at)} s  {entry.subject}: {entry.text}"))


def _cut(line: str) -> str:
    # The whole text is in the table of events.
    return line if len(line) <= _LINE else f"{line[: _LINE - 1]}…"


def _fault_lanes(result: RunResult) -> tuple[Lane, ...]:
    """As few as it takes for faults that were in place together to stand below each other."""
    lanes: list[list[Bar]] = []
    for fault in sorted(result.faults, key=lambda fault: fault.began):
        bar = _fault_bar(result, fault)
        free = next((lane for lane in lanes if lane[-1].end <= bar.start), None)
        if free is not None:
            free.append(bar)
        else:
            lanes.append([bar])
    return tuple(Lane("", bars=tuple(lane)) for lane in lanes)


def _fault_bar(result: RunResult, fault: FaultSpan) -> Bar:
    end = end_of(result, fault)
    until = "to the end" if fault.ended is None else f"until {moment(end)} s"
    tip = f"{fault.name}: {fault_words(fault)}\nfrom {moment(fault.began)} s {until}\n{fault.artifact}"
    return Bar(fault.began, end, fault_words(fault), tip, "faultbar")


def _loss_lane(result: RunResult, low: float, high: float) -> Lane | None:
    """Where any flow lost: a bar for each span, those put together between which the eye sees no gap."""
    if result.probe is None:
        return None
    gap = (min(high, last_moment(result)) - low) / 1000
    bars: list[tuple[float, float, int]] = []
    windows = [window for stream in result.probe.streams for window in stream.windows]
    for window in sorted(windows, key=lambda window: window.start):
        end = window.start + window.length
        if bars and window.start <= bars[-1][1] + gap:
            begin, before, lost = bars.pop()
            bars.append((begin, max(before, end), lost + window.lost))
        else:
            bars.append((window.start, end, window.lost))
    return Lane("loss", bars=tuple(_loss_bar(*bar) for bar in bars if bar[1] >= low and bar[0] <= high))


def _loss_bar(begin: float, end: float, lost: int) -> Bar:
    words = f"{count(lost, 'packet')} lost"
    return Bar(begin, end, words, f"{words} of what was sent from {moment(begin)} s to {moment(end)} s", "lossbar")


__all__ = ["close_ups", "timeline_picture"]
