"""A request as it has arrived at the server, and what becomes known of it on its way to an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from xcnet.coordinator.http.answers import Scope, Written
from xcnet.coordinator.http.facts import HttpFacts
from xcnet.coordinator.http.transcript import Sent


@dataclass
class Arrival:
    """:param facts: as it is on the wire. :param provider: whose TLS certificate it came under.
    :param caller: who signed it; equal to ``provider`` once that is known.
    :param error: what was raised behind the routes; the gate answers it.
    """

    facts: HttpFacts
    path: str
    query: bytes
    provider: str
    sent: Sent
    caller: str = ""
    written: Written | None = None
    error: Exception | None = None


class BrokenOffError(Exception):
    """The connection is to be broken off without an answer. :param note: why, for the transcript."""


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An answer outside the API's operations."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


OpenHandler = Callable[[HttpFacts, str], Awaitable[OpenAnswer]]
"""Answers a GET that needs no signature: the request, and the provider whose TLS certificate it came under. May raise
:class:`xcnet.spec.errors.ApiError`."""


def headers_of(scope: Scope) -> tuple[tuple[str, str], ...]:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])


def target_of(scope: Scope) -> str:
    """Path and query as they were sent."""
    path = scope["raw_path"].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    return f"{path}?{query}" if query else path


__all__ = ["Arrival", "BrokenOffError", "OpenAnswer", "OpenHandler", "headers_of", "target_of"]
