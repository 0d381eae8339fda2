"""The topology picture: two sides, their edges, the facilities and channels between, and where the faults were."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from itertools import groupby

from xcnet.scenario.report.charts.svg import Picture, fit, short, text_width
from xcnet.scenario.report.facts import channel_styles
from xcnet.scenario.report.words import moment
from xcnet.scenario.results import ChannelPlace, FaultSpan, RunResult

_WIDTH = 860.0
_ROW = 46.0
_SITE = 28.0
"""Room above a facility's first row."""
_PANEL = 216.0
_EDGE_X, _EDGE_WIDTH = 64.0, 136.0
_FACILITY_X, _FACILITY_WIDTH = 340.0, 180.0


def topology_picture(result: RunResult) -> str | None:
    """The picture."""
    order = {name: index for index, name in enumerate(result.providers)}

    def sides(place: ChannelPlace) -> tuple[str, str]:
        ends = sorted(place.ends, key=lambda name: (order.get(name, len(order)), name))
        return (ends[0] if ends else ""), (ends[-1] if ends else "")

    def rank(place: ChannelPlace) -> tuple[int, int]:
        left, right = sides(place)
        return order.get(left, len(order)), order.get(right, len(order))

    facilities = {name: index for index, name in enumerate(dict.fromkeys(place.facility for place in result.channels))}
    places = sorted(result.channels, key=lambda place: (*rank(place), facilities[place.facility]))
    if not places:
        return None
    rows = _heights([place.facility for place in places])
    height = rows[-1] + _ROW / 2 + 28
    picture = Picture(_WIDTH, height, "Topology, with the faults marked", "chart topology")
    for index, at_left in ((0, True), (1, False)):
        for name, first, count in _runs(places, lambda place, index=index: sides(place)[index]):  # type: ignore[misc]
            _panel(picture, result.providers.get(name, name), rows[first : first + count], at_left)
    for name, first, count in _runs(places, lambda place: place.facility):
        y, bottom = rows[first] - _ROW / 2 - _SITE + 8, rows[first + count - 1] + _ROW / 2
        hit = any(fault.target == name for fault in result.faults)
        picture.rect(_FACILITY_X, y, _FACILITY_WIDTH, bottom - y, "wall hit" if hit else "wall", radius=8)
        picture.text(_FACILITY_X + 10, y + 15, fit(name, _FACILITY_WIDTH - 20, 11), "sitename")
    styles = channel_styles(result)
    for index, place in enumerate(places):
        faults = [fault for fault in result.faults if place.name in fault.channels]
        _channel(picture, place.name, styles[place.name], faults, rows[index])
    for index, at_left in ((0, True), (1, False)):
        for edge, first, count in _runs(places, lambda place, index=index: place.ends.get(sides(place)[index], "")):  # type: ignore[misc]
            hit = any(edge in re.split(r"[/ ,]", fault.target) for fault in result.faults)
            _edge(picture, edge, rows[first : first + count], at_left, hit)
    return picture.render()


def _runs(places: Sequence[ChannelPlace], key: Callable[[ChannelPlace], str]) -> list[tuple[str, int, int]]:
    """(name, first row, rows) of neighbours with one name."""
    runs, first = [], 0
    for name, members in groupby(places, key):
        count = len(list(members))
        runs.append((name, first, count))
        first += count
    return runs


def _heights(facilities: Sequence[str]) -> list[float]:
    """The middle of each channel's row: above each facility there is room for its name."""
    heights: list[float] = []
    y = 34.0
    for index, name in enumerate(facilities):
        if index == 0 or name != facilities[index - 1]:
            y += _SITE
        heights.append(y + _ROW / 2)
        y += _ROW
    return heights


def _panel(picture: Picture, name: str, rows: Sequence[float], at_left: bool) -> None:
    top, bottom = rows[0] - _ROW / 2 - _SITE, rows[-1] + _ROW / 2 + 12
    if top < 40:
        top = 4.0
    x = 4.0 if at_left else _WIDTH - _PANEL - 4
    picture.rect(x, top, _PANEL, bottom - top, "panel", radius=12)
    words = fit(name, _PANEL - 32, 13.5)
    picture.text(x + 16 if at_left else x + _PANEL - 16, top + 24, words, "side", "" if at_left else "end")


def _edge(picture: Picture, name: str, rows: Sequence[float], at_left: bool, hit: bool) -> None:
    x = _EDGE_X if at_left else _WIDTH - _EDGE_X - _EDGE_WIDTH
    y, bottom = rows[0] - 16, rows[-1] + 16
    picture.rect(x, y, _EDGE_WIDTH, bottom - y, "node hit" if hit else "node", radius=7)
    words = fit(name, _EDGE_WIDTH - 10, 12)
    picture.text(x + _EDGE_WIDTH / 2, (y + bottom) / 2 + 4, words, "nodename", "middle")


def _channel(picture: Picture, name: str, style: str, faults: Sequence[FaultSpan], y: float) -> None:
    left, right = _EDGE_X + _EDGE_WIDTH, _WIDTH - _EDGE_X - _EDGE_WIDTH
    tip = "\n".join([name, *(f"{fault.kind} {_when(fault)}: {fault.artifact}" for fault in faults)])
    picture.open(f"fibre {style}" + (" hit" if faults else ""), tip)
    picture.line(left, y, right, y, "pipe")
    middle = (left + right) / 2
    words = fit(name, _FACILITY_WIDTH - 40, 11.5)
    width = max(text_width(words, 11.5) + 22, 68.0)
    picture.rect(middle - width / 2, y - 11, width, 22, "pill", radius=11)
    picture.text(middle, y + 4, words, "tag", "middle")
    if faults:
        cross = (_FACILITY_X + _FACILITY_WIDTH + right) / 2
        picture.circle(cross, y, 10, "badge")
        picture.path(f"M{short(cross - 4)} {short(y - 4)}l8 8M{short(cross + 4)} {short(y - 4)}l-8 8", "cross")
        more = f" +{len(faults) - 1}" if len(faults) > 1 else ""
        kind = fit(faults[0].kind, 110 - 7 * len(more), 11) + more
        picture.text((left + _FACILITY_X) / 2, y - 9, kind, "hitname", "middle")
        picture.text((left + _FACILITY_X) / 2, y + 18, fit(_when(faults[0]), 132, 11), "soft", "middle")
    picture.close()


def _when(fault: FaultSpan) -> str:
    end = "end" if fault.ended is None else f"{moment(fault.ended, 1)} s"
    return f"{moment(fault.began, 1)}–{end}"


__all__ = ["topology_picture"]
