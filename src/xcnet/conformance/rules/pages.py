"""Lists in pages."""

from __future__ import annotations

from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, name_of
from xcnet.conformance.wire import listed

_group = Group("Pages")
_REFERENCE = "protocol, errors"


async def _many(session: Session) -> tuple[str, str]:
    """A list of more than one item: channels, or issues that are opened for it."""
    if len(await session.channels()) > 1:
        return "ListChannels", "channels"
    for _ in range(3):
        expect((await session.issue())[1], 200)
    return "ListIssues", "issues"


@_group.must("pages-complete", "Pages together are the list: nothing twice, nothing missing", _REFERENCE)
async def complete(session: Session) -> str | None:
    operation, name = await _many(session)
    whole = [str(name_of(each)) for page in await session.pages(operation, name, size=1000) for each in page]
    pages = await session.pages(operation, name, size=1)
    if any(len(page) > 1 for page in pages):
        raise Violation(f"{operation} with pageSize=1 has a page of {max(map(len, pages))}")
    single = [str(name_of(each)) for page in pages for each in page]
    if single != whole:
        raise Violation(f"{operation} has {len(whole)} items in one page, {len(single)} one by one, or another order")
    return f"{len(whole)} items"


async def _token(session: Session) -> tuple[str, str]:
    """A list's operation, and a token for its second page."""
    operation, _ = await _many(session)
    token = (await session.fetch(operation, query={"pageSize": 1})).object.get("nextPageToken")
    if not token:
        raise NotTestable(f"{operation} gives no token after a page of one")
    return operation, str(token)


@_group.must("pages-bound", "A token is good with the same parameters alone", _REFERENCE)
async def bound(session: Session) -> str | None:
    operation, token = await _token(session)
    expect(await session.call(operation, None, {"pageSize": 2, "pageToken": token}), 400)
    other = "ListIssues" if operation != "ListIssues" else "ListEnvironments"
    expect(await session.call(other, None, {"pageSize": 1, "pageToken": token}), 400, why="the token is another list's")
    return None


@_group.must("pages-token", "What is no token is refused with 400", _REFERENCE)
async def garbage(session: Session) -> str | None:
    operation, token = await _token(session)
    for wrong in ("xcnet", token[:-2], token + "AA"):
        expect(await session.call(operation, None, {"pageSize": 1, "pageToken": wrong}), 400)
    return None


@_group.must("pages-size", "A page size that is none is refused with 400", "specification, parameters")
async def size(session: Session) -> str | None:
    operation, _ = await _many(session)
    for wrong in ("-1", "many", "1.5"):
        expect(await session.call(operation, None, {"pageSize": wrong}), 400, why=f"pageSize is {wrong}")
    return None


@_group.must("pages-coerced", "A page of issues larger than 1000 is cut, not refused", _REFERENCE, "ListIssues")
async def coerced(session: Session) -> str | None:
    reply = expect(await session.call("ListIssues", None, {"pageSize": 100_000}), 200)
    found: list[Any] = listed(reply, "issues")
    if len(found) > 1000:
        raise Violation(f"{reply} with {len(found)} issues in a page")
    return f"{len(found)} issues"
