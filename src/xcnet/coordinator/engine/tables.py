"""State tables as data: what the engine enforces, what the tests enumerate, and what the documents show are the same thing."""

from __future__ import annotations

from dataclasses import dataclass

DONE, FAILED = "done", "failed"
ENDS = frozenset({DONE, FAILED})

ANSWERED, REFUSED, GAVE_UP = "answered", "refused", "gave_up"
"""Events of a call to the peer: it succeeded; it was refused for good; it could not be settled within its time."""

TIMER = "timer"
"""The state's time is over."""


@dataclass(frozen=True, slots=True)
class Transition:
    """In ``state``, ``event`` leads to one of ``to``.

    :param does: what else happens in that transaction, for readers.
    """

    state: str
    event: str
    to: tuple[str, ...]
    does: str


@dataclass(frozen=True, slots=True)
class StateTable:
    """One kind of workflow.

    :param waits: state -> what it waits for, for readers.
    """

    kind: str
    purpose: str
    initial: tuple[str, ...]
    waits: dict[str, str]
    transitions: tuple[Transition, ...]

    def __post_init__(self) -> None:
        known = set(self.waits) | ENDS
        for transition in self.transitions:
            if transition.state not in self.waits or not set(transition.to) <= known:
                raise ValueError(f"{self.kind}: {transition} names a state that is not in the table")
        pairs = [(transition.state, transition.event) for transition in self.transitions]
        if len(pairs) != len(set(pairs)):
            raise ValueError(f"{self.kind}: a state answers an event in two ways")

    def find(self, state: str, event: str) -> Transition | None:
        return next((each for each in self.transitions if each.state == state and each.event == event), None)

    def commit_points(self) -> tuple[str, ...]:
        """The names of its transactions, in the table's order."""
        return tuple(f"{self.kind}.{each.state}.{each.event}" for each in self.transitions)


__all__ = ["ANSWERED", "DONE", "ENDS", "FAILED", "GAVE_UP", "REFUSED", "TIMER", "StateTable", "Transition"]
