"""Connections in the store: made with their bandwidth reserved, removed with everything that hangs on them."""

from __future__ import annotations

from xcnet.coordinator.acts import attachments
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState
from xcnet.coordinator.world import World
from xcnet.spec.resources import AdminState

TOMBSTONE_SECONDS = 600.0
"""How long such a name stays taken: longer than any request can be on its way."""


def create(
    world: World,
    interconnect: str,
    uuid: str,
    *,
    peer: str,
    role: str,
    driver: str,
    state: ConnectionState,
    bandwidth_mbps: int,
    own_account: str,
    peer_account: str | None,
    fingerprint: str | None = None,
) -> ConnectionRow:
    """Make it and reserve its bandwidth, and addresses between the gateway and the edges that it will run over.

    Whether it fits has been asked before, in the same transaction.
    """
    config = world.config.interconnect(interconnect)
    assert config is not None
    world.db.insert(
        "connections",
        uuid=uuid,
        interconnect=interconnect,
        peer=peer,
        role=role,
        driver=driver,
        state=state,
        bandwidth_mbps=bandwidth_mbps,
        admin=AdminState.ENABLED,
        own_account=own_account,
        peer_account=peer_account,
        fingerprint=fingerprint,
        created=world.now(),
    )
    attachments.link_edges(world, uuid, {channel.edge for channel in config.channels})
    row = records.connection(world.db, interconnect, uuid)
    assert row is not None
    world.emit("connection.created", uuid, interconnect=interconnect, mbps=bandwidth_mbps, role=role)
    return row


def remove(world: World, row: ConnectionRow) -> None:
    """Delete it here: its features, its key material, and the customer's attachment if it was the last of its UUID."""
    db = world.db
    db.execute("DELETE FROM connections WHERE interconnect = ? AND uuid = ?", row.interconnect, row.uuid)
    world.forget_reservations()
    if not records.connections(db, row.uuid):
        attachments.release(world, row.uuid)
        # The key is dead with the connection: it can never be used again.
        db.execute("UPDATE activations SET state = 'dead', encoded = NULL WHERE uuid = ?", row.uuid)
    world.network_changed()
    world.wake(row.uuid)
    world.emit("connection.removed", row.uuid, interconnect=row.interconnect)


def forget(world: World, uuid: str) -> None:
    """Give up the attachment of a connection that was never placed."""
    attachments.release(world, uuid)
    world.network_changed()


def bury(world: World, interconnect: str, uuid: str) -> None:
    """Refuse for a while the name of a connection that was to be deleted and is not there: its creation may be on the way.

    What was there needs none of this: its creation, come once more, is known by its ``requestId``. By the wall clock: what
    is on the way does not come sooner for policy time being moved. For keys the channel stands in place of the interconnect.
    """
    world.db.execute("DELETE FROM tombstones WHERE until < ?", world.wall())
    world.db.execute(
        "INSERT OR REPLACE INTO tombstones (interconnect, uuid, until) VALUES (?, ?, ?)",
        interconnect,
        uuid,
        world.wall() + TOMBSTONE_SECONDS,
    )


def buried_until(world: World, interconnect: str, uuid: str) -> float | None:
    """Until when the name is refused; None if it is not."""
    until = world.db.value("SELECT until FROM tombstones WHERE interconnect = ? AND uuid = ?", interconnect, uuid)
    return float(until) if until is not None and until > world.wall() else None


def set_state(world: World, row: ConnectionRow, state: ConnectionState) -> None:
    world.db.execute("UPDATE connections SET state = ? WHERE seq = ?", state, row.seq)
    world.network_changed()
    world.wake(row.uuid)
    world.emit("connection.state", row.uuid, interconnect=row.interconnect, state=str(state))


def free_mbps(world: World, interconnect: str) -> int:
    """Bandwidth that is still to be had."""
    config = world.config.interconnect(interconnect)
    assert config is not None
    return config.capacity_mbps - records.reserved_mbps(world.db, interconnect)


__all__ = ["TOMBSTONE_SECONDS", "buried_until", "bury", "create", "forget", "free_mbps", "remove", "set_state"]
