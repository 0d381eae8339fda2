"""Horizontal bars of segments: shares of a whole, and stages one after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xcnet.scenario.report.charts.scale import Linear, nice_top, tick_words
from xcnet.scenario.report.charts.svg import Picture, fit, text_width


@dataclass(frozen=True, slots=True)
class Segment:
    """:param value: its length, not below 0. :param words: in it, where there is room. :param style: a class of the style sheet."""

    value: float
    words: str
    tip: str
    style: str


@dataclass(frozen=True, slots=True)
class Row:
    """:param note: a line below the bar; empty for none."""

    label: str
    segments: tuple[Segment, ...]
    note: str = ""


_HEIGHT = 22.0


def draw_segments(picture: Picture, segments: Sequence[Segment], scale: Linear, y: float) -> None:
    """Segments one after the other from the scale's beginning, each at least a pixel and a half wide if it is anything."""
    at = 0.0
    for segment in segments:
        if segment.value <= 0:
            continue
        x1, x2 = scale(at), scale(at + segment.value)
        x1 = min(x1, scale.end - 1.5)
        picture.rect(x1, y, max(x2 - x1, 1.5), _HEIGHT, f"segment {segment.style}", tip=segment.tip)
        if text_width(segment.words, 11.5) + 8 < x2 - x1:
            picture.text((x1 + x2) / 2, y + 15.4, segment.words, f"onbar {segment.style}", "middle")
        at += segment.value


def share_bars(title: str, rows: Sequence[Row], width: float) -> str:
    """Each row's segments as shares of their sum."""
    left, gap = 74.0, 8.0
    picture = Picture(width, len(rows) * (_HEIGHT + gap) + 2, title, "chart small")
    for index, row in enumerate(rows):
        y = index * (_HEIGHT + gap) + 1
        picture.text(left - 10, y + 15.4, row.label, "lanename", "end")
        total = sum(segment.value for segment in row.segments)
        if total > 0:
            draw_segments(picture, row.segments, Linear(0.0, total, left, width - 2), y)
        else:
            picture.text(left, y + 15.4, row.note or "nothing was counted", "soft")
    return picture.render()


def stage_bars(title: str, head: str, rows: Sequence[Row], width: float = 520.0) -> str:
    """Each row's segments one after the other on one axis of seconds. :param head: above it, what the axis counts from."""
    top, step, left = 24.0, 66.0, 8.0
    bottom = top + len(rows) * step
    picture = Picture(width, bottom + 34, title, "chart small")
    picture.text(left, 13, head, "name")
    longest = max((sum(segment.value for segment in row.segments) for row in rows), default=0.0)
    scale = Linear(0.0, nice_top(longest), left, width - 22)
    values = scale.ticks(6)
    for value, words in zip(values, tick_words(values), strict=True):
        picture.line(scale(value), top, scale(value), bottom, "grid")
        picture.text(scale(value), bottom + 14, words, "tick", "middle")
    picture.line(left, bottom, width - 22, bottom, "axis")
    picture.text(width - 22, bottom + 29, "seconds", "tick", "end")
    for index, row in enumerate(rows):
        y = top + index * step
        picture.text(left, y + 14, fit(row.label, width - 30, 11.5), "lanename")
        draw_segments(picture, row.segments, scale, y + 20)
        picture.text(left, y + 56, fit(row.note, width - 30, 11), "soft")
    return picture.render()


__all__ = ["Row", "Segment", "draw_segments", "share_bars", "stage_bars"]
