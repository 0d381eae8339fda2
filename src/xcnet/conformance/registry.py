"""Rules as data, and how they are declared."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from xcnet.spec.operations import OPERATIONS

if TYPE_CHECKING:
    from xcnet.conformance.session import Session


class Level(StrEnum):
    """How binding a rule is: what the documents demand, or what they recommend and good servers do."""

    MUST = "must"
    SHOULD = "should"


class Verdict(StrEnum):
    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    NOT_TESTABLE = "not testable"


class Violation(Exception):
    """The server does not keep to the rule; the text says what it did and what is due."""


class NotTestable(Exception):
    """Neither can be said of this server; the text says why."""


Check = Callable[["Session"], Awaitable[str | None]]
"""Returns what was seen, in a few words. Raises Violation or NotTestable."""


@dataclass(frozen=True, slots=True)
class Rule:
    """:param id: for ``--only``, reports and tests; never changes its meaning.
    :param reference: the clause of the specification, its amendments or an RFC that it stands in.
    :param operations: operationIds that it is about; empty: all of them.
    """

    id: str
    group: str
    title: str
    reference: str
    operations: tuple[str, ...]
    level: Level
    check: Check


_RULES: dict[str, Rule] = {}


class Group:
    """Rules about one thing, in the order in which they are run. :param name: the heading they stand under."""

    def __init__(self, name: str) -> None:
        self.name = name

    def must(self, identifier: str, title: str, reference: str, *operations: str) -> Callable[[Check], Check]:
        """Declare a binding rule."""
        return self._declare(identifier, title, reference, operations, Level.MUST)

    def should(self, identifier: str, title: str, reference: str, *operations: str) -> Callable[[Check], Check]:
        """Declare a recommendation."""
        return self._declare(identifier, title, reference, operations, Level.SHOULD)

    def _declare(
        self, identifier: str, title: str, reference: str, operations: tuple[str, ...], level: Level
    ) -> Callable[[Check], Check]:
        if identifier in _RULES or not set(operations) <= set(OPERATIONS):
            raise AssertionError(f"rule {identifier} is there already, or is about no operation")

        def declared(check: Check) -> Check:
            _RULES[identifier] = Rule(identifier, self.name, title, reference, operations, level, check)
            return check

        return declared


def rules() -> tuple[Rule, ...]:
    """All of them, in the order in which they are run."""
    from xcnet.conformance.rules import load

    load()
    return tuple(_RULES.values())


__all__ = ["Check", "Group", "Level", "NotTestable", "Rule", "Verdict", "Violation", "rules"]
