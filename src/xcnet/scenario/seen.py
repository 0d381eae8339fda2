"""What was seen of a run, and how an expectation's outcome is put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xcnet.events import Event
from xcnet.probe.results import ProbeResult
from xcnet.scenario.expected import Expectation
from xcnet.scenario.formula import Functions
from xcnet.scenario.results import Check, FaultSpan, Verdict
from xcnet.scenario.timeline import TimeLine, matches
from xcnet.scenario.voices import Voice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action. :param refusal: the words of the error; None where it was done."""

    step: str
    refused: str | None
    refusal: str | None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was seen of a run. Events are on the lab's clock, all else in seconds since ``began``.

    :param steps: name -> when it was done; absent where its moment never came. :param unverified: connections that are not seen
        to work at the end. :param voices: what customers were told, in order. :param connection: the topology's first.
    :param left: what is there at the end that was not, or the other way round; None: nobody looked.
    """

    began: float
    ended: float
    line: TimeLine
    events: Sequence[Event]
    faults: Sequence[FaultSpan]
    steps: dict[str, float]
    outcomes: Sequence[Outcome] = ()
    unverified: Sequence[str] = ()
    probe: ProbeResult | None = None
    functions: Functions = field(default_factory=dict)
    voices: Sequence[Voice] = ()
    connection: str = ""
    left: Sequence[str] | None = None

    def fault(self, step: str) -> FaultSpan | None:
        return next((span for span in self.faults if span.name == step), None)

    def of_kind(self, kind: str, on: str | None, since: float) -> list[float]:
        """When such events came, seconds since the run began."""
        return sorted(
            event.monotonic - self.began
            for event in self.events
            if matches(event.kind, kind)
            and event.monotonic - self.began >= since
            and (on is None or self.line.concerns(event, on))
        )


def made(check: Expectation, name: str, expected: str, measured: str, holds: bool | None, why: str = "") -> Check:
    """What came of an expectation. :param name: where the file gives it none. :param holds: None where it cannot be told."""
    verdict = Verdict.INCONCLUSIVE if holds is None else Verdict.PASS if holds else Verdict.FAIL
    return Check(name=check.name or name, expected=expected, measured=measured, verdict=verdict, why=why)


def number(value: float, unit: str) -> str:
    """With its unit, as people read it."""
    text = f"{value:.0f}" if value == int(value) else f"{value:.3g}"
    return f"{text} {unit}".strip() if unit != "%" else f"{text} %"


__all__ = ["Outcome", "Seen", "made", "number"]
