"""How requests are read: what is malformed is refused, what is unknown is passed over."""

from __future__ import annotations

from typing import Any

from xcnet.conformance.registry import Group, Violation
from xcnet.conformance.session import Session, expect, new_id
from xcnet.conformance.wire import Reply
from xcnet.spec.operations import OPERATIONS

_group = Group("Requests")


async def _issue(session: Session, body: bytes | dict[str, Any]) -> Reply:
    identifier = new_id()
    reply = await session.call("CreateIssue", body, {"issueId": identifier})
    if reply.ok:
        session.keep_issue(identifier)
    return reply


@_group.must("body-not-json", "A body that is not JSON is refused with 400", "protocol, errors", "CreateIssue")
async def not_json(session: Session) -> str | None:
    for body in (b'{"title": ', b"title=1", b"\xff\xfe", b'{"title": NaN, "body": "b"}'):
        expect(await _issue(session, body), 400, why=f"the body is {body!r}")
    return None


@_group.must("body-not-object", "A body that is no object is refused with 400", "protocol, errors", "CreateIssue")
async def not_object(session: Session) -> str | None:
    for body in (b"[]", b'"text"', b"1", b"null", b"true"):
        expect(await _issue(session, body), 400, why=f"the body is {body.decode()}")
    return None


@_group.must("body-types", "A field of another type is refused with 400", "specification, schemas", "CreateIssue")
async def types(session: Session) -> str | None:
    good = {"title": "xcnet conformance", "body": "Types."}
    for wrong in ({"title": 1}, {"body": ["text"]}, {"priority": "PRIORITY_P99"}, {"channelContexts": "all"}):
        expect(await _issue(session, {**good, **wrong}), 400, why=f"the body has {wrong}")
    return None


@_group.must(
    "body-required", "A body without what is required is refused with 400", "specification, schemas", "CreateIssue"
)
async def required(session: Session) -> str | None:
    for body in ({}, {"title": "xcnet conformance"}, {"body": "No title."}):
        expect(await _issue(session, dict(body)), 400, why=f"the body has only {sorted(body)}")
    return None


@_group.must(
    "query-required", "A creation without the new resource's id is refused with 400", "specification, parameters"
)
async def no_id(session: Session) -> str | None:
    body = {"title": "xcnet conformance", "body": "Without an id."}
    expect(await session.call("CreateIssue", body), 400, why="issueId is required")
    return None


@_group.must("body-unknown", "Fields that the server does not know are passed over", "protocol, wire", "CreateIssue")
async def unknown(session: Session) -> str | None:
    body = {"title": "xcnet conformance", "body": "An unknown field.", "xcnetUnknown": {"of": ["any", "shape"]}}
    expect(await _issue(session, body), 200)
    return None


@_group.must("body-read-only", "Read-only fields are passed over on input", "specification, readOnly", "CreateIssue")
async def read_only(session: Session) -> str | None:
    body = {
        "title": "xcnet conformance",
        "body": "Read-only fields.",
        "state": "STATE_CLOSED",
        "localIssueId": "xcnet-was-here",
        "createTime": "2001-01-01T00:00:00Z",
    }
    shown = expect(await _issue(session, body), 200).object
    if shown.get("state") == "STATE_CLOSED" or shown.get("localIssueId") == "xcnet-was-here":
        raise Violation("CreateIssue takes state or localIssueId from the caller")
    if str(shown.get("createTime", "")).startswith("2001"):
        raise Violation("CreateIssue takes createTime from the caller")
    return None


@_group.must("method-unknown", "A method that a path does not have is refused with 405", "RFC 9110, 15.5.6")
async def method(session: Session) -> str | None:
    for operation, used in (("GetEnvironment", "DELETE"), ("ListIssues", "PUT"), ("GetInterconnect", "PATCH")):
        reply = await session.call(operation, b"", method=used)
        expect(reply, 405, why=f"{OPERATIONS[operation].path} has no {used}")
    return None


@_group.must("path-unknown", "A path that is none is refused with 404", "RFC 9110, 15.5.5")
async def path(session: Session) -> str | None:
    start = f"{session.subject.endpoint.prefix}/providers/{session.subject.caller}"
    for wrong in (f"{start}/xcnetUnknown", f"{start}/environments/{session.environment}/xcnetUnknown/1"):
        expect(await session.call("GetProvider", path=wrong), 404)
    return None


@_group.must("resource-unknown", "What is not there is answered 404, by every operation on it", "protocol, errors")
async def resource(session: Session) -> str | None:
    interconnect, channel = (await session.interconnect()).id, await session.channel()
    nothing = new_id()
    cases: list[tuple[str, dict[str, str]]] = [
        ("GetEnvironment", {"environment": nothing}),
        ("ListInterconnects", {"environment": nothing}),
        ("GetActivationKeyParameters", {"environment": nothing}),
        ("GetInterconnect", {"interconnect": nothing}),
        ("ListChannels", {"interconnect": nothing}),
        ("ListConnections", {"interconnect": nothing}),
        ("GetChannel", {"channel": nothing}),
        ("GetMaintenanceEvents", {"channel": nothing}),
        ("NotifyMaintenance", {"channel": nothing}),
        ("ListMacSecKeys", {"channel": nothing}),
        ("GetMacSecKey", {"channel": channel, "macSecKey": nothing}),
        ("GetConnection", {"connection": nothing}),
        ("GenerateFeatureGuidance", {"connection": nothing}),
        ("NotifyConnectionStatus", {"connection": nothing}),
        ("ListFeatures", {"connection": nothing}),
        ("GetFeature", {"connection": nothing, "feature": nothing}),
        ("GetIssue", {"issue": nothing}),
        ("CloseIssue", {"issue": nothing}),
        ("ListComments", {"issue": nothing}),
    ]
    for operation, ids in cases:
        expect(await session.call(operation, ids={"interconnect": interconnect, **ids}), 404)
    return f"{len(cases)} operations"
