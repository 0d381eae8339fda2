"""The documented state tables are those that the engine enforces, and every transition has a method."""

from __future__ import annotations

from pathlib import Path

import pytest

from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.workflows import MACHINES
from xcnet.coordinator.workflows.tables import markdown

DOCUMENT = Path(__file__).parents[3] / "docs" / "coordinator-states.md"


def test_the_document_is_what_the_code_says() -> None:
    assert DOCUMENT.read_text() == markdown()


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.TABLE.kind)
def test_every_transition_has_a_method_and_every_state_a_way_out(machine: type[Machine]) -> None:
    table = machine.TABLE
    for each in table.transitions:
        assert hasattr(machine, f"{each.state}_{each.event}".replace("-", "_")), each
    left = {each.state for each in table.transitions}
    assert left == set(table.waits)


def test_no_two_workflows_have_one_name() -> None:
    kinds = [machine.TABLE.kind for machine in MACHINES]
    assert len(kinds) == len(set(kinds))
