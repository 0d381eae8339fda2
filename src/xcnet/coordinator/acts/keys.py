"""MACsec keys in the store: made, preferred, seen to be used, retired; and what the rules need to know of them."""

from __future__ import annotations

from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.policy.keys import InterconnectKeys, KeyFacts
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import KeyRow
from xcnet.coordinator.world import World
from xcnet.secret import Secret


def facts(world: World, interconnect: str) -> InterconnectKeys:
    """The keys of an interconnect, as the rules see them."""
    config = world.config.interconnect(interconnect)
    assert config is not None
    held = [key for channel in config.channels for key in records.keys(world.db, channel.name)]
    rotating = next((each.name for each in config.channels if sum(key.channel == each.name for key in held) > 1), None)
    ended = world.db.value("SELECT ended FROM rotations WHERE interconnect = ?", interconnect)
    return InterconnectKeys(
        channels=len(config.channels),
        keys=tuple(KeyFacts(key.channel, key.id, key.active, key.created) for key in held),
        rotating=rotating,
        last_rotation_end=ended,
        bake_seconds=world.rules.bake_seconds,
    )


def add(world: World, channel: str, identifier: str, ckn: str, cak: Secret, *, preferred: bool) -> KeyRow:
    """Install it, beside those that are there."""
    world.db.insert(
        "keys",
        channel=channel,
        id=identifier,
        ckn=ckn,
        cak=cak.reveal_text(),
        preferred=int(preferred),
        created=world.now(),
    )
    row = records.key(world.db, channel, identifier)
    assert row is not None
    world.network_changed()
    world.wake(channel)
    world.emit("key.installed", channel, ckn=ckn, key=identifier)
    return row


def prefer(world: World, channel: str, identifier: str) -> None:
    """Have the router use it as soon as the other end has it too."""
    world.db.execute("UPDATE keys SET preferred = (id = ?) WHERE channel = ?", identifier, channel)
    world.network_changed()
    world.wake(channel)


def remove(world: World, row: KeyRow) -> None:
    """Take it off the router and forget it."""
    world.db.execute("DELETE FROM keys WHERE seq = ?", row.seq)
    world.network_changed()
    world.wake(row.channel)
    world.emit("key.removed", row.channel, ckn=row.ckn, key=row.id)


def rotation_ended(world: World, channel: str) -> None:
    """The bake time begins now."""
    found = world.config.channel(channel)
    assert found is not None
    world.db.execute(
        "INSERT INTO rotations (interconnect, ended) VALUES (?, ?)"
        " ON CONFLICT (interconnect) DO UPDATE SET ended = excluded.ended",
        found[0].name,
        world.now(),
    )


def note(world: World, _engine: Engine, channel: str) -> None:
    """Compare a channel's keys with what its router uses. Inside a transaction.

    A key that the peer gave is used as soon as the router holds it; one that is in use is active, and no other is.
    """
    held = records.keys(world.db, channel)
    found = world.config.channel(channel)
    if not held or found is None:
        return
    newest = held[-1]
    if found[1].macsec_manager != world.me and not newest.preferred and world.facts.applied >= world.generation:
        prefer(world, channel, newest.id)
    fact = world.facts.channels.get(channel)
    if fact is None or fact.association is None:
        return
    used = next((key for key in held if key.ckn == fact.association), None)
    if used is None or used.active or not (fact.settled or len(held) == 1):
        return
    world.db.execute("UPDATE keys SET active = (id = ?) WHERE channel = ?", used.id, channel)
    world.db.execute("UPDATE keys SET been_active = 1 WHERE seq = ?", used.seq)
    if len(held) > 1:
        rotation_ended(world, channel)
    world.wake(channel)
    world.emit("key.active", channel, ckn=used.ckn, key=used.id)


__all__ = ["add", "facts", "note", "prefer", "remove", "rotation_ended"]
