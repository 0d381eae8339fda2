"""A request's ids, query and body, checked against what its operation declares."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from urllib.parse import parse_qsl
from uuid import UUID

from pydantic import ValidationError

from xcnet.spec.base import NullFieldError, WireModel, parse_request
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.names import valid_id
from xcnet.spec.operations import REQUEST_ID, Operation, QueryParameter, QueryType

_INTEGER = re.compile(r"[+-]?[0-9]{1,12}")
_INT32_MAX = 2**31 - 1
_MOST_PARAMETERS = 50
_MOST_PROBLEMS = 5


def check_ids(ids: Mapping[str, str]) -> dict[str, str]:
    """:raises ApiError: nothing can have such a name."""
    for name, value in ids.items():
        if not valid_id(value):
            raise ApiError(Reason.NOT_FOUND, f"there can be no {name} of that id", field=name)
    return dict(ids)


def read_query(operation: Operation, query_string: bytes) -> tuple[dict[str, str | int], str | None]:
    """The declared parameters that are there, and ``requestId``; others are passed over.

    :raises ApiError: one is missing, repeated, or not of its type.
    """
    given = _pairs(query_string)
    values: dict[str, str | int] = {}
    for parameter in operation.query:
        text = _single(given, parameter.name)
        if text is None:
            if parameter.required:
                raise _wrong(parameter.name, "is required")
            continue
        values[parameter.name] = _typed(parameter, text)
    if operation.creates is not None and not valid_id(str(values[operation.creates])):
        raise _wrong(operation.creates, "is not 1 to 128 letters, digits and . _ ~ -")
    request_id = _single(given, REQUEST_ID.name)
    if request_id is not None and not _is_uuid(request_id):
        raise _wrong(REQUEST_ID.name, "is not a UUID")
    return values, request_id


def _pairs(query_string: bytes) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    if not query_string:
        return given
    try:
        pairs = parse_qsl(
            query_string.decode("ascii"),
            keep_blank_values=True,
            encoding="utf-8",
            errors="strict",
            max_num_fields=_MOST_PARAMETERS,
        )
    except ValueError:
        raise ApiError(Reason.MALFORMED, "the query cannot be read") from None
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    return given


def _single(given: Mapping[str, list[str]], name: str) -> str | None:
    values = given.get(name)
    if values is None:
        return None
    if len(values) > 1:
        raise _wrong(name, "is there more than once")
    return values[0]


def _typed(parameter: QueryParameter, text: str) -> str | int:
    if parameter.type is QueryType.NUMBER:
        number = int(text) if _INTEGER.fullmatch(text) else None
        if number is None or not 0 <= number <= _INT32_MAX:
            raise _wrong(parameter.name, f"is not an integer from 0 to {_INT32_MAX}")
        return number
    if parameter.pattern is not None and _compiled(parameter.pattern).fullmatch(text) is None:
        raise _wrong(parameter.name, "is not written as it must be")
    return text


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _is_uuid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _wrong(name: str, what: str) -> ApiError:
    return ApiError(Reason.INVALID_ARGUMENT, f"{name} {what}", field=name)


def read_body(operation: Operation, content_type: str | None, body: bytes) -> WireModel | None:
    """The body as its type; None where the operation takes none, whatever came.

    :raises ApiError: missing where one is needed, not JSON, or not of the declared shape. Nothing of it is repeated.
    """
    if operation.request is None:
        return None
    if not body.strip():
        if operation.needs_body:
            raise ApiError(Reason.INVALID_ARGUMENT, "a body is required", field="body")
    elif content_type is not None and not _is_json(content_type):
        raise ApiError(Reason.MALFORMED, "the content type is not application/json", field="Content-Type")
    try:
        return parse_request(operation.request, body)
    except ValidationError as error:
        raise _not_valid(error) from None
    except NullFieldError as error:
        raise ApiError(Reason.INVALID_ARGUMENT, f"{error.field} is null", field=error.field) from None
    except (ValueError, RecursionError):
        raise ApiError(Reason.MALFORMED, "the body is not a JSON object", field="body") from None


def _is_json(content_type: str) -> bool:
    media = content_type.partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


def _not_valid(error: ValidationError) -> ApiError:
    """In pydantic's words, which name fields and types and never hold the value."""
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    told = []
    for each in problems[:_MOST_PROBLEMS]:
        where = ".".join(str(part) for part in each["loc"])
        told.append(f"{where or 'body'}: {each['msg']}")
    field = ".".join(str(part) for part in problems[0]["loc"]) if problems else None
    return ApiError(Reason.INVALID_ARGUMENT, "; ".join(told), field=field or None)


def digest_of(operation: Operation, path: str, query: Mapping[str, str | int], body: WireModel | None) -> str:
    """Equal for the same request sent again: of its meaning, so that neither order nor what is passed over counts."""
    meaning = [operation.method, path, query, body.to_wire(reveal=True) if body is not None else None]
    text = json.dumps(meaning, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


__all__ = ["check_ids", "digest_of", "read_body", "read_query"]
