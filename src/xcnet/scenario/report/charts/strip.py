"""Rows of thin lines over time, coloured where something was lost: many flows at one glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xcnet.scenario.report.charts.frame import (
    AXIS,
    HEAD,
    LEFT,
    RIGHT,
    WIDTH,
    Band,
    draw_bands,
    draw_time_axis,
    time_scale,
)
from xcnet.scenario.report.charts.scale import Linear
from xcnet.scenario.report.charts.svg import Picture, fit, short

_CELL = 2.0
"""Pixels of one column: spans are counted by columns, so that a picture is never larger than its pixels."""
_LEVELS = (0.1, 0.5, 1.0)
"""Up to which share of a column is covered, for each of three strengths of colour."""


@dataclass(frozen=True, slots=True)
class Thread:
    """One row. :param spans: (start, length) of what is coloured. :param tip: about the row."""

    tip: str
    spans: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Bundle:
    """Rows under one name. :param label: a line each."""

    label: str
    threads: tuple[Thread, ...]


def strip_chart(title: str, bundles: Sequence[Bundle], low: float, high: float, bands: tuple[Band, ...]) -> str:
    """The picture."""
    count = sum(len(bundle.threads) for bundle in bundles)
    row = 7.0 if count <= 96 else max(2.0, 672.0 / count)
    gap = 10.0
    heights = [max(len(bundle.threads) * row, 16.0 * len(bundle.label.split("\n"))) for bundle in bundles]
    bottom = HEAD + sum(heights) + gap * max(len(bundles) - 1, 0)
    picture = Picture(WIDTH, bottom + AXIS, title, "chart")
    time = time_scale(low, high)
    draw_bands(picture, time, bands, HEAD, bottom)
    y = HEAD
    for bundle, height in zip(bundles, heights, strict=True):
        for index, line in enumerate(bundle.label.split("\n")):
            picture.text(8, y + 12 + 15 * index, fit(line, LEFT - 16, 11.5), "name" if index == 0 else "soft")
        for index, thread in enumerate(bundle.threads):
            _draw_thread(picture, thread, y + index * row, row, time)
        y += height + gap
    draw_time_axis(picture, time, HEAD, bottom)
    return picture.render()


def _draw_thread(picture: Picture, thread: Thread, y: float, row: float, time: Linear) -> None:
    picture.open("thread", thread.tip)
    picture.rect(LEFT, y + 0.5, WIDTH - RIGHT - LEFT, row - 1, "track")
    for level, d in enumerate(_covered(thread.spans, y + 0.5, row - 1, time)):
        picture.path(d, f"lost{level} fill")
    picture.close()


def _covered(spans: Sequence[tuple[float, float]], y: float, height: float, time: Linear) -> list[str]:
    """The path of each strength of colour."""
    columns = round((time.end - time.start) / _CELL)
    seconds = (time.high - time.low) / columns
    cover: dict[int, float] = {}
    for start, length in spans:
        begin, end = max(start, time.low), min(start + length, time.high)
        if begin > end:
            continue
        first = min(int((begin - time.low) / seconds), columns - 1)
        last = min(int((end - time.low) / seconds), columns - 1)
        for column in range(first, last + 1):
            left = time.low + column * seconds
            part = min(end, left + seconds) - max(begin, left)
            cover[column] = min(cover.get(column, 0.0) + part / seconds, 1.0)
    paths = ["", "", ""]
    run: tuple[int, int, int] | None = None
    for column in [*sorted(cover), -1]:
        level = next((i for i, limit in enumerate(_LEVELS) if cover.get(column, 0.0) <= limit + 1e-9), 2)
        if run is not None and column == run[1] + 1 and level == run[2]:
            run = (run[0], column, level)
            continue
        if run is not None:
            x, width = time.start + run[0] * _CELL, (run[1] - run[0] + 1) * _CELL
            paths[run[2]] += f"M{short(x)} {short(y)}h{short(width)}v{short(height)}h{short(-width)}z"
        run = (column, column, level)
    return paths


__all__ = ["Bundle", "Thread", "strip_chart"]
