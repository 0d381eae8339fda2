"""How long each stage of each fault's course took: the way to failover, and the way back."""

from __future__ import annotations

from xcnet.scenario.report.charts.bars import Row, Segment, stage_bars
from xcnet.scenario.report.facts import phase_of
from xcnet.scenario.report.figures.common import fault_words
from xcnet.scenario.report.words import seconds
from xcnet.scenario.results import FaultSpan, Phase, RunResult

_SHOWN = 24


def phase_pictures(result: RunResult) -> tuple[str, ...]:
    """Failover, and restoration; those of them that have a stage that happened."""
    known = [(fault, phase_of(result, fault)) for fault in sorted(result.faults, key=lambda fault: fault.began)]
    courses = [(fault, phase) for fault, phase in known if phase is not None][:_SHOWN]
    pictures = []
    if any(value is not None for _, phase in courses for _, value in _failover(phase)):
        rows = [_failover_row(fault, phase) for fault, phase in courses]
        pictures.append(stage_bars("Stages of failover", "Failover: seconds from the fault's beginning", rows))
    if any(phase.restoration is not None for _, phase in courses):
        rows = [
            Row(
                fault_words(fault),
                _segments([("restoration", phase.restoration)]),
                f"restoration {seconds(phase.restoration)}",
            )
            for fault, phase in courses
        ]
        pictures.append(stage_bars("Restoration", "Restoration: seconds from the fault's end", rows))
    return tuple(pictures)


def _failover(phase: Phase) -> list[tuple[str, float | None]]:
    """Stages, each from the end of the one before."""
    return [("detection", phase.detection), ("withdrawal", phase.withdrawal), ("reroute", phase.reroute)]


def _failover_row(fault: FaultSpan, phase: Phase) -> Row:
    stages = _failover(phase)
    note = " · ".join(f"{name} {seconds(value)}" for name, value in stages)
    return Row(fault_words(fault), _segments(stages), note)


def _segments(stages: list[tuple[str, float | None]]) -> tuple[Segment, ...]:
    return tuple(Segment(value, name, f"{name}: {seconds(value)}", f"stage-{name}") for name, value in stages if value)


__all__ = ["phase_pictures"]
