"""Marks that would cover each other become one mark with a number, so that thousands of events stay readable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from xcnet.scenario.report.charts.scale import Linear

_MARK = 11.0
"""Pixels that one mark takes."""
_DIGIT = 6.4
_WIDEST = 44.0
"""No cluster grows wider: where events never pause, it says when they were all the same."""
LISTED = 8


class Tone(StrEnum):
    BAD = "bad"
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Mark:
    """One event. :param tip: a line about it."""

    at: float
    tone: Tone
    tip: str


@dataclass(frozen=True, slots=True)
class Cluster:
    """One or more marks as they are drawn: the middle and width in pixels."""

    x: float
    width: float
    marks: tuple[Mark, ...]

    @property
    def tone(self) -> Tone:
        """Bad wins over good, good over plain: what is worth a look must show."""
        tones = {mark.tone for mark in self.marks}
        return next(tone for tone in Tone if tone in tones)

    @property
    def mixed(self) -> bool:
        """Whether losses and recoveries are in it."""
        return {Tone.BAD, Tone.GOOD} <= {mark.tone for mark in self.marks}

    def tip(self, most: int) -> str:
        """The first lines, ``most`` of them, and how many more there are."""
        lines = [mark.tip for mark in self.marks[:most]]
        more = len(self.marks) - len(lines)
        return "\n".join([*lines, f"and {more:,} more"] if more else lines)


def cluster(marks: Sequence[Mark], time: Linear) -> tuple[Cluster, ...]:
    """Marks within the scale, in order of time, merged until none covers another."""
    groups: list[list[Mark]] = []
    for mark in sorted((mark for mark in marks if time.low <= mark.at <= time.high), key=lambda mark: mark.at):
        groups.append([mark])
        while len(groups) > 1 and _touch(groups[-2], groups[-1], time):
            merged = groups[-2] + groups[-1]
            if time(merged[-1].at) - time(merged[0].at) > _WIDEST:
                break
            groups[-2:] = [merged]
    clusters: list[Cluster] = []
    for group in groups:
        width = _width(group, time)
        low = clusters[-1].x + clusters[-1].width / 2 + 1 if clusters else time.start
        x = max(_middle(group, time), low + width / 2)
        clusters.append(Cluster(min(x, time.end - width / 2), width, tuple(group)))
    return tuple(clusters)


def _middle(group: list[Mark], time: Linear) -> float:
    return (time(group[0].at) + time(group[-1].at)) / 2


def _width(group: list[Mark], time: Linear) -> float:
    if len(group) == 1:
        return _MARK
    words = len(str(len(group))) * _DIGIT + 9
    return min(max(time(group[-1].at) - time(group[0].at) + 4, words), _WIDEST)


def _touch(a: list[Mark], b: list[Mark], time: Linear) -> bool:
    return _middle(b, time) - _middle(a, time) < (_width(a, time) + _width(b, time)) / 2 + 1


__all__ = ["LISTED", "Cluster", "Mark", "Tone", "cluster"]
