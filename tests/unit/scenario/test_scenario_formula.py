"""Bounds as formulas."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.scenario.formula import FormulaError, evaluate

FIGURES = {"detection": lambda channel: {"ch1": 3.0, "ch-2": 5.0}[channel], "mka_life": lambda: 6.0}


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        (3, 3.0),
        (0.3, 0.3),
        ("0.3", 0.3),
        ("detection(ch1)", 3.0),
        ("detection(ch-2) * 1.1 + 0.5", 6.0),
        ("3 * mka_life", 18.0),
        ("max(detection(ch1), mka_life, 1)", 6.0),
        ("min(detection(ch1), 1)", 1.0),
        ("-(1 - 4) / 2", 1.5),
    ],
)
def test_it_comes_to(formula: str | float, value: float) -> None:
    assert evaluate(formula, FIGURES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("formula", "cause"),
    [
        ("1 +", "'1 +' is no formula"),
        ("", "'' is no formula"),
        ("detect(ch1)", "there is no figure 'detect'"),
        ("detection()", "'detection' is not asked for so"),
        ("detection(ch9)", "there is no ch9"),
        ("1 / 0", "a formula divides by zero"),
        ("1 / (mka_life - 6)", "a formula divides by zero"),
        ("__import__('os')", "there is no figure '__import__'"),
        ("mka_life.real", "'mka_life.real' cannot stand in a formula"),
        ("2 ** 1000000000", "'2 ** 1000000000' cannot stand in a formula"),
        ("True", "'True' cannot stand in a formula"),
        ("'a'", "''a'' cannot stand in a formula"),
    ],
)
def test_what_cannot_be_reckoned_says_why(formula: str, cause: str) -> None:
    with pytest.raises(FormulaError) as caught:
        evaluate(formula, FIGURES)
    assert str(caught.value) == cause
    assert caught.value.remedy


@given(st.text(max_size=40))
def test_any_text_is_a_number_or_a_mistake(text: str) -> None:
    with contextlib.suppress(FormulaError):
        assert isinstance(evaluate(text, FIGURES), float)
