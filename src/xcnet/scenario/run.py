"""A scenario carried out: steps at their moments, faults ended in time, until everything that is expected has come or is overdue."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from typing import Any

from xcnet.errors import DeadlineError, XcnetError
from xcnet.events import Event
from xcnet.lab.inventory import Inventory, differences
from xcnet.probe.results import ProbeResult
from xcnet.scenario.document import Action, ApiSays, LeftNothing, Scenario, Step
from xcnet.scenario.formula import evaluate
from xcnet.scenario.judge import Outcome, Seen, unsettled
from xcnet.scenario.results import FaultSpan
from xcnet.scenario.staging import Stage, Standing
from xcnet.scenario.timeline import TimeLine, matches
from xcnet.scenario.timers import figures
from xcnet.scenario.voices import Voices

_TURN = 0.02
"""Seconds between two looks at the schedule."""

_LOOK = 0.2
"""Seconds between two looks at the events' files, whose growth nothing announces outside of the lab's kernel."""

_VOICE_SECONDS = 60.0
"""For a coordinator to answer after the run: it may have been started again just now."""

_LEAD = 2.0
"""Seconds of what was before the run that its time line shows."""


@dataclass
class _Course:
    """What is going on."""

    began: float
    events: list[Event] = field(default_factory=list)
    steps: dict[str, float] = field(default_factory=dict)
    standing: dict[str, tuple[Step, Standing]] = field(default_factory=dict)
    spans: list[FaultSpan] = field(default_factory=list)
    acting: dict[str, tuple[Action, Future[None]]] = field(default_factory=dict)
    last: float = 0.0
    voices: Voices | None = None


class Run:
    """:param told: of each step as it is done, for whoever watches. :param now: this machine's monotonic clock.
    :param pause: lets time pass on it.
    """

    def __init__(
        self,
        scenario: Scenario,
        stage: Stage,
        told: Callable[[str], None] = lambda _text: None,
        *,
        now: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        self._now = now
        self._pause = pause
        self._scenario = scenario
        self._stage = stage
        self._told = told
        self._functions = figures(stage.directory)

    def carry_out(self) -> Seen:
        """Do it all, and put everything back, whatever happens.

        :raises XcnetError: a fault could not be put in place or taken away: what was measured then means nothing.
        """
        stage = self._stage
        before = stage.new_events()
        held = stage.inventory() if self._expected(LeftNothing) else None
        traffic = self._scenario.traffic
        began = stage.start_traffic(traffic) if traffic is not None else stage.clock()
        course = _Course(began)
        course.events += [event for event in before if event.monotonic >= began - _LEAD]
        line = TimeLine(stage.directory, stage.routers(), began)
        offset = self._now() - stage.clock()
        if self._expected(ApiSays):
            course.voices = Voices(
                tuple(stage.directory.providers), stage.said, lambda: self._now() - offset - course.began
            )
        probe: ProbeResult | None = None
        try:
            self._until_settled(course, line, lambda: self._now() - offset)
        finally:
            try:
                self._end_all(course)
            finally:
                if traffic is not None:
                    probe = stage.stop_traffic()
        ended = stage.clock() - began
        outcomes = [self._outcome(name, action, future) for name, (action, future) in course.acting.items()]
        if course.voices is not None:
            self._last_words(course.voices)
        left = self._left(held) if held is not None else None
        self._look(course)
        line.learn(stage.routers())
        return Seen(
            began=began,
            ended=ended,
            line=line,
            events=sorted(course.events, key=lambda event: event.monotonic),
            faults=tuple(sorted(course.spans, key=lambda span: span.began)),
            steps=dict(course.steps),
            outcomes=tuple(outcomes),
            unverified=tuple(stage.unverified()),
            probe=_since(probe, began) if probe is not None else None,
            functions=self._functions,
            voices=tuple(course.voices.heard) if course.voices is not None else (),
            connection=self._connection,
            left=left,
        )

    def _expected(self, kind: type[Any]) -> bool:
        return any(isinstance(each, kind) for each in self._scenario.expect)

    @property
    def _connection(self) -> str:
        """The topology's first."""
        return next((each.name for each in self._stage.directory.networks), "")

    @staticmethod
    def _last_words(voices: Voices) -> None:
        try:
            voices.finish(_VOICE_SECONDS)
        except TimeoutError:
            raise DeadlineError(
                f"a coordinator does not say within {_VOICE_SECONDS:g} s how its connections are",
                where="api-says",
                remedy="look at its log in the node's log folder",
            ) from None

    def _left(self, held: Inventory) -> list[str]:
        """What is there that was not, once it does not go away any more."""
        within = max(
            evaluate(each.within, self._functions) for each in self._scenario.expect if isinstance(each, LeftNothing)
        )
        until = self._now() + within
        while (left := differences(held, self._stage.inventory())) and self._now() < until:
            self._pause(_LOOK)
        return left

    # -- the loop

    def _until_settled(self, course: _Course, line: TimeLine, now: Callable[[], float]) -> None:
        waiting = list(self._scenario.steps)
        looked = 0.0
        while True:
            at = now() - course.began
            for step in [step for step in waiting if step.at is not None and step.at <= at]:
                waiting.remove(step)
                self._do(course, step)
            for name, (step, standing) in list(course.standing.items()):
                if step.lasts is not None and at >= standing.at - course.began + step.lasts:
                    self._end(course, name)
            if at - looked >= _LOOK:
                looked = at
                self._look(course)
                if course.voices is not None:
                    course.voices.listen()
                for step in self._triggered(course, line, waiting):
                    waiting.remove(step)
                    self._do(course, step)
                for step in [step for step in waiting if step.when is not None and at > step.when.within]:
                    waiting.remove(step)  # its moment never came: judged as such
                if not waiting and self._over(course, line, at):
                    return
            self._pause(_TURN)

    def _triggered(self, course: _Course, line: TimeLine, waiting: Sequence[Step]) -> list[Step]:
        found = []
        for step in waiting:
            when = step.when
            if when is None:
                continue
            # An event before the steps that stand above it is none of its.
            above = self._scenario.steps[: self._scenario.steps.index(step)]
            since = max((course.steps[each.name] for each in above if each.name in course.steps), default=0.0)
            if any(each.name not in course.steps for each in above):
                continue
            if any(
                matches(event.kind, when.event)
                and event.monotonic - course.began >= since
                and (when.on is None or line.concerns(event, when.on))
                for event in course.events
            ):
                found.append(step)
        return found

    def _over(self, course: _Course, line: TimeLine, at: float) -> bool:
        timed = [step for step, _ in course.standing.values() if step.lasts is not None]
        busy = [name for name, (_, future) in course.acting.items() if not future.done()]
        if timed or busy:
            course.last = at
            return False
        if at < course.last + self._scenario.settle:
            return False
        seen = Seen(course.began, at, line, course.events, course.spans, course.steps, functions=self._functions)
        if course.voices is not None:
            seen = replace(seen, voices=tuple(course.voices.heard), connection=self._connection)
        return not unsettled(self._scenario, seen)

    # -- what is done

    def _do(self, course: _Course, step: Step) -> None:
        self._told(f"{step.name}")
        if step.fault is not None:
            standing = self._stage.begin_fault(step.fault)
            course.standing[step.name] = (step, standing)
            course.steps[step.name] = standing.at - course.began
        elif step.action is not None:
            course.steps[step.name] = self._stage.clock() - course.began
            course.acting[step.name] = (step.action, self._stage.act(step.action))
        course.last = max(course.last, course.steps[step.name])

    def _end(self, course: _Course, name: str) -> None:
        step, standing = course.standing.pop(name)
        ended = self._stage.end_fault(standing) - course.began
        self._told(f"{name} is over")
        course.last = max(course.last, ended)
        assert step.fault is not None
        course.spans.append(
            FaultSpan(
                name=name,
                kind=standing.kind,
                target=standing.target,
                channels=standing.channels,
                began=standing.at - course.began,
                ended=ended,
                artifact=standing.artifact,
                settings=step.fault.model_dump(mode="json", exclude={"fault", "on"}),
            )
        )

    def _end_all(self, course: _Course) -> None:
        """What is in place is taken away, the last first; one that cannot be keeps none of the others.

        :raises XcnetError: the first that could not.
        """
        failures: list[XcnetError] = []
        for name in list(reversed(course.standing)):
            try:
                self._end(course, name)
            except XcnetError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _look(self, course: _Course) -> None:
        course.events += self._stage.new_events()

    @staticmethod
    def _outcome(name: str, action: Action, future: Future[None]) -> Outcome:
        try:
            future.result()
        except XcnetError as error:
            return Outcome(name, action.refused, error.cause)
        return Outcome(name, action.refused, None)


def _since(probe: ProbeResult, began: float) -> ProbeResult:
    """What a probe found, its times counted from the run's beginning."""

    def moved(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                key: each - began if key in ("start", "began", "ended") else moved(each) for key, each in value.items()
            }
        if isinstance(value, list | tuple):
            return [moved(each) for each in value]
        return value

    raw = moved(probe.model_dump())
    for transfer, before in zip(raw["transfers"], probe.transfers, strict=True):
        transfer["intervals"] = [(start - began, mbps) for start, mbps in before.intervals]
    return ProbeResult.model_validate(raw)


__all__ = ["Run", "Stage", "Standing"]
