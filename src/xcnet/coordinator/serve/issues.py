"""Issues that the calling provider has opened here, and their comments."""

from __future__ import annotations

import sqlite3

from xcnet.coordinator.acts import issues as acts
from xcnet.coordinator.serve.context import Handler, Serving
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.issues import (
    AddCommentRequest,
    AddCommentResponse,
    Comment,
    Issue,
    IssueState,
    ListCommentsResponse,
    ListIssuesResponse,
)
from xcnet.spec.names import valid_id


def _row(serving: Serving) -> sqlite3.Row:
    identifier = serving.request.ids["issue"]
    row = acts.find(serving.world, acts.IN, serving.caller, identifier)
    if row is None:
        raise ApiError(Reason.NOT_FOUND, f"there is no issue {identifier!r}", field="issue")
    return row


def list_issues(serving: Serving) -> WireModel:
    def fetch(after: int, limit: int) -> list[tuple[int, Issue]]:
        rows = serving.world.db.all(
            "SELECT * FROM issues WHERE direction = ? AND peer = ? AND seq > ? ORDER BY seq LIMIT ?",
            acts.IN,
            serving.caller,
            after,
            limit,
        )
        return [(row["seq"], acts.shown(row)) for row in rows]

    page, more = serving.page(fetch, default=50, most=1000)
    return ListIssuesResponse(issues=page, next_page_token=more)


def get_issue(serving: Serving) -> WireModel:
    return acts.shown(_row(serving))


def create_issue(serving: Serving) -> WireModel:
    identifier = serving.query("issueId")
    body = serving.body(Issue)
    if not valid_id(identifier):
        raise ApiError(Reason.INVALID_ARGUMENT, "issueId can not be part of a name", field="issueId")
    if acts.find(serving.world, acts.IN, serving.caller, identifier) is not None:
        raise ApiError(Reason.ALREADY_EXISTS, f"issue {identifier!r} exists already", field="issueId")
    acts.check_contexts(serving.world, serving.caller, body)
    return acts.open_issue(serving.world, acts.IN, serving.caller, identifier, body)


def close_issue(serving: Serving) -> WireModel:
    row = _row(serving)
    acts.set_state(serving.world, row, IssueState.CLOSED)
    return acts.shown(_row(serving))


def add_comment(serving: Serving) -> WireModel:
    row = _row(serving)
    if row["state"] == IssueState.CLOSED:
        raise ApiError(Reason.ISSUE_CLOSED, "the issue is closed", field="issue")
    comment = serving.body(AddCommentRequest).comment
    return AddCommentResponse(comment=acts.add_comment(serving.world, row, serving.caller, comment.body))


def list_comments(serving: Serving) -> WireModel:
    row = _row(serving)

    def fetch(after: int, limit: int) -> list[tuple[int, Comment]]:
        # The newest first: pages go down from the largest number.
        rows = serving.world.db.all(
            "SELECT * FROM comments WHERE issue = ? AND (? = 0 OR seq < ?) ORDER BY seq DESC LIMIT ?",
            row["seq"],
            after,
            after,
            limit,
        )
        return [(each["seq"], acts.shown_comment(serving.world, each)) for each in rows]

    page, more = serving.page(fetch, default=50, most=1000)
    return ListCommentsResponse(comments=page, next_page_token=more)


HANDLERS: dict[str, Handler] = {
    "ListIssues": list_issues,
    "GetIssue": get_issue,
    "CreateIssue": create_issue,
    "CloseIssue": close_issue,
    "AddComment": add_comment,
    "ListComments": list_comments,
}

__all__ = ["HANDLERS"]
