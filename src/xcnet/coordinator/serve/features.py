"""Features: a proposal is taken or refused as a whole, one after the other."""

from __future__ import annotations

from xcnet.coordinator.acts import features as acts
from xcnet.coordinator.acts import holds, status, wire
from xcnet.coordinator.policy.guidance import check
from xcnet.coordinator.serve.context import Handler, Serving
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import PEER, ConnectionState, FeatureRow, FeatureState
from xcnet.spec.base import WireModel
from xcnet.spec.connections import Feature, ListFeaturesResponse
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.names import ResourceName, valid_id
from xcnet.spec.resources import Empty


def _wire(serving: Serving, row: FeatureRow) -> Feature:
    return wire.feature(serving.caller, serving.request.ids["environment"], serving.world.me, serving.caller, row)


def list_features(serving: Serving) -> WireModel:
    connection = serving.connection()

    def fetch(after: int, limit: int) -> list[tuple[int, FeatureRow]]:
        rows = serving.world.db.all(
            "SELECT * FROM features WHERE interconnect = ? AND uuid = ? AND state <> 'proposed' AND seq > ?"
            " ORDER BY seq LIMIT ?",
            connection.interconnect,
            connection.uuid,
            after,
            limit,
        )
        return [(row["seq"], FeatureRow.of(row)) for row in rows]

    page, more = serving.page(fetch)
    return ListFeaturesResponse(features=[_wire(serving, row) for row in page], next_page_token=more)


def _feature(serving: Serving) -> FeatureRow:
    connection = serving.connection()
    identifier = serving.request.ids["feature"]
    row = records.feature(serving.world.db, connection.interconnect, connection.uuid, identifier)
    if row is None or row.state is FeatureState.PROPOSED:
        raise ApiError(Reason.NOT_FOUND, f"there is no feature {identifier!r}", field="feature")
    return row


def get_feature(serving: Serving) -> WireModel:
    return _wire(serving, _feature(serving))


def create_feature(serving: Serving) -> WireModel:
    world = serving.world
    interconnect = serving.interconnect()
    connection = serving.connection()
    identifier = serving.query("featureId")
    body = serving.body(Feature)
    if not valid_id(identifier):
        raise ApiError(Reason.INVALID_ARGUMENT, "featureId can not be part of a name", field="featureId")
    if connection.state is ConnectionState.DELETING:
        raise ApiError(Reason.BEING_DELETED, "the connection is being deleted")
    present = records.features(world.db, connection.interconnect, connection.uuid)
    if any(each.id == identifier for each in present):
        raise ApiError(Reason.ALREADY_EXISTS, f"feature {identifier!r} exists already", field="featureId")
    channel = _channel(serving, body)
    if not any(each.name == channel for each in interconnect.channels):
        raise ApiError(Reason.INVALID_ARGUMENT, f"there is no channel {channel!r} here", field="channel")
    if any(each.channel == channel for each in present):
        raise ApiError(
            Reason.ALREADY_EXISTS, f"the connection has a FEATURE_TYPE_L3_BASE on {channel} already", field="channel"
        )
    if holds.held(world, channel):
        raise ApiError(Reason.CHANNEL_DISABLED, f"{channel} is disabled", field="channel")
    if body.feature_config is None or body.feature_config.l3_base_config is None:
        raise ApiError(Reason.INVALID_ARGUMENT, "l3BaseConfig is missing", field="featureConfig.l3BaseConfig")
    config = body.feature_config.l3_base_config
    check(world.config.link, acts.reservations(world), world.me, serving.caller, config, channel)
    row = acts.reserve(world, connection, channel, identifier, config, state=FeatureState.PENDING, maker=PEER)
    status.note(world, serving.engine, connection.uuid)
    return _wire(serving, row)


def _channel(serving: Serving, body: Feature) -> str:
    """The channel that a proposal names, which must be one of the connection's interconnect in the caller's tree."""
    ids = serving.request.ids
    try:
        name = ResourceName.parse(body.channel or "")
        parents = (name.get("providers"), name.get("environments"), name.get("interconnects"))
        channel = name.get("channels")
    except (ValueError, KeyError):
        raise ApiError(Reason.INVALID_ARGUMENT, "channel is not the name of a channel", field="channel") from None
    if parents != (serving.caller, ids["environment"], ids["interconnect"]) or name.collection != "channels":
        raise ApiError(Reason.INVALID_ARGUMENT, "the channel is not of this interconnect", field="channel")
    return channel


def update_feature(serving: Serving) -> WireModel:
    """No type of feature that this provider knows can be updated."""
    _feature(serving)
    raise ApiError(Reason.NOT_UPDATABLE, "FEATURE_TYPE_L3_BASE can not be updated: delete it and create another")


def delete_feature(serving: Serving) -> WireModel:
    world = serving.world
    row = _feature(serving)
    acts.release(world, row)
    world.db.execute(
        "UPDATE connections SET complete_after = ? WHERE interconnect = ? AND uuid = ? AND finalised IS NOT NULL",
        world.now() + status.COMPLETE_AFTER,
        row.interconnect,
        row.uuid,
    )
    status.note(world, serving.engine, row.uuid)
    return Empty()


HANDLERS: dict[str, Handler] = {
    "ListFeatures": list_features,
    "GetFeature": get_feature,
    "CreateFeature": create_feature,
    "UpdateFeature": update_feature,
    "DeleteFeature": delete_feature,
}

__all__ = ["HANDLERS"]
