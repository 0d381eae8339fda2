"""Makes ``docs/operations.md``: which tests show each operation of the API accepted and refused, as their markers say.

Run ``python tests/unit/coordinator_http/operations_table.py`` to have the page written anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from xcnet.spec.errors import STATUS, Reason
from xcnet.spec.operations import OPERATIONS

TREE = Path(__file__).parents[3]
DOCUMENT = TREE / "docs" / "operations.md"
MARKED = ("coordinator", "coordinator_http", "spec")
"""Folders of tests that may have the marker."""
REFUSING = ("coordinator", "coordinator_policy")
"""Folders of tests that show a reason to refuse."""
ACCEPTED, REFUSED = "accepted", "refused"
ONLY_AT_THE_BORDER = {"UpdateFeature"}
"""No provider here has a feature of a type that can be updated: only the HTTP in front of a service can show it accepted."""
_MOST_SHOWN = 3

_HEAD = """# Which tests show each operation

Made by `python tests/unit/coordinator_http/operations_table.py` from the markers `operation(operation_id, "accepted" |
"refused")` of the tests; a test fails where the page, the markers and the operations disagree, or where an operation has
not both. Files are those of `tests/unit`.

Accepted means an answer 200 of the declared shape, and its effect: in the store, in what the routers are to hold, or at
the peer. Refused means a status of 400 to 499 with the reason in the body, and a store in which not a row is another (but
the name kept, for a while, of what was to be deleted before it came).
Tests in `test_operations_*.py` ask through HTTP and look into the real core's store; those in
`test_coordinator_workflows.py` have two cores work with each other. Whatever is marked is held to it: the marker fails a test
in which the operation was not answered so.

Beyond the tests named here, `test_operations_every.py` asks every operation unsigned, signed by another provider, in
another provider's tree, in an environment that is not shared, with an unknown method, and, of those that change
something, with a `requestId` that is none or another request's; and those that take a body, with what is no object or too
large.

`FEATURE_TYPE_L3_BASE` cannot be updated, and there is no other type: UpdateFeature is accepted by no core. Its row names a
test of the HTTP in front of a service that has one that can be.
"""


@dataclass(frozen=True, slots=True)
class MarkedTest:
    """:param operations: (operationId, how) of its markers. :param reasons: of :class:`Reason`, that it names."""

    file: str
    name: str
    operations: tuple[tuple[str, str], ...]
    reasons: frozenset[str]

    def __str__(self) -> str:
        return f"`{self.file} :: {self.name}`"


def _tests(folders: tuple[str, ...]) -> Iterator[MarkedTest]:
    for folder in folders:
        for path in sorted((TREE / "tests" / "unit" / folder).glob("test_*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    yield MarkedTest(path.name, node.name, tuple(_markers(node)), frozenset(_reasons(node)))


def _markers(test: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    for decorator in test.decorator_list:
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "pytest.mark.operation":
            operation, how = (ast.literal_eval(argument) for argument in decorator.args)
            yield operation, how


def _reasons(test: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(test):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Reason":
            yield node.attr


def marked() -> dict[str, dict[str, list[MarkedTest]]]:
    """operationId -> ``accepted`` or ``refused`` -> tests. :raises ValueError: a marker says something else."""
    found: dict[str, dict[str, list[MarkedTest]]] = {each: {ACCEPTED: [], REFUSED: []} for each in OPERATIONS}
    for test in _tests(MARKED):
        for operation, how in test.operations:
            if operation not in found or how not in (ACCEPTED, REFUSED):
                raise ValueError(f"{test}: there is no operation {operation!r}, or it cannot be {how!r}")
            found[operation][how].append(test)
    return found


@cache
def refusals() -> dict[Reason, list[MarkedTest]]:
    """Reason of a 4xx -> tests that show it, those of marked operations first."""
    tests = sorted(_tests(REFUSING), key=lambda test: not any(how == REFUSED for _operation, how in test.operations))
    return {
        reason: [test for test in tests if reason.name in test.reasons]
        for reason, status in STATUS.items()
        if 400 <= status < 500
    }


def markdown() -> str:
    rows = [
        f"| {operation.id} | {operation.method} `{operation.path}` | {_cell(found[ACCEPTED])} | {_cell(found[REFUSED])} |"
        for operation, found in ((OPERATIONS[each], found) for each, found in marked().items())
    ]
    table = ["| operationId | method and path | accepted by | refused by |", "|---|---|---|---|", *rows]
    reasons = [
        f"| {STATUS[reason]} | {reason.value} | {_cell(tests[:_MOST_SHOWN])} |" for reason, tests in refusals().items()
    ]
    more = ["| status | reason | shown by |", "|---|---|---|", *reasons]
    about = f"\n## Each reason to refuse\n\nUp to {_MOST_SHOWN} tests for each; there may be more.\n"
    return "\n".join((_HEAD, *table, about, *more)) + "\n"


def _cell(tests: list[MarkedTest]) -> str:
    return "<br>".join(str(test) for test in tests) or "-"


if __name__ == "__main__":
    DOCUMENT.write_text(markdown())

__all__ = ["DOCUMENT", "ONLY_AT_THE_BORDER", "markdown", "marked", "refusals"]
