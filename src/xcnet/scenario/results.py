"""What a run of a scenario came to: the one thing that reports, comparisons and JUnit files are made of.

Times are seconds since the run began (its measuring, after bringing up and warming up), on the lab kernel's monotonic clock.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

from xcnet.probe.results import ProbeResult


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Check(_Result):
    """One expectation held against what was measured.

    :param expected: in words, with its bound, e.g. ``longest loss at most 0.3 s``. :param measured: likewise.
    :param why: how the bound came about or why it failed; may be empty. :param verdict: inconclusive where the figure could
        not be had.
    """

    name: str
    expected: str
    measured: str
    verdict: Verdict
    why: str = ""


class Layer(StrEnum):
    """What a timeline's entry is about; lanes are drawn in this order."""

    FAULT = "fault"
    LINK = "link"
    MACSEC = "macsec"
    BFD = "bfd"
    BGP = "bgp"
    FIB = "fib"
    API = "api"
    STEP = "step"
    PROBE = "probe"
    OTHER = "other"


class Entry(_Result):
    """One event of the timeline.

    :param at: seconds since the run began; negative for before. :param channels: those concerned; empty where none in
        particular. :param bad: whether it is a loss of something (down, expired, withdrawn), :param good: a recovery.
    """

    at: float
    layer: Layer
    channels: tuple[str, ...]
    source: str
    kind: str
    subject: str
    text: str
    bad: bool = False
    good: bool = False


class FaultSpan(_Result):
    """A fault while it was in place.

    :param name: the step's. :param kind: e.g. ``cut``. :param target: what it was put on, as the scenario says.
    :param channels: concerned. :param ended: None where it stayed to the end. :param artifact: what shows that it was in
        place, apart from any symptom; e.g. ``fac-a.ch1-aws is administratively down``.
    """

    name: str
    kind: str
    target: str
    channels: tuple[str, ...]
    began: float
    ended: float | None
    artifact: str
    settings: dict[str, Any] = {}


class Phase(_Result):
    """How long each stage of one fault's course took, seconds; None where it did not happen.

    :param fault: its name. :param detection: from the fault to the first BFD, link or MACsec event that told of it.
    :param withdrawal: from there to the first BGP session down or route withdrawn. :param reroute: from there to the last
        change of forwarding tables before traffic passed whole. :param restoration: from the fault's end until every
        session and route was as before.
    """

    fault: str
    detection: float | None
    withdrawal: float | None
    reroute: float | None
    restoration: float | None


class Evidence(_Result):
    """A file beside the report.

    :param path: relative to the report's folder. :param text: what it is. :param group: what it is shown with, e.g. ``captures``;
        empty: by itself. :param subject: what it is of, e.g. a channel or router. :param moment: of when, in words, where there
        are several. :param note: what a reader must know of it. :param size: bytes. :param sha256: in hexadecimal.
    """

    path: str
    text: str
    group: str = ""
    subject: str = ""
    moment: str = ""
    note: str = ""
    size: int | None = None
    sha256: str = ""


class ChannelPlace(_Result):
    """One channel in the topology picture. :param ends: provider -> edge."""

    name: str
    facility: str
    interconnect: str
    ends: dict[str, str]


class RunResult(_Result):
    """:param reasons: why the run is what it is, a sentence each. :param settings: of the scenario, for the report.
    :param versions: name -> version (xcnet, kernel, FRR, Python, engine). :param evidence_problems: what of it is missing, in words.
    :param variant: how it differed from what the file says, e.g. ``sabotaged: bfd-off``; empty: not at all.
    """

    scenario: str
    title: str
    description: str
    lab: str
    topology: str
    began: datetime
    seconds: float
    verdict: Verdict
    reasons: tuple[str, ...]
    checks: tuple[Check, ...]
    faults: tuple[FaultSpan, ...]
    phases: tuple[Phase, ...]
    timeline: tuple[Entry, ...]
    probe: ProbeResult | None
    providers: dict[str, str]
    channels: tuple[ChannelPlace, ...]
    settings: dict[str, Any]
    versions: dict[str, str]
    evidence: tuple[Evidence, ...] = ()
    evidence_problems: tuple[str, ...] = ()
    variant: str = ""


__all__ = [
    "ChannelPlace",
    "Check",
    "Entry",
    "Evidence",
    "FaultSpan",
    "Layer",
    "Phase",
    "RunResult",
    "Verdict",
]
