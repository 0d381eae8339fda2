"""Who may speak with the server, and how: TLS, signatures, the caller's own tree."""

from __future__ import annotations

import ssl

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, new_id
from xcnet.conformance.wire import Reply
from xcnet.coordinator.http.outcomes import NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transport import Headers, OutgoingRequest
from xcnet.spec.operations import OPERATIONS

_group = Group("Transport and callers")
_SECONDS = 10.0
_ISSUE = {"title": "xcnet conformance", "body": "This must never be opened."}


async def _reached(session: Session, context: ssl.SSLContext) -> int | None:
    """The status of a read over a connection of that kind; None: there was no connection."""
    transport = session.wire.transport(context)
    request = OutgoingRequest(
        session.subject.server, "ListProviders", "GET", session.subject.endpoint.prefix + "/providers", (), b"", tuple
    )
    try:
        return (await transport.send(request, _SECONDS)).status
    except (NotSentError, UnknownOutcomeError):
        return None
    finally:
        await transport.close()


@_group.must("tls-1.3", "TLS 1.3 is spoken", "protocol, security")
async def tls13(session: Session) -> str | None:
    context = session.subject.tls(True)
    context.maximum_version = context.minimum_version = ssl.TLSVersion.TLSv1_3
    if await _reached(session, context) is None:
        raise Violation("there is no connection with TLS 1.3")
    return None


@_group.must("tls-older", "Nothing older than TLS 1.3 is spoken", "protocol, security")
async def tls12(session: Session) -> str | None:
    context = session.subject.tls(True)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    status = await _reached(session, context)
    if status is not None:
        raise Violation(f"a request over TLS 1.2 is answered, with status {status}")
    return None


@_group.must("tls-certificate", "Who shows no certificate is not served", "protocol, security")
async def certificate(session: Session) -> str | None:
    if not session.subject.has_certificate:
        raise NotTestable("the suite was given no client certificate: this server does not ask for one")
    status = await _reached(session, session.subject.tls(False))
    if status is not None and status not in (401, 403):
        raise Violation(f"a request without a client certificate is answered with status {status}")
    return "no connection" if status is None else f"status {status}"


def _signed(session: Session) -> None:
    if session.subject.signer is None:
        raise NotTestable("the suite was told that this server asks for no signatures")


async def _nothing_opened(session: Session, reply: Reply, identifier: str) -> None:
    expect(reply, 401, 403)
    found = await session.call("GetIssue", ids={"issue": identifier})
    expect(found, 404, why="what was refused is not done")


@_group.must(
    "auth-missing", "A change that is not signed is refused, and not done", "protocol, security", "CreateIssue"
)
async def missing(session: Session) -> str | None:
    _signed(session)
    identifier = new_id()
    reply = await session.call("CreateIssue", _ISSUE, {"issueId": identifier}, sign=None)
    await _nothing_opened(session, reply, identifier)
    return f"status {reply.status}"


@_group.must("auth-wrong", "A signature that does not hold is refused", "protocol, security", "CreateIssue")
async def wrong(session: Session) -> str | None:
    _signed(session)

    def broken(headers: Headers) -> Headers:
        return tuple((name, _altered(value) if name.lower() == "authorization" else value) for name, value in headers)

    identifier = new_id()
    reply = await session.call("CreateIssue", _ISSUE, {"issueId": identifier}, sign=broken)
    await _nothing_opened(session, reply, identifier)
    return f"status {reply.status}"


def _altered(signature: str) -> str:
    """With another character, not at the very end: the last one of base64 may hold bits that mean nothing."""
    place = len(signature) - 8
    return signature[:place] + ("0" if signature[place] != "0" else "1") + signature[place + 1 :]


@_group.must("auth-body", "A signature is of this body, and of no other", "protocol, security", "CreateIssue")
async def other_body(session: Session) -> str | None:
    _signed(session)
    kept: list[Headers] = []

    def keep(headers: Headers) -> Headers:
        kept.append(headers)
        return headers

    def reuse(_: Headers) -> Headers:
        return kept[0]

    identifier = new_id()
    query = {"issueId": identifier}
    await session.call("ListIssues", sign=keep)
    reply = await session.call("CreateIssue", _ISSUE, query, sign=reuse)
    await _nothing_opened(session, reply, identifier)
    return f"status {reply.status}"


@_group.should("auth-replayed", "A signature is good once", "protocol, security", "GetEnvironment")
async def replayed(session: Session) -> str | None:
    _signed(session)
    kept: list[Headers] = []

    def first(headers: Headers) -> Headers:
        kept.append(kept[0] if kept else headers)
        return kept[0]

    expect(await session.call("GetEnvironment", sign=first), 200)
    reply = await session.call("GetEnvironment", sign=first)
    expect(reply, 401, 403, why="the same signed request, a second time")
    return f"status {reply.status}"


@_group.must(
    "tree-foreign", "Another provider's tree is closed to the caller, for every operation", "protocol, objects"
)
async def foreign(session: Session) -> str | None:
    # Nothing is named that is there: whoever looks first and asks then would answer 404 and tell that.
    stranger = {"provider": "xcnet-nobody", "environment": session.environment}
    for name in ("interconnect", "channel", "connection", "feature", "macSecKey", "issue"):
        stranger[name] = new_id()
    asked = [each for each in OPERATIONS.values() if "provider" in each.path_parameters and each.id != "GetProvider"]
    for operation in asked:
        query = {operation.creates: new_id()} if operation.creates else None
        reply = await session.call(operation.id, None, query, stranger)
        expect(reply, 401, 403, why="the provider in the path is not the caller")
    return f"{len(asked)} operations"


@_group.must(
    "tree-providers", "The caller and the server are shown, and no third provider", "protocol, objects", "ListProviders"
)
async def providers(session: Session) -> str | None:
    reply = await session.fetch("ListProviders")
    shown = reply.object
    names = {str(each.get("name")) for each in shown.get("environments") or shown.get("providers") or []}
    both = {f"providers/{session.subject.caller}", f"providers/{session.subject.server}"}
    if names - both:
        raise Violation(f"{reply} with {', '.join(sorted(names - both))}")
    if not names:
        raise Violation(f"{reply} with no provider at all")
    return ", ".join(sorted(names))


@_group.must("tree-provider", "A provider is shown to those who may know of it", "protocol, objects", "GetProvider")
async def provider(session: Session) -> str | None:
    for identifier in (session.subject.caller, session.subject.server):
        shown = (await session.fetch("GetProvider", {"provider": identifier})).object.get("name")
        if shown != f"providers/{identifier}":
            raise Violation(f"GetProvider of {identifier} shows {shown}")
    reply = expect(await session.call("GetProvider", ids={"provider": "xcnet-nobody"}), 401, 403, 404)
    return f"a third: status {reply.status}"
