"""requestId: the same change asked for twice is made once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote

from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import Operation

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
"""RFC 9562, 4; of whatever version."""


def check_request_id(text: str) -> str:
    """In lower case. :raises ApiError: 400, not a UUID."""
    if not _UUID.fullmatch(text):
        raise ApiError(Reason.INVALID_ARGUMENT, "requestId is not a UUID", field="requestId")
    return text.lower()


def scope_of(
    caller: str, operation: Operation, ids: Mapping[str, str], query: Mapping[str, object]
) -> tuple[str, str, str]:
    """Within what a requestId is unique: the caller, the operation, and the full name of the resource.

    :param ids: path parameters. :param query: has the new resource's id, where the operation creates one.
    """
    parts = [(key, ids[key]) for key in operation.path_parameters]
    if operation.creates is not None:
        parts.append((operation.creates, str(query.get(operation.creates, ""))))
    return caller, operation.id, "/".join(f"{key}={quote(value, safe='')}" for key, value in parts)


def is_replay(recorded: str | None, digest: str) -> bool:
    """Whether a request is one that was done before, and is to be answered as it was then.

    :param recorded: digest of the request that had this requestId in this scope; None if there was none.
    :param digest: of this one.
    :raises ApiError: 409, the same requestId with another content.
    """
    if recorded is None:
        return False
    if recorded != digest:
        raise ApiError(Reason.REQUEST_ID_REUSED, "this requestId was used for another request", field="requestId")
    return True


__all__ = ["check_request_id", "is_replay", "scope_of"]
