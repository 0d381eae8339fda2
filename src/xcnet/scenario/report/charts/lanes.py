"""Lanes over time: one for each thing that events are about, in groups, with bars for spans and marks for events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xcnet.scenario.report.charts.cluster import LISTED, Cluster, Mark, Tone, cluster
from xcnet.scenario.report.charts.frame import (
    AXIS,
    LEFT,
    RIGHT,
    WIDTH,
    Band,
    draw_bands,
    draw_time_axis,
    time_scale,
)
from xcnet.scenario.report.charts.scale import Linear
from xcnet.scenario.report.charts.svg import Picture, fit, short, text_width

_LANE = 21.0
_GAP = 9.0
_TOP = 4.0
_CROWD = 400
"""From so many marks on, tooltips list fewer of them: they would be most of the page."""
_LISTED_IN_CROWD = 2


@dataclass(frozen=True, slots=True)
class Bar:
    """A span within a lane. :param words: in it or beside it. :param tip: on it. :param style: a class of the style sheet."""

    start: float
    end: float
    words: str
    tip: str
    style: str


@dataclass(frozen=True, slots=True)
class Lane:
    """:param label: of the lane, e.g. a layer."""

    label: str
    marks: tuple[Mark, ...] = ()
    bars: tuple[Bar, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Lanes that belong together. :param style: a class that gives its stripe a colour; empty for none."""

    label: str
    style: str
    lanes: tuple[Lane, ...]


def lanes_chart(title: str, groups: Sequence[Group], low: float, high: float, bands: tuple[Band, ...]) -> str:
    """The picture. Times beyond ``low`` and ``high`` are left out; the bands shade all lanes."""
    count = sum(len(group.lanes) for group in groups)
    bottom = _TOP + count * _LANE + max(len(groups) - 1, 0) * _GAP
    picture = Picture(WIDTH, bottom + AXIS, title, "chart")
    time = time_scale(low, high)
    y = _TOP
    for group in groups:
        height = len(group.lanes) * _LANE
        for index in range(len(group.lanes)):
            picture.rect(LEFT, y + index * _LANE + 1, WIDTH - RIGHT - LEFT, _LANE - 2, "lane", radius=3)
        y += height + _GAP
    draw_bands(picture, time, bands, _TOP, bottom, named=False)
    draw_time_axis(picture, time, _TOP, bottom)
    y = _TOP
    marks = sum(low <= mark.at <= high for group in groups for lane in group.lanes for mark in lane.marks)
    listed = LISTED if marks < _CROWD else _LISTED_IN_CROWD
    for group in groups:
        _draw_group(picture, group, y, time, listed)
        y += len(group.lanes) * _LANE + _GAP
    return picture.render()


def _draw_group(picture: Picture, group: Group, top: float, time: Linear, listed: int) -> None:
    height = len(group.lanes) * _LANE
    if group.style:
        picture.rect(0, top + 2, 4, height - 4, f"{group.style} fill", radius=2)
    picture.text(12, top + _LANE / 2 + 4, fit(group.label, 76, 12), "groupname")
    for index, lane in enumerate(group.lanes):
        y = top + (index + 0.5) * _LANE
        picture.text(LEFT - 10, y + 4, fit(lane.label, 52, 11.5), "lanename", "end")
        for bar in lane.bars:
            _draw_bar(picture, bar, y, time)
        for each in cluster(lane.marks, time):
            _draw_cluster(picture, each, y, listed)


def _draw_bar(picture: Picture, bar: Bar, y: float, time: Linear) -> None:
    if bar.end < time.low or bar.start > time.high:
        return
    x1, x2 = time(bar.start), time(bar.end)
    x1 = min(x1, time.end - 3)
    picture.rect(x1, y - 7.5, max(x2 - x1, 3.0), 15, bar.style, radius=3, tip=bar.tip)
    if text_width(bar.words, 11) + 10 < x2 - x1:
        picture.text(x1 + 6, y + 4, bar.words, "inbar")


def _draw_cluster(picture: Picture, each: Cluster, y: float, listed: int) -> None:
    tone = each.tone
    picture.open(f"mark {tone}", each.tip(listed))
    if len(each.marks) == 1:
        _draw_shape(picture, tone, each.x, y)
    else:
        picture.rect(each.x - each.width / 2, y - 7, each.width, 14, "pill mixed" if each.mixed else "pill", radius=7)
        picture.text(each.x, y + 3.6, f"{len(each.marks):,}", "count", "middle")
    picture.close()


def _draw_shape(picture: Picture, tone: Tone, x: float, y: float) -> None:
    # Shapes, not colours alone: down, up, and a dot.
    if tone is Tone.BAD:
        picture.path(f"M{short(x - 5.5)} {short(y - 4.5)}h11l-5.5 9.5z", "shape")
    elif tone is Tone.GOOD:
        picture.path(f"M{short(x - 5.5)} {short(y + 4.5)}h11l-5.5 -9.5z", "shape")
    else:
        picture.circle(x, y, 4, "shape")


__all__ = ["Bar", "Group", "Lane", "lanes_chart"]
