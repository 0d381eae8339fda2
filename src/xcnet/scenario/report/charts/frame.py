"""The plot that every picture over time stands in: one time axis, one left border, so that pictures below each other agree."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.scenario.report.charts.scale import Linear, Logarithmic, Scale, tick_words
from xcnet.scenario.report.charts.svg import Picture, fit, text_width

WIDTH = 1080.0
LEFT = 148.0
RIGHT = 18.0
AXIS = 34.0
"""Height of what stands below a plot: the ticks' words and the axis' name."""
HEAD = 20.0
"""Height of what stands above a plot: the bands' names."""


@dataclass(frozen=True, slots=True)
class Band:
    """A span of time that is shaded through the whole plot. :param label: above it, where there is room."""

    start: float
    end: float
    label: str


def time_scale(low: float, high: float) -> Linear:
    """Seconds, over the plot's width."""
    return Linear(low, high if high > low else low + 1.0, LEFT, WIDTH - RIGHT)


def draw_bands(
    picture: Picture, time: Linear, bands: tuple[Band, ...], top: float, bottom: float, *, named: bool = True
) -> None:
    """Shaded spans with their names above; a name without room for it is left to the tooltip."""
    free = LEFT
    for band in sorted(bands, key=lambda band: (band.start, band.end)):
        if band.end < time.low or band.start > time.high:
            continue
        x1, x2 = time(band.start), time(band.end)
        picture.rect(x1, top, max(x2 - x1, 1.0), bottom - top, "band", tip=band.label)
        if band.start >= time.low:
            picture.line(x1, top, x1, bottom, "edge")
        if band.end < time.high:
            picture.line(x2, top, x2, bottom, "edge dash")
        room = WIDTH - RIGHT - max(x1, free)
        if named and room > 40:
            words = fit(band.label, room, 11)
            picture.text(max(x1, free), top - 6, words, "bandname")
            free = max(x1, free) + text_width(words, 11) + 14


def draw_time_axis(picture: Picture, time: Linear, top: float, bottom: float, name: str = "seconds") -> None:
    values = time.ticks(13)
    for value, words in zip(values, tick_words(values), strict=True):
        x = time(value)
        picture.line(x, top, x, bottom, "grid")
        # The last word may be wider than the margin beside the plot.
        picture.text(min(x, WIDTH - text_width(words, 11) / 2), bottom + 15, words, "tick", "middle")
    picture.line(LEFT, bottom, WIDTH - RIGHT, bottom, "axis")
    picture.text(WIDTH - RIGHT, bottom + 30, name, "tick", "end")


def draw_value_axis(picture: Picture, scale: Scale, name: str, most: int = 5) -> None:
    """Words at the left of the plot, and a line through it for each."""
    values = scale.ticks(most)
    spelt = tuple(f"{value:g}" for value in values) if isinstance(scale, Logarithmic) else tick_words(values)
    for value, words in zip(values, spelt, strict=True):
        y = scale(value)
        picture.line(LEFT, y, WIDTH - RIGHT, y, "grid")
        picture.text(LEFT - 8, y + 4, words, "tick", "end")
    middle = (scale(values[0]) + scale(values[-1])) / 2 if values else 0.0
    for index, line in enumerate(name.split("\n")):
        picture.text(8, middle + 4 + 14 * index, line, "name")


__all__ = [
    "AXIS",
    "HEAD",
    "LEFT",
    "RIGHT",
    "WIDTH",
    "Band",
    "draw_bands",
    "draw_time_axis",
    "draw_value_axis",
    "time_scale",
]
