"""What of a request and its answer may be shown: known fields by their types, header fields by name, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from xcnet.secret import Secret
from xcnet.spec.base import WireModel
from xcnet.spec.connections import ActivationKey
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import PROOF_HEADER, REQUEST_ID, Operation

HIDDEN = "<secret>"
_LONGEST = 512
"""Characters of one shown value."""

_SHOWN_HEADERS = frozenset(
    (
        "accept",
        "allow",
        "connection",
        "content-length",
        "content-type",
        "date",
        "host",
        "retry-after",
        "traceparent",
        "user-agent",
        "www-authenticate",
    )
)
_SECRET_HEADERS = frozenset(("authorization", "x-amz-security-token", PROOF_HEADER))


def shown_headers(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """By lower-case name; of those that carry secrets only that they were there, and nothing of unknown ones."""
    shown: dict[str, str] = {}
    for each, value in headers:
        name = each.lower()
        if name in _SHOWN_HEADERS:
            shown[name] = value[:_LONGEST]
        elif name in _SECRET_HEADERS:
            shown[name] = HIDDEN
    return shown


def shown_query(operation: Operation | None, query: Mapping[str, Any]) -> dict[str, str]:
    """The parameters that the operation declares; of others, a presigned URL's among them, nothing."""
    if operation is None:
        return {}
    declared = {each.name for each in operation.query} | {REQUEST_ID.name}
    return {name: str(value)[:_LONGEST] for name, value in query.items() if name in declared}


def shown_body(body: WireModel | ApiError | None) -> dict[str, Any] | None:
    """A body without its secrets; None for none and for one that could not be read as what it should be."""
    if body is None:
        return None
    if isinstance(body, ApiError):
        return body.to_wire()
    return _without_keys(body).to_wire()


def _without_keys(body: WireModel) -> WireModel:
    """Activation keys taken apart are as good as whole ones."""
    apart = [name for name, value in body if isinstance(value, ActivationKey)]
    return body.model_copy(update=dict.fromkeys(apart)) if apart else body


def secrets_of(value: Any) -> Iterator[str]:
    """The key material in a model, in clear: to look for it where it has no business."""
    if isinstance(value, Secret):
        yield value.reveal().decode(errors="replace")
    elif isinstance(value, BaseModel):
        for _name, each in value:
            yield from secrets_of(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from secrets_of(each)


def without_echo(error: ApiError, secrets: Iterable[str]) -> ApiError:
    """The error, without its words if they hold what was sent in confidence."""
    words = error.message + (error.field or "")
    if not any(secret and secret in words for secret in secrets):
        return error
    clean = ApiError(error.reason, "the peer's words are withheld: they repeat a secret", retry_after=error.retry_after)
    clean.status = error.status
    return clean


__all__ = ["HIDDEN", "secrets_of", "shown_body", "shown_headers", "shown_query", "without_echo"]
