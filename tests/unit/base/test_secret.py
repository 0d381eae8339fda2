"""A secret shows nothing unless it is told to."""

from __future__ import annotations

import json
import logging

import pytest
from pydantic import BaseModel, ValidationError

from xcnet.secret import Secret


class Holder(BaseModel):
    key: Secret


def test_printing_a_secret_shows_nothing(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(b"opensesame")
    with caplog.at_level(logging.INFO):
        logging.getLogger("x").info("key %s %r", secret, secret)
    shown = f"{secret} {secret!r} {secret!s} {[secret]} {caplog.text}"
    assert "opensesame" not in shown
    assert b"opensesame".hex() not in shown


def test_a_model_is_written_without_its_secrets_unless_told_to_reveal() -> None:
    holder = Holder(key=Secret(b"\x01\x02"))
    assert json.loads(holder.model_dump_json()) == {"key": "<secret>"}
    assert "0102" not in repr(holder)
    revealed = holder.model_dump_json(context={"reveal": True})
    assert Holder.model_validate_json(revealed) == holder


@pytest.mark.parametrize("bad", ["xyz", "012", 7, None])
def test_what_is_not_hexadecimal_is_refused_without_being_repeated(bad: object) -> None:
    with pytest.raises(ValidationError) as caught:
        Holder.model_validate({"key": bad})
    assert "hexadecimal" in str(caught.value)


def test_secrets_compare_by_value() -> None:
    assert Secret(b"a") == Secret(b"a")
    assert Secret(b"a") != Secret(b"b")
    assert Secret(b"a") != b"a"
    assert len({Secret(b"a"), Secret(b"a")}) == 1
