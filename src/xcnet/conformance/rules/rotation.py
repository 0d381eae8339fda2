"""Rotation of MACsec keys: one channel at a time, then nothing for a while."""

from __future__ import annotations

import asyncio
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.rules.keys import active_channel, create, delete, held
from xcnet.conformance.session import Session, expect, key_material, name_of, new_id
from xcnet.waiting import Deadline

_group = Group("Rotation of MACsec keys")
_REFERENCE = "protocol, MACsec keys"
_ROTATION_SECONDS = 30.0
_POLL_SECONDS = 0.25


async def _rotating(session: Session) -> tuple[str, str]:
    """Begin a rotation, with a key that no router of the caller has: it will not be used. Returns the channel and the key."""
    channel, _ = await active_channel(session)
    identifier = new_id()
    reply = await create(session, channel, key_material(), identifier)
    if reply.status == 409:
        raise NotTestable(f"nothing may be rotated now: {reply}")
    expect(reply, 200)
    return channel, identifier


@_group.must("rotation-standby", "A second key stands by until it is used", _REFERENCE, "CreateMacSecKey")
async def standby(session: Session) -> str | None:
    channel, identifier = await _rotating(session)
    keys: dict[str, dict[str, Any]] = {name_of(each).id: each for each in await held(session, channel)}
    expect(await delete(session, channel, identifier), 200, why="the key is not in use")
    if identifier not in keys or len(keys) != 2:
        raise Violation(f"{channel} has {len(keys)} keys, with the second one not among them")
    if keys[identifier].get("active") is True:
        raise Violation("the second key is shown as in use, and no router of the caller has it")
    return channel


@_group.must("rotation-third", "A channel has two keys at most", _REFERENCE, "CreateMacSecKey")
async def third(session: Session) -> str | None:
    channel, identifier = await _rotating(session)
    reply = await create(session, channel, key_material())
    expect(await delete(session, channel, identifier), 200)
    expect(reply, 409, why=f"{channel} has two keys")
    return channel


@_group.must("rotation-one-channel", "One channel of an interconnect rotates at a time", _REFERENCE, "CreateMacSecKey")
async def one_channel(session: Session) -> str | None:
    channel, identifier = await _rotating(session)
    others = [each for each in await session.channels_managed_by(session.subject.caller) if each != channel]
    replies = [await create(session, each, key_material()) for each in others if await held(session, each)]
    expect(await delete(session, channel, identifier), 200)
    if not replies:
        raise NotTestable("no other channel that the caller manages has a key")
    for reply in replies:
        expect(reply, 409, why=f"{channel} is rotating")
    return f"{channel}, then {', '.join(others)}"


@_group.must(
    "rotation-same-id", "A key that is there is a conflict, by its id and by its name", _REFERENCE, "CreateMacSecKey"
)
async def same_id(session: Session) -> str | None:
    channel, key = await active_channel(session)
    expect(await create(session, channel, key_material(), name_of(key).id), 409, why="the id is a key's")
    if isinstance(key.get("ckn"), str):
        reply = await create(session, channel, {**key_material(), "ckn": key["ckn"]})
        expect(reply, 409, why="the ckn is a key's")
    return None


@_group.must(
    "rotation-not-manager",
    "Who does not manage a channel is not asked to rotate it",
    _REFERENCE,
    "RequestMacSecKeyRotation",
)
async def not_manager(session: Session) -> str | None:
    channel = (await session.channels_managed_by(session.subject.caller))[0]
    reply = await session.call("RequestMacSecKeyRotation", {"reason": "xcnet conformance"}, ids={"channel": channel})
    expect(reply, 400, 403, 409, why=f"{session.subject.caller} manages the keys of {channel} itself")
    return f"status {reply.status}"


@_group.must(
    "rotation-asked",
    "A manager that is asked rotates, or says that it may not now",
    _REFERENCE,
    "RequestMacSecKeyRotation",
)
async def asked(session: Session) -> str | None:
    channel = (await session.channels_managed_by(session.subject.server))[0]
    before = {name_of(each).id for each in await held(session, channel) if each.get("active") is True}
    reply = await session.call("RequestMacSecKeyRotation", {"reason": "xcnet conformance"}, ids={"channel": channel})
    if expect(reply, 200, 409).status == 409:
        return f"{reply}"
    after = await _rotated(session, channel, before)
    return f"another key on {channel}" if after else f"nothing yet on {channel}"


async def _rotated(session: Session, channel: str, before: set[str]) -> bool:
    deadline = Deadline(_ROTATION_SECONDS)
    while not deadline.expired:
        keys = await held(session, channel)
        if len(keys) == 1 and keys[0].get("active") is True and name_of(keys[0]).id not in before:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


@_group.must(
    "rotation-bake", "After a rotation nothing on the interconnect rotates for two hours", _REFERENCE, "CreateMacSecKey"
)
async def bake(session: Session) -> str | None:
    asked_for = [
        reply for reply in session.wire.replies if reply.operation.id == "RequestMacSecKeyRotation" and reply.ok
    ]
    if not asked_for:
        raise NotTestable("the server has rotated nothing in this run")
    channel, _ = await active_channel(session)
    reply = await create(session, channel, key_material())
    expect(reply, 409, why="another channel was rotated just now")
    return f"{channel}: {reply}"
