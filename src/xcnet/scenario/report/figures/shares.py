"""How traffic spread over the channels: before, during and after each fault, and over time."""

from __future__ import annotations

from xcnet.scenario.report.charts.area import Series, Step, draw_steps
from xcnet.scenario.report.charts.bars import Row, Segment, share_bars
from xcnet.scenario.report.charts.frame import (
    AXIS,
    HEAD,
    LEFT,
    RIGHT,
    WIDTH,
    draw_bands,
    draw_time_axis,
    time_scale,
)
from xcnet.scenario.report.charts.scale import Linear, nice_top, tick_words
from xcnet.scenario.report.charts.svg import Picture, fit
from xcnet.scenario.report.facts import channel_styles, course, last_moment, shares
from xcnet.scenario.report.figures.common import bands, fault_words
from xcnet.scenario.report.words import count, percent
from xcnet.scenario.results import RunResult

_WIDE, _NARROW = 1060.0, 520.0
_ROW = 40.0
_GAP = 10.0
_MOST = 32
"""Channels with a row of their own in the picture over time."""


def share_pictures(result: RunResult) -> tuple[tuple[str, str], ...]:
    """(caption, picture) for each fault; for the whole run where there is none."""
    if not shares(result):
        return ()
    if not result.faults:
        total: dict[str, int] = {}
        for share in shares(result):
            for name, frames in share.frames.items():
                total[name] = total.get(name, 0) + frames
        return (("the whole run", share_bars("Shares of the channels", [_row(result, "all", total)], _WIDE)),)
    return tuple(
        (
            fault_words(fault),
            share_bars(
                f"Shares of the channels before, during and after {fault_words(fault)}",
                [_row(result, label, frames) for label, frames in course(result, fault)],
                _WIDE if len(result.faults) == 1 else _NARROW,
            ),
        )
        for fault in sorted(result.faults, key=lambda fault: fault.began)
    )


def _row(result: RunResult, label: str, frames: dict[str, int]) -> Row:
    total = sum(frames.values())
    segments = []
    for name, style in channel_styles(result).items():
        number = frames.get(name, 0)
        share = percent(number, total)
        segments.append(Segment(number, f"{name} {share}", f"{name}: {share}, {count(number, 'frame')}", style))
    return Row(label, tuple(segments))


def rate_picture(result: RunResult) -> str | None:
    """Frames per second of each channel, below each other and on one scale."""
    spans = shares(result)
    styles = {
        name: style for name, style in channel_styles(result).items() if any(name in share.frames for share in spans)
    }
    if not styles:
        return None
    shown = list(styles)[:_MOST]
    bottom = HEAD + len(shown) * (_ROW + _GAP) - _GAP
    picture = Picture(WIDTH, bottom + AXIS, "Frames per second on each channel", "chart")
    time = time_scale(0.0, last_moment(result))
    top = nice_top(max(frames / share.seconds for share in spans for frames in share.frames.values()), 2)
    draw_bands(picture, time, bands(result), HEAD, bottom)
    draw_time_axis(picture, time, HEAD, bottom)
    for index, name in enumerate(shown):
        y = HEAD + index * (_ROW + _GAP)
        scale = Linear(0.0, top, y + _ROW, y)
        picture.rect(0, y, 4, _ROW, f"{styles[name]} fill", radius=2)
        picture.text(12, y + _ROW / 2 + 4, fit(name, 80, 12), "groupname")
        for value, words in zip((0.0, top), tick_words((0.0, top)), strict=True):
            picture.line(LEFT, scale(value), WIDTH - RIGHT, scale(value), "grid")
            picture.text(LEFT - 8, scale(value) + (0 if value == 0 else 8), words, "tick", "end")
        steps = tuple(
            Step(share.start, share.start + share.seconds, share.frames.get(name, 0) / share.seconds) for share in spans
        )
        draw_steps(picture, Series(steps, styles[name], filled=True), time, scale, y + _ROW)
    if len(shown) < len(styles):
        picture.text(LEFT, bottom + 30, f"the first {len(shown)} of {len(styles)} channels", "soft")
    return picture.render()


__all__ = ["rate_picture", "share_pictures"]
