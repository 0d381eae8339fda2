"""What can come of one attempt to call a peer, beside an answer and the peer's refusal (:class:`xcnet.spec.errors.ApiError`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from xcnet.errors import XcnetError
from xcnet.spec.base import WireModel


@dataclass(frozen=True, slots=True)
class Answer:
    """The peer did it. :param headers: lower-case names."""

    body: WireModel
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


class CallError(XcnetError):
    """A call that brought neither an answer nor a refusal."""


class NotSentError(CallError):
    """The request certainly was not executed: no connection, or no TLS on it."""


class UnknownOutcomeError(CallError):
    """The request was, or may have been, sent, and no answer was had: it may have been executed."""


class BadAnswerError(UnknownOutcomeError):
    """An answer came that cannot be read: too large, not JSON, or not of the declared type.

    :param status: the answer's HTTP status: the request was executed if it is a success.
    """

    def __init__(self, cause: str, *, where: str = "", remedy: str = "", status: int = 0) -> None:
        super().__init__(cause, where=where, remedy=remedy)
        self.status = status


__all__ = ["Answer", "BadAnswerError", "CallError", "NotSentError", "UnknownOutcomeError"]
