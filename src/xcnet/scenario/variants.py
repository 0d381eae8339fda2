"""The same scenario under harder conditions: a coordinator killed meanwhile, or the lab robbed of a mechanism that it relies on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from xcnet.model import naming
from xcnet.model.faults import Kill, PowerOff
from xcnet.model.sabotage import Sabotage
from xcnet.scenario.document import ApiSays, Expectation, Formula, Happens, Scenario, Step
from xcnet.scenario.judge import failed_kinds
from xcnet.scenario.results import Check, RunResult, Verdict

KILLED_AFTER = 0.3
"""Seconds from a scenario's first action, or else its first step: the coordinator is in the middle of it."""

KILLED_SECONDS = 3.0
"""How long it stays dead."""

RETURN_SECONDS = 10.0
"""For it to be started again and to look at its store and its routers: twice what that takes in the slowest kernel known."""

_OF_COORDINATORS = (
    "api.*",
    "activation.*",
    "channel.*",
    "connection.*",
    "feature.*",
    "issue.*",
    "key.*",
    "maintenance.*",
    "monitor.*",
)


@dataclass(frozen=True, slots=True)
class Variant:
    """:param sabotage: what the lab is robbed of, and :param fails: the kind of expectation that must fail then.
    :param killed: the provider whose coordinator is killed. With neither, the scenario is as its file says.
    """

    sabotage: Sabotage | None = None
    fails: str = ""
    killed: str | None = None

    @property
    def suffix(self) -> str:
        """For names of runs and folders."""
        if self.sabotage is not None:
            return f".{self.sabotage}"
        return f".{self.killed}-killed" if self.killed is not None else ""

    def __str__(self) -> str:
        if self.sabotage is not None:
            return f"sabotaged: {self.sabotage}"
        return f"coordinator of {self.killed} killed" if self.killed is not None else ""


PLAIN = Variant()


def sabotages(scenario: Scenario) -> list[Variant]:
    """One for each mechanism that the file names."""
    return [Variant(sabotage=each.without, fails=each.fails) for each in scenario.sabotage]


def killed(scenario: Scenario, providers: Iterable[str]) -> list[Variant]:
    """One for each of these providers whose coordinator is there to be killed: one whose power the scenario takes is not."""
    dead = {step.fault.on for step in scenario.steps if isinstance(step.fault, PowerOff)}
    return [Variant(killed=each) for each in providers if not dead & {each, naming.coordinator_node(each)}]


def with_coordinator_killed(scenario: Scenario, provider: str) -> Scenario:
    """The scenario with one more step. What is expected of the data plane stays as it is; for what coordinators do, and for what
    they say, there is as much more time as they are away; and the run goes on until they are back.
    """
    at = scenario.kill_at if scenario.kill_at is not None else _moment(scenario) + KILLED_AFTER
    killed = Step.model_validate(
        {
            "name": f"coordinator of {provider} killed"[:40],
            "at": f"{at:g}s",
            "lasts": f"{KILLED_SECONDS:g}s",
            "fault": Kill(fault="kill", on=naming.coordinator_node(provider), daemon="coordinator"),
        }
    )
    expect = tuple(_patient(each) for each in scenario.expect)
    settle = scenario.settle + RETURN_SECONDS
    return scenario.model_copy(update={"steps": (*scenario.steps, killed), "expect": expect, "settle": settle})


def _moment(scenario: Scenario) -> float:
    """Of the first action that has one, else of the first step; a step that waits for an event is none of those."""
    timed = [step for step in scenario.steps if step.at is not None]
    acting = [step for step in timed if step.action is not None]
    return min((step.at for step in acting or timed if step.at is not None), default=1.0)


def _patient(check: Expectation) -> Expectation:
    if isinstance(check, ApiSays) and check.within is not None:
        return check.model_copy(update={"within": _longer(check.within)})
    of_coordinators = isinstance(check, Happens) and any(fnmatchcase(check.event, each) for each in _OF_COORDINATORS)
    if isinstance(check, Happens) and of_coordinators and check.within is not None:
        return check.model_copy(update={"within": _longer(check.within)})
    return check


def _longer(bound: Formula) -> Formula:
    return f"({bound}) + {KILLED_SECONDS + RETURN_SECONDS:g}"


def as_sabotaged(result: RunResult, scenario: Scenario, variant: Variant) -> RunResult:
    """What a run of a sabotaged lab says of the *scenario*: it passes if what it expects of the mechanism failed, and fails if the
    run passed all the same, for then it cannot fail.

    An inconclusive run stays so.
    """
    assert variant.sabotage is not None
    lost = variant.sabotage.about.lost
    title = f"Sabotaged ({variant.sabotage}): {result.title}"
    named = {
        "variant": str(variant),
        "title": title,
        "settings": {**result.settings, "sabotage": str(variant.sabotage)},
    }
    failed = failed_kinds(scenario, result.checks)
    words = "; ".join(f"{each.name}: {each.measured}" for checks in failed.values() for each in checks)
    caught = variant.fails in failed
    check = Check(
        name=f"fails without its mechanism ({variant.sabotage})",
        expected=f"{variant.fails} fails",
        measured=f"failed: {words}" if failed else "nothing failed",
        verdict=Verdict.PASS if caught else Verdict.FAIL,
        why=lost,
    )
    said = check.verdict
    if result.verdict is Verdict.INCONCLUSIVE:
        said, reasons = result.verdict, (f"{variant} ({lost})", *result.reasons)
    elif caught:
        reasons = (f"{variant} ({lost}): failed as it must: {words}",)
    elif failed:
        reasons = (f"{variant} ({lost}): {variant.fails} held all the same; what failed: {words}",)
    else:
        reasons = (f"{variant} ({lost}): everything held all the same: this scenario cannot fail",)
    return result.model_copy(update={**named, "checks": (check,), "reasons": reasons, "verdict": said})


__all__ = [
    "KILLED_AFTER",
    "KILLED_SECONDS",
    "PLAIN",
    "RETURN_SECONDS",
    "Variant",
    "as_sabotaged",
    "killed",
    "sabotages",
    "with_coordinator_killed",
]
