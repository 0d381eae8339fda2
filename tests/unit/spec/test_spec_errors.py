"""Errors on the wire: every reason has its status, and a peer's words are read in whatever form they come."""

import json

import pytest

from xcnet.spec.errors import STATUS, ApiError, ErrorBody, Reason


def test_every_reason_has_one_status_of_failure() -> None:
    assert set(STATUS) == set(Reason)
    assert all(400 <= status < 600 for status in STATUS.values())


@pytest.mark.parametrize("reason", list(Reason))
def test_an_error_is_read_as_it_was_written(reason: Reason) -> None:
    error = ApiError(reason, "no room", field="bandwidthMbps", retry_after=7)
    body = json.dumps(error.to_wire()).encode()
    read = ApiError.from_wire(error.status, body, 7)
    assert (read.reason, read.message, read.field, read.retry_after) == (reason, "no room", "bandwidthMbps", 7)


def test_the_body_has_code_message_and_details() -> None:
    body = ErrorBody.model_validate(ApiError(Reason.NOT_FOUND, "there is none", field="channel").to_wire())
    assert (body.code, body.message) == (404, "there is none")
    assert [(each.reason, each.field) for each in body.details] == [("NOT_FOUND", "channel")]


@pytest.mark.parametrize(
    ("status", "body", "reason", "message"),
    [
        (409, b'{"code": 409, "message": "taken"}', Reason.RESERVED, "taken"),
        (409, b'{"message": "taken", "details": [{"reason": "NO_CAPACITY", "x": 1}]}', Reason.NO_CAPACITY, "taken"),
        (409, b'{"message": "m", "details": [{"reason": "NOT_FOUND"}]}', Reason.RESERVED, "m"),
        (409, b'{"message": "m", "details": []}', Reason.RESERVED, "m"),
        (404, b"<html>not here</html>", Reason.NOT_FOUND, "<html>not here</html>"),
        (404, b"", Reason.NOT_FOUND, ""),
        (500, b"\xff\xfe", Reason.INTERNAL, "\ufffd\ufffd"),
        (502, b"[]", Reason.INTERNAL, "[]"),
        (418, b"{}", Reason.INVALID_ARGUMENT, "{}"),
        (429, b"x" * 5000, Reason.RATE_LIMITED, "x" * 200),
    ],
)
def test_a_peers_words_are_read_where_they_can_be(status: int, body: bytes, reason: Reason, message: str) -> None:
    error = ApiError.from_wire(status, body)
    assert (error.status, error.reason, error.message) == (status, reason, message)
