"""Features through HTTP: a proposal is taken as a whole or refused, by guidance, by what is taken, by what is disabled."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from api_world import Api, connected, met
from coordinator_sim import ENVIRONMENT, Simulation

from xcnet.coordinator.service import ApiRequest, ApiResponse
from xcnet.spec.connections import Feature
from xcnet.spec.errors import Reason

_CONFIG = ("featureConfig", "l3BaseConfig")


def proposal(channel: str = "ch1", *, vlan: int = 1100, third: int = 10) -> dict[str, Any]:
    """What aws may propose to gcp. :param third: byte of the IPv4 subnet."""
    return {
        "channel": f"providers/aws/environments/{ENVIRONMENT}/interconnects/ic1/channels/{channel}",
        "featureConfig": {
            "featureType": "FEATURE_TYPE_L3_BASE",
            "l3BaseConfig": {
                "ipv4Subnet": f"169.254.{third}.8",
                "ipv4SubnetPrefixLength": 30,
                "ipv6Subnet": f"fd00:169:254:{third}::",
                "ipv6SubnetPrefixLength": 126,
                "mtuBytes": 8500,
                "vlanId": vlan,
                "md5BgpPassword": f"password-{third}",
                "providerBgpConfigs": [
                    {
                        "provider": "providers/aws",
                        "asn": 64512,
                        "hostIpv4": f"169.254.{third}.9",
                        "hostIpv6": f"fd00:169:254:{third}::1",
                    },
                    {
                        "provider": "providers/gcp",
                        "asn": 16550,
                        "hostIpv4": f"169.254.{third}.10",
                        "hostIpv6": f"fd00:169:254:{third}::2",
                    },
                ],
            },
        },
    }


def changed(path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """A proposal of which one value is another; None: is missing."""
    body = copy.deepcopy(proposal())
    *way, last = path
    at: Any = body
    for step in way:
        at = at[step]
    if value is None:
        del at[last]
    else:
        at[last] = value
    return body


def propose(api: Api, uuid: str, identifier: str, body: dict[str, Any]) -> dict[str, Any]:
    return api.accepted("CreateFeature", body, query={"featureId": identifier}, connection=uuid)


def refuse(api: Api, reason: Reason, uuid: str, body: dict[str, Any], field: str | None = None) -> None:
    api.refused(reason, "CreateFeature", body, query={"featureId": "f9"}, connection=uuid, field=field)


@pytest.mark.operation("CreateFeature", "accepted")
def test_a_proposal_that_keeps_to_the_guidance_is_taken_and_configured() -> None:
    api = met()
    uuid = api.create()
    shown = propose(api, uuid, "f1", proposal())
    assert shown["name"].endswith(f"/connections/{uuid}/features/f1")
    assert shown["provisioningState"] == "PROVISIONING_STATE_PENDING"
    assert shown["featureConfig"] == proposal()["featureConfig"]
    assert shown["updatable"] is False
    assert api.rows("SELECT channel, vlan, mtu, ipv4, own_asn, peer_ipv4, state, maker FROM features") == [
        ("ch1", 1100, 8500, "169.254.10.8/30", 16550, "169.254.10.9", "pending", "peer")
    ]
    (attachment,) = api.sim.providers["gcp"].live.network().attachments
    assert [(each.channel, each.vlan) for each in attachment.features] == [("ch1", 1100)]


@pytest.mark.operation("CreateFeature", "accepted")
def test_a_feature_may_have_ipv4_alone() -> None:
    api = met()
    uuid = api.create()
    body = proposal()
    config = body["featureConfig"]["l3BaseConfig"]
    del config["ipv6Subnet"], config["ipv6SubnetPrefixLength"]
    for end in config["providerBgpConfigs"]:
        del end["hostIpv6"]
    propose(api, uuid, "f1", body)
    assert api.rows("SELECT ipv6, own_ipv6 FROM features") == [(None, None)]


@pytest.mark.operation("CreateFeature", "refused")
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("vlanId", 1024),
        ("vlanId", 4095),
        ("vlanId", 0),
        ("mtuBytes", 1459),
        ("mtuBytes", 8897),
        ("ipv4Subnet", "10.0.0.0"),
        ("ipv4Subnet", "169.254.169.252"),
        ("ipv4Subnet", "169.254.10.9"),
        ("ipv4Subnet", "169.254.10"),
        ("ipv4Subnet", None),
        ("ipv4SubnetPrefixLength", 31),
        ("ipv4SubnetPrefixLength", 24),
        ("ipv4SubnetPrefixLength", None),
        ("ipv6Subnet", "fd00:1::"),
        ("ipv6SubnetPrefixLength", 64),
        ("ipv6Subnet", None),
        ("md5BgpPassword", ""),
        ("md5BgpPassword", "x" * 81),
        ("md5BgpPassword", "with a space"),
        ("providerBgpConfigs", []),
    ],
)
def test_a_proposal_that_breaks_guidance_is_refused_as_a_whole(name: str, value: Any) -> None:
    api = met()
    refuse(
        api, Reason.GUIDANCE_NOT_FOLLOWED, api.create(), changed((*_CONFIG, name), value), f"{'.'.join(_CONFIG)}.{name}"
    )


@pytest.mark.operation("CreateFeature", "refused")
@pytest.mark.parametrize(
    ("end", "name", "value"),
    [
        (1, "asn", 16551),
        (0, "asn", 0),
        (0, "asn", 16550),
        (0, "asn", 23456),
        (0, "provider", "providers/azure"),
        (0, "provider", "providers/gcp"),
        (0, "hostIpv4", "169.254.10.8"),
        (0, "hostIpv4", "169.254.10.10"),
        (0, "hostIpv4", "169.254.11.9"),
        (0, "hostIpv4", None),
        (1, "hostIpv6", "fd00:169:254:99::2"),
        (1, "hostIpv6", "169.254.10.10"),
    ],
)
def test_both_ends_are_what_they_should_be(end: int, name: str, value: Any) -> None:
    api = met()
    body = changed((*_CONFIG, "providerBgpConfigs", end, name), value)
    refuse(api, Reason.GUIDANCE_NOT_FOLLOWED, api.create(), body)


@pytest.mark.operation("CreateFeature", "refused")
@pytest.mark.parametrize(
    ("path", "value"),
    [
        ((*_CONFIG, "mtuBytes"), None),
        ((*_CONFIG, "vlanId"), None),
        ((*_CONFIG, "md5BgpPassword"), None),
        ((*_CONFIG, "providerBgpConfigs"), None),
        ((*_CONFIG, "providerBgpConfigs", 0, "asn"), None),
        ((*_CONFIG, "providerBgpConfigs", 0, "asn"), 2**32),
        ((*_CONFIG, "providerBgpConfigs", 0, "asn"), -1),
        ((*_CONFIG, "providerBgpConfigs", 0, "provider"), None),
        (("featureConfig", "featureType"), None),
        (("featureConfig", "featureType"), "FEATURE_TYPE_L9"),
        (("featureConfig", "l3BaseConfig"), None),
        (("featureConfig",), None),
        (("channel",), None),
        (("channel",), "ch1"),
        (("channel",), f"providers/gcp/environments/{ENVIRONMENT}/interconnects/ic1/channels/ch1"),
        (("channel",), f"providers/aws/environments/{ENVIRONMENT}/interconnects/ic2/channels/ch1"),
        (("channel",), f"providers/aws/environments/{ENVIRONMENT}/interconnects/ic1/channels/ch9"),
    ],
)
def test_a_proposal_has_what_a_feature_needs(path: tuple[str | int, ...], value: Any) -> None:
    api = met()
    refuse(api, Reason.INVALID_ARGUMENT, api.create(), changed(path, value))


@pytest.mark.operation("CreateFeature", "accepted")
@pytest.mark.operation("CreateFeature", "refused")
def test_what_another_feature_has_is_taken() -> None:
    api = met()
    first, second = api.create(mbps=100), api.create(mbps=100)
    propose(api, first, "f1", proposal())
    refuse(api, Reason.RESERVED, second, proposal(third=11), "featureConfig.l3BaseConfig.vlanId")
    refuse(api, Reason.RESERVED, second, proposal(vlan=1101), "featureConfig.l3BaseConfig.ipv4Subnet")
    other = proposal(vlan=1101, third=11)
    overlapping = copy.deepcopy(other)
    config = overlapping["featureConfig"]["l3BaseConfig"]
    config["ipv6Subnet"] = "fd00:169:254:10::"
    for number, end in enumerate(config["providerBgpConfigs"], 1):
        end["hostIpv6"] = f"fd00:169:254:10::{number}"
    refuse(api, Reason.RESERVED, second, overlapping, "featureConfig.l3BaseConfig.ipv6Subnet")
    propose(api, second, "f1", other)
    # A VLAN is of one channel; a subnet is of all of them.
    refuse(api, Reason.RESERVED, first, proposal("ch2"), "featureConfig.l3BaseConfig.ipv4Subnet")
    propose(api, first, "f2", proposal("ch2", third=12))
    assert len(api.rows("SELECT * FROM features")) == 3


@pytest.mark.operation("CreateFeature", "refused")
def test_a_connection_has_one_feature_on_a_channel() -> None:
    api = met()
    uuid = api.create()
    propose(api, uuid, "f1", proposal())
    refuse(api, Reason.ALREADY_EXISTS, uuid, proposal(vlan=1101, third=11), "channel")
    body = proposal("ch2", third=11)
    more = {"query": {"featureId": "f1"}, "connection": uuid}
    api.refused(Reason.ALREADY_EXISTS, "CreateFeature", body, field="featureId", **more)


@pytest.mark.operation("CreateFeature", "refused")
def test_a_disabled_channel_takes_no_feature() -> None:
    api = met()
    api.command("disable-channel", channel="ch1")
    refuse(api, Reason.CHANNEL_DISABLED, api.create(), proposal(), "channel")


@pytest.mark.operation("CreateFeature", "refused")
def test_what_is_being_deleted_or_not_there_gets_no_feature() -> None:
    api, uuid = connected()
    api.accepted("DeleteFeature", connection=uuid, feature=feature_on(api, "ch1"))
    api.command("disconnect", connection=uuid)
    refuse(api, Reason.BEING_DELETED, uuid, proposal())
    refuse(api, Reason.NOT_FOUND, "other", proposal(), "connection")
    more = {"query": {"featureId": "a b"}, "connection": uuid}
    api.refused(Reason.INVALID_ARGUMENT, "CreateFeature", proposal(), field="featureId", **more)


def feature_on(api: Api, channel: str) -> str:
    ((identifier,),) = api.rows("SELECT id FROM features WHERE channel = ?", channel)
    return str(identifier)


@pytest.mark.operation("ListFeatures", "accepted")
@pytest.mark.operation("GetFeature", "accepted")
def test_features_are_listed_in_pages_and_shown_alike_by_both_sides() -> None:
    api, uuid = connected()
    first = api.accepted("ListFeatures", query={"pageSize": 3}, connection=uuid)
    token = first["nextPageToken"]
    last = api.accepted("ListFeatures", query={"pageSize": 3, "pageToken": token}, connection=uuid)
    shown = [*first["features"], *last["features"]]
    assert sorted(each["channel"].rpartition("/")[2] for each in shown) == ["ch1", "ch2", "ch3", "ch4"]
    assert {each["provisioningState"] for each in shown} == {"PROVISIONING_STATE_FINAL"}
    assert "nextPageToken" not in last
    theirs = Api(api.sim, "aws").accepted("ListFeatures", connection=uuid)["features"]
    agreed, held = (
        {each["channel"].rpartition("/")[2]: each["featureConfig"] for each in side} for side in (theirs, shown)
    )
    assert agreed == held
    for each in shown:
        assert api.accepted("GetFeature", connection=uuid, feature=each["name"].rpartition("/")[2]) == each


@pytest.mark.operation("ListFeatures", "refused")
def test_features_of_what_is_not_there_are_not_listed() -> None:
    api, uuid = connected()
    api.refused(Reason.NOT_FOUND, "ListFeatures", connection="other", field="connection")
    token = api.accepted("ListFeatures", query={"pageSize": 1}, connection=uuid)["nextPageToken"]
    query = {"pageSize": 1, "pageToken": token}
    second = api.create(mbps=100)
    api.refused(Reason.BAD_PAGE_TOKEN, "ListFeatures", query=query, connection=second, field="pageToken")


@pytest.mark.operation("GetFeature", "refused")
def test_a_feature_that_is_not_there_is_not_found() -> None:
    api, uuid = connected()
    api.refused(Reason.NOT_FOUND, "GetFeature", connection=uuid, feature="other", field="feature")
    api.refused(Reason.WRONG_PROVIDER, "GetFeature", connection=uuid, feature=feature_on(api, "ch1"), provider="gcp")


@pytest.mark.operation("GetFeature", "refused")
def test_what_the_server_is_only_thinking_of_is_not_shown() -> None:
    api, uuid = connected()
    api.db.execute("UPDATE features SET state = 'proposed' WHERE channel = 'ch1'")
    api.refused(Reason.NOT_FOUND, "GetFeature", connection=uuid, feature=feature_on(api, "ch1"), field="feature")
    assert len(api.accepted("ListFeatures", connection=uuid)["features"]) == 3


@pytest.mark.operation("UpdateFeature", "refused")
def test_layer_3_is_not_updatable() -> None:
    api, uuid = connected()
    identifier = feature_on(api, "ch1")
    shown = api.accepted("GetFeature", connection=uuid, feature=identifier)
    assert shown["updatable"] is False
    for mask in ("featureConfig", "channel", "*"):
        more = {"query": {"updateMask": mask}, "connection": uuid}
        api.refused(Reason.NOT_UPDATABLE, "UpdateFeature", shown, feature=identifier, **more)
        api.refused(Reason.NOT_FOUND, "UpdateFeature", shown, feature="other", field="feature", **more)


class _Updatable:
    """A provider that has one feature of a type that can be updated, which no core here has."""

    def __init__(self) -> None:
        self.feature = Feature.model_validate(proposal()).model_copy(update={"updatable": True})

    def serve(self, request: ApiRequest) -> ApiResponse:
        if request.operation.id == "UpdateFeature":
            assert request.query["updateMask"] == "featureConfig" and isinstance(request.body, Feature)
            self.feature = self.feature.model_copy(update={"feature_config": request.body.feature_config})
        return ApiResponse(self.feature)


@pytest.mark.operation("UpdateFeature", "accepted")
def test_a_type_that_is_updatable_would_be_updated() -> None:
    api = Api(Simulation(), service=_Updatable())
    wanted = changed((*_CONFIG, "mtuBytes"), 9000)
    ids = {"connection": "c", "feature": "f1"}
    shown = api.accepted("UpdateFeature", wanted, query={"updateMask": "featureConfig"}, **ids)
    assert shown["updatable"] is True
    assert shown["featureConfig"] == wanted["featureConfig"]
    assert api.accepted("GetFeature", **ids) == shown


@pytest.mark.operation("DeleteFeature", "accepted")
def test_a_deleted_feature_frees_what_it_had_and_comes_again_in_time() -> None:
    api, uuid = connected()
    before = api.rows("SELECT id, vlan FROM features WHERE channel = 'ch2'")
    api.accepted("DeleteFeature", connection=uuid, feature=feature_on(api, "ch2"))
    assert api.rows("SELECT channel FROM features ORDER BY channel") == [("ch1",), ("ch3",), ("ch4",)]
    # The peer deletes its own side as well before it asks; here that is done by hand.
    api.sim.providers["aws"].live.database.execute("DELETE FROM features WHERE channel = 'ch2'")
    api.sim.providers["aws"].live.world.forget_reservations()
    channels = "SELECT channel FROM features WHERE state = 'final' ORDER BY channel"
    api.sim.run(lambda: len(api.rows(channels)) == 4, what="ch2 has a feature again, by its owner gcp")
    after = api.rows("SELECT id, vlan FROM features WHERE channel = 'ch2'")
    assert after[0][0] != before[0][0]


@pytest.mark.operation("DeleteFeature", "refused")
def test_only_what_is_there_can_be_deleted() -> None:
    api, uuid = connected()
    identifier = feature_on(api, "ch1")
    api.refused(Reason.NOT_FOUND, "DeleteFeature", connection=uuid, feature="other", field="feature")
    api.refused(Reason.NOT_FOUND, "DeleteFeature", connection="other", feature=identifier, field="connection")
    api.refused(Reason.UNAUTHENTICATED, "DeleteFeature", connection=uuid, feature=identifier, signed=None)


def test_no_refusal_repeats_a_password() -> None:
    api = met()
    body = changed((*_CONFIG, "vlanId"), 1)
    body["featureConfig"]["l3BaseConfig"]["md5BgpPassword"] = "hush-hush"
    answer = api.call("CreateFeature", body, query={"featureId": "f1"}, connection=api.create())
    assert answer.status == 400
    assert "hush" not in json.dumps(answer.body)
