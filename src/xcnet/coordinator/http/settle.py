"""Whether a change of unknown outcome was made: seen from the resource itself, before anything is sent again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from xcnet.coordinator.http.caller import Body, Caller
from xcnet.coordinator.http.outcomes import Answer
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError
from xcnet.spec.issues import AddCommentResponse, Comment, Issue, IssueState, ListCommentsResponse
from xcnet.spec.operations import OPERATIONS, Operation
from xcnet.spec.resources import Empty

_CREATED = {
    "CreateConnection": "GetConnection",
    "CreateFeature": "GetFeature",
    "CreateMacSecKey": "GetMacSecKey",
    "CreateIssue": "GetIssue",
}
_UPDATED = {"UpdateConnection": "GetConnection", "UpdateFeature": "GetFeature"}
_DELETED = {
    "DeleteConnection": "GetConnection",
    "DeleteFeature": "GetFeature",
    "DeleteMacSecKey": "GetMacSecKey",
}
_NOT_COMPARED = frozenset({"name", "activationKey", "cak", "md5BgpPassword", "deferProvisioning"})
"""What a server may show in another form than it was given, or not at all."""
_NOT_FOUND = 404
_SKEW = timedelta(minutes=5)


async def settle(
    caller: Caller,
    operation: Operation,
    ids: Mapping[str, str],
    query: Mapping[str, str | int],
    body: Body | None,
    *,
    since: float,
    seconds: float | None,
) -> Answer | None:
    """The answer that the change has had, if it is seen to have been made; None: do it (again).

    A resource of that id that says something else than was asked for counts as not made: the server, asked again under
    the same requestId, tells a replay from a conflict. Notifications and requests leave nothing to look at; their
    requestId alone keeps them from being done twice.

    :param since: seconds since the epoch at which the first attempt began.
    :raises ApiError: the peer refused to tell. :raises CallError: it did not tell.
    """
    wanted = _json(body)
    if operation.id in _CREATED:
        found = await _get(caller, _CREATED[operation.id], _created_ids(operation, ids, query), seconds)
        return found if found is not None and _says(found.body, wanted) else None
    if operation.id in _UPDATED:
        found = await _get(caller, _UPDATED[operation.id], ids, seconds)
        masked = _masked(wanted, str(query.get("updateMask", "")))
        return found if found is not None and _says(found.body, masked) else None
    if operation.id in _DELETED:
        return None if await _get(caller, _DELETED[operation.id], ids, seconds) is not None else Answer(Empty())
    if operation.id == "CloseIssue":
        found = await _get(caller, "GetIssue", ids, seconds)
        closed = found is not None and isinstance(found.body, Issue) and found.body.state is IssueState.CLOSED
        return found if closed else None
    if operation.id == "AddComment":
        return await _comment(caller, ids, wanted, since, seconds)
    return None


async def _get(caller: Caller, operation: str, ids: Mapping[str, str], seconds: float | None) -> Answer | None:
    try:
        return await caller.call(OPERATIONS[operation], ids, seconds=seconds)
    except ApiError as error:
        if error.status == _NOT_FOUND:
            return None
        raise


def _created_ids(operation: Operation, ids: Mapping[str, str], query: Mapping[str, str | int]) -> dict[str, str]:
    kind = (operation.collection or "").removesuffix("s")
    return {**ids, kind: str(query[operation.creates or ""])}


async def _comment(
    caller: Caller, ids: Mapping[str, str], wanted: Mapping[str, Any], since: float, seconds: float | None
) -> Answer | None:
    """Comments come the newest first: those of before the first attempt end the search."""
    words = wanted.get("comment", {}).get("body")
    oldest = datetime.fromtimestamp(since, UTC) - _SKEW
    token = ""
    while True:
        query = {"pageToken": token} if token else None
        page = (await caller.call(OPERATIONS["ListComments"], ids, query, seconds=seconds)).body
        comments: list[Comment] = (page.comments or []) if isinstance(page, ListCommentsResponse) else []
        for comment in comments:
            if comment.create_time is not None and comment.create_time < oldest:
                return None
            if comment.body == words:
                return Answer(AddCommentResponse(comment=comment))
        following = page.next_page_token if isinstance(page, ListCommentsResponse) else None
        if not following or following == token:
            return None
        token = following


def _json(body: Body | None) -> dict[str, Any]:
    if body is None:
        return {}
    return body.to_wire(reveal=True) if isinstance(body, WireModel) else dict(body)


def _masked(wanted: Mapping[str, Any], mask: str) -> dict[str, Any]:
    """The fields that a mask names, as a whole each; no mask and ``*`` name all (AIP-134)."""
    names = {part.strip().split(".")[0] for part in mask.split(",") if part.strip()} - {"*"}
    return {name: value for name, value in wanted.items() if not names or name in names or _snake(name) in names}


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def _says(resource: WireModel, wanted: Mapping[str, Any]) -> bool:
    return _agrees(resource.to_wire(reveal=True), wanted)


def _agrees(there: Any, wanted: Any) -> bool:
    """Whether nothing that is there differs from what was wanted."""
    if isinstance(there, dict) and isinstance(wanted, Mapping):
        return all(
            _agrees(there[name], value) for name, value in wanted.items() if name in there and name not in _NOT_COMPARED
        )
    if isinstance(there, list) and isinstance(wanted, list):
        return len(there) == len(wanted) and all(_agrees(a, b) for a, b in zip(there, wanted, strict=True))
    return bool(there == wanted)


__all__ = ["settle"]
