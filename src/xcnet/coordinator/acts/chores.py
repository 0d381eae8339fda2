"""What time alone brings about: settling, completing, auditing, cleaning up, fresh key pairs."""

from __future__ import annotations

from collections.abc import Callable

from xcnet.coordinator.acts import activation, holds, status
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState
from xcnet.coordinator.world import World
from xcnet.spec.activation_key import KeyPair

AUDIT_SECONDS = 86_400.0
_REQUESTS_KEPT = 86_400.0
_LOOK_AGAIN = 60.0
_KEY_AGAIN = 10.0


def next_due(world: World) -> float:
    """Policy time of the next chore."""
    db, rules = world.db, world.rules
    moments = [
        activation.key_pair_due(world),
        db.value(
            "SELECT min(enough_since) + ? FROM connections WHERE own_final = 0 AND state <> 'deleting'",
            rules.settle_timeout,
        ),
        db.value("SELECT min(complete_after) FROM connections WHERE state <> 'deleting'"),
        db.value(
            "SELECT min(coalesce(audited, created)) + ? FROM connections WHERE state <> 'deleting'", AUDIT_SECONDS
        ),
        db.value(
            "SELECT min(created) + ? FROM connections WHERE finalised IS NULL AND state <> 'deleting'",
            rules.cleanup_after,
        ),
        db.value("SELECT min(missing_since) + ? FROM connections WHERE state <> 'deleting'", rules.cleanup_after),
        db.value("SELECT min(expires) FROM activations WHERE state IN ('issued', 'confirmed')"),
        # Of the wall clock, as what comes once more does not come sooner for policy time being moved.
        db.value("SELECT min(time) + ? FROM requests", _REQUESTS_KEPT + world.offset),
        *_keyless(world).values(),
    ]
    return min(float(each) for each in moments if each is not None)


def run(world: World, engine: Engine, make_key_pair: Callable[[], KeyPair]) -> None:
    """Do what is due. Inside a transaction."""
    now = world.now()
    if activation.key_pair_due(world) <= now:
        activation.renew_key_pair(world, make_key_pair())
    world.db.execute("DELETE FROM requests WHERE time <= ?", world.wall() - _REQUESTS_KEPT)
    _expire(world, now)
    for channel, due in _keyless(world).items():
        if due <= now:
            engine.start("rotate", channel, "installing", {"first": True})
    for row in world.db.all("SELECT * FROM connections WHERE state <> 'deleting'"):
        connection = ConnectionRow.of(row)
        if _clean_up(world, engine, connection, now):
            continue
        since = connection.enough_since
        if not connection.own_final and since is not None and now - since >= world.rules.settle_timeout:
            status.note(world, engine, connection.uuid)
        if connection.complete_after is not None and connection.complete_after <= now:
            _complete(world, engine, connection, now)
        if (connection.audited or connection.created) + AUDIT_SECONDS <= now:
            _audit(world, engine, connection, now)


def _keyless(world: World) -> dict[str, float]:
    """Channels without a key that this provider is to make, and when it is time to: all of them at once at first, and
    again a little after it came to nothing."""
    held = {row["channel"] for row in world.db.all("SELECT DISTINCT channel FROM keys")}
    found: dict[str, float] = {}
    for environment in world.config.environments:
        for interconnect in environment.interconnects:
            for channel in interconnect.channels:
                if channel.macsec_manager != world.me or channel.name in held:
                    continue
                if world.db.value("SELECT 1 FROM workflows WHERE kind = 'rotate' AND subject = ?", channel.name):
                    continue
                ended = world.db.value(
                    "SELECT max(ended) FROM outcomes WHERE kind = 'rotate' AND subject = ?", channel.name
                )
                found[channel.name] = 0.0 if ended is None else float(ended) + _KEY_AGAIN
    return found


def _expire(world: World, now: float) -> None:
    """Activation keys that nobody brought in time: what was kept for their connections goes."""
    for row in world.db.all(
        "SELECT uuid FROM activations WHERE state IN ('issued', 'confirmed') AND expires <= ?", now
    ):
        world.db.execute("UPDATE activations SET state = 'dead', encoded = NULL WHERE uuid = ?", row["uuid"])
        if not records.connections(world.db, row["uuid"]):
            connection_acts.forget(world, row["uuid"])
        world.emit("activation.expired", row["uuid"])


def _clean_up(world: World, engine: Engine, row: ConnectionRow, now: float) -> bool:
    """Never finalised, or on this side only, for too long. Returns whether it goes."""
    limit = world.rules.cleanup_after
    if row.missing_since is not None and now - row.missing_since >= limit:
        message = "the other provider has not had it for too long"
    elif row.finalised is None and now - row.created >= limit:
        message = "it was never finished"
    else:
        return False
    for kind in ("connect", "provision", "feature", "withdraw", "notify", "refresh", "audit", "update"):
        for workflow in engine.running(kind, row.uuid):
            if workflow.data.get("interconnect") == row.interconnect:
                engine.cancel(workflow, message)
    world.emit("connection.cleaned_up", row.uuid, interconnect=row.interconnect, why=message)
    engine.start("delete", row.uuid, "calling", {"interconnect": row.interconnect})
    return True


def _audit(world: World, engine: Engine, row: ConnectionRow, now: float) -> None:
    world.db.execute("UPDATE connections SET audited = ? WHERE seq = ?", now, row.seq)
    if row.state is not ConnectionState.TENTATIVE and not engine.running(
        "audit", row.uuid, interconnect=row.interconnect
    ):
        engine.start("audit", row.uuid, "getting", {"interconnect": row.interconnect})


def _complete(world: World, engine: Engine, row: ConnectionRow, now: float) -> None:
    """Make the features that are missing on channels whose owner this provider is."""
    config = world.config.interconnect(row.interconnect)
    assert config is not None
    have = {each.channel for each in records.features(world.db, row.interconnect, row.uuid)}
    missing = [each for each in config.channels if each.name not in have]
    world.db.execute(
        "UPDATE connections SET complete_after = ? WHERE seq = ?", now + _LOOK_AGAIN if missing else None, row.seq
    )
    if row.state is not ConnectionState.AVAILABLE or row.deprefer:
        return
    for channel in missing:
        if channel.macsec_manager != world.me or holds.held(world, channel.name):
            continue
        if not engine.running("feature", row.uuid, channel=channel.name):
            engine.start(
                "feature",
                row.uuid,
                "guiding",
                {
                    "interconnect": row.interconnect,
                    "channel": channel.name,
                    "until": now + world.rules.retry_total,
                },
            )


__all__ = ["AUDIT_SECONDS", "next_due", "run"]
