"""The same change asked for twice is known by its requestId, within its scope."""

from __future__ import annotations

import uuid

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from policy_world import refused

from xcnet.coordinator.policy.idempotency import check_request_id, is_replay, scope_of
from xcnet.spec.errors import Reason
from xcnet.spec.operations import OPERATIONS

_ID = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"


@given(st.uuids())
def test_a_uuid_of_any_version_is_taken_in_either_case(each: uuid.UUID) -> None:
    assert check_request_id(str(each)) == check_request_id(str(each).upper()) == str(each)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1",
        _ID[:-1],
        _ID + "0",
        _ID.replace("-", ""),
        "{" + _ID + "}",
        "urn:uuid:" + _ID,
        _ID.replace("6", "g", 1),
        "6ba7b8109dad-11d1-80b4-00c04fd4-30c8",
        "6ba7b8109dad11d180b400c04fd430c8----",
        _ID[:-1] + "\n",
        _ID.replace("8", "٨"),
    ],
)
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with refused(Reason.INVALID_ARGUMENT, "requestId"):
        check_request_id(text)


_IDS = {"provider": "gcp", "environment": "e", "interconnect": "i", "connection": "c", "feature": "f", "issue": "x"}


def _scope(
    operation: str, caller: str = "gcp", query: dict[str, object] | None = None, **ids: str
) -> tuple[str, str, str]:
    return scope_of(caller, OPERATIONS[operation], {**_IDS, **ids}, query or {})


def test_a_scope_has_the_caller_the_operation_and_the_full_name_of_the_resource() -> None:
    assert _scope("CreateFeature", query={"featureId": "new"}) == (
        "gcp",
        "CreateFeature",
        "provider=gcp/environment=e/interconnect=i/connection=c/featureId=new",
    )


def test_whatever_differs_makes_another_scope() -> None:
    scopes = [
        _scope("CreateFeature", query={"featureId": "new"}),
        _scope("CreateFeature", query={"featureId": "newer"}),
        _scope("CreateFeature", query={"featureId": "new"}, connection="d"),
        _scope("CreateFeature", query={"featureId": "new"}, interconnect="j"),
        _scope("CreateFeature", caller="aws", query={"featureId": "new"}),
        _scope("CreateConnection", query={"connectionId": "c"}),
        _scope("DeleteConnection"),
        _scope("UpdateConnection"),
        _scope("DeleteFeature"),
        _scope("DeleteFeature", feature="new"),
        _scope("AddComment"),
        _scope("CloseIssue"),
    ]
    assert len(set(scopes)) == len(scopes)


def test_what_does_not_name_the_resource_makes_none() -> None:
    assert _scope("UpdateConnection", query={"updateMask": "bandwidthMbps"}) == _scope("UpdateConnection")


_NAMES = st.text(alphabet="ab/=%", max_size=4)


@example(("c/feature=f", "f"), ("c", "f/feature=f"))
@given(st.tuples(_NAMES, _NAMES), st.tuples(_NAMES, _NAMES))
def test_names_cannot_be_made_to_run_together(one: tuple[str, str], other: tuple[str, str]) -> None:
    scopes = [_scope("DeleteFeature", connection=each[0], feature=each[1]) for each in (one, other)]
    assert (scopes[0] == scopes[1]) == (one == other)


def test_the_first_request_is_done_the_same_again_is_answered_as_before_and_another_is_refused() -> None:
    assert not is_replay(None, "d1")
    assert is_replay("d1", "d1")
    with refused(Reason.REQUEST_ID_REUSED, "requestId"):
        is_replay("d1", "d2")
