"""Areas and lines over time, made of steps (a value for each span) or of points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xcnet.scenario.report.charts.frame import (
    AXIS,
    HEAD,
    WIDTH,
    Band,
    draw_bands,
    draw_time_axis,
    draw_value_axis,
    time_scale,
)
from xcnet.scenario.report.charts.scale import Linear, Logarithmic, Scale, nice_top
from xcnet.scenario.report.charts.svg import Picture, polyline, short

_LOG_FROM = 8.0
"""Where the highest value is that many times a middling one, a linear axis would show that one alone."""


@dataclass(frozen=True, slots=True)
class Step:
    """A value that holds from ``start`` to ``end``; None where there is none."""

    start: float
    end: float
    value: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """:param style: a class of the style sheet. :param filled: an area from zero; else a line."""

    steps: tuple[Step, ...]
    style: str
    filled: bool = False


def area_chart(
    title: str,
    name: str,
    series: Sequence[Series],
    low: float,
    high: float,
    bands: tuple[Band, ...],
    *,
    height: float = 130.0,
    parts: int = 4,
    head: bool = True,
    log: bool = False,
) -> str:
    """The picture. :param name: of the value axis, with its unit; lines by ``\\n``. :param parts: of the value axis, at most.
    :param head: the bands have their names above. :param log: the axis may be logarithmic, where the values are that far apart.
    """
    top = HEAD if head else 8.0
    bottom = top + height
    picture = Picture(WIDTH, bottom + AXIS, title, "chart")
    time = time_scale(low, high)
    scale = _value_scale(series, top, bottom, parts, log)
    draw_bands(picture, time, bands, top, bottom, named=head)
    draw_value_axis(picture, scale, name, parts + 1)
    draw_time_axis(picture, time, top, bottom)
    for each in series:
        draw_steps(picture, each, time, scale, bottom)
    return picture.render()


def _value_scale(series: Sequence[Series], top: float, bottom: float, parts: int, log: bool) -> Scale:
    values = sorted(step.value for each in series for step in each.steps if step.value is not None)
    highest = values[-1] if values else 0.0
    positive = [value for value in values if value > 0]
    if log and positive and highest > _LOG_FROM * positive[len(positive) // 2]:
        # From a little below the lowest to a little above the highest, so that neither lies on the border.
        return Logarithmic(positive[0] / 1.3, highest * 1.3, bottom, top)
    return Linear(0.0, nice_top(highest, parts), bottom, top)


def draw_steps(picture: Picture, series: Series, time: Linear, scale: Scale, bottom: float) -> None:
    """Each run of values without a gap as one path; steps that would fall on one pixel's height are drawn as one."""
    paths = []
    for run in _runs(series.steps, time):
        points = [(time(run[0].start), bottom)] if series.filled else []
        for step in run:
            y = scale(step.value or 0.0)
            if not points or short(points[-1][1]) != short(y):
                points.append((time(step.start), y))
            elif len(points) > 1 and points[-2][1] == points[-1][1]:
                points.pop()
            points.append((time(step.end), y))
        if series.filled:
            points.append((time(run[-1].end), bottom))
        paths.append(polyline(points) + ("Z" if series.filled else ""))
    picture.path("".join(paths), f"{series.style} {'fill' if series.filled else 'stroke'}")


def _runs(steps: Sequence[Step], time: Linear) -> list[list[Step]]:
    runs: list[list[Step]] = []
    last: Step | None = None
    for step in steps:
        if step.value is not None and step.end > time.low and step.start < time.high:
            if last is not None and abs(last.end - step.start) < 1e-6 + 0.01 * (step.end - step.start):
                runs[-1].append(step)
            else:
                runs.append([step])
            last = step
        elif step.value is None:
            last = None
    return runs


__all__ = ["Series", "Step", "area_chart", "draw_steps"]
