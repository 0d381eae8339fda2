"""Issues, their contexts and comments."""

from __future__ import annotations

from typing import Any

from xcnet.conformance.registry import Group, Violation
from xcnet.conformance.session import Session, expect, name_of, new_id

_group = Group("Issues")
_REFERENCE = "specification, issues"


@_group.must(
    "issue-opened", "An issue is opened, and shown as it is", _REFERENCE, "CreateIssue", "GetIssue", "ListIssues"
)
async def opened(session: Session) -> str | None:
    fields = {"priority": "PRIORITY_P3", "remoteIssueId": "xcnet-1"}
    identifier, reply = await session.issue(**fields)
    shown = expect(reply, 200).object
    got = (await session.fetch("GetIssue", {"issue": identifier})).object
    for each in (shown, got):
        if any(each.get(name) != value for name, value in fields.items()) or name_of(each).id != identifier:
            raise Violation(f"the issue {identifier} is shown otherwise than it was opened")
    if got.get("state") == "STATE_CLOSED":
        raise Violation("a fresh issue is closed")
    listed = {name_of(each).id for page in await session.pages("ListIssues", "issues", size=1000) for each in page}
    if identifier not in listed:
        raise Violation("ListIssues does not show a fresh issue")
    return None


@_group.must("issue-twice", "An issue that is there is a conflict", _REFERENCE, "CreateIssue")
async def twice(session: Session) -> str | None:
    identifier, _ = await session.issue()
    body = {"title": "xcnet conformance", "body": "Another of the same id."}
    expect(await session.call("CreateIssue", body, {"issueId": identifier}), 409)
    return None


@_group.must("issue-context", "What an issue is about is named", _REFERENCE, "CreateIssue")
async def context(session: Session) -> str | None:
    for kind in ("ISSUE_CONTEXT_CONNECTION_ISSUE", "ISSUE_CONTEXT_INTERCONNECT_ISSUE"):
        _, reply = await session.issue(issueContext=kind)
        expect(reply, 400, why=f"{kind} names nothing of its kind")
    name = str(await session.interconnect())
    _, reply = await session.issue(
        issueContext="ISSUE_CONTEXT_INTERCONNECT_ISSUE", interconnectContexts=[{"name": name}]
    )
    expect(reply, 200)
    return None


@_group.must("issue-context-unknown", "What an issue is about is there", _REFERENCE, "CreateIssue")
async def unknown(session: Session) -> str | None:
    wrong = str((await session.interconnect()).parent.child("interconnects", new_id()))
    _, reply = await session.issue(
        issueContext="ISSUE_CONTEXT_INTERCONNECT_ISSUE", interconnectContexts=[{"name": wrong}]
    )
    expect(reply, 400, 404, why="there is no such interconnect")
    return f"status {reply.status}"


@_group.must("issue-comments", "Comments are listed, the newest first", _REFERENCE, "AddComment", "ListComments")
async def comments(session: Session) -> str | None:
    identifier, _ = await session.issue()
    words = ["first", "second", "third"]
    for each in words:
        reply = await session.call("AddComment", {"comment": {"body": each}}, ids={"issue": identifier})
        shown: dict[str, Any] = expect(reply, 200).object.get("comment") or {}
        if shown.get("body") != each:
            raise Violation(f"{reply} with the comment {shown.get('body')!r}; {each!r} was made")
    pages = await session.pages("ListComments", "comments", {"issue": identifier}, 2)
    said = [each.get("body") for page in pages for each in page]
    if said != words[::-1]:
        raise Violation(f"ListComments shows {said}; {words[::-1]} were made, the newest first")
    return None


@_group.must("issue-closed", "A closed issue says so", _REFERENCE, "CloseIssue")
async def closed(session: Session) -> str | None:
    identifier, _ = await session.issue()
    shown = expect(await session.call("CloseIssue", {}, ids={"issue": identifier}), 200).object
    session.gone(f"issue {identifier}")
    got = (await session.fetch("GetIssue", {"issue": identifier})).object
    for each in (shown, got):
        if each.get("state") != "STATE_CLOSED":
            raise Violation(f"a closed issue has state {each.get('state')}")
    return None
