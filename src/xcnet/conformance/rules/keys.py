"""MACsec keys: made and deleted by the channel's manager alone, and only where they are in order."""

from __future__ import annotations

import secrets
from typing import Any

from xcnet.conformance.registry import Group, NotTestable, Violation
from xcnet.conformance.session import Session, expect, key_material, name_of, new_id
from xcnet.conformance.wire import Reply, listed
from xcnet.secret import Secret

_group = Group("MACsec keys")
_REFERENCE = "protocol, MACsec keys"
_DECLINED = (400, 403, 409)
"""The documents say that it is declined, and not how."""


async def held(session: Session, channel: str) -> list[dict[str, Any]]:
    """The keys of a channel."""
    return listed(await session.fetch("ListMacSecKeys", {"channel": channel}), "macSecKeys")


async def create(session: Session, channel: str, material: dict[str, Any], identifier: str | None = None) -> Reply:
    """Give the server a key; one that is taken is taken away at the end."""
    name = identifier or new_id()
    confided = [each for each in material.values() if isinstance(each, Secret)]
    query = {"macSecKeyId": name}
    reply = await session.call("CreateMacSecKey", material, query, {"channel": channel}, confided=confided)
    if reply.ok:

        async def undo() -> None:
            expect(await delete(session, channel, name), 200, 404, 409)

        session.made(f"key {name} on {channel}", undo)
    return reply


async def delete(session: Session, channel: str, identifier: str) -> Reply:
    reply = await session.call("DeleteMacSecKey", ids={"channel": channel, "macSecKey": identifier})
    if reply.ok:
        session.gone(f"key {identifier} on {channel}")
    return reply


async def active_channel(session: Session) -> tuple[str, dict[str, Any]]:
    """A channel of the caller's with one key, which is in use. :raises NotTestable: there is none."""
    for channel in await session.channels_managed_by(session.subject.caller):
        keys = await held(session, channel)
        if len(keys) == 1 and keys[0].get("active") is True:
            return channel, keys[0]
    raise NotTestable("no channel that the caller manages has one key that is in use")


@_group.must("key-shown", "A key is listed as it is shown", _REFERENCE, "ListMacSecKeys", "GetMacSecKey")
async def shown(session: Session) -> str | None:
    count = 0
    for each in await session.channels():
        channel = name_of(each).id
        for key in await held(session, channel):
            ids = {"channel": channel, "macSecKey": name_of(key).id}
            got = (await session.fetch("GetMacSecKey", ids)).object
            if (got.get("ckn"), got.get("startTime")) != (key.get("ckn"), key.get("startTime")):
                raise Violation(f"{key.get('name')} is listed otherwise than it is shown")
            count += 1
    if not count:
        raise NotTestable("no channel has a key")
    return f"{count} keys"


@_group.must("key-counts", "At most two keys on a channel, one of them in use, N+1 on an interconnect", _REFERENCE)
async def counts(session: Session) -> str | None:
    found = {name_of(each).id: await held(session, name_of(each).id) for each in await session.channels()}
    for channel, keys in found.items():
        if len(keys) > 2:
            raise Violation(f"{channel} has {len(keys)} keys")
        if sum(key.get("active") is True for key in keys) > 1:
            raise Violation(f"{channel} has two keys in use")
    total = sum(map(len, found.values()))
    if total > len(found) + 1:
        raise Violation(f"there are {total} keys on {len(found)} channels")
    return f"{total} keys on {len(found)} channels"


@_group.must("key-manager-creates", "Only the manager of a channel gives it keys", _REFERENCE, "CreateMacSecKey")
async def manager_creates(session: Session) -> str | None:
    channel = (await session.channels_managed_by(session.subject.server))[0]
    reply = await create(session, channel, key_material())
    expect(reply, *_DECLINED, why=f"{session.subject.server} manages the keys of {channel}")
    return f"status {reply.status}"


@_group.must("key-manager-deletes", "Only the manager of a channel deletes its keys", _REFERENCE, "DeleteMacSecKey")
async def manager_deletes(session: Session) -> str | None:
    for channel in await session.channels_managed_by(session.subject.server):
        keys = await held(session, channel)
        if keys:
            reply = await delete(session, channel, name_of(keys[0]).id)
            expect(reply, *_DECLINED, why=f"{session.subject.server} manages the keys of {channel}")
            if len(await held(session, channel)) != len(keys):
                raise Violation("what was declined is done")
            return f"status {reply.status}"
    raise NotTestable(f"no channel that {session.subject.server} manages has a key")


@_group.must("key-active", "A key in use is not deleted", _REFERENCE, "DeleteMacSecKey")
async def active(session: Session) -> str | None:
    channel, key = await active_channel(session)
    reply = await delete(session, channel, name_of(key).id)
    expect(reply, 400, 403, 409, why="the key is in use")
    if [name_of(each).id for each in await held(session, channel)] != [name_of(key).id]:
        raise Violation("what was declined is done")
    return f"status {reply.status}"


@_group.must("key-material", "What is no key is refused with 400", _REFERENCE, "CreateMacSecKey")
async def material(session: Session) -> str | None:
    channel = (await session.channels_managed_by(session.subject.caller))[0]
    good = key_material()
    short, no_hex = Secret.from_text(secrets.token_hex(5)), Secret.from_text("z" * 64)
    cases = {
        "the cak has five bytes": {**good, "cak": short},
        "the cak is not hexadecimal": {**good, "cak": no_hex},
        "the ckn is not hexadecimal": {**good, "ckn": "xcnet"},
        "the ckn has 33 bytes": {**good, "ckn": secrets.token_hex(33)},
        "there is no cak": {"ckn": good["ckn"]},
        "there is no ckn": {"cak": good["cak"]},
    }
    for why, each in cases.items():
        reply = await create(session, channel, each)
        if reply.status == 409:
            raise NotTestable(f"no key is taken now, whatever it is: {reply}")
        expect(reply, 400, why=why)
    return f"{len(cases)} kinds"


@_group.must("key-unknown", "A key that is not there is not deleted: 404", _REFERENCE, "DeleteMacSecKey")
async def unknown(session: Session) -> str | None:
    channel = (await session.channels_managed_by(session.subject.caller))[0]
    expect(await delete(session, channel, new_id()), 404)
    return None
