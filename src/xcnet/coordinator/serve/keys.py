"""MACsec keys: made and deleted by the channel's manager alone, under the rules of rotation."""

from __future__ import annotations

from xcnet.coordinator.acts import keys as acts
from xcnet.coordinator.acts import wire
from xcnet.coordinator.acts.connections import buried_until, bury
from xcnet.coordinator.config import ChannelConfig
from xcnet.coordinator.policy.keys import (
    check_create,
    check_delete,
    check_material,
    check_rotation_request,
)
from xcnet.coordinator.serve.context import Handler, KeptError, Serving
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import KeyRow
from xcnet.spec.base import WireModel
from xcnet.spec.connections import ListMacSecKeysResponse, MacSecKey
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.names import valid_id
from xcnet.spec.resources import Empty


def _wire(serving: Serving, row: KeyRow) -> MacSecKey:
    ids = serving.request.ids
    return wire.mac_sec_key(serving.caller, ids["environment"], ids["interconnect"], row)


def _key(serving: Serving) -> KeyRow:
    identifier = serving.request.ids["macSecKey"]
    row = records.key(serving.world.db, serving.channel().name, identifier)
    if row is None:
        raise ApiError(Reason.NOT_FOUND, f"there is no key {identifier!r}", field="macSecKey")
    return row


def list_mac_sec_keys(serving: Serving) -> WireModel:
    held = records.keys(serving.world.db, serving.channel().name)
    return ListMacSecKeysResponse(mac_sec_keys=[_wire(serving, row) for row in held])


def get_mac_sec_key(serving: Serving) -> WireModel:
    return _wire(serving, _key(serving))


def create_mac_sec_key(serving: Serving) -> WireModel:
    """Installed as standby; used as soon as both routers hold it."""
    world = serving.world
    interconnect = serving.interconnect()
    channel = serving.channel()
    identifier = serving.query("macSecKeyId")
    body = serving.body(MacSecKey)
    if not valid_id(identifier):
        raise ApiError(Reason.INVALID_ARGUMENT, "macSecKeyId can not be part of a name", field="macSecKeyId")
    if buried_until(world, channel.name, identifier) is not None:
        raise ApiError(Reason.BEING_DELETED, f"the key {identifier!r} was deleted here just now", field="macSecKeyId")
    facts = acts.facts(world, interconnect.name)
    check_create(facts, serving.caller, channel.macsec_manager, channel.name, identifier, world.now())
    if body.cak is None or body.ckn is None:
        raise ApiError(Reason.INVALID_ARGUMENT, "cak and ckn are needed", field="cak" if body.cak is None else "ckn")
    in_use = {
        row["ckn"]
        for each in interconnect.channels
        for row in world.db.all("SELECT ckn FROM keys WHERE channel = ?", each.name)
    }
    ckn, cak = check_material(body.ckn, body.cak, channel.key_bytes, in_use)
    first = not records.keys(world.db, channel.name)
    return _wire(serving, acts.add(world, channel.name, identifier, ckn, cak, preferred=first))


def delete_mac_sec_key(serving: Serving) -> WireModel:
    world = serving.world
    channel = serving.channel()
    facts = acts.facts(world, serving.interconnect().name)
    # Who may not delete keys is not told which there are.
    identifier = serving.request.ids["macSecKey"]
    check_delete(facts, serving.caller, channel.macsec_manager, channel.name, identifier)
    row = records.key(world.db, channel.name, identifier)
    if row is None:
        if valid_id(identifier):
            # Its creation may still be on the way.
            bury(world, channel.name, identifier)
        raise KeptError(Reason.NOT_FOUND, f"there is no key {identifier!r}", field="macSecKey")
    acts.remove(world, row)
    if row.been_active:
        acts.rotation_ended(world, channel.name)
    return Empty()


def start_rotation(serving: Serving, channel: ChannelConfig, *, asked_by: str, reason: str | None) -> None:
    """The caller would like a new key. :raises ApiError: it is not ours to make, or not now."""
    world = serving.world
    facts = acts.facts(world, serving.interconnect().name)
    check_rotation_request(facts, world.me, channel.macsec_manager, channel.name, world.now())
    if serving.engine.running("rotate", channel.name):
        return
    world.emit("key.rotation_requested", channel.name, by=asked_by, reason=(reason or "")[:200])
    serving.engine.start("rotate", channel.name, "installing", {"asked_by": asked_by})


HANDLERS: dict[str, Handler] = {
    "CreateMacSecKey": create_mac_sec_key,
    "ListMacSecKeys": list_mac_sec_keys,
    "GetMacSecKey": get_mac_sec_key,
    "DeleteMacSecKey": delete_mac_sec_key,
}

__all__ = ["HANDLERS", "start_rotation"]
