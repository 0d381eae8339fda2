"""Whether a connection works, as this provider sees it and tells the peer."""

from __future__ import annotations

import math

from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState, FeatureState
from xcnet.coordinator.world import World
from xcnet.spec.resources import AdminState

COMPLETE_AFTER = 5.0
"""Seconds after a connection works, or has lost a feature, until its missing features are looked after."""

_WORKING = (ConnectionState.PROVISIONING, ConnectionState.AVAILABLE)


def required(world: World, interconnect: str) -> int:
    """How many features a connection needs before it can be provisioned: three of four."""
    config = world.config.interconnect(interconnect)
    assert config is not None
    return math.ceil(world.rules.required_share * len(config.channels))


def note(world: World, engine: Engine, uuid: str) -> None:
    """Compare the connections of a UUID with what the network shows, and have the peer told of what has changed.

    Inside a transaction. May be called at any time, as often as one likes.
    """
    for row in records.connections(world.db, uuid):
        if row.state in _WORKING:
            _note_features(world, row)
            _note_connection(world, row)
            tell(world, engine, row.interconnect, uuid)
            settle(world, row.interconnect, uuid)
    _note_replaced(world, engine, uuid)


def _note_features(world: World, row: ConnectionRow) -> None:
    oldest = records.connections(world.db, row.uuid)[0]
    for feature in records.features(world.db, row.interconnect, row.uuid):
        up = world.facts.up.get((row.uuid, feature.channel))
        if up is None or feature.state not in (FeatureState.PENDING, FeatureState.FINAL):
            continue
        state = FeatureState.FINAL if up else FeatureState.PENDING
        if state is not feature.state:
            world.db.execute("UPDATE features SET state = ? WHERE seq = ?", state, feature.seq)
            # Before the connection is final the peer has nothing to refresh: one notice then stands for all of them.
            world.db.execute("UPDATE connections SET version = version + own_final WHERE seq = ?", row.seq)
            world.emit("feature.state", row.uuid, channel=feature.channel, state=str(state))
        if up and not feature.proven:
            world.db.execute("UPDATE features SET proven = 1 WHERE seq = ?", feature.seq)
            if records.is_joining(feature, row, oldest):
                world.network_changed()


def _note_connection(world: World, row: ConnectionRow) -> None:
    present = records.features(world.db, row.interconnect, row.uuid)
    live = [each for each in present if each.state in (FeatureState.PENDING, FeatureState.FINAL)]
    up = sum(each.state is FeatureState.FINAL for each in live)
    now = world.now()
    since = None
    if up >= required(world, row.interconnect):
        since = row.enough_since if row.enough_since is not None else now
    final = row.own_final
    if final:
        final = up > 0
    elif since is not None:
        final = up == len(live) or now - since >= world.rules.settle_timeout
    if since != row.enough_since:
        world.db.execute("UPDATE connections SET enough_since = ? WHERE seq = ?", since, row.seq)
    if final is not row.own_final:
        world.db.execute(
            "UPDATE connections SET own_final = ?, acknowledged = 0, version = version + 1 WHERE seq = ?",
            int(final),
            row.seq,
        )
        world.emit("connection.final" if final else "connection.lost", row.uuid, interconnect=row.interconnect, up=up)


def changed(world: World, engine: Engine, row: ConnectionRow) -> None:
    """Something that the peer can see of this connection is another now: have it told."""
    world.db.execute("UPDATE connections SET version = version + 1 WHERE seq = ?", row.seq)
    tell(world, engine, row.interconnect, row.uuid)


def tell(world: World, engine: Engine, interconnect: str, uuid: str) -> None:
    """Have the peer notified, unless it was told, or is being told, of the latest already."""
    row = records.connection(world.db, interconnect, uuid)
    if (
        row is not None
        and row.told < row.version
        and row.state in _WORKING
        and not engine.running("notify", uuid, interconnect=interconnect)
    ):
        engine.start("notify", uuid, "calling", {"interconnect": interconnect})


def settle(world: World, interconnect: str, uuid: str) -> None:
    """Take note of a connection that both sides have seen to work."""
    row = records.connection(world.db, interconnect, uuid)
    if row is None or not row.verified:
        return
    world.wake(uuid)
    if row.finalised is None:
        now = world.now()
        world.db.execute(
            "UPDATE connections SET state = ?, finalised = ?, complete_after = ? WHERE seq = ?",
            ConnectionState.AVAILABLE,
            now,
            now + COMPLETE_AFTER,
            row.seq,
        )
        world.emit("connection.verified", uuid, interconnect=interconnect)


def _note_replaced(world: World, engine: Engine, uuid: str) -> None:
    """During a migration: traffic leaves the older connection once the newer one is verified at both sides."""
    rows = records.connections(world.db, uuid)
    if not rows or not rows[-1].verified:
        return
    for row in rows[:-1]:
        if row.state not in _WORKING:
            continue
        if not row.deprefer:
            world.db.execute("UPDATE connections SET deprefer = 1 WHERE seq = ?", row.seq)
            world.network_changed()
            world.emit("connection.depreferred", uuid, interconnect=row.interconnect)
        elif row.admin is AdminState.ENABLED and drained(world, row):
            world.db.execute("UPDATE connections SET admin = ? WHERE seq = ?", AdminState.DISABLED, row.seq)
            world.emit("connection.drained", uuid, interconnect=row.interconnect)
            changed(world, engine, row)


def drained(world: World, row: ConnectionRow) -> bool:
    """Whether nothing is sent over it any more, as the own gateway shows."""
    if world.facts.applied < world.generation:
        return False
    present = records.features(world.db, row.interconnect, row.uuid)
    return not any(world.facts.carrying.get((row.uuid, each.channel), False) for each in present)


__all__ = ["COMPLETE_AFTER", "changed", "drained", "note", "required", "settle", "tell"]
