"""A stage that is looked at: the routers' states before the run, while each fault stands, and after all of it."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from typing import Any, Protocol, cast

from xcnet.errors import XcnetError
from xcnet.lab.recording import Looked
from xcnet.scenario.document import Scenario, Traffic
from xcnet.scenario.staging import Stage, Standing

_EARLY = 1.5
"""Seconds before a fault's end at which the routers are asked: all of them have answered by then."""
_MOST = 6
"""Faults of one run during which they are asked."""


class Camera(Protocol):
    """Takes the routers' states."""

    def look(self, moment: str) -> Looked: ...


@dataclass(frozen=True, slots=True)
class Look:
    """:param folder: its name. :param text: when it was, in words. :param problems: in words."""

    folder: str
    text: str
    problems: tuple[str, ...]


class Witnessed:
    """:param stage: what is really done. Everything goes there, and nothing waits for the camera.

    What the camera could not take is in :attr:`problems`.
    """

    def __init__(self, stage: Stage, scenario: Scenario, camera: Camera) -> None:
        self.looks: list[Look] = []
        self.problems: list[str] = []
        self.began: float | None = None
        self._stage = stage
        self.scenario = scenario
        self._camera = camera
        self._coming: dict[str, threading.Timer] = {}
        self._lasting: dict[str, tuple[str, str]] = {}
        self._number = 0
        self._taken: dict[str, tuple[str, float]] = {}
        self._over: dict[str, float] = {}

    def look(self, folder: str, text: str) -> None:
        try:
            found = self._camera.look(folder)
        except XcnetError as error:
            self.problems.append(f"routers' states {text}: {error.cause}")
            return
        self._taken[folder] = (text, found.began + found.seconds)
        self.looks.append(Look(folder, text, found.problems))

    def close(self) -> None:
        """Nothing more is looked at while a fault stands; waits for a look that is being taken."""
        for timer in list(self._coming.values()):
            timer.cancel()
            timer.join()
        for folder, over in self._over.items():
            text, taken = self._taken.get(folder, ("", 0.0))
            if taken > over:
                self.problems.append(f"routers' states {text}: some of them are of {taken - over:.1f} s after that")
        self._over.clear()

    # -- the stage

    def clock(self) -> float:
        now = self._stage.clock()
        if self.began is None:
            self.began = now
        return now

    def begin_fault(self, fault: Any) -> Standing:
        standing = self._stage.begin_fault(fault)
        step = next((step for step in self.scenario.steps if step.fault is fault), None)
        if step is not None and self._number < _MOST:
            self._number += 1
            moment = (f"{self._number}-{_slug(step.name)}", f"while {step.name} stands")
            if step.lasts is None:
                self._lasting[standing.id] = moment
            else:
                timer = threading.Timer(max(step.lasts - _EARLY, step.lasts / 2), self.look, moment)
                timer.daemon = True
                timer.name = moment[0]
                self._coming[standing.id] = timer
                timer.start()
        return standing

    def end_fault(self, standing: Standing) -> float:
        moment = self._lasting.pop(standing.id, None)
        if moment is not None:
            # It stood to the end of the run, and nothing is judged any more that this could disturb.
            self.look(*moment)
        timer = self._coming.get(standing.id)
        if timer is not None:
            timer.cancel()
        over = self._stage.end_fault(standing)
        if timer is not None:
            self._over[timer.name] = over
        return over

    def start_traffic(self, traffic: Traffic) -> float:
        self.began = self._stage.start_traffic(traffic)
        return self.began

    def __getattr__(self, name: str) -> Any:
        """All else is the stage's."""
        return getattr(self._stage, name)

    @property
    def as_stage(self) -> Stage:
        return cast("Stage", self)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "fault"


__all__ = ["Camera", "Look", "Witnessed"]
