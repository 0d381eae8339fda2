"""Connections are resized, moved, and notified of."""

from __future__ import annotations

import asyncio
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import MadeConnection, Session, expect, name_of
from xcnet.conformance.wire import Reply

_group = Group("Changes of connections")
_UPDATE = "protocol, update"
_DEPUTY = "protocol, security: confused deputy"


async def _update(session: Session, made: MadeConnection, body: dict[str, Any], mask: str | None, **more: Any) -> Reply:
    if "proof" not in more:
        more["proof"] = await session.prove(made.id)
    return await session.call("UpdateConnection", body, {} if mask is None else {"updateMask": mask}, made.ids, **more)


async def _shown(session: Session, made: MadeConnection) -> Any:
    return (await session.fetch("GetConnection", made.ids)).object.get("bandwidthMbps")


async def _unchanged(session: Session, made: MadeConnection, before: Any) -> None:
    """Compared with what was shown before, not with what is due: who fails one rule does not fail the next for it."""
    shown = await _shown(session, made)
    if shown != before:
        raise Violation(f"what was refused is done: the connection had {before} Mbit/s, and has {shown}")


async def _larger(session: Session) -> int:
    sizes = await session.sizes()
    if len(sizes) < 2:
        raise NotTestable("only one bandwidth is offered")
    return sizes[1]


@_group.must("update-bandwidth", "The bandwidth is updated, and shown", _UPDATE, "UpdateConnection")
async def bandwidth(session: Session) -> str | None:
    made, larger = await session.connection(), await _larger(session)
    for wanted in (larger, made.mbps):
        reply = await _update(session, made, {"bandwidthMbps": wanted}, "bandwidthMbps")
        if expect(reply, 200).object.get("bandwidthMbps") != wanted:
            raise Violation(f"{reply} with {reply.object.get('bandwidthMbps')} Mbit/s: {wanted} was asked for")
        shown = await _shown(session, made)
        if shown != wanted:
            raise Violation(f"updated to {wanted} Mbit/s, and shown with {shown}")
    return f"{made.mbps} → {larger} → {made.mbps} Mbit/s"


@_group.must("update-no-proof", "No update without the customer's proof", _DEPUTY, "UpdateConnection")
async def no_proof(session: Session) -> str | None:
    if not session.subject.proves:
        raise NotTestable("the suite was told that this server asks for no customers' proofs")
    made, larger = await session.connection(), await _larger(session)
    before = await _shown(session, made)
    reply = await _update(session, made, {"bandwidthMbps": larger}, "bandwidthMbps", proof=None)
    expect(reply, 400, 401, 403, why="there is no proof")
    await _unchanged(session, made, before)
    return f"status {reply.status}"


@_group.must("update-used-proof", "A proof is good once", _DEPUTY, "UpdateConnection")
async def used_proof(session: Session) -> str | None:
    made, larger = await session.connection(), await _larger(session)
    proof = await session.prove(made.id)
    if proof is None:
        raise NotTestable("the suite was told that this server asks for no customers' proofs")
    expect(await _update(session, made, {"bandwidthMbps": made.mbps}, "bandwidthMbps", proof=proof), 200)
    before = await _shown(session, made)
    reply = await _update(session, made, {"bandwidthMbps": larger}, "bandwidthMbps", proof=proof)
    expect(reply, 401, 403, why="the proof was used before")
    await _unchanged(session, made, before)
    return f"status {reply.status}"


@_group.must("update-other-connection", "A proof is of one connection", _DEPUTY, "UpdateConnection")
async def other_connection(session: Session) -> str | None:
    made, other, larger = await session.connection(0), await session.connection(1), await _larger(session)
    proof = await session.prove(other.id)
    if proof is None:
        raise NotTestable("the suite was told that this server asks for no customers' proofs")
    before = await _shown(session, made)
    reply = await _update(session, made, {"bandwidthMbps": larger}, "bandwidthMbps", proof=proof)
    expect(reply, 401, 403, why="the proof is for another connection")
    await _unchanged(session, made, before)
    return f"status {reply.status}"


@_group.must("update-size", "A bandwidth that is not offered is refused with 400", _UPDATE, "UpdateConnection")
async def size(session: Session) -> str | None:
    made = await session.connection()
    wrong, before = max(await session.sizes()) + 7, await _shown(session, made)
    expect(await _update(session, made, {"bandwidthMbps": wrong}, "bandwidthMbps"), 400)
    await _unchanged(session, made, before)
    return None


@_group.must("update-mask", "Nothing but the bandwidth is updated", _UPDATE, "UpdateConnection")
async def mask(session: Session) -> str | None:
    made = await session.connection()
    for field, body in (("adminState", {"adminState": "ADMIN_STATE_DISABLED"}), ("xcnetUnknown", {"xcnetUnknown": 1})):
        reply = await _update(session, made, body, field)
        expect(reply, 400, why=f"updateMask names {field}")
    return None


@_group.must("update-in-flight", "One update of a connection at a time", _UPDATE, "UpdateConnection")
async def in_flight(session: Session) -> str | None:
    made, larger = await session.connection(), await _larger(session)
    replies = await asyncio.gather(
        *(_update(session, made, {"bandwidthMbps": each}, "bandwidthMbps") for each in (larger, made.mbps))
    )
    try:
        for reply in replies:
            expect(reply, 200, 409)
        if all(reply.ok for reply in replies):
            raise NotTestable("each update is over by the time it is answered: none was in flight")
    finally:
        expect(await _update(session, made, {"bandwidthMbps": made.mbps}, "bandwidthMbps"), 200)
    return "409"


@_group.must(
    "migrate", "A migration keeps the UUID, under another interconnect", "protocol, migrate", "CreateConnection"
)
async def migrate(session: Session) -> str | None:
    made = await session.connection()
    others = [
        name_of(each).id
        for each in await session.interconnects()
        if each.get("state") in (None, "INTERCONNECT_STATE_ACTIVE") and name_of(each).id != made.interconnect
    ]
    if not others:
        raise NotTestable("the environment has one interconnect that takes connections")
    ids = {"connection": made.id, "interconnect": others[0]}
    query = {"connectionId": made.id}
    larger = await _larger(session)
    wrong = await session.call(
        "CreateConnection",
        {"bandwidthMbps": larger},
        query,
        {"interconnect": others[0]},
        proof=await session.prove(made.id),
    )
    expect(wrong, 400, 409, why=f"the connection has {made.mbps} Mbit/s")
    body = {"bandwidthMbps": made.mbps}
    reply = await session.call(
        "CreateConnection", body, query, {"interconnect": others[0]}, proof=await session.prove(made.id)
    )
    if reply.status == 409:
        raise NotTestable(f"the connection is not ready to be moved: {reply}")
    expect(reply, 200)
    for each in (made.ids, ids):
        await session.fetch("GetConnection", each)
    expect(await session.call("DeleteConnection", ids=ids, proof=await session.prove(made.id)), 200)
    await session.fetch("GetConnection", made.ids)
    return f"{made.interconnect} → {others[0]}"


@_group.must(
    "notify-status", "A notification of a connection is taken", "protocol, provisioning", "NotifyConnectionStatus"
)
async def notify(session: Session) -> str | None:
    made = await session.connection()
    expect(await session.call("NotifyConnectionStatus", {}, ids=made.ids), 200)
    return None
