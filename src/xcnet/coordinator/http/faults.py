"""Faults of the API as rules: which exchanges they strike, for how long, and how often they did."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.clock import Clock, SystemClock
from xcnet.errors import InputError
from xcnet.events import EventWriter


class FaultKind(StrEnum):
    """:cvar PEER_DOWN: the connection is refused: not executed, and the caller knows it.
    :cvar REQUEST_LOST: never sent, and the caller does not know it. :cvar ANSWER_LOST: executed, and the answer is thrown away.
    :cvar DUPLICATED: sent twice, one after the other; the caller has the first answer.
    :cvar DELAYED: sent later. :cvar REORDERED: held back until the next request to that peer has been answered.
    """

    PEER_DOWN = "peer-down"
    REQUEST_LOST = "request-lost"
    ANSWER_LOST = "answer-lost"
    DUPLICATED = "duplicated"
    DELAYED = "delayed"
    REORDERED = "reordered"


SERVER_KINDS = frozenset({FaultKind.REQUEST_LOST, FaultKind.ANSWER_LOST, FaultKind.DELAYED})
"""What can be done at a server; the rest is done at a client."""


class FaultRule(BaseModel):
    """Which exchanges a fault strikes.

    :param operations: of these operationIds; ``*``, ``?`` and ``[...]`` as in file names.
    :param peer: and with these peers. :param count: at most so often; None: without end.
    :param probability: of each that would be struck. :param seed: of the chance, so that it can be had again.
    :param duration: seconds from when it is put in place; None: until it is taken away.
    :param delay: seconds that a delayed one waits, after which it is sent even if its caller has given up; that a reordered
        one waits at most for another; that a lost one takes to be missed.
    :param verbatim: a duplicate is the same to the last byte, which a peer that keeps out replays refuses; without it, it is
        signed anew, as by a caller that tries again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: FaultKind
    operations: str = "*"
    peer: str = "*"
    count: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(gt=0, le=1)] = 1.0
    seed: int = 0
    duration: Annotated[float, Field(gt=0)] | None = None
    delay: Annotated[float, Field(ge=0)] = 0.0
    verbatim: bool = False

    def matches(self, operation: str, peer: str) -> bool:
        return fnmatchcase(operation, self.operations) and fnmatchcase(peer, self.peer)


@dataclass
class Fault:
    """A rule that was put in place.

    :param since: monotonic. :param until: when it was taken away, ran out of time or of its count; None: it stands.
    :param matched: exchanges that it was asked about while it stood. :param fired: those that it struck.
    :param in_vain: reordered ones that nothing came to overtake.
    :param statuses: of answers that a fault kept from the caller: lost ones and a duplicate's, the last hundred.
    """

    id: int
    rule: FaultRule
    since: float
    until: float | None = None
    matched: int = 0
    fired: int = 0
    in_vain: int = 0
    statuses: list[int] = field(default_factory=list)
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def kept_back(self, status: int) -> None:
        """An answer came and was not passed on."""
        self.statuses = [*self.statuses[-99:], status]


class FaultPoint:
    """The faults of one process's API, changed at any time; what was taken away can still be counted.

    :param events: told of every strike (``fault.api``).
    """

    def __init__(self, *, clock: Clock | None = None, events: EventWriter | None = None) -> None:
        self._clock: Clock = clock or SystemClock()
        self._events = events
        self._faults: dict[int, Fault] = {}
        self._standing: tuple[Fault, ...] = ()
        self._ids = itertools.count(1)

    def add(self, rule: FaultRule) -> Fault:
        """Put a fault in place. It counts in the object that is returned."""
        fault = Fault(next(self._ids), rule, self._clock.monotonic(), chance=random.Random(rule.seed))
        self._faults[fault.id] = fault
        self._standing = (*self._standing, fault)
        return fault

    def remove(self, identifier: int) -> Fault:
        """Take it away; its counts stay. :raises InputError: there never was one of that id."""
        fault = self._faults.get(identifier)
        if fault is None:
            raise InputError(
                f"there is no fault {identifier}", where="faults of the API", remedy="list the faults for their ids"
            )
        self._end(fault)
        return fault

    def clear(self) -> None:
        """Take all away."""
        for fault in self._standing:
            self._end(fault)

    def report(self) -> tuple[Fault, ...]:
        """All there were, in the order in which they were put in place."""
        return tuple(self._faults.values())

    @property
    def standing(self) -> tuple[Fault, ...]:
        self._expire()
        return self._standing

    def strike(self, operation: str, peer: str, kinds: Iterable[FaultKind]) -> Fault | None:
        """The fault among ``kinds`` that strikes this exchange, counted; None for none."""
        if not self._standing:
            return None
        self._expire()
        for fault in self._standing:
            rule = fault.rule
            if rule.kind not in kinds or not rule.matches(operation, peer):
                continue
            fault.matched += 1
            if rule.probability < 1.0 and fault.chance.random() >= rule.probability:
                continue
            fault.fired += 1
            if rule.count is not None and fault.fired >= rule.count:
                self._end(fault)
            if self._events is not None:
                self._events.emit("fault.api", operation, fault=fault.id, what=rule.kind.value, peer=peer)
            return fault
        return None

    def _expire(self) -> None:
        now = self._clock.monotonic()
        for fault in self._standing:
            if fault.rule.duration is not None and now >= fault.since + fault.rule.duration:
                self._end(fault)

    def _end(self, fault: Fault) -> None:
        if fault.until is None:
            fault.until = self._clock.monotonic()
        self._standing = tuple(each for each in self._standing if each is not fault)


__all__ = ["SERVER_KINDS", "Fault", "FaultKind", "FaultPoint", "FaultRule"]
