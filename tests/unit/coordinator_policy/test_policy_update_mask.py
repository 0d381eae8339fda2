"""Which fields an update is about, and which of them may be changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_world import refused

from xcnet.coordinator.policy.update_mask import updated_fields
from xcnet.secret import Secret
from xcnet.spec.connections import Connection
from xcnet.spec.errors import ApiError, Reason

_BANDWIDTH = Connection(bandwidth_mbps=1000)
_ALL = frozenset({"bandwidthMbps"})


@pytest.mark.parametrize(
    "mask", ["bandwidthMbps", "bandwidth_mbps", " bandwidthMbps ", "bandwidthMbps,bandwidth_mbps", "*", " * "]
)
@pytest.mark.parametrize("body", [_BANDWIDTH, Connection(), Connection(bandwidth_mbps=1, defer_provisioning=True)])
def test_a_mask_names_the_bandwidth_whatever_else_the_body_has(mask: str, body: Connection) -> None:
    assert updated_fields(mask, body) == _ALL


@pytest.mark.parametrize("mask", [None, "", "  "])
def test_without_a_mask_it_is_what_the_body_has(mask: str | None) -> None:
    assert updated_fields(mask, _BANDWIDTH) == _ALL
    assert updated_fields(mask, Connection(name="providers/x", bandwidth_mbps=0)) == _ALL
    assert updated_fields(mask, Connection(name="providers/x")) == frozenset()
    with refused(Reason.FIELD_NOT_UPDATABLE, "deferProvisioning"):
        updated_fields(mask, Connection(bandwidth_mbps=1000, defer_provisioning=False))


@pytest.mark.parametrize(
    ("mask", "field"),
    [
        ("activationKey", "activationKey"),
        ("activation_key", "activationKey"),
        ("adminState", "adminState"),
        ("verification_state", "verificationState"),
        ("deferProvisioning", "deferProvisioning"),
        ("name", "name"),
        ("bandwidthMbps,adminState", "adminState"),
        ("adminState,bandwidthMbps", "adminState"),
        ("colour", "colour"),
        ("bandwidthmbps", "bandwidthmbps"),
        ("BandwidthMbps", "BandwidthMbps"),
        ("bandwidthMbps.value", "bandwidthMbps.value"),
        ("*,bandwidthMbps", "*"),
        ("_", "_"),
    ],
)
def test_any_other_field_is_refused_and_named(mask: str, field: str) -> None:
    with refused(Reason.FIELD_NOT_UPDATABLE, field):
        updated_fields(mask, _BANDWIDTH)


def test_a_refusal_never_shows_what_is_in_a_field() -> None:
    written = "c2VjcmV0"
    with pytest.raises(ApiError) as caught:
        updated_fields(None, Connection(activation_key=Secret.from_text(written)))
    assert caught.value.field == "activationKey"
    assert written not in str(caught.value.to_wire())


@given(st.text(max_size=20))
def test_whatever_stands_in_a_mask_nothing_but_the_bandwidth_is_updated(mask: str) -> None:
    try:
        assert updated_fields(mask, _BANDWIDTH) == _ALL
    except ApiError as error:
        assert error.reason is Reason.FIELD_NOT_UPDATABLE
