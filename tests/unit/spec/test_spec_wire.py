"""The wire types: tolerant of what they do not know, strict about what they do, and silent about secrets."""

import contextlib
import json
import traceback
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from xcnet.secret import Secret
from xcnet.spec import connections, issues, resources
from xcnet.spec.base import NullFieldError, WireModel, parse_request, parse_response, timestamp
from xcnet.spec.connections import (
    ASNRange,
    ConfirmActivationKeyRequest,
    Connection,
    Feature,
    L3BaseConfig,
    MacSecKey,
    ProviderBgpConfig,
)
from xcnet.spec.issues import AddCommentRequest, Issue
from xcnet.spec.operations import OPERATIONS
from xcnet.spec.resources import Environment, ListProvidersResponse, MaintenanceEvent, NotifyMaintenanceRequest

PASSWORD = "correct-horse-battery"  # noqa: S105
CONFIG = {
    "mtuBytes": 8500,
    "vlanId": 1100,
    "providerBgpConfigs": [{"provider": "providers/aws", "asn": 64512, "hostIpv4": "169.254.1.1"}],
    "md5BgpPassword": PASSWORD,
    "ipv4Subnet": "169.254.1.0",
    "ipv4SubnetPrefixLength": 29,
}
FEATURE = {"channel": "c", "featureConfig": {"featureType": "FEATURE_TYPE_L3_BASE", "l3BaseConfig": CONFIG}}

MODELS = sorted(
    {
        model
        for module in (connections, issues, resources)
        for model in vars(module).values()
        if isinstance(model, type) and issubclass(model, WireModel) and model is not WireModel
    },
    key=lambda model: model.__name__,
)


def read(model: type[WireModel], value: Any) -> WireModel:
    return parse_request(model, json.dumps(value).encode())


def wire(model: type[WireModel], value: Any) -> dict[str, Any]:
    return read(model, value).to_wire(reveal=True)


def altered(**changes: Any) -> dict[str, Any]:
    """The feature with other fields in its layer-3 configuration; None takes one out."""
    config = {**CONFIG, **changes}
    kept = {name: value for name, value in config.items() if value is not None}
    return {**FEATURE, "featureConfig": {**FEATURE["featureConfig"], "l3BaseConfig": kept}}


# -- names and shape


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_names_on_the_wire_are_camel_case_without_underscores(model: type[WireModel]) -> None:
    for field in model.model_fields.values():
        assert field.alias is not None and "_" not in field.alias and field.alias[0].islower()


def test_names_with_digits_are_those_of_the_specification() -> None:
    assert set(wire(Feature, FEATURE)["featureConfig"]["l3BaseConfig"]) == set(CONFIG)


def test_a_whole_feature_survives_reading_and_writing() -> None:
    assert wire(Feature, FEATURE) == FEATURE


def test_absent_fields_are_not_written() -> None:
    assert Connection().to_wire() == {}


def test_python_names_mean_nothing_on_the_wire() -> None:
    assert wire(Connection, {"bandwidth_mbps": "any"}) == {}


@pytest.mark.parametrize("body", [b"", b" \r\n"])
def test_no_body_is_an_empty_object(body: bytes) -> None:
    assert parse_request(Connection, body) == Connection()


# -- tolerance


@pytest.mark.parametrize("unknown", [None, 1, "x", [None], {"a": {"b": None}}, {"bandwidthMbps": "x"}])
def test_unknown_fields_are_passed_over_at_every_depth(unknown: Any) -> None:
    assert wire(Connection, {"bandwidthMbps": 1000, "later": unknown}) == {"bandwidthMbps": 1000}
    assert wire(Feature, altered(later=unknown) | {"later": unknown}) == FEATURE


@pytest.mark.parametrize("value", [None, 7, "ADMIN_STATE_WRONG", [], {"x": None}])
def test_read_only_fields_are_passed_over_on_input_whatever_they_hold(value: Any) -> None:
    assert wire(Connection, {"bandwidthMbps": 1, "adminState": value, "verificationState": value}) == {
        "bandwidthMbps": 1
    }
    assert wire(MacSecKey, {"ckn": "01", "active": value, "startTime": value}) == {"ckn": "01"}
    assert wire(Feature, {**FEATURE, "updatable": value, "provisioningState": value}) == FEATURE
    assert wire(Environment, {"apiUri": "u", "providerSites": value, "supportedFeatures": value}) == {"apiUri": "u"}


@pytest.mark.parametrize("value", [None, 7, "yesterday"])
def test_read_only_fields_inside_others_are_passed_over(value: Any) -> None:
    given = {"comment": {"body": "b", "createTime": value, "displayName": value, "localCommentId": value}}
    assert wire(AddCommentRequest, given) == {"comment": {"body": "b"}}


def test_read_only_fields_are_read_in_answers() -> None:
    answer = parse_response(Connection, b'{"adminState": "ADMIN_STATE_DISABLED"}')
    assert answer.to_wire() == {"adminState": "ADMIN_STATE_DISABLED"}


@pytest.mark.parametrize("name", ["environments", "providers"])
def test_the_list_of_providers_is_read_under_either_name(name: str) -> None:
    answer = parse_response(ListProvidersResponse, json.dumps({name: [{"name": "providers/aws"}]}).encode())
    assert answer.environments is not None
    assert [each.name for each in answer.environments] == ["providers/aws"]


def test_the_list_of_providers_is_written_under_both_names() -> None:
    answer = parse_response(ListProvidersResponse, b'{"providers": [{"name": "providers/aws"}]}')
    assert answer.to_wire() == {"environments": [{"name": "providers/aws"}], "providers": [{"name": "providers/aws"}]}
    assert ListProvidersResponse(environments=[]).to_wire() == {"environments": [], "providers": []}
    assert ListProvidersResponse().to_wire() == {}


def test_a_deprecated_field_is_read_without_a_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert ConfirmActivationKeyRequest().key is None
        assert NotifyMaintenanceRequest().events is None


# -- strictness


@pytest.mark.parametrize(
    ("model", "field"),
    [(model, field.alias) for model in MODELS for field in model.model_fields.values()],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_null_is_refused_for_every_field_that_can_be_set(model: type[WireModel], field: str) -> None:
    extra = next(each.json_schema_extra for each in model.model_fields.values() if each.alias == field)
    if isinstance(extra, dict) and extra.get("readOnly") is True:
        assert passed_over(model, field)
        return
    with pytest.raises(NullFieldError) as caught:
        read(model, {field: None})
    assert caught.value.field == field


def passed_over(model: type[WireModel], field: str) -> bool:
    needed = {each.alias: "x" for each in model.model_fields.values() if each.is_required()}
    return field not in wire(model, {**needed, field: None})


def test_a_null_deep_inside_is_named_by_its_path() -> None:
    with pytest.raises(NullFieldError) as caught:
        read(Feature, altered(providerBgpConfigs=[{"provider": "p", "asn": None}]))
    assert caught.value.field == "featureConfig.l3BaseConfig.providerBgpConfigs[0].asn"


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (Connection, {"bandwidthMbps": "1000"}),
        (Connection, {"bandwidthMbps": True}),
        (Connection, {"bandwidthMbps": 1.5}),
        (Connection, {"bandwidthMbps": [1]}),
        (Connection, {"deferProvisioning": 1}),
        (Connection, {"deferProvisioning": "true"}),
        (Connection, {"activationKey": 5}),
        (Connection, {"name": 5}),
        (Connection, {"name": ["x"]}),
        (Feature, {"featureConfig": []}),
        (Feature, {"featureConfig": "x"}),
        (Feature, {"featureConfig": {"featureType": "FEATURE_TYPE_L4"}}),
        (Feature, {"featureConfig": {"featureType": "feature_type_l3_base"}}),
        (Feature, {"featureConfig": {"featureType": 0}}),
        (Feature, altered(providerBgpConfigs={})),
        (Feature, altered(providerBgpConfigs=[None])),
        (Feature, altered(mtuBytes=2**31)),
        (Feature, altered(mtuBytes=-(2**31) - 1)),
        (Feature, altered(vlanId=10**400)),
        (Feature, altered(md5BgpPassword=None)),
        (Feature, altered(vlanId=None)),
        (Feature, altered(mtuBytes=None)),
        (Feature, altered(providerBgpConfigs=None)),
        (Feature, altered(providerBgpConfigs=[{"asn": 1}])),
        (Feature, altered(providerBgpConfigs=[{"provider": "p"}])),
        (Issue, {"title": "t"}),
        (Issue, {"title": "t", "body": "b", "priority": "P0"}),
        (AddCommentRequest, {}),
    ],
)
def test_known_fields_of_another_type_or_value_are_refused(model: type[WireModel], value: Any) -> None:
    with pytest.raises(ValidationError):
        read(model, value)


@pytest.mark.parametrize("text", ["1.0", "1e0", "10e-1"])
def test_a_number_without_a_fraction_is_an_integer_however_it_is_written(text: str) -> None:
    connection = parse_request(Connection, b'{"bandwidthMbps": %s}' % text.encode())
    assert connection.bandwidth_mbps == 1 and isinstance(connection.bandwidth_mbps, int)


@settings(deadline=None)
@given(st.integers(-(2**33), 2**33) | st.integers())
def test_as_numbers_have_32_bits_without_a_sign(number: int) -> None:
    try:
        read_back = wire(ASNRange, {"start": number})["start"]
    except ValidationError:
        assert not 0 <= number <= 4294967295
    else:
        assert read_back == number and 0 <= number <= 4294967295


@pytest.mark.parametrize("number", [0, 4294967295])
def test_the_ends_of_the_range_of_as_numbers_are_in_it(number: int) -> None:
    assert ProviderBgpConfig.model_validate({"provider": "p", "asn": number}).asn == number


@pytest.mark.parametrize("number", [-1, 4294967296, 1e300])
def test_beyond_the_range_there_are_no_as_numbers(number: float) -> None:
    with pytest.raises(ValidationError):
        read(ASNRange, {"stop": number})


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b"null",
        b'"x"',
        b"1",
        b"{",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b"{'a':1}",
        b"\xff\xfe{\x00}\x00",
        b"\xef\xbb\xbf{}",
        b'{"name":"\xff"}',
        b'{"name":"\\ud800"}',
        b'{"a":' + b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"bandwidthMbps":' + b"9" * 5000 + b"}",
        b'{"bandwidthMbps":1e400}',
        b"{}{}",
    ],
    ids=lambda body: repr(body[:20]),
)
def test_what_is_no_json_object_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):
        parse_request(Connection, body)


@pytest.mark.parametrize("operation", [each for each in OPERATIONS.values() if each.request], ids=lambda each: each.id)
def test_any_bytes_are_read_or_refused(operation: Any) -> None:
    @settings(deadline=None)
    @given(st.binary(max_size=60) | st.text(max_size=40).map(str.encode))
    def attempt(body: bytes) -> None:
        with contextlib.suppress(ValueError):
            parse_request(operation.request, body)

    attempt()


# -- secrets


def secretive() -> list[tuple[WireModel, str]]:
    feature = read(Feature, FEATURE)
    assert isinstance(feature, Feature) and feature.feature_config and feature.feature_config.l3_base_config
    return [
        (feature, PASSWORD),
        (feature.feature_config.l3_base_config, PASSWORD),
        (read(MacSecKey, {"cak": PASSWORD, "ckn": "01"}), PASSWORD),
        (read(Connection, {"activationKey": PASSWORD}), PASSWORD),
        (read(ConfirmActivationKeyRequest, {"encodedKey": PASSWORD}), PASSWORD),
    ]


@pytest.mark.parametrize(("model", "secret"), secretive(), ids=lambda value: type(value).__name__)
def test_secrets_are_shown_only_where_that_is_asked_for(model: WireModel, secret: str) -> None:
    shown = [repr(model), str(model), json.dumps(model.to_wire()), model.model_dump_json(), repr(model.model_dump())]
    assert all(secret not in each for each in shown)
    assert "<secret>" in json.dumps(model.to_wire())
    assert secret in json.dumps(model.to_wire(reveal=True))


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (Feature, altered(vlanId=None)),
        (Feature, altered(md5BgpPassword=[PASSWORD])),
        (Feature, {"featureConfig": {"l3BaseConfig": CONFIG}}),
        (MacSecKey, {"cak": {"x": PASSWORD}}),
        (Connection, {"activationKey": [PASSWORD]}),
        (Connection, {"activationKey": PASSWORD, "bandwidthMbps": "x"}),
    ],
)
def test_what_is_refused_is_not_repeated_in_the_error(model: type[WireModel], value: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        read(model, value)
    assert PASSWORD not in str(caught.value)
    assert PASSWORD not in repr(caught.value)
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))


def test_equal_secrets_are_equal_fields() -> None:
    assert MacSecKey(cak=Secret.from_text("aa")) == read(MacSecKey, {"cak": "aa"})
    assert MacSecKey(cak=Secret.from_text("aa")) != read(MacSecKey, {"cak": "bb"})


def test_a_password_with_any_character_survives() -> None:
    config = wire(Feature, altered(md5BgpPassword='päß "\\ \u20ac'))["featureConfig"]["l3BaseConfig"]
    assert config["md5BgpPassword"] == 'päß "\\ \u20ac'
    assert L3BaseConfig.model_validate(config).md5_bgp_password.reveal_text() == 'päß "\\ \u20ac'


# -- times


def test_times_are_written_in_utc_to_the_millisecond() -> None:
    event = read(MaintenanceEvent, {"startTime": "2026-05-18T11:30:00.1239+02:00"})
    assert event.to_wire() == {"startTime": "2026-05-18T09:30:00.123Z"}


@pytest.mark.parametrize("value", ["2026-05-18", "2026-05-18T09:30:00", "1700000000", "now", "", 1700000000])
def test_what_is_no_rfc_3339_time_is_refused(value: Any) -> None:
    with pytest.raises(ValidationError):
        read(NotifyMaintenanceRequest, {"events": [{"startTime": value}]})


@settings(deadline=None)
@given(st.integers(0, 4_102_444_800_000))
def test_a_wall_clocks_time_survives_to_the_millisecond(milliseconds: int) -> None:
    moment = timestamp(milliseconds / 1000)
    assert round(moment.timestamp() * 1000) == milliseconds
    assert timestamp(moment.timestamp()) == moment
    assert parse_request(
        MaintenanceEvent, json.dumps(MaintenanceEvent(end_time=moment).to_wire()).encode()
    ).end_time == (moment)
