"""Two runs side by side: what each check, loss, delay and stage was, and what got worse."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from xcnet.scenario.report import words
from xcnet.scenario.report.markdown import escape, table
from xcnet.scenario.report.page import point_in_time, render
from xcnet.scenario.results import Check, Phase, RunResult, Verdict

TOLERANCE = 0.1
"""A figure that grew by no more than this share of itself is the same: two runs are never alike."""

_FLOOR_SECONDS, _FLOOR_MS, _FLOOR_SHARE = 0.02, 1.0, 0.000_1
"""What is less apart than this is the same, whatever share that is: times, delays, lost packets of those sent."""


class Change(StrEnum):
    SAME = "same"
    BETTER = "better"
    WORSE = "worse"
    OTHER = "other"
    """Not to be weighed: in one run only, or in words."""


class ComparedRow(BaseModel):
    """:param section: what the row belongs to. :param a: of the first run, in words. :param difference: second less first."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    section: str
    name: str
    a: str
    b: str
    difference: str
    change: Change


class Comparison(BaseModel):
    """:param first: title and time of each run. :param tolerance: as a share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    first: str
    second: str
    tolerance: float
    rows: tuple[ComparedRow, ...]

    @property
    def regressions(self) -> tuple[ComparedRow, ...]:
        """What got worse."""
        return tuple(row for row in self.rows if row.change is Change.WORSE)


def compare(a: RunResult, b: RunResult, tolerance: float = TOLERANCE) -> Comparison:
    """What changed from ``a`` to ``b``. :param tolerance: share by which a figure may grow, from 0."""
    rows = [*_verdicts(a, b), *_loss(a, b, tolerance), *_delays(a, b, tolerance), *_phases(a, b, tolerance)]
    if a.scenario != b.scenario:
        rows.insert(0, _words("run", "scenario", a.scenario, b.scenario))
    for name in dict.fromkeys([*a.versions, *b.versions]):
        mine, other = a.versions.get(name, words.NONE), b.versions.get(name, words.NONE)
        if mine != other:
            rows.append(_words("versions", name, mine, other))
    return Comparison(first=_title(a), second=_title(b), tolerance=tolerance, rows=tuple(rows))


def _title(result: RunResult) -> str:
    return f"{result.scenario}, {point_in_time(result.began)}"


def _words(section: str, name: str, a: str, b: str) -> ComparedRow:
    change = Change.SAME if a == b else Change.OTHER
    return ComparedRow(section=section, name=name, a=a, b=b, difference="", change=change)


def _verdict_change(a: Verdict, b: Verdict) -> Change:
    """Only what is sure counts: to and from inconclusive is neither better nor worse, but to fail is worse."""
    if a is b:
        return Change.SAME
    if b is Verdict.FAIL:
        return Change.WORSE
    return Change.BETTER if a is Verdict.FAIL and b is Verdict.PASS else Change.OTHER


def _verdicts(a: RunResult, b: RunResult) -> Iterator[ComparedRow]:
    yield ComparedRow(
        section="run",
        name="verdict",
        a=words.VERDICTS[a.verdict],
        b=words.VERDICTS[b.verdict],
        difference="",
        change=_verdict_change(a.verdict, b.verdict),
    )
    for name, mine, other in _paired(a.checks, b.checks, lambda check: check.name):
        yield ComparedRow(
            section="checks",
            name=name,
            a=_check(mine),
            b=_check(other),
            difference="" if mine is None or other is None or mine.expected == other.expected else "expected otherwise",
            change=Change.OTHER if mine is None or other is None else _verdict_change(mine.verdict, other.verdict),
        )


def _check(check: Check | None) -> str:
    return f"{words.VERDICTS[check.verdict]}: {check.measured}" if check is not None else words.NONE


def _loss(a: RunResult, b: RunResult, tolerance: float) -> Iterator[ComparedRow]:
    if a.probe is None and b.probe is None:
        return
    mine, other = (result.probe for result in (a, b))
    yield _figure(
        "loss",
        "longest loss of one flow",
        mine.longest_loss if mine else None,
        other.longest_loss if other else None,
        words.seconds,
        tolerance,
        _FLOOR_SECONDS,
    )
    yield _figure(
        "loss",
        "packets lost, of those sent",
        mine.lost / mine.sent if mine and mine.sent else None,
        other.lost / other.sent if other and other.sent else None,
        lambda value: words.percent(value, 1) if value is not None else words.NONE,
        tolerance,
        _FLOOR_SHARE,
    )
    yield _figure(
        "loss",
        "flows that lost",
        float(sum(stream.flows_hit for stream in mine.streams)) if mine else None,
        float(sum(stream.flows_hit for stream in other.streams)) if other else None,
        lambda value: f"{value:.0f}" if value is not None else words.NONE,
        tolerance,
        # Which flows share a channel is chance: their ports differ from run to run.
        8.0,
    )


def _delays(a: RunResult, b: RunResult, tolerance: float) -> Iterator[ComparedRow]:
    if a.probe is None or b.probe is None:
        return
    for name in ("p50", "p99"):
        mine_ms, other_ms = (
            max((float(getattr(stream.delay, name)) for stream in run.streams), default=0.0)
            for run in (a.probe, b.probe)
        )
        yield _figure("delay", f"{name} of the slowest stream", mine_ms, other_ms, _ms, tolerance, _FLOOR_MS)
    for mine, other in zip(a.probe.transfers, b.probe.transfers, strict=False):
        # A rate that falls is worse: the loss of it is what is compared.
        name = f"TCP {mine.source} → {mine.target}, IPv{mine.version}"
        row = _figure("transfers", name, other.mbps, mine.mbps, _mbps, tolerance, 1.0)
        yield row.model_copy(update={"a": row.b, "b": row.a, "difference": _signed(other.mbps - mine.mbps, _mbps)})


def _ms(value: float | None) -> str:
    return words.milliseconds(value) if value is not None else words.NONE


def _mbps(value: float | None) -> str:
    return f"{value:,.1f} Mbit/s" if value is not None else words.NONE


def _phases(a: RunResult, b: RunResult, tolerance: float) -> Iterator[ComparedRow]:
    for name, mine, other in _paired(a.phases, b.phases, lambda phase: phase.fault):
        for stage in ("detection", "withdrawal", "reroute", "restoration"):
            yield _figure(
                "stages",
                f"{name}: {stage}",
                _stage(mine, stage),
                _stage(other, stage),
                words.seconds,
                tolerance,
                _FLOOR_SECONDS,
            )


def _stage(phase: Phase | None, stage: str) -> float | None:
    value: float | None = getattr(phase, stage) if phase is not None else None
    return value


T = TypeVar("T")


def _paired(a: Iterable[T], b: Iterable[T], key: Callable[[T], str]) -> Iterator[tuple[str, T | None, T | None]]:
    """Those of one name together, the first with the first and so on; those that only one run has, alone."""
    mine, other = _numbered(a, key), _numbered(b, key)
    for each in dict.fromkeys([*mine, *other]):
        yield each[0], mine.get(each), other.get(each)


def _numbered(items: Iterable[T], key: Callable[[T], str]) -> dict[tuple[str, int], T]:
    found: dict[tuple[str, int], T] = {}
    seen: dict[Hashable, int] = {}
    for item in items:
        name = key(item)
        seen[name] = seen.get(name, 0) + 1
        found[name, seen[name]] = item
    return found


def _figure(
    section: str,
    name: str,
    a: float | None,
    b: float | None,
    spell: Callable[[float | None], str],
    tolerance: float,
    floor: float,
) -> ComparedRow:
    """A figure that is better the smaller it is."""
    if a is None or b is None:
        # What did not happen once is not zero: it is neither better nor worse by this figure alone.
        change = Change.SAME if a is b else Change.OTHER
        return ComparedRow(section=section, name=name, a=spell(a), b=spell(b), difference="", change=change)
    change = Change.SAME
    if abs(b - a) > floor and b > a * (1 + tolerance):
        change = Change.WORSE
    elif abs(b - a) > floor and a > b * (1 + tolerance):
        change = Change.BETTER
    return ComparedRow(
        section=section, name=name, a=spell(a), b=spell(b), difference=_signed(b - a, spell), change=change
    )


def _signed(difference: float, spell: Callable[[float | None], str]) -> str:
    if difference == 0:
        return "0"
    return f"{'+' if difference > 0 else '−'}{spell(abs(difference))}"


def verdict_words(comparison: Comparison) -> str:
    """``2 of 14 figures got worse, by more than 10 %.``"""
    number = len(comparison.regressions)
    if not number:
        return f"Nothing got worse by more than {comparison.tolerance:.0%}."
    names = [f"{row.name} ({row.section})" for row in comparison.regressions[:3]]
    names += [f"{number - 3} more"] if number > 3 else []
    return f"{number} of {words.count(len(comparison.rows), 'figure')} got worse: {words.enumeration(names)}."


def compare_markdown(comparison: Comparison) -> str:
    lines = [
        "# Two runs compared",
        "",
        f"First: {escape(comparison.first)}. Second: {escape(comparison.second)}.",
        "",
        escape(verdict_words(comparison)),
        "",
    ]
    rows: Sequence[tuple[str, ...]] = [
        (row.section, row.name, row.a, row.b, row.difference, "" if row.change is Change.SAME else row.change.value)
        for row in comparison.rows
    ]
    return "\n".join([*lines, *table(["", "what", "first", "second", "difference", "change"], rows)]) + "\n"


def compare_page(comparison: Comparison) -> str:
    """One self-contained page."""
    return render(
        "compare.html.j2",
        title="Two runs compared",
        comparison=comparison,
        sentence=verdict_words(comparison),
    )


def compare_data(comparison: Comparison) -> dict[str, Any]:
    """For ``--json``."""
    return {**comparison.model_dump(mode="json"), "regressions": len(comparison.regressions)}


__all__ = [
    "TOLERANCE",
    "Change",
    "ComparedRow",
    "Comparison",
    "compare",
    "compare_data",
    "compare_markdown",
    "compare_page",
    "verdict_words",
]
