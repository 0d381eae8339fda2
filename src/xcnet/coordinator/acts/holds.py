"""Why a channel is out of use: drained first, then, where the reason asks for it, taken down."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.store import records
from xcnet.coordinator.store.database import Database
from xcnet.coordinator.store.records import FeatureState
from xcnet.coordinator.world import World
from xcnet.spec.connections import ProvisioningState
from xcnet.spec.resources import AdminState

DRAIN, CLOSE, DOWN = "drain", "close", "down"
"""Levels of a hold: out of the routing, the same before it is taken down, or off."""

_PEER_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Hold:
    """:param reason: ``admin``, or whose maintenance it is. :param drained: nothing is sent over the channel any more."""

    channel: str
    reason: str
    level: str
    drained: bool
    since: float


def of(db: Database, channel: str) -> list[Hold]:
    rows = db.all("SELECT * FROM holds WHERE channel = ? ORDER BY since", channel)
    return [Hold(row["channel"], row["reason"], row["level"], bool(row["drained"]), row["since"]) for row in rows]


def held(world: World, channel: str) -> bool:
    """Whether it takes no new features, and carries no traffic that could go elsewhere."""
    return bool(of(world.db, channel))


def admin_state(world: World, channel: str) -> AdminState:
    """Disabled once it is drained here."""
    return AdminState.DISABLED if any(each.drained for each in of(world.db, channel)) else AdminState.ENABLED


def is_down(world: World, channel: str) -> bool:
    return any(each.drained and each.level == DOWN for each in of(world.db, channel))


def restorable(world: World, channel: str) -> bool:
    """Whether traffic may come back: it is secured, and works for every connection that has a feature on it, at both sides
    as far as the peer has told: a BFD session whose detection time was longer than the outage has still to fail.

    As well where another reason has it down: that one restores it when its time comes.
    """
    if is_down(world, channel):
        return True
    fact = world.facts.channels.get(channel)
    if world.facts.applied < world.generation or fact is None or fact.association is None:
        return False
    used = [
        each
        for each in records.features_on(world.db, channel)
        if each.state in (FeatureState.PENDING, FeatureState.FINAL)
    ]
    return all(
        world.facts.up.get((each.uuid, channel), False) and each.peer_state in (None, ProvisioningState.FINAL)
        for each in used
    )


def place(world: World, channel: str, reason: str, level: str) -> None:
    """Begin to drain it, or bring a hold that is there to another level."""
    world.db.execute(
        "INSERT INTO holds (channel, reason, level, since) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (channel, reason) DO UPDATE SET level = excluded.level",
        channel,
        reason,
        level,
        world.now(),
    )
    world.network_changed()
    world.wake(channel)
    world.emit("channel.draining", channel, reason=reason, level=level)


def restore(world: World, channel: str, reason: str) -> None:
    """Up again, and still out of the routing."""
    _set_level(world, channel, reason, DRAIN)
    world.emit("channel.restoring", channel, reason=reason)


def take_down(world: World, channel: str, reason: str) -> None:
    """It is drained, and goes down now."""
    _set_level(world, channel, reason, DOWN)
    world.emit("channel.down", channel, reason=reason)


def _set_level(world: World, channel: str, reason: str, level: str) -> None:
    world.db.execute("UPDATE holds SET level = ? WHERE channel = ? AND reason = ?", level, channel, reason)
    world.network_changed()
    world.wake(channel)


def lift(world: World, channel: str, reason: str) -> None:
    """The reason is no more."""
    if world.db.execute("DELETE FROM holds WHERE channel = ? AND reason = ?", channel, reason):
        world.network_changed()
        world.wake(channel)
        world.emit("channel.released", channel, reason=reason)
        # Features that could not be made meanwhile.
        found = world.config.channel(channel)
        assert found is not None
        world.db.execute(
            "UPDATE connections SET complete_after = ? WHERE interconnect = ? AND finalised IS NOT NULL",
            world.now() + 1.0,
            found[0].name,
        )


def peer_seconds(world: World, since: float) -> float:
    """How long the peer's routers may still send over what this side has drained by its routes alone.

    BGP does not acknowledge: theirs have as long as this side's took, and a second at least, as RFC 8326, section 4.2, has
    operators wait for convergence before they shut a session down.

    :param since: when the drain began.
    """
    return max(_PEER_SECONDS, min(world.now() - since, world.rules.drain_timeout))


def note(world: World, _engine: Engine, channel: str) -> None:
    """Take note of a channel that carries nothing any more, as the own gateway shows. Inside a transaction."""
    waiting = [each for each in of(world.db, channel) if not each.drained]
    if not waiting or world.facts.applied < world.generation:
        return
    if any(carries for (_uuid, name), carries in world.facts.carrying.items() if name == channel and carries):
        return
    drain(world, channel)


def drain(world: World, channel: str) -> None:
    """It is drained, or has had its time for that."""
    if world.db.execute("UPDATE holds SET drained = 1 WHERE channel = ? AND drained = 0", channel):
        world.network_changed()
        world.wake(channel)
        world.emit("channel.drained", channel)


__all__ = [
    "CLOSE",
    "DOWN",
    "DRAIN",
    "Hold",
    "admin_state",
    "drain",
    "held",
    "is_down",
    "lift",
    "note",
    "of",
    "peer_seconds",
    "place",
    "restorable",
    "restore",
    "take_down",
]
