"""Every operation has a test that shows it accepted and one that shows it refused, and the page says which."""

from __future__ import annotations

import pytest
from operations_table import ACCEPTED, DOCUMENT, ONLY_AT_THE_BORDER, REFUSED, markdown, marked, refusals

from xcnet.spec.errors import Reason
from xcnet.spec.operations import OPERATIONS

MARKED = marked()


def test_the_page_is_what_the_markers_say() -> None:
    assert DOCUMENT.read_text() == markdown(), "write it anew: python tests/unit/coordinator_http/operations_table.py"


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("how", [ACCEPTED, REFUSED])
def test_every_operation_is_shown_accepted_and_refused(operation: str, how: str) -> None:
    assert MARKED[operation][how], f"no test shows {operation} {how}"


@pytest.mark.parametrize("operation", [each for each in OPERATIONS if each not in ONLY_AT_THE_BORDER])
def test_every_operation_is_shown_accepted_with_its_effect_through_http_and_the_core(operation: str) -> None:
    assert any(test.file.startswith("test_operations_") for test in MARKED[operation][ACCEPTED])


@pytest.mark.parametrize("reason", refusals(), ids=str)
def test_every_reason_to_refuse_is_shown(reason: Reason) -> None:
    assert refusals()[reason], f"no test shows {reason}"
