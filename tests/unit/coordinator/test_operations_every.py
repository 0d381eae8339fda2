"""What holds for every operation in front of the real core: who asks, in whose tree, of what, and how often."""

from __future__ import annotations

import pytest
from api_world import Api, connected, met
from coordinator_sim import ENVIRONMENT

from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.policy.idempotency import scope_of
from xcnet.spec.errors import Reason
from xcnet.spec.operations import OPERATIONS, Operation

_IDS = {"channel": "ch1", "macSecKey": "k1", "feature": "f1", "issue": "i1"}
IN_A_TREE = [each for each in OPERATIONS.values() if "{provider}" in each.path and each.id != "GetProvider"]
IN_AN_ENVIRONMENT = [each for each in OPERATIONS.values() if "{environment}" in each.path]
WITH_A_BODY = [each for each in OPERATIONS.values() if each.request is not None]
CHANGING = [each for each in OPERATIONS.values() if each.mutates]

_BODIES = {
    "CreateFeature": {},
    "CreateIssue": {"title": "T", "body": "B"},
    "AddComment": {"comment": {"body": "B"}},
}


@pytest.fixture(scope="module")
def one() -> tuple[Api, str]:
    """One connection for all of these tests: none of them changes anything."""
    return connected()


def each_of(operations: list[Operation]) -> pytest.MarkDecorator:
    marked = [pytest.param(each, marks=pytest.mark.operation(each.id, "refused"), id=each.id) for each in operations]
    return pytest.mark.parametrize("operation", marked)


def refuse(api: Api, reason: Reason, operation: Operation, connection: str, **more: object) -> None:
    """Ask in a way that is right but for what ``more`` says."""
    query = {operation.creates: "new"} if operation.creates else {}
    values = {"query": query, "connection": connection, **_IDS, **more}
    if operation.proven:
        values["proof"] = api.proof()
    api.refused(reason, operation.id, _BODIES.get(operation.id), **values)  # type: ignore[arg-type]


@each_of(list(OPERATIONS.values()))
def test_without_a_signature_nothing_is_done(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    refuse(api, Reason.UNAUTHENTICATED, operation, uuid, signed=None)


@each_of(list(OPERATIONS.values()))
def test_with_another_providers_signature_nothing_is_done(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    refuse(api, Reason.UNAUTHENTICATED, operation, uuid, signed="azure", certificate="aws")


@each_of(IN_A_TREE)
def test_nothing_is_done_in_another_callers_tree(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    for provider in ("gcp", "azure"):
        refuse(api, Reason.WRONG_PROVIDER, operation, uuid, provider=provider)


@each_of(IN_AN_ENVIRONMENT)
def test_nothing_is_done_in_an_environment_that_is_not_shared(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    refuse(api, Reason.NOT_FOUND, operation, uuid, environment="nowhere")


@each_of(CHANGING)
def test_a_request_id_that_is_none_stops_the_request(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    refuse(api, Reason.INVALID_ARGUMENT, operation, uuid, request_id="the-same-again")


@each_of(CHANGING)
def test_a_request_id_of_another_request_stops_the_request(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    identifier = "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10"
    ids = {"provider": "aws", "environment": ENVIRONMENT, "interconnect": "ic1", "connection": uuid, **_IDS}
    query = {operation.creates: "new"} if operation.creates else {}
    caller, name, resource = scope_of("aws", operation, ids, query)
    values = {"caller": caller, "operation": name, "resource": resource, "id": identifier, "digest": "of another"}
    api.db.insert("requests", **values, answer="{}", headers="{}", time=api.sim.clock.wall())
    refuse(api, Reason.REQUEST_ID_REUSED, operation, uuid, request_id=identifier, field="requestId")


@each_of(list(OPERATIONS.values()))
def test_no_path_takes_any_method(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    refuse(api, Reason.METHOD_NOT_ALLOWED, operation, uuid, method="PUT")


@each_of(WITH_A_BODY)
def test_a_body_that_is_no_object_or_too_large_is_not_looked_at(operation: Operation, one: tuple[Api, str]) -> None:
    api, uuid = one
    for content in (b"[]", b'{"half": ', b"\xff"):
        refuse(api, Reason.MALFORMED, operation, uuid, content=content)
    refuse(api, Reason.TOO_LARGE, operation, uuid, content=b'{"reason": "' + b"x" * HttpLimits().body_bytes + b'"}')


@pytest.mark.operation("ListProviders", "refused")
def test_a_caller_that_asks_too_fast_is_told_when_to_come_again() -> None:
    api = met()
    hasty = Api(api.sim, limits=HttpLimits(requests_per_second=0.5, request_burst=1))
    hasty.accepted("ListProviders")
    answer = hasty.refused(Reason.RATE_LIMITED, "ListProviders")
    assert int(answer.headers["retry-after"]) == 2
    api.sim.clock.advance(2.0)
    hasty.accepted("ListProviders")
