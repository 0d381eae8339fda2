"""Errors cross from the warm process to the command line whole."""

from __future__ import annotations

import pytest

from xcnet import errors
from xcnet.engine.failures import error_from_json, error_to_json
from xcnet.errors import EngineError, InputError, KernelError, LabError, XcnetError


@pytest.mark.parametrize("name", errors.__all__)
def test_every_kind_arrives_as_itself_with_all_that_it_says(name: str) -> None:
    sent = getattr(errors, name)("it broke", where="there", remedy="mend it")
    got = error_from_json(error_to_json(sent))
    assert type(got) is type(sent)
    assert (got.cause, got.where, got.remedy) == ("it broke", "there", "mend it")


def test_a_kind_that_only_one_end_knows_arrives_as_the_nearest_that_both_know() -> None:
    class SpecialError(LabError):
        pass

    assert type(error_from_json(error_to_json(SpecialError("odd")))) is LabError


@pytest.mark.parametrize("text", ["", "no JSON", "[]", '{"error": "LabError"}', "3"])
def test_what_cannot_be_understood_is_quoted(text: str) -> None:
    error = error_from_json(text)
    assert isinstance(error, EngineError)
    assert text in error.cause


@pytest.mark.parametrize("name", ["XcnetError", "no such", "annotations", "__doc__"])
def test_a_name_that_is_no_error_never_becomes_anything_else(name: str) -> None:
    assert type(error_from_json(f'{{"error": "{name}", "cause": "c"}}')) is XcnetError


def test_exit_codes_survive() -> None:
    assert error_from_json(error_to_json(InputError("bad"))).exit_code == 2
    assert error_from_json(error_to_json(KernelError("no", errno=95))).exit_code == 1
