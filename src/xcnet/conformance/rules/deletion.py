"""A connection ends with everything that hangs on it, when its customer wants it."""

from __future__ import annotations

from xcnet.conformance.registry import Group, NotTestable
from xcnet.conformance.session import Session, expect

_group = Group("Deletion")
_REFERENCE = "protocol, delete"
_DEPUTY = "protocol, security: confused deputy"


@_group.must("delete-no-proof", "No deletion without the customer's proof", _DEPUTY, "DeleteConnection")
async def no_proof(session: Session) -> str | None:
    if not session.subject.proves:
        raise NotTestable("the suite was told that this server asks for no customers' proofs")
    made = await session.connection(1)
    reply = await session.call("DeleteConnection", ids=made.ids)
    if reply.ok:
        session.forget(1)
    expect(reply, 400, 401, 403, why="there is no proof")
    await session.fetch("GetConnection", made.ids)
    return f"status {reply.status}"


@_group.must("delete-foreign-proof", "Another customer's proof deletes nothing", _DEPUTY, "DeleteConnection")
async def foreign_proof(session: Session) -> str | None:
    made = await session.connection(1)
    proof = await session.prove(made.id, stranger=True)
    reply = await session.call("DeleteConnection", ids=made.ids, proof=proof)
    if reply.ok:
        session.forget(1)
    expect(reply, 401, 403, why="the proof is of another account")
    await session.fetch("GetConnection", made.ids)
    return f"status {reply.status}"


@_group.must(
    "delete-accepted", "A deleted connection is gone, and its features with it", _REFERENCE, "DeleteConnection"
)
async def accepted(session: Session) -> str | None:
    made, _, feature = await session.feature(1)
    proof = await session.prove(made.id)
    expect(await session.call("DeleteConnection", ids=made.ids, proof=proof), 200)
    session.forget(1)
    for operation, ids in (("GetConnection", {}), ("ListFeatures", {}), ("GetFeature", {"feature": feature})):
        expect(await session.call(operation, ids={**made.ids, **ids}), 404, why="the connection is deleted")
    return f"{len(made.features)} features"


@_group.must("delete-again", "What is deleted is not there to be deleted", _REFERENCE, "DeleteConnection")
async def again(session: Session) -> str | None:
    made = await session.connection(2)
    expect(await session.call("DeleteConnection", ids=made.ids, proof=await session.prove(made.id)), 200)
    session.forget(2)
    expect(await session.call("DeleteConnection", ids=made.ids, proof=await session.prove(made.id)), 404)
    return None
