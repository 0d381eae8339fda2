"""Every kind of fault that can be written can be put to a lab."""

from __future__ import annotations

from xcnet.lab.faults.registry import makeable
from xcnet.lab.faults.settings import fault_classes
from xcnet.scenario.report.words import _HAPPENED


def test_every_kind_has_a_maker_and_words() -> None:
    assert set(makeable()) == set(fault_classes())
    assert set(_HAPPENED) == set(fault_classes())
