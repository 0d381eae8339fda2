"""What several pictures share: the faults as bands behind the plot."""

from __future__ import annotations

from xcnet.scenario.report.charts.frame import Band
from xcnet.scenario.report.facts import end_of
from xcnet.scenario.results import FaultSpan, RunResult


def fault_words(fault: FaultSpan) -> str:
    """``cut ch2``."""
    return f"{fault.kind} {fault.target}"


def bands(result: RunResult) -> tuple[Band, ...]:
    """One for each fault."""
    return tuple(Band(fault.began, end_of(result, fault), fault_words(fault)) for fault in result.faults)


__all__ = ["bands", "fault_words"]
