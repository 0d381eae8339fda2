"""Answers as ASGI messages: JSON of a model, or the API's error body."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from xcnet.clock import Clock
from xcnet.coordinator.http.limits import retry_after
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError, Reason

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
RawHeaders = tuple[tuple[bytes, bytes], ...]

JSON = "application/json"
_JSON_FIELD = (b"content-type", b"application/json")
_CLOSE = (b"connection", b"close")


@dataclass(frozen=True, slots=True)
class Written:
    """An answer ready to be sent.

    :param shown: what it says, for the transcript. :param last: the connection is closed behind it.
    """

    status: int
    headers: RawHeaders
    body: bytes
    shown: WireModel | ApiError | None = None
    last: bool = False


def success(model: WireModel, headers: RawHeaders = ()) -> Written:
    body = json.dumps(model.to_wire(reveal=True), separators=(",", ":")).encode()
    return Written(200, (_JSON_FIELD, *headers), body, model)


def refusal(error: ApiError, headers: RawHeaders = (), *, last: bool = False) -> Written:
    if error.retry_after is not None:
        headers = (*headers, (b"retry-after", str(error.retry_after).encode("ascii")))
    body = json.dumps(error.to_wire(), separators=(",", ":")).encode()
    return Written(error.status, (_JSON_FIELD, *headers), body, error, last)


def with_status(error: ApiError, status: int) -> ApiError:
    """The same under a status of its own, where HTTP has a more telling one than the reason's."""
    error.status = status
    return error


def internal_error() -> ApiError:
    """What is said of a defect: nothing."""
    return ApiError(Reason.INTERNAL, "the server failed; it has been logged there")


def too_fast(seconds: float) -> ApiError:
    return ApiError(Reason.RATE_LIMITED, "too many requests", retry_after=retry_after(seconds))


class Dates:
    """The Date field (RFC 9110, 6.6.1), written once a second."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._field = (b"date", b"")

    def field(self) -> tuple[bytes, bytes]:
        second = int(self._clock.wall())
        if second != self._second:
            self._second = second
            self._field = (b"date", formatdate(second, usegmt=True).encode("ascii"))
        return self._field


async def send_written(send: Send, written: Written, date: tuple[bytes, bytes]) -> None:
    headers = [*written.headers, date, (b"content-length", str(len(written.body)).encode("ascii"))]
    if written.last:
        headers.append(_CLOSE)
    await send({"type": "http.response.start", "status": written.status, "headers": headers})
    await send({"type": "http.response.body", "body": written.body})


__all__ = [
    "JSON",
    "App",
    "Dates",
    "Message",
    "RawHeaders",
    "Receive",
    "Scope",
    "Send",
    "Written",
    "internal_error",
    "refusal",
    "send_written",
    "success",
    "too_fast",
    "with_status",
]
