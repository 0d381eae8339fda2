"""Bounds that keep a server up: for size, for rate, for who is slow. Near the end, as they use the bounds up."""

from __future__ import annotations

import asyncio
import time

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, new_id

_group = Group("Limits")
_BODY_BYTES = 8 * 2**20
_BURST = 400
_AT_ONCE = 20
_SOON_SECONDS = 5.0


@_group.should("limit-body", "A body of megabytes is refused, with 413", "RFC 9110, 15.5.14", "CreateIssue")
async def body(session: Session) -> str | None:
    large = b'{"title": "xcnet conformance", "body": "' + b"x" * _BODY_BYTES + b'"}'
    try:
        reply = await session.call("CreateIssue", large, {"issueId": new_id()})
    except Violation:
        # Whoever closes upon a body in the middle of it has refused it as well, if it serves on.
        await session.fetch("GetEnvironment")
        return "the connection was closed"
    expect(reply, 413, why=f"the body has {_BODY_BYTES >> 20} MiB")
    return None


@_group.should("limit-slow", "Who is slow does not keep others waiting", "protocol, errors")
async def slow(session: Session) -> str | None:
    endpoint = session.subject.endpoint
    writers = []
    try:
        for _ in range(_AT_ONCE):
            _, writer = await asyncio.wait_for(
                asyncio.open_connection(
                    endpoint.address or endpoint.host,
                    endpoint.port,
                    ssl=session.subject.tls(True),
                    server_hostname=endpoint.host,
                ),
                _SOON_SECONDS,
            )
            writers.append(writer)
            writer.write(b"POST /providers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
            await writer.drain()
        begun = time.monotonic()
        await session.fetch("GetEnvironment")
        took = time.monotonic() - begun
    except (OSError, TimeoutError):
        raise NotTestable(f"after {len(writers)} slow connections another one cannot be had") from None
    finally:
        for writer in writers:
            writer.transport.abort()
    if took > _SOON_SECONDS:
        raise Violation(f"beside {_AT_ONCE} slow requests an answer takes {took:.1f} s")
    return f"{took * 1000:.0f} ms beside {_AT_ONCE} slow ones"


@_group.must("limit-rate", "Who asks too fast is told when to come again", "amendment 5")
async def rate(session: Session) -> str | None:
    async def ask() -> int | None:
        reply = await session.call("GetEnvironment", patient=False)
        if reply.status != 429:
            expect(reply, 200)
            return None
        said = reply.headers.get("retry-after", "")
        if not said.isdigit() or int(said) < 1:
            raise Violation(f"{reply} with Retry-After {said!r}; seconds are due")
        return int(said)

    asked = 0
    while asked < _BURST:
        waits = [each for each in await asyncio.gather(*(ask() for _ in range(_AT_ONCE))) if each is not None]
        asked += _AT_ONCE
        if waits:
            await asyncio.sleep(waits[0])
            await session.fetch("GetEnvironment")
            return f"after {asked} requests, for {waits[0]} s"
    raise NotTestable(f"{_BURST} requests are all answered")
