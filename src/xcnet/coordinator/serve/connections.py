"""Connections: created by a customer's activation key or by a migration, resized, deleted, notified of."""

from __future__ import annotations

from xcnet.coordinator.acts import activation, holds, status, wire
from xcnet.coordinator.acts import connections as acts
from xcnet.coordinator.acts import features as feature_acts
from xcnet.coordinator.policy.bandwidth import check_capacity, check_size, check_update
from xcnet.coordinator.policy.guidance import guidance
from xcnet.coordinator.policy.update_mask import updated_fields
from xcnet.coordinator.serve.context import Handler, KeptError, Serving
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import OWN, PEER, ConnectionRow, ConnectionState
from xcnet.spec.base import WireModel
from xcnet.spec.connections import (
    Connection,
    GenerateFeatureGuidanceResponse,
    ListConnectionsResponse,
)
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.names import valid_id
from xcnet.spec.resources import Empty


def list_connections(serving: Serving) -> WireModel:
    interconnect = serving.interconnect()
    environment = serving.request.ids["environment"]

    def fetch(after: int, limit: int) -> list[tuple[int, ConnectionRow]]:
        rows = serving.world.db.all(
            "SELECT * FROM connections WHERE interconnect = ? AND peer = ? AND seq > ? ORDER BY seq LIMIT ?",
            interconnect.name,
            serving.caller,
            after,
            limit,
        )
        return [(row["seq"], ConnectionRow.of(row)) for row in rows]

    page, more = serving.page(fetch)
    return ListConnectionsResponse(
        connections=[wire.connection(serving.caller, environment, row) for row in page], next_page_token=more
    )


def get_connection(serving: Serving) -> WireModel:
    return wire.connection(serving.caller, serving.request.ids["environment"], serving.connection())


def create_connection(serving: Serving) -> WireModel:
    """By an activation key that this provider made, or, with a UUID that both sides know, by a migration."""
    world = serving.world
    interconnect = serving.interconnect()
    environment = serving.environment()
    uuid = serving.query("connectionId")
    body = serving.body(Connection)
    if not valid_id(uuid):
        raise ApiError(Reason.INVALID_ARGUMENT, "connectionId can not be part of a name", field="connectionId")
    if records.connection(world.db, interconnect.name, uuid) is not None:
        raise ApiError(Reason.ALREADY_EXISTS, f"connection {uuid!r} exists already", field="connectionId")
    if acts.buried_until(world, interconnect.name, uuid) is not None:
        raise ApiError(Reason.BEING_DELETED, f"connection {uuid!r} was deleted here just now", field="connectionId")
    if body.bandwidth_mbps is None:
        raise ApiError(Reason.INVALID_ARGUMENT, "bandwidthMbps is missing", field="bandwidthMbps")
    check_size(body.bandwidth_mbps, interconnect.sizes_mbps)
    others = records.connections(world.db, uuid)
    if others:
        serving.prove(others[0].peer_account)
        own_account, fingerprint = others[0].own_account, others[0].fingerprint
        _check_migration(serving, others, body)
    else:
        found = activation.redeem(world, environment, serving.caller, uuid, body)
        serving.prove(found.peer_account)
        own_account, fingerprint = found.own_account, found.fingerprint
    if interconnect.closed:
        raise ApiError(Reason.INTERCONNECT_CLOSED, f"{interconnect.name} takes no new connections")
    check_capacity(body.bandwidth_mbps, acts.free_mbps(world, interconnect.name))
    defer = body.defer_provisioning is True
    if defer and not world.rules.accepts_deferral:
        raise ApiError(Reason.DEFERRAL_REFUSED, "this provider does not drive for others", field="deferProvisioning")
    row = acts.create(
        world,
        interconnect.name,
        uuid,
        peer=serving.caller,
        role="responder",
        driver=OWN if defer else PEER,
        state=ConnectionState.PROVISIONING,
        bandwidth_mbps=body.bandwidth_mbps,
        own_account=own_account,
        peer_account=serving.proven_account,
        fingerprint=fingerprint,
    )
    if defer:
        serving.engine.start("provision", uuid, "guiding", {"interconnect": interconnect.name})
    return wire.connection(serving.caller, environment.name, row)


def _check_migration(serving: Serving, others: list[ConnectionRow], body: Connection) -> None:
    """A UUID that is known already: the same connection, on its way to another interconnect."""
    current = others[-1]
    if len(others) > 1 or current.state is not ConnectionState.AVAILABLE:
        raise ApiError(Reason.BEING_DELETED, "the connection is being changed: migrate it once that is over")
    if current.update_by is not None:
        raise ApiError(Reason.UPDATE_IN_FLIGHT, "the connection's bandwidth is being changed")
    if serving.engine.running("migrate", current.uuid):
        raise ApiError(Reason.UPDATE_IN_FLIGHT, "the connection is being migrated from here")
    if body.bandwidth_mbps != current.bandwidth_mbps:
        raise ApiError(
            Reason.INVALID_ARGUMENT,
            f"the connection has {current.bandwidth_mbps} Mbit/s; a migration keeps that",
            field="bandwidthMbps",
        )


def update_connection(serving: Serving) -> WireModel:
    """The bandwidth, and nothing else."""
    world = serving.world
    interconnect = serving.interconnect()
    row = serving.connection()
    body = serving.body(Connection)
    mask = serving.request.query.get("updateMask")
    fields = updated_fields(str(mask) if mask is not None else None, body)
    serving.prove_for(row)
    if row.state is ConnectionState.DELETING:
        raise ApiError(Reason.BEING_DELETED, "the connection is being deleted")
    wanted = row.bandwidth_mbps
    if "bandwidthMbps" in fields:
        if body.bandwidth_mbps is None:
            raise ApiError(Reason.INVALID_ARGUMENT, "bandwidthMbps is missing", field="bandwidthMbps")
        wanted = body.bandwidth_mbps
    check_update(
        row.bandwidth_mbps,
        wanted,
        sizes=interconnect.sizes_mbps,
        free_mbps=acts.free_mbps(world, interconnect.name),
        in_flight=row.update_by is not None or bool(serving.engine.running("migrate", row.uuid)),
    )
    if wanted != row.bandwidth_mbps:
        world.db.execute("UPDATE connections SET bandwidth_mbps = ? WHERE seq = ?", wanted, row.seq)
        world.network_changed()
        world.emit("connection.resized", row.uuid, mbps=wanted)
    return wire.connection(serving.caller, serving.request.ids["environment"], serving.connection())


def delete_connection(serving: Serving) -> WireModel:
    """Everything of it, at once: whoever asks has taken its traffic off, or does not want it."""
    world = serving.world
    interconnect = serving.interconnect()
    uuid = serving.request.ids["connection"]
    row = records.connection(world.db, interconnect.name, uuid)
    if row is None:
        if valid_id(uuid):
            # Its creation may still be on the way.
            acts.bury(world, interconnect.name, uuid)
        raise KeptError(Reason.NOT_FOUND, f"there is no connection {uuid!r}", field="connection")
    serving.prove_for(row)
    remove_by_peer(serving, row)
    return Empty()


def remove_by_peer(serving: Serving, row: ConnectionRow) -> None:
    """The peer has deleted its side: nothing here is to go on with it."""
    world, engine = serving.world, serving.engine
    for kind in ("provision", "feature", "withdraw", "notify", "refresh", "audit", "update", "disable-connection"):
        for workflow in engine.running(kind, row.uuid, interconnect=row.interconnect):
            engine.cancel(workflow, "the other provider has deleted the connection")
    for workflow in engine.running("connect", row.uuid, interconnect=row.interconnect):
        engine.cancel(workflow, "the other provider has deleted the connection")
    acts.remove(world, row)


def generate_feature_guidance(serving: Serving) -> WireModel:
    world = serving.world
    interconnect = serving.interconnect()
    serving.connection()
    environment = serving.request.ids["environment"]
    return GenerateFeatureGuidanceResponse(
        feature_guidance=[
            guidance(
                world.config.link,
                str(wire.channel_name(serving.caller, environment, interconnect.name, channel.name)),
                holds.admin_state(world, channel.name),
                feature_acts.reservations(world),
                ascending=serving.caller < world.me,
            )
            for channel in interconnect.channels
        ]
    )


def notify_connection_status(serving: Serving) -> WireModel:
    row = serving.connection()
    serving.world.db.execute("UPDATE connections SET notices = notices + 1 WHERE seq = ?", row.seq)
    if not serving.engine.running("refresh", row.uuid, interconnect=row.interconnect):
        serving.engine.start("refresh", row.uuid, "getting", {"interconnect": row.interconnect})
    status.tell(serving.world, serving.engine, row.interconnect, row.uuid)
    return Empty()


HANDLERS: dict[str, Handler] = {
    "ListConnections": list_connections,
    "GetConnection": get_connection,
    "CreateConnection": create_connection,
    "UpdateConnection": update_connection,
    "DeleteConnection": delete_connection,
    "GenerateFeatureGuidance": generate_feature_guidance,
    "NotifyConnectionStatus": notify_connection_status,
}

__all__ = ["HANDLERS", "remove_by_peer"]
