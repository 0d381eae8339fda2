"""The workflows' state tables as Markdown: what the documents show is what the engine enforces."""

from __future__ import annotations

from xcnet.coordinator.engine.tables import StateTable
from xcnet.coordinator.workflows import MACHINES

_HEAD = """# State tables of the coordinators' workflows

Made from the code by `python -m xcnet.coordinator.workflows.tables`; a test sees to it that both agree. Each row is one
transaction of the store, and a commit point: `KIND.STATE.EVENT`.
"""


def markdown() -> str:
    """All tables, in the order in which a reader meets the workflows."""
    return "\n".join([_HEAD, *(_table(machine.TABLE) for machine in MACHINES)])


def _table(table: StateTable) -> str:
    lines = [f"## {table.kind}", "", table.purpose, ""]
    lines += ["| state | waits for |", "|---|---|"]
    lines += [
        f"| {state}{' (initial)' if state in table.initial else ''} | {what} |" for state, what in table.waits.items()
    ]
    lines += ["", "| state | event | next | what else happens |", "|---|---|---|---|"]
    for each in table.transitions:
        lines.append(f"| {each.state} | {each.event} | {', '.join(each.to)} | {each.does} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    print(markdown(), end="")


__all__ = ["markdown"]
