"""requestId: done once, answered as before."""

from __future__ import annotations

from typing import Any

from xcnet.conformance.registry import Group, Violation
from xcnet.conformance.session import Session, expect, new_id

_group = Group("requestId")
_REFERENCE = "amendment 1"


def _body(words: str) -> dict[str, Any]:
    return {"title": "xcnet conformance", "body": words}


@_group.must("request-id-form", "A requestId is a UUID", _REFERENCE)
async def form(session: Session) -> str | None:
    reply = await session.call("GetEnvironment", None, {"requestId": "xcnet"})
    expect(reply, 400, why="requestId is no UUID")
    return None


@_group.must("request-id-read", "Every operation takes a requestId", _REFERENCE, "GetEnvironment", "ListIssues")
async def read(session: Session) -> str | None:
    for operation in ("GetEnvironment", "ListIssues", "ListInterconnects"):
        expect(await session.call(operation, None, {"requestId": new_id()}), 200)
    return None


@_group.must(
    "request-id-same", "The same request again is answered as before, and done once", _REFERENCE, "CreateIssue"
)
async def same(session: Session) -> str | None:
    identifier, query = new_id(), {"requestId": new_id()}
    replies = []
    for _ in range(3):
        replies.append(await session.call("CreateIssue", _body("Once."), {"issueId": identifier, **query}))
        if replies[0].ok:
            session.keep_issue(identifier)
        expect(replies[-1], 200)
    if any(reply.json != replies[0].json for reply in replies):
        raise Violation("CreateIssue with the same requestId is answered with another body")
    issue = {"issue": identifier}
    comment, query = {"comment": {"body": "said once"}}, {"requestId": new_id()}
    for _ in range(3):
        expect(await session.call("AddComment", comment, query, issue), 200)
    said = sum(len(page) for page in await session.pages("ListComments", "comments", issue))
    if said != 1:
        raise Violation(f"AddComment with the same requestId was done {said} times in three")
    return None


@_group.must("request-id-other", "The same requestId with other content is a conflict", _REFERENCE, "CreateIssue")
async def other(session: Session) -> str | None:
    identifier, query = new_id(), {"requestId": new_id()}
    expect(await session.call("CreateIssue", _body("One."), {"issueId": identifier, **query}), 200)
    session.keep_issue(identifier)
    reply = await session.call("CreateIssue", _body("Another."), {"issueId": identifier, **query})
    expect(reply, 409, why="the same requestId came with other content")
    if (await session.fetch("GetIssue", {"issue": identifier})).object.get("body") != "One.":
        raise Violation("the issue was changed by a request that was refused")
    return None


@_group.must(
    "request-id-scope", "A requestId is of one operation on one resource", _REFERENCE, "CreateIssue", "CloseIssue"
)
async def scope(session: Session) -> str | None:
    query = {"requestId": new_id()}
    for _ in range(2):
        identifier = new_id()
        reply = await session.call("CreateIssue", _body("Scope."), {"issueId": identifier, **query})
        expect(reply, 200, why="the resource is another")
        session.keep_issue(identifier)
    expect(await session.call("CloseIssue", {}, query, {"issue": identifier}), 200, why="the operation is another")
    session.gone(f"issue {identifier}")
    return None


@_group.must("request-id-refused", "What was refused is not held against its requestId", _REFERENCE, "CreateIssue")
async def refused(session: Session) -> str | None:
    identifier, query = new_id(), {"requestId": new_id()}
    expect(await session.call("CreateIssue", {}, {"issueId": identifier, **query}), 400)
    reply = await session.call("CreateIssue", _body("Now whole."), {"issueId": identifier, **query})
    if reply.ok:
        session.keep_issue(identifier)
    expect(reply, 200, 409)
    return f"status {reply.status}"


@_group.must(
    "request-id-revival", "A creation said again never revives what was deleted since", _REFERENCE, "CreateFeature"
)
async def revival(session: Session) -> str | None:
    made, channel, identifier = await session.feature(0)
    expect(await session.call("DeleteFeature", ids={**made.ids, "feature": identifier}), 200)
    del made.features[channel]
    config = session.proposer.config((await session.guidance(made))[channel], channel)
    body = await session.feature_body(channel, config)
    query = {"featureId": new_id(), "requestId": new_id()}
    ids = {**made.ids, "feature": query["featureId"]}
    expect(await session.call("CreateFeature", body, query, made.ids), 200)
    expect(await session.call("DeleteFeature", ids=ids), 200)
    await session.call("CreateFeature", body, query, made.ids)
    found = await session.call("GetFeature", ids=ids)
    if found.ok:
        made.features[channel] = query["featureId"]
    expect(found, 404, why="it was deleted after it was created")
    return None
