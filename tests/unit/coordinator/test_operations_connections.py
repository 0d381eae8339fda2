"""Connections through HTTP: created by a key, resized, deleted, guided and notified of, and refused where a rule says so."""

from __future__ import annotations

from typing import Any

import pytest
from api_world import Api, connected, met
from coordinator_sim import ACCOUNTS, Simulation

from xcnet.spec.errors import Reason

BOTH = pytest.mark.parametrize("server", ["aws", "gcp"])
_NOBODY = "someone-else"


def connections(api: Api) -> list[tuple[Any, ...]]:
    return api.rows("SELECT uuid, interconnect, bandwidth_mbps, state FROM connections ORDER BY seq")


def with_a_closed_interconnect() -> Api:
    """ic2 takes no new connections at gcp."""
    sim = Simulation(interconnects=2)
    gcp = sim.providers["gcp"]
    (environment,) = gcp.config.environments
    first, second = environment.interconnects
    closed = environment.model_copy(update={"interconnects": (first, second.model_copy(update={"closed": True}))})
    gcp.config = gcp.config.model_copy(update={"environments": (closed,)})
    gcp.start()
    sim.run()
    return Api(sim)


# -- create


@BOTH
@pytest.mark.operation("CreateConnection", "accepted")
def test_a_key_makes_a_connection_and_reserves_its_bandwidth(server: str) -> None:
    api = met(server)
    uuid, key = api.activation(mbps=2000)
    body = {"bandwidthMbps": 2000, "activationKey": key}
    shown = api.accepted("CreateConnection", body, query={"connectionId": uuid}, proof=api.proof())
    assert shown["name"].endswith(f"/interconnects/ic1/connections/{uuid}")
    assert shown["name"].startswith(f"providers/{api.caller}/")
    assert (shown["bandwidthMbps"], shown["verificationState"]) == (2000, "VERIFICATION_STATE_UNVERIFIED")
    assert "activationKey" not in shown
    assert connections(api) == [(uuid, "ic1", 2000, "provisioning")]
    assert api.rows("SELECT state, encoded FROM activations") == [("used", None)]
    assert api.rows("SELECT peer_account FROM connections") == [(ACCOUNTS[api.caller],)]
    assert api.rows("SELECT driver FROM connections") == [("peer",)]


@pytest.mark.operation("CreateConnection", "accepted")
def test_who_is_asked_to_drive_begins_to() -> None:
    api = met()
    api.create(deferProvisioning=True)
    assert api.rows("SELECT driver FROM connections") == [("own",)]
    assert api.rows("SELECT kind FROM workflows WHERE kind = 'provision'") == [("provision",)]


@pytest.mark.operation("CreateConnection", "refused")
def test_who_does_not_drive_for_others_says_so() -> None:
    api = met(accepts_deferral=False)
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key, "deferProvisioning": True}
    more = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.DEFERRAL_REFUSED, "CreateConnection", body, field="deferProvisioning", **more)


@pytest.mark.operation("CreateConnection", "refused")
def test_a_connection_of_the_same_name_is_refused() -> None:
    api, uuid = connected()
    body = {"bandwidthMbps": 1000, "activationKey": "AAAA"}
    more = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.ALREADY_EXISTS, "CreateConnection", body, field="connectionId", **more)


@pytest.mark.operation("CreateConnection", "refused")
@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"activationKey": None}, "activationKey"),
        ({"activationKey": "AAAA"}, "activationKey"),
        ({"bandwidthMbps": None}, "bandwidthMbps"),
        ({"bandwidthMbps": 2000}, "bandwidthMbps"),
    ],
)
def test_a_connection_is_what_its_key_says(changed: dict[str, Any], field: str) -> None:
    api = met()
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key, **changed}
    body = {name: value for name, value in body.items() if value is not None}
    more = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.INVALID_ARGUMENT, "CreateConnection", body, field=field, **more)


@pytest.mark.operation("CreateConnection", "refused")
def test_no_connection_is_made_without_a_key_of_its_own() -> None:
    api = met()
    _uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key}
    for identifier in ("0f4f6a70-6f55-4d67-a1d5-5b1b9c1f0a01", "a/b", ""):
        more = {"query": {"connectionId": identifier}, "proof": api.proof()}
        api.refused(Reason.INVALID_ARGUMENT, "CreateConnection", body, field="connectionId", **more)


@pytest.mark.operation("CreateConnection", "refused")
def test_a_bandwidth_that_is_not_offered_is_refused() -> None:
    api = met()
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1234, "activationKey": key}
    more = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.UNSUPPORTED_SIZE, "CreateConnection", body, field="bandwidthMbps", **more)


@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_what_does_not_fit_is_a_conflict_and_the_key_stays_good() -> None:
    api = met(interconnects=2)
    uuid, key = api.activation(mbps=5000)
    api.create(mbps=10_000)
    body = {"bandwidthMbps": 5000, "activationKey": key}
    query = {"connectionId": uuid}
    api.refused(Reason.NO_CAPACITY, "CreateConnection", body, query=query, proof=api.proof(), field="bandwidthMbps")
    api.accepted("CreateConnection", body, query=query, proof=api.proof(), interconnect="ic2")
    assert (uuid, "ic2", 5000, "provisioning") in connections(api)


@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_a_closed_interconnect_takes_no_connections() -> None:
    api = with_a_closed_interconnect()
    assert api.accepted("GetInterconnect", interconnect="ic2")["state"] == "INTERCONNECT_STATE_CLOSED"
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key}
    query = {"connectionId": uuid}
    api.refused(
        Reason.INTERCONNECT_CLOSED, "CreateConnection", body, query=query, proof=api.proof(), interconnect="ic2"
    )
    api.accepted("CreateConnection", body, query=query, proof=api.proof())


@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_a_connection_needs_its_own_customers_proof() -> None:
    api = met()
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key}
    query = {"connectionId": uuid}
    for proof in (None, "no proof", api.proof(_NOBODY)):
        api.refused(Reason.PROOF_REFUSED, "CreateConnection", body, query=query, proof=proof)
    good = api.proof()
    api.accepted("CreateConnection", body, query=query, proof=good)
    api.refused(Reason.PROOF_REFUSED, "DeleteConnection", connection=uuid, proof=good)  # good once


@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_a_connection_known_already_may_come_to_another_interconnect_and_only_as_it_is() -> None:
    api, uuid = connected(interconnects=3)
    (old,) = [each[1] for each in connections(api)]
    new, third = sorted({"ic1", "ic2", "ic3"} - {old})
    query = {"connectionId": uuid}
    to_new = {"query": query, "interconnect": new}
    api.refused(
        Reason.INVALID_ARGUMENT,
        "CreateConnection",
        {"bandwidthMbps": 500},
        proof=api.proof(),
        field="bandwidthMbps",
        **to_new,
    )
    api.refused(Reason.PROOF_REFUSED, "CreateConnection", {"bandwidthMbps": 1000}, proof=api.proof(_NOBODY), **to_new)
    api.accepted("CreateConnection", {"bandwidthMbps": 1000}, proof=api.proof(), **to_new)
    assert [each[:2] for each in connections(api)] == [(uuid, old), (uuid, new)]
    # One migration at a time.
    more: dict[str, Any] = {"query": query, "interconnect": third, "proof": api.proof()}
    api.refused(Reason.BEING_DELETED, "CreateConnection", {"bandwidthMbps": 1000}, **more)
    api.db.execute("UPDATE connections SET state = 'available'")  # the new one works, the old one is not deleted yet
    more["proof"] = api.proof()
    api.refused(Reason.BEING_DELETED, "CreateConnection", {"bandwidthMbps": 1000}, **more)


@pytest.mark.operation("CreateConnection", "refused")
@pytest.mark.parametrize(
    ("command", "more", "reason"),
    [("resize", {"mbps": 2000}, Reason.UPDATE_IN_FLIGHT), ("migrate", {}, Reason.BEING_DELETED)],
)
def test_what_the_server_is_changing_itself_does_not_migrate(
    command: str, more: dict[str, Any], reason: Reason
) -> None:
    api, uuid = connected(interconnects=3)
    (old,) = [each[1] for each in connections(api)]
    started = api.command(command, connection=uuid, **more)
    other = next(name for name in ("ic1", "ic2", "ic3") if name not in (old, started.get("to")))
    query = {"connectionId": uuid}
    body = {"bandwidthMbps": 1000}
    api.refused(reason, "CreateConnection", body, query=query, proof=api.proof(), interconnect=other)


# -- list, get


@pytest.mark.operation("ListConnections", "accepted")
@pytest.mark.operation("GetConnection", "accepted")
def test_connections_are_listed_in_pages_and_shown_alike() -> None:
    api = met()
    made = [api.create(mbps=mbps) for mbps in (100, 500, 1000)]
    first = api.accepted("ListConnections", query={"pageSize": 2})
    last = api.accepted("ListConnections", query={"pageSize": 2, "pageToken": first["nextPageToken"]})
    shown = [*first["connections"], *last["connections"]]
    assert [each["name"].rpartition("/")[2] for each in shown] == made
    assert [each["bandwidthMbps"] for each in shown] == [100, 500, 1000]
    assert "nextPageToken" not in last
    assert [api.accepted("GetConnection", connection=uuid) for uuid in made] == shown


@pytest.mark.operation("ListConnections", "accepted")
def test_a_row_that_goes_between_two_pages_moves_no_other() -> None:
    api = met()
    made = [api.create(mbps=100) for _ in range(3)]
    first = api.accepted("ListConnections", query={"pageSize": 1})
    api.accepted("DeleteConnection", connection=made[0], proof=api.proof())
    rest = api.accepted("ListConnections", query={"pageSize": 1, "pageToken": first["nextPageToken"]})
    assert [each["name"].rpartition("/")[2] for each in rest["connections"]] == [made[1]]


@pytest.mark.operation("ListConnections", "refused")
def test_connections_of_an_unknown_interconnect_or_another_tree_are_not_listed() -> None:
    api, _uuid = connected()
    api.refused(Reason.NOT_FOUND, "ListConnections", interconnect="ic9", field="interconnect")
    api.refused(Reason.WRONG_PROVIDER, "ListConnections", provider="gcp")
    api.refused(Reason.INVALID_ARGUMENT, "ListConnections", query={"pageSize": "many"}, field="pageSize")


@pytest.mark.operation("GetConnection", "accepted")
def test_a_verified_connection_says_so() -> None:
    api, uuid = connected()
    assert api.accepted("GetConnection", connection=uuid)["verificationState"] == "VERIFICATION_STATE_VERIFIED"


@pytest.mark.operation("GetConnection", "refused")
def test_a_connection_is_found_on_its_own_interconnect_alone() -> None:
    api, uuid = connected(interconnects=2)
    (here,) = [each[1] for each in connections(api)]
    elsewhere = {"ic1": "ic2", "ic2": "ic1"}[here]
    api.refused(Reason.NOT_FOUND, "GetConnection", connection=uuid, interconnect=elsewhere, field="connection")
    api.refused(Reason.WRONG_PROVIDER, "GetConnection", connection=uuid, interconnect=here, provider="gcp")


# -- update


@BOTH
@pytest.mark.operation("UpdateConnection", "accepted")
@pytest.mark.parametrize("mask", ["bandwidthMbps", "bandwidth_mbps", "*", None])
def test_the_bandwidth_is_changed(server: str, mask: str | None) -> None:
    api, uuid = connected(server)
    query = {"updateMask": mask} if mask is not None else {}
    generation = api.sim.providers[server].live.generation
    shown = api.accepted("UpdateConnection", {"bandwidthMbps": 5000}, query=query, connection=uuid, proof=api.proof())
    assert shown["bandwidthMbps"] == 5000
    assert connections(api) == [(uuid, "ic1", 5000, "available")]
    assert api.sim.providers[server].live.generation > generation  # the routers are told
    # In bits per second; three of the four channels are enough to carry it.
    (attachment,) = api.sim.providers[server].live.network().attachments
    assert [each.rate for each in attachment.features] == [round(5e9 / 3)] * 4


@pytest.mark.operation("UpdateConnection", "refused")
@pytest.mark.parametrize(
    ("body", "mask"),
    [
        ({"deferProvisioning": True}, "deferProvisioning"),
        ({"bandwidthMbps": 5000}, "bandwidthMbps,adminState"),
        ({"bandwidthMbps": 5000}, "colour"),
        ({"bandwidthMbps": 5000, "activationKey": "AAAA"}, None),
    ],
)
def test_nothing_but_the_bandwidth_can_be_updated(body: dict[str, Any], mask: str | None) -> None:
    api, uuid = connected()
    query = {"updateMask": mask} if mask is not None else {}
    more = {"query": query, "connection": uuid, "proof": api.proof()}
    api.refused(Reason.FIELD_NOT_UPDATABLE, "UpdateConnection", body, **more)


@pytest.mark.operation("UpdateConnection", "refused")
def test_a_bandwidth_that_cannot_be_had_changes_nothing() -> None:
    api, uuid = connected()
    api.create(mbps=5000)
    mask = {"query": {"updateMask": "bandwidthMbps"}, "connection": uuid}
    for reason, body in (
        (Reason.UNSUPPORTED_SIZE, {"bandwidthMbps": 1234}),
        (Reason.UNSUPPORTED_SIZE, {"bandwidthMbps": 0}),
        (Reason.NO_CAPACITY, {"bandwidthMbps": 10_000}),
        (Reason.INVALID_ARGUMENT, {"name": "x"}),
    ):
        api.refused(reason, "UpdateConnection", body, proof=api.proof(), field="bandwidthMbps", **mask)


@pytest.mark.operation("UpdateConnection", "refused")
@pytest.mark.parametrize(("command", "more"), [("resize", {"mbps": 2000}), ("migrate", {})])
def test_one_change_of_a_connection_at_a_time(command: str, more: dict[str, Any]) -> None:
    api, uuid = connected(interconnects=2)
    (here,) = [each[1] for each in connections(api)]
    api.command(command, connection=uuid, **more)
    api.refused(
        Reason.UPDATE_IN_FLIGHT,
        "UpdateConnection",
        {"bandwidthMbps": 5000},
        connection=uuid,
        interconnect=here,
        proof=api.proof(),
    )


@pytest.mark.operation("UpdateConnection", "refused")
def test_what_is_being_deleted_is_not_resized() -> None:
    api, uuid = connected()
    api.command("disconnect", connection=uuid)
    more = {"connection": uuid, "proof": api.proof()}
    api.refused(Reason.BEING_DELETED, "UpdateConnection", {"bandwidthMbps": 5000}, **more)


@pytest.mark.operation("UpdateConnection", "refused")
def test_a_resize_needs_its_own_customers_proof() -> None:
    api, uuid = connected()
    for proof in (None, "no proof", api.proof(_NOBODY)):
        api.refused(Reason.PROOF_REFUSED, "UpdateConnection", {"bandwidthMbps": 5000}, connection=uuid, proof=proof)
    api.refused(Reason.NOT_FOUND, "UpdateConnection", {"bandwidthMbps": 5000}, connection="other", proof=api.proof())


# -- delete


@BOTH
@pytest.mark.operation("DeleteConnection", "accepted")
def test_a_connection_goes_with_everything_that_hangs_on_it(server: str) -> None:
    api, uuid = connected(server)
    assert api.accepted("DeleteConnection", connection=uuid, proof=api.proof()) == {}
    for table in ("connections", "features", "attachments", "internal_links"):
        assert api.rows(f"SELECT * FROM {table}") == []
    assert api.rows("SELECT state FROM activations WHERE state <> 'dead'") == []
    assert api.sim.providers[server].live.network().attachments == ()


@pytest.mark.operation("DeleteConnection", "accepted")
@pytest.mark.parametrize(("command", "more"), [("resize", {"mbps": 2000}), ("disable-connection", {})])
def test_a_deletion_is_not_declined_whatever_is_under_way(command: str, more: dict[str, Any]) -> None:
    api, uuid = connected()
    api.command(command, connection=uuid, **more)
    api.accepted("DeleteConnection", connection=uuid, proof=api.proof())
    assert connections(api) == []


@pytest.mark.operation("DeleteConnection", "refused")
def test_a_deletion_needs_its_own_customers_proof() -> None:
    api, uuid = connected()
    for proof in (None, "no proof", api.proof(_NOBODY)):
        api.refused(Reason.PROOF_REFUSED, "DeleteConnection", connection=uuid, proof=proof)
    api.refused(Reason.WRONG_PROVIDER, "DeleteConnection", connection=uuid, provider="gcp", proof=api.proof())


@pytest.mark.operation("DeleteConnection", "refused")
@pytest.mark.operation("CreateConnection", "refused")
def test_a_connection_deleted_before_it_came_does_not_come() -> None:
    api = met()
    uuid, key = api.activation()
    api.refused(
        Reason.NOT_FOUND,
        "DeleteConnection",
        connection=uuid,
        proof=api.proof(),
        field="connection",
        but=("tombstones",),
    )
    body = {"bandwidthMbps": 1000, "activationKey": key}
    more = {"query": {"connectionId": uuid}, "proof": api.proof()}
    api.refused(Reason.BEING_DELETED, "CreateConnection", body, field="connectionId", **more)


# -- guidance, notifications


@BOTH
@pytest.mark.operation("GenerateFeatureGuidance", "accepted")
def test_guidance_has_every_channel_and_reserves_nothing(server: str) -> None:
    api = met(server)
    uuid = api.create()
    before = api.store()
    guidance = api.accepted("GenerateFeatureGuidance", {}, connection=uuid)["featureGuidance"]
    assert api.store() == before
    assert [each["channel"].rpartition("/")[2] for each in guidance] == ["ch1", "ch2", "ch3", "ch4"]
    assert all(each["channel"].startswith(f"providers/{api.caller}/") for each in guidance)
    mine = guidance[0]["l3BaseGuidance"]
    asn = {"aws": 64512, "gcp": 16550}[server]
    assert mine["asnRanges"] == [{"start": asn, "stop": asn}]
    assert all(each["start"] > 1024 for each in mine["vlanRanges"])
    assert set(mine["ipv4AllowedSubnetPrefixLengths"]) <= {29, 30, 31}
    assert mine["maxReceivedBgpRoutePrefixes"] == {"aws": 1000, "gcp": 5000}[server]
    assert mine["mtuRanges"] == [{"aws": {"start": 1400, "stop": 8500}, "gcp": {"start": 1460, "stop": 8896}}[server]]


@pytest.mark.operation("GenerateFeatureGuidance", "accepted")
def test_guidance_names_the_channels_that_take_nothing_now() -> None:
    api = met()
    api.command("disable-channel", channel="ch2")
    api.sim.run()
    uuid = api.create()
    guidance = api.accepted("GenerateFeatureGuidance", {}, connection=uuid)["featureGuidance"]
    states = {each["channel"].rpartition("/")[2]: each["channelAdminState"] for each in guidance}
    assert states["ch2"] == "ADMIN_STATE_DISABLED"
    assert {states[name] for name in ("ch1", "ch3", "ch4")} == {"ADMIN_STATE_ENABLED"}


@pytest.mark.operation("GenerateFeatureGuidance", "refused")
def test_there_is_no_guidance_for_a_connection_that_is_not_there() -> None:
    api = met()
    api.refused(Reason.NOT_FOUND, "GenerateFeatureGuidance", {}, connection="other", field="connection")
    api.refused(Reason.WRONG_PROVIDER, "GenerateFeatureGuidance", {}, connection="other", provider="gcp")


@BOTH
@pytest.mark.operation("NotifyConnectionStatus", "accepted")
def test_a_notification_has_the_connection_looked_up_at_once(server: str) -> None:
    api, uuid = connected(server)
    api.db.execute("UPDATE connections SET peer_final = 0")
    api.sim.requests.clear()
    assert api.accepted("NotifyConnectionStatus", {}, connection=uuid) == {}
    assert api.rows("SELECT kind FROM workflows") == [("refresh",)]
    api.sim.run()
    asked = [(operation, status) for caller, operation, status in api.sim.requests if caller == server]
    assert asked == [("GetConnection", 200), ("ListFeatures", 200)]
    assert api.rows("SELECT peer_final FROM connections") == [(1,)]


@pytest.mark.operation("NotifyConnectionStatus", "refused")
def test_a_notification_about_what_is_not_there_starts_nothing() -> None:
    api, uuid = connected()
    api.refused(Reason.NOT_FOUND, "NotifyConnectionStatus", {}, connection="other", field="connection")
    api.refused(Reason.NOT_FOUND, "NotifyConnectionStatus", {}, connection=uuid, interconnect="ic9")
    api.refused(Reason.UNAUTHENTICATED, "NotifyConnectionStatus", {}, connection=uuid, signed=None)


# -- the same once more


@pytest.mark.operation("CreateConnection", "accepted")
@pytest.mark.operation("CreateConnection", "refused")
def test_the_same_request_is_done_once_and_never_revives_what_was_deleted() -> None:
    api = met()
    uuid, key = api.activation()
    body = {"bandwidthMbps": 1000, "activationKey": key}
    identifier = "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10"
    more: dict[str, Any] = {"query": {"connectionId": uuid}, "request_id": identifier}
    first = api.accepted("CreateConnection", body, proof=api.proof(), **more)
    before = api.store()
    assert api.accepted("CreateConnection", body, proof=api.proof(), **more) == first
    assert api.store() == before
    changed = {**body, "deferProvisioning": True}
    api.refused(Reason.REQUEST_ID_REUSED, "CreateConnection", changed, proof=api.proof(), field="requestId", **more)
    api.accepted("DeleteConnection", connection=uuid, proof=api.proof())
    assert api.accepted("CreateConnection", body, proof=api.proof(), **more) == first
    assert connections(api) == []


@pytest.mark.operation("UpdateConnection", "accepted")
def test_a_request_id_is_of_one_operation_and_one_resource() -> None:
    api = met()
    first, second = api.create(mbps=100), api.create(mbps=100)
    identifier = "5F0C2F8E-3AD0-4A0E-9B1A-0B6F3F6A9A10"
    for uuid, mbps in ((first, 500), (second, 1000)):
        more = {"connection": uuid, "proof": api.proof(), "request_id": identifier}
        api.accepted("UpdateConnection", {"bandwidthMbps": mbps}, **more)
    api.accepted("DeleteConnection", connection=first, proof=api.proof(), request_id=identifier.lower())
    assert [each[2] for each in connections(api)] == [1000]


@pytest.mark.operation("UpdateConnection", "refused")
def test_a_request_id_is_a_uuid() -> None:
    api, uuid = connected()
    more = {"connection": uuid, "proof": api.proof(), "request_id": "again"}
    api.refused(Reason.INVALID_ARGUMENT, "UpdateConnection", {"bandwidthMbps": 5000}, field="requestId", **more)
