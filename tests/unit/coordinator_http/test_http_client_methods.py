"""Every operation of the API has a method at the client, and each arrives at the service as what was asked for."""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from http_world import (
    CAK,
    CHANNEL,
    CONNECTION,
    HOME,
    KEY,
    MD5,
    PROOF,
    World,
    connection,
    example,
    feature,
    mac_sec_key,
    run,
    world,
)

from xcnet.coordinator.http.client import CoordinatorClient
from xcnet.coordinator.http.client_base import ids_of
from xcnet.coordinator.http.outcomes import BadAnswerError
from xcnet.coordinator.service import Proof, ProofRefusal
from xcnet.errors import InputError
from xcnet.secret import Secret
from xcnet.spec.base import WireModel
from xcnet.spec.connections import (
    ConfirmActivationKeyRequest,
    Connection,
    Feature,
    L3BaseConfig,
    ListConnectionsResponse,
    MacSecKey,
)
from xcnet.spec.issues import AddCommentRequest, Comment, Issue
from xcnet.spec.names import ResourceName
from xcnet.spec.operations import OPERATIONS, Operation
from xcnet.spec.resources import ListProvidersResponse, MacSecKeyRotationRequest, Provider

ENVIRONMENT = HOME.parent
ME = ENVIRONMENT.parent
ISSUE = ME.child("issues", "7")
FEATURE = CONNECTION.child("features", "f-1")
MAC_SEC_KEY = CHANNEL.child("macSecKeys", "k-1")
REQUEST_ID = "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10"
SECRET_PROOF = Secret.from_text(PROOF)

Method = Callable[[CoordinatorClient], Awaitable[WireModel]]
_PAGE: dict[str, Any] = {"page_size": 7, "page_token": "t 1&2"}
_PAGE_QUERY = {"pageSize": 7, "pageToken": "t 1&2"}


@dataclass(frozen=True)
class Case:
    """:param query: as the service is to see it. :param body: likewise; None: no body."""

    call: Method
    ids: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    body: WireModel | None = None


def confirm() -> ConfirmActivationKeyRequest:
    return ConfirmActivationKeyRequest(encoded_key=Secret.from_text(KEY))


NEW_ISSUE = Issue(title="Flapping", body="Since noon")
COMMENT = AddCommentRequest(comment=Comment(body="Seen"))
ROTATION = MacSecKeyRotationRequest(reason="it is old")

CASES: dict[str, Case] = {
    "ListProviders": Case(lambda c: c.list_providers(), {}),
    "GetProvider": Case(lambda c: c.get_provider(ResourceName.provider("gcp")), {"provider": "gcp"}),
    "ListEnvironments": Case(lambda c: c.list_environments(ME, **_PAGE), ids_of(ME), _PAGE_QUERY),
    "GetEnvironment": Case(lambda c: c.get_environment(ENVIRONMENT), ids_of(ENVIRONMENT)),
    "ConfirmActivationKey": Case(
        lambda c: c.confirm_activation_key(ENVIRONMENT, confirm()), ids_of(ENVIRONMENT), body=confirm()
    ),
    "GetActivationKeyParameters": Case(lambda c: c.get_activation_key_parameters(ENVIRONMENT), ids_of(ENVIRONMENT)),
    "ListInterconnects": Case(lambda c: c.list_interconnects(ENVIRONMENT, **_PAGE), ids_of(ENVIRONMENT), _PAGE_QUERY),
    "GetInterconnect": Case(lambda c: c.get_interconnect(HOME), ids_of(HOME)),
    "ListChannels": Case(lambda c: c.list_channels(HOME, **_PAGE), ids_of(HOME), _PAGE_QUERY),
    "GetChannel": Case(lambda c: c.get_channel(CHANNEL), ids_of(CHANNEL)),
    "NotifyMaintenance": Case(
        lambda c: c.notify_maintenance(CHANNEL),
        ids_of(CHANNEL),
        body=example(OPERATIONS["NotifyMaintenance"].request or Provider),
    ),
    "GetMaintenanceEvents": Case(lambda c: c.get_maintenance_events(CHANNEL), ids_of(CHANNEL)),
    "RequestMacSecKeyRotation": Case(
        lambda c: c.request_mac_sec_key_rotation(CHANNEL, ROTATION), ids_of(CHANNEL), body=ROTATION
    ),
    "CreateMacSecKey": Case(
        lambda c: c.create_mac_sec_key(CHANNEL, "k-1", mac_sec_key()),
        ids_of(CHANNEL),
        {"macSecKeyId": "k-1"},
        mac_sec_key(),
    ),
    "ListMacSecKeys": Case(lambda c: c.list_mac_sec_keys(CHANNEL), ids_of(CHANNEL)),
    "GetMacSecKey": Case(lambda c: c.get_mac_sec_key(MAC_SEC_KEY), ids_of(MAC_SEC_KEY)),
    "DeleteMacSecKey": Case(lambda c: c.delete_mac_sec_key(MAC_SEC_KEY), ids_of(MAC_SEC_KEY)),
    "ListConnections": Case(lambda c: c.list_connections(HOME, **_PAGE), ids_of(HOME), _PAGE_QUERY),
    "CreateConnection": Case(
        lambda c: c.create_connection(HOME, CONNECTION.id, connection(), proof=SECRET_PROOF),
        ids_of(HOME),
        {"connectionId": CONNECTION.id},
        connection(),
    ),
    "GetConnection": Case(lambda c: c.get_connection(CONNECTION), ids_of(CONNECTION)),
    "UpdateConnection": Case(
        lambda c: c.update_connection(
            CONNECTION, Connection(bandwidth_mbps=2000), update_mask="bandwidthMbps", proof=SECRET_PROOF
        ),
        ids_of(CONNECTION),
        {"updateMask": "bandwidthMbps"},
        Connection(bandwidth_mbps=2000),
    ),
    "DeleteConnection": Case(lambda c: c.delete_connection(CONNECTION, proof=SECRET_PROOF), ids_of(CONNECTION)),
    "GenerateFeatureGuidance": Case(
        lambda c: c.generate_feature_guidance(CONNECTION),
        ids_of(CONNECTION),
        body=example(OPERATIONS["GenerateFeatureGuidance"].request or Provider),
    ),
    "NotifyConnectionStatus": Case(
        lambda c: c.notify_connection_status(CONNECTION),
        ids_of(CONNECTION),
        body=example(OPERATIONS["NotifyConnectionStatus"].request or Provider),
    ),
    "ListFeatures": Case(lambda c: c.list_features(CONNECTION, **_PAGE), ids_of(CONNECTION), _PAGE_QUERY),
    "CreateFeature": Case(
        lambda c: c.create_feature(CONNECTION, "f-1", feature()), ids_of(CONNECTION), {"featureId": "f-1"}, feature()
    ),
    "GetFeature": Case(lambda c: c.get_feature(FEATURE), ids_of(FEATURE)),
    "UpdateFeature": Case(
        lambda c: c.update_feature(FEATURE, feature(), update_mask="channel"),
        ids_of(FEATURE),
        {"updateMask": "channel"},
        feature(),
    ),
    "DeleteFeature": Case(lambda c: c.delete_feature(FEATURE), ids_of(FEATURE)),
    "ListIssues": Case(lambda c: c.list_issues(ME, **_PAGE), ids_of(ME), _PAGE_QUERY),
    "CreateIssue": Case(lambda c: c.create_issue(ME, "7", NEW_ISSUE), ids_of(ME), {"issueId": "7"}, NEW_ISSUE),
    "GetIssue": Case(lambda c: c.get_issue(ISSUE), ids_of(ISSUE)),
    "CloseIssue": Case(
        lambda c: c.close_issue(ISSUE), ids_of(ISSUE), body=example(OPERATIONS["CloseIssue"].request or Provider)
    ),
    "AddComment": Case(lambda c: c.add_comment(ISSUE, COMMENT), ids_of(ISSUE), body=COMMENT),
    "ListComments": Case(lambda c: c.list_comments(ISSUE, **_PAGE), ids_of(ISSUE), _PAGE_QUERY),
}


def snake(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


class KnownProof:
    """Finds every proof good, and says so."""

    async def check(
        self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
    ) -> Proof | ProofRefusal | None:
        assert (caller, proof) == ("aws", PROOF)
        assert operation.proven
        assert ids["provider"] == "aws"
        return Proof("123456789012", "p-1", 1.0)


def test_every_operation_has_a_method_and_a_case() -> None:
    assert set(CASES) == set(OPERATIONS)
    assert len(OPERATIONS) == 35
    for operation in OPERATIONS.values():
        method = getattr(CoordinatorClient, snake(operation.id))
        parameters = inspect.signature(method).parameters
        assert inspect.iscoroutinefunction(method)
        assert ("proof" in parameters) == operation.proven, operation.id
        assert ("page_token" in parameters) == operation.lists, operation.id
        assert "request_id" in parameters
        assert method.__annotations__["return"] == operation.response.__name__


def test_every_list_can_be_iterated() -> None:
    for operation in OPERATIONS.values():
        if operation.id.startswith("List"):
            assert hasattr(CoordinatorClient, snake(operation.id).replace("list_", "iterate_"))


def test_each_method_arrives_at_the_service_as_its_operation() -> None:
    async def each() -> None:
        async with world(proofs=KnownProof()) as both:
            for operation_id, case in CASES.items():
                operation = OPERATIONS[operation_id]
                answer = await case.call(both.client)
                asked = both.service.last
                assert isinstance(answer, operation.response)
                assert asked.operation is operation
                assert asked.caller == "aws"
                assert asked.ids == case.ids
                assert asked.query == case.query
                assert asked.body == case.body
                assert asked.request_id is None
                expected = Proof("123456789012", "p-1", 1.0) if operation.proven else None
                assert asked.proof == expected, operation_id
            assert len(both.service.asked) == len(OPERATIONS)

    run(each)


def test_secrets_arrive_in_clear_both_ways() -> None:
    async def go() -> None:
        async with world() as both:
            both.service.answers = {"CreateMacSecKey": mac_sec_key(), "GetFeature": feature()}
            made = await both.client.create_mac_sec_key(CHANNEL, "k-1", mac_sec_key())
            assert isinstance(both.service.last.body, MacSecKey)
            for key in (made, both.service.last.body):
                assert key.cak is not None
                assert key.cak.reveal_text() == CAK
            got: Feature = await both.client.get_feature(FEATURE)
            assert got.feature_config is not None
            config = got.feature_config.l3_base_config
            assert isinstance(config, L3BaseConfig)
            assert config.md5_bgp_password.reveal_text() == MD5

    run(go)


def test_a_request_id_arrives_with_a_digest_that_is_of_the_content() -> None:
    async def go() -> None:
        async with world() as both:
            digests = []
            for mbps in (1000, 1000, 2000):
                await both.client.create_connection(HOME, CONNECTION.id, connection(mbps), request_id=REQUEST_ID)
                assert both.service.last.request_id == REQUEST_ID
                assert "requestId" not in both.service.last.query
                digests.append(both.service.last.digest)
            await both.client.create_connection(
                HOME, CONNECTION.id, connection(), request_id="00000000-0000-4000-8000-000000000000"
            )
            assert digests[0] == digests[1] == both.service.last.digest
            assert digests[0] != digests[2]

    run(go)


@pytest.mark.parametrize("ids", [{"provider": "aws"}, ids_of(CHANNEL)])
def test_a_resource_of_another_kind_is_refused_before_anything_is_sent(ids: dict[str, str]) -> None:
    async def go() -> None:
        async with world() as both:
            with pytest.raises(InputError, match="GetConnection is about"):
                await both.client.get_connection(ids)
            assert both.service.asked == []

    run(go)


def test_ids_may_be_given_in_place_of_a_name() -> None:
    async def go() -> None:
        async with world() as both:
            await both.client.get_connection(ids_of(CONNECTION))
            assert both.service.last.ids == ids_of(CONNECTION)

    run(go)


def test_all_pages_come_as_one_stream() -> None:
    async def go() -> None:
        pages = {
            None: ListConnectionsResponse(connections=[connection(1), connection(2)], next_page_token="b"),  # noqa: S106
            "b": ListConnectionsResponse(connections=[], next_page_token="c"),  # noqa: S106
            "c": ListConnectionsResponse(connections=[connection(3)]),
        }
        async with world() as both:
            both.service.answers["ListConnections"] = lambda request: pages[request.query.get("pageToken")]
            found = [each.bandwidth_mbps async for each in both.client.iterate_connections(HOME, page_size=2)]
            assert found == [1, 2, 3]
            assert [request.query for request in both.service.asked] == [
                {"pageSize": 2},
                {"pageSize": 2, "pageToken": "b"},
                {"pageSize": 2, "pageToken": "c"},
            ]
            both.service.answers["ListProviders"] = ListProvidersResponse(environments=[Provider(name="providers/gcp")])
            assert [each.name async for each in both.client.iterate_providers()] == ["providers/gcp"]

    run(go)


def test_a_page_that_leads_to_itself_ends_the_stream_with_an_error() -> None:
    async def go() -> None:
        async with world() as both:
            circle = ListConnectionsResponse(connections=[], next_page_token="again")  # noqa: S106
            both.service.answers["ListConnections"] = circle
            with pytest.raises(BadAnswerError, match="leads to itself"):
                [each async for each in both.client.iterate_connections(HOME)]

    run(go)


def test_connections_are_kept_alive() -> None:
    async def go(both: World) -> None:
        for _ in range(20):
            await both.client.get_connection(CONNECTION)
        assert both.server.counts.taken == 1

    async def start() -> None:
        async with world() as both:
            await go(both)

    run(start)
