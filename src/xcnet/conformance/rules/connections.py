"""Connections are made by their customer, out of an activation key, and as it says."""

from __future__ import annotations

from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, name_of, new_id
from xcnet.conformance.subject import CarriedKey
from xcnet.conformance.wire import Reply
from xcnet.secret import Secret

_group = Group("Connections")
_PROTOCOL = "protocol, connecting"
_DEPUTY = "protocol, security: confused deputy"


async def _not_made(session: Session, reply: Reply, key: CarriedKey, *statuses: int, why: str) -> None:
    """It was refused, and is not there. What was made against the rule is taken away."""
    if reply.ok:
        sizes = await session.sizes()
        await session.keep(key, sizes[0], reply.object, 1_000 + reply.number)
        session.keys_held = [each for each in session.keys_held if each.connection != key.connection]
    expect(reply, *statuses, why=why)
    found = await session.call("GetConnection", ids={"connection": key.connection})
    expect(found, 404, why="what was refused is not made")


@_group.must("create-no-key", "No connection is made that no activation key stands for", _PROTOCOL, "CreateConnection")
async def no_key(session: Session) -> str | None:
    made_up = CarriedKey(new_id(), Secret.from_text("eGNuZXQ="))
    reply = await session.order(made_up)
    await _not_made(session, reply, made_up, 400, 403, 404, why="the server made no key for this UUID")
    return f"status {reply.status}"


@_group.must("create-no-proof", "No connection is made without the customer's proof", _DEPUTY, "CreateConnection")
async def no_proof(session: Session) -> str | None:
    if not session.subject.proves:
        raise NotTestable("the suite was told that this server asks for no customers' proofs")
    key = await session.unused_key()
    reply = await session.order(key, prove=False)
    await _not_made(session, reply, key, 400, 401, 403, why="there is no proof")
    return f"status {reply.status}"


@_group.must("create-foreign-proof", "Another customer's proof is none", _DEPUTY, "CreateConnection")
async def foreign_proof(session: Session) -> str | None:
    # The owner's account is known to a server from the connection on; a key does not say it.
    made = await session.connection()
    proof = await session.prove(made.id, stranger=True)
    larger = {"bandwidthMbps": made.mbps}
    reply = await session.call("UpdateConnection", larger, {"updateMask": "bandwidthMbps"}, made.ids, proof=proof)
    expect(reply, 401, 403, why="the proof is of another account")
    return f"status {reply.status}"


@_group.must("create-size", "A bandwidth that is not offered is refused with 400", _PROTOCOL, "CreateConnection")
async def size(session: Session) -> str | None:
    key = await session.unused_key()
    wrong = max(await session.sizes()) + 7
    reply = await session.order(key, body={"bandwidthMbps": wrong})
    await _not_made(session, reply, key, 400, why=f"{wrong} Mbit/s are not offered")
    return None


@_group.must("create-other-size", "A connection has the bandwidth that its key says", _PROTOCOL, "CreateConnection")
async def other_size(session: Session) -> str | None:
    sizes = await session.sizes()
    if len(sizes) < 2:
        raise NotTestable("only one bandwidth is offered")
    key = await session.unused_key()
    reply = await session.order(key, body={"bandwidthMbps": sizes[1]})
    await _not_made(session, reply, key, 400, 409, why=f"the key is for {sizes[0]} Mbit/s")
    return f"status {reply.status}"


@_group.must("create-other-key", "A connection is made by its own key alone", _PROTOCOL, "CreateConnection")
async def other_key(session: Session) -> str | None:
    key = await session.unused_key()
    other = CarriedKey(new_id(), key.encoded)
    reply = await session.order(other)
    await _not_made(session, reply, other, 400, 403, 404, 409, why="the key is of another UUID")
    return f"status {reply.status}"


@_group.must(
    "create-accepted", "What the key says is made, and shown as it is", _PROTOCOL, "CreateConnection", "GetConnection"
)
async def accepted(session: Session) -> str | None:
    key = await session.unused_key()
    expect(await session.call("ConfirmActivationKey", {"encodedKey": key.encoded}, confided=[key.encoded]), 200)
    if 0 not in session.connections:
        reply = expect(await session.order(key), 200)
        session.keys_held.remove(key)
        await session.keep(key, (await session.sizes())[0], reply.object, 0)
    made = session.connections[0]
    shown = (await session.fetch("GetConnection", made.ids)).object
    for each in (made.shown, shown):
        if each.get("bandwidthMbps") != made.mbps:
            raise Violation(f"the connection was made with {made.mbps} Mbit/s and has {each.get('bandwidthMbps')}")
        if name_of(each).id != made.id or name_of(each).get("providers") != session.subject.caller:
            raise Violation(f"the connection {made.id} is named {each.get('name')}")
    return f"{made.mbps} Mbit/s"


@_group.must("create-listed", "A connection is listed as it is shown", _PROTOCOL, "ListConnections")
async def listed(session: Session) -> str | None:
    made = await session.connection()
    pages = await session.pages("ListConnections", "connections", {"interconnect": made.interconnect})
    found: list[dict[str, Any]] = [each for page in pages for each in page if name_of(each).id == made.id]
    if len(found) != 1:
        raise Violation(f"ListConnections shows the connection {len(found)} times")
    shown = (await session.fetch("GetConnection", made.ids)).object
    if found[0].get("bandwidthMbps") != shown.get("bandwidthMbps"):
        raise Violation("ListConnections shows another bandwidth than GetConnection")
    return None


@_group.must("create-twice", "A connection that is there is a conflict", _PROTOCOL, "CreateConnection")
async def twice(session: Session) -> str | None:
    made = await session.connection()
    expect(await session.order(made.key), 409, why="the connection exists already")
    return None


@_group.must("create-closed", "An interconnect that is closed takes no connection", _PROTOCOL, "CreateConnection")
async def closed(session: Session) -> str | None:
    shut = [each for each in await session.interconnects() if each.get("state") == "INTERCONNECT_STATE_CLOSED"]
    if not shut:
        raise NotTestable("no interconnect is closed")
    key = await session.unused_key()
    reply = await session.order(key, ids={"interconnect": name_of(shut[0]).id})
    expect(reply, 409, why="the interconnect is closed")
    return None


@_group.must("create-full", "What does not fit is a conflict", _PROTOCOL, "CreateConnection", "UpdateConnection")
async def full(session: Session) -> str | None:
    here = (await session.interconnect()).id
    shown = (await session.fetch("GetInterconnect", {"interconnect": here})).object
    most, largest = shown.get("maxBandwidthMbps"), (await session.sizes())[-1]
    if not isinstance(most, int):
        raise NotTestable("the interconnect does not say how much it takes")
    made = [await session.connection(0), await session.connection(1)]
    if largest * len(made) <= most:
        raise NotTestable(f"{len(made)} connections of {largest} Mbit/s fit into {most} Mbit/s")
    refused = None
    for each in made:
        reply = await _resize(session, each.ids, each.id, largest)
        refused = reply if not reply.ok else refused
    for each in made:
        expect(await _resize(session, each.ids, each.id, each.mbps), 200)
    if refused is None:
        raise Violation(f"{len(made)} connections of {largest} Mbit/s are taken on {most} Mbit/s")
    expect(refused, 409, why="it does not fit")
    return None


async def _resize(session: Session, ids: dict[str, str], connection: str, mbps: int) -> Reply:
    body = {"bandwidthMbps": mbps}
    proof = await session.prove(connection)
    return await session.call("UpdateConnection", body, {"updateMask": "bandwidthMbps"}, ids, proof=proof)


@_group.must("create-deferred", "Who is asked to drive does, or refuses with 400", _PROTOCOL, "CreateConnection")
async def deferred(session: Session) -> str | None:
    key = await session.unused_key()
    reply = await session.order(key, body={"deferProvisioning": True})
    if reply.ok:
        session.keys_held.remove(key)
        await session.keep(key, (await session.sizes())[0], reply.object, 2)
        return "it does"
    expect(reply, 400)
    return "it refuses"
