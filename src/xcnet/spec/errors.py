"""How the API says no: an HTTP status and a JSON body with code, message and details."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from xcnet.spec.base import Int32, WireModel

_MOST_SHOWN = 200
"""Bytes of an answer that is no error body of any kind."""


class Reason(StrEnum):
    """Why, in a word that programs can act on; each belongs to one HTTP status."""

    MALFORMED = "MALFORMED"
    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    GUIDANCE_NOT_FOLLOWED = "GUIDANCE_NOT_FOLLOWED"
    UNSUPPORTED_SIZE = "UNSUPPORTED_SIZE"
    DEFERRAL_REFUSED = "DEFERRAL_REFUSED"
    FIELD_NOT_UPDATABLE = "FIELD_NOT_UPDATABLE"
    BAD_PAGE_TOKEN = "BAD_PAGE_TOKEN"  # noqa: S105
    UNAUTHENTICATED = "UNAUTHENTICATED"
    WRONG_PROVIDER = "WRONG_PROVIDER"
    PROOF_REFUSED = "PROOF_REFUSED"
    NOT_KEY_MANAGER = "NOT_KEY_MANAGER"
    NOT_FOUND = "NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_UPDATABLE = "NOT_UPDATABLE"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    NO_CAPACITY = "NO_CAPACITY"
    INTERCONNECT_CLOSED = "INTERCONNECT_CLOSED"
    RESERVED = "RESERVED"
    CHANNEL_DISABLED = "CHANNEL_DISABLED"
    UPDATE_IN_FLIGHT = "UPDATE_IN_FLIGHT"
    BEING_DELETED = "BEING_DELETED"
    ROTATION_NOT_ALLOWED = "ROTATION_NOT_ALLOWED"
    TOO_MANY_KEYS = "TOO_MANY_KEYS"
    KEY_ACTIVE = "KEY_ACTIVE"
    MAINTENANCE_OVERLAPS = "MAINTENANCE_OVERLAPS"
    REQUEST_ID_REUSED = "REQUEST_ID_REUSED"
    ISSUE_CLOSED = "ISSUE_CLOSED"
    TOO_LARGE = "TOO_LARGE"
    RATE_LIMITED = "RATE_LIMITED"
    INTERNAL = "INTERNAL"
    UNAVAILABLE = "UNAVAILABLE"


STATUS: dict[Reason, int] = {
    Reason.MALFORMED: 400,
    Reason.INVALID_ARGUMENT: 400,
    Reason.GUIDANCE_NOT_FOLLOWED: 400,
    Reason.UNSUPPORTED_SIZE: 400,
    Reason.DEFERRAL_REFUSED: 400,
    Reason.FIELD_NOT_UPDATABLE: 400,
    Reason.BAD_PAGE_TOKEN: 400,
    Reason.UNAUTHENTICATED: 401,
    Reason.WRONG_PROVIDER: 403,
    Reason.PROOF_REFUSED: 403,
    Reason.NOT_KEY_MANAGER: 403,
    Reason.NOT_FOUND: 404,
    Reason.METHOD_NOT_ALLOWED: 405,
    Reason.NOT_UPDATABLE: 405,
    Reason.ALREADY_EXISTS: 409,
    Reason.NO_CAPACITY: 409,
    Reason.INTERCONNECT_CLOSED: 409,
    Reason.RESERVED: 409,
    Reason.CHANNEL_DISABLED: 409,
    Reason.UPDATE_IN_FLIGHT: 409,
    Reason.BEING_DELETED: 409,
    Reason.ROTATION_NOT_ALLOWED: 409,
    Reason.TOO_MANY_KEYS: 409,
    Reason.KEY_ACTIVE: 409,
    Reason.MAINTENANCE_OVERLAPS: 409,
    Reason.REQUEST_ID_REUSED: 409,
    Reason.ISSUE_CLOSED: 409,
    Reason.TOO_LARGE: 413,
    Reason.RATE_LIMITED: 429,
    Reason.INTERNAL: 500,
    Reason.UNAVAILABLE: 503,
}


class ErrorDetail(WireModel):
    """One thing that is wrong."""

    reason: str = Field(default="", description="Why, in one of the words that programs can act on.")
    field: str | None = Field(default=None, description="The field, parameter or resource it is about.")
    description: str | None = Field(default=None, description="More about it, for people.")


class ErrorBody(WireModel):
    """The body of every answer that is not a success.

    The specification declares each operation's success body for *all* statuses (``default``). No name in here clashes with
    one of those in another type; ``title`` and ``body``, which the type Issue demands, say the same as the reason and the message.
    """

    code: Int32 = Field(description="The HTTP status.")
    message: str = Field(description="What is wrong, for people.")
    details: list[ErrorDetail] = Field(default=[], description="For programs.")
    title: str = Field(description="The reason in a word.")
    body: str = Field(description="The message again.")


class _PeersWords(WireModel):
    """What is read of a peer's error body: whatever else it demands or adds is its own business."""

    message: str
    details: list[ErrorDetail] | None = None


class ApiError(Exception):
    """A request that is answered with an error.

    :param retry_after: seconds, sent as ``Retry-After``.
    """

    def __init__(
        self, reason: Reason, message: str, *, field: str | None = None, retry_after: int | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.status = STATUS[reason]
        self.message = message
        self.field = field
        self.retry_after = retry_after

    def to_wire(self) -> dict[str, Any]:
        detail = ErrorDetail(reason=self.reason.value, field=self.field)
        body = ErrorBody(
            code=self.status, message=self.message, details=[detail], title=self.reason.value, body=self.message
        )
        return body.to_wire()

    @classmethod
    def from_wire(cls, status: int, body: bytes, retry_after: int | None = None) -> ApiError:
        """What a peer answered, in whatever form: its own words where they can be read, the status in any case."""
        try:
            parsed = _PeersWords.model_validate_json(body, by_name=False, by_alias=True)
        except ValueError:
            reason, message, field = _by_status(status), body[:_MOST_SHOWN].decode(errors="replace"), None
        else:
            detail = parsed.details[0] if parsed.details else ErrorDetail()
            known = detail.reason in Reason.__members__ and STATUS[Reason(detail.reason)] == status
            reason = Reason(detail.reason) if known else _by_status(status)
            message, field = parsed.message, detail.field
        error = cls(reason, message, field=field, retry_after=retry_after)
        error.status = status
        return error


def _by_status(status: int) -> Reason:
    by_status = {
        400: Reason.INVALID_ARGUMENT,
        401: Reason.UNAUTHENTICATED,
        403: Reason.WRONG_PROVIDER,
        404: Reason.NOT_FOUND,
        405: Reason.METHOD_NOT_ALLOWED,
        409: Reason.RESERVED,
        413: Reason.TOO_LARGE,
        429: Reason.RATE_LIMITED,
        503: Reason.UNAVAILABLE,
    }
    return by_status.get(status, Reason.INTERNAL if status >= 500 else Reason.INVALID_ARGUMENT)


__all__ = ["STATUS", "ApiError", "ErrorBody", "ErrorDetail", "Reason"]
