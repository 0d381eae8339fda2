"""A call of the outbox, attempted: what came of it, and how an unknown outcome is settled before anything is sent again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from http_world import (
    CAK,
    CHANNEL,
    CONNECTION,
    HOME,
    MD5,
    PROOF,
    RecordingService,
    TestSigner,
    World,
    client_context,
    connection,
    endpoint,
    feature,
    free_port,
    mac_sec_key,
    run,
    server_context,
    world,
)

from xcnet.coordinator.engine.calls import Answered, Call, NotSent, Outcome, Refused, Unknown
from xcnet.coordinator.http.attempt import attempt
from xcnet.coordinator.http.client import peer_caller
from xcnet.coordinator.http.client_base import ids_of
from xcnet.coordinator.http.faults import FaultKind, FaultPoint, FaultRule
from xcnet.coordinator.service import Proof, ProofRefusal
from xcnet.errors import InputError
from xcnet.secret import Secret
from xcnet.spec.base import WireModel
from xcnet.spec.connections import Connection
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.issues import AddCommentRequest, Comment, Issue, IssueState, ListCommentsResponse
from xcnet.spec.operations import OPERATIONS, Operation

REQUEST_ID = "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10"
ISSUE = {"provider": "aws", "issue": "7"}
NOW = datetime.now(UTC)
MISSING = ApiError(Reason.NOT_FOUND, "there is none")


def call(
    operation_id: str,
    ids: Mapping[str, str],
    body: WireModel | None = None,
    *,
    unsettled: bool = False,
    **query: str,
) -> Call:
    return Call(
        id="c-1",
        workflow="w-1",
        peer="gcp",
        operation=OPERATIONS[operation_id],
        ids=dict(ids),
        query=query,
        body=body.to_wire(reveal=True) if body is not None else None,
        request_id=REQUEST_ID,
        account=None,
        forever=False,
        attempt=int(unsettled),
        unsettled=unsettled,
        due=0.0,
        first=0.0,
    )


CREATE = call("CreateConnection", ids_of(HOME), connection(), connectionId=CONNECTION.id)


def proving(proof: Secret | None) -> Callable[[], Secret] | None:
    return None if proof is None else lambda: proof


async def tried(both: World, what: Call, proof: Secret | None = None) -> Outcome:
    return await attempt(both.caller, what, proving(proof), since=time.time())


def asked(both: World) -> list[str]:
    return [each.operation.id for each in both.service.asked]


# -- what came of it


def test_it_was_done() -> None:
    async def go() -> None:
        async with world(RecordingService({"CreateConnection": connection(2000)})) as both:
            outcome = await tried(both, CREATE)
            assert isinstance(outcome, Answered)
            assert isinstance(outcome.body, Connection)
            assert outcome.body.bandwidth_mbps == 2000
            assert outcome.headers["content-type"] == "application/json"
            seen = both.service.last
            assert (seen.request_id, seen.query, seen.body) == (REQUEST_ID, CREATE.query, connection())

    run(go)


def test_the_customers_proof_goes_with_it() -> None:
    seen: list[str] = []

    class Checker:
        async def check(
            self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
        ) -> Proof | ProofRefusal | None:
            seen.append(f"{caller} {operation.id} {ids['connection']} {proof}")
            return Proof("1", "p", 2.0)

    async def go() -> None:
        async with world(proofs=Checker()) as both:
            assert isinstance(await tried(both, CREATE, Secret.from_text(PROOF)), Answered)
            assert both.service.last.proof == Proof("1", "p", 2.0)
            assert isinstance(await tried(both, CREATE), Answered)
            assert both.service.last.proof is None
            assert seen == [f"aws CreateConnection {CONNECTION.id} {PROOF}"]

    run(go)


@pytest.mark.parametrize(
    "error",
    [
        ApiError(Reason.RESERVED, "taken"),
        ApiError(Reason.RATE_LIMITED, "slowly", retry_after=7),
        ApiError(Reason.UNAVAILABLE, "later", retry_after=1),
    ],
)
def test_it_was_refused(error: ApiError) -> None:
    async def go() -> None:
        async with world(RecordingService({"CreateConnection": error})) as both:
            outcome = await tried(both, CREATE)
            assert isinstance(outcome, Refused)
            told = outcome.error
            assert (told.reason, told.status, told.retry_after) == (error.reason, error.status, error.retry_after)

    run(go)


def test_it_was_not_sent() -> None:
    async def go() -> None:
        caller = peer_caller(endpoint(free_port()), client_context(), TestSigner())
        outcome = await attempt(caller, CREATE, since=0.0)
        assert isinstance(outcome, NotSent)
        assert "not reached" in outcome.why
        await caller.close()

    run(go)


def test_a_call_that_cannot_be_written_is_not_sent() -> None:
    async def go() -> None:
        async with world() as both:
            assert isinstance(await tried(both, replace(CREATE, ids={**CREATE.ids, "interconnect": ".."})), NotSent)
            split = Secret.from_text("a\r\nX-Injected: yes")
            assert isinstance(await tried(both, CREATE, split), NotSent)
            assert both.service.asked == []

    run(go)


def test_a_call_that_cannot_be_proven_is_not_sent() -> None:
    def prove() -> Secret:
        raise InputError("the account has no session here")

    async def go() -> None:
        async with world(RecordingService({"GetConnection": MISSING})) as both:
            for unsettled in (False, True):
                outcome = await attempt(both.caller, replace(CREATE, unsettled=unsettled), prove, since=0.0)
                assert outcome == NotSent("the account has no session here")
            assert asked(both) == ["GetConnection"]

    run(go)


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Temporary", "308 Permanent"])
def test_nobody_is_sent_elsewhere(status: str) -> None:
    async def go() -> None:
        async with world() as both:

            async def redirecting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                await reader.readuntil(b"\r\n\r\n")
                location = f"https://{both.endpoint().authority}/{CONNECTION}"
                writer.write(f"HTTP/1.1 {status}\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                writer.close()

            server = await asyncio.start_server(redirecting, "127.0.0.1", 0, ssl=server_context())
            caller = peer_caller(endpoint(server.sockets[0].getsockname()[1]), client_context(), TestSigner())
            outcome = await attempt(caller, CREATE, since=0.0)
            assert isinstance(outcome, Unknown)
            assert status.split()[0] in outcome.why
            assert both.service.asked == []
            await caller.close()
            server.close()

    run(go)


# -- settled


def test_an_answer_that_was_lost_is_settled_by_looking() -> None:
    async def go() -> None:
        faults = FaultPoint()
        lost = faults.add(FaultRule(kind=FaultKind.ANSWER_LOST, operations="CreateConnection", count=1))
        async with world(RecordingService({"GetConnection": connection()}), client_faults=faults) as both:
            assert isinstance(await tried(both, CREATE), Unknown)
            assert asked(both) == ["CreateConnection"]
            outcome = await tried(both, replace(CREATE, unsettled=True))
            assert isinstance(outcome, Answered)
            assert outcome.body == connection()
            assert asked(both) == ["CreateConnection", "GetConnection"]
            assert lost.statuses == [200]

    run(go)


def test_a_request_that_was_lost_is_sent_again_under_the_same_id_and_a_new_signature() -> None:
    async def go() -> None:
        faults = FaultPoint()
        faults.add(FaultRule(kind=FaultKind.REQUEST_LOST, operations="CreateConnection", count=1))
        async with world(RecordingService({"GetConnection": MISSING}), client_faults=faults) as both:
            assert isinstance(await tried(both, CREATE), Unknown)
            assert isinstance(await tried(both, replace(CREATE, unsettled=True)), Answered)
            assert asked(both) == ["GetConnection", "CreateConnection"]
            assert both.service.last.request_id == REQUEST_ID
            assert both.service.asked[0].request_id is None
            assert both.signer.made == 2

    run(go)


def test_what_is_there_and_says_something_else_was_not_made_by_this_call() -> None:
    async def go() -> None:
        other = {"GetConnection": connection(9999), "CreateConnection": ApiError(Reason.ALREADY_EXISTS, "taken")}
        async with world(RecordingService(other)) as both:
            assert isinstance(await tried(both, replace(CREATE, unsettled=True)), Refused)
            assert asked(both) == ["GetConnection", "CreateConnection"]

    run(go)


@pytest.mark.parametrize(
    "error",
    [ApiError(Reason.WRONG_PROVIDER, "no"), ApiError(Reason.INTERNAL, "oops"), ApiError(Reason.RATE_LIMITED, "")],
)
def test_nothing_is_sent_while_the_peer_does_not_tell(error: ApiError) -> None:
    async def go() -> None:
        async with world(RecordingService({"GetConnection": error})) as both:
            assert isinstance(await tried(both, replace(CREATE, unsettled=True)), Unknown)
            assert asked(both) == ["GetConnection"]

    run(go)


def test_nothing_is_sent_while_the_peer_is_not_reached() -> None:
    async def go() -> None:
        caller = peer_caller(endpoint(free_port()), client_context(), TestSigner())
        outcome = await attempt(caller, replace(CREATE, unsettled=True), since=0.0)
        assert isinstance(outcome, Unknown)
        await caller.close()

    run(go)


KEY_IDS = {**ids_of(CHANNEL), "macSecKey": "k-1"}
FEATURE_IDS = {**ids_of(CONNECTION), "feature": "f-1"}
NEW_ISSUE = Issue(title="T", body="B")
COMMENT = AddCommentRequest(comment=Comment(body="Seen"))


def comments(*bodies: tuple[str, datetime]) -> ListCommentsResponse:
    return ListCommentsResponse(comments=[Comment(body=text, create_time=when) for text, when in bodies])


SETTLED: dict[str, tuple[Call, str, Any, Any]] = {
    # name: the call, what is asked instead, the answer that says done, the answer that says not
    "CreateConnection": (CREATE, "GetConnection", connection(), MISSING),
    "CreateFeature": (
        call("CreateFeature", ids_of(CONNECTION), feature(), featureId="f-1"),
        "GetFeature",
        feature(),
        MISSING,
    ),
    "CreateMacSecKey": (
        call("CreateMacSecKey", ids_of(CHANNEL), mac_sec_key(), macSecKeyId="k-1"),
        "GetMacSecKey",
        mac_sec_key().model_copy(update={"cak": None}),
        MISSING,
    ),
    "CreateIssue": (call("CreateIssue", {"provider": "aws"}, NEW_ISSUE, issueId="7"), "GetIssue", NEW_ISSUE, MISSING),
    "UpdateConnection": (
        call("UpdateConnection", ids_of(CONNECTION), connection(2000), updateMask="bandwidthMbps"),
        "GetConnection",
        connection(2000),
        connection(1000),
    ),
    "UpdateFeature": (
        call("UpdateFeature", FEATURE_IDS, feature()),
        "GetFeature",
        feature(),
        feature().model_copy(update={"channel": "another"}),
    ),
    "DeleteConnection": (call("DeleteConnection", ids_of(CONNECTION)), "GetConnection", MISSING, connection()),
    "DeleteFeature": (call("DeleteFeature", FEATURE_IDS), "GetFeature", MISSING, feature()),
    "DeleteMacSecKey": (call("DeleteMacSecKey", KEY_IDS), "GetMacSecKey", MISSING, mac_sec_key()),
    "CloseIssue": (
        call("CloseIssue", ISSUE),
        "GetIssue",
        NEW_ISSUE.model_copy(update={"state": IssueState.CLOSED}),
        NEW_ISSUE.model_copy(update={"state": IssueState.OPEN}),
    ),
    "AddComment": (
        call("AddComment", ISSUE, COMMENT),
        "ListComments",
        comments(("Other", NOW), ("Seen", NOW + timedelta(hours=1))),
        comments(("Other", NOW), ("Seen", NOW - timedelta(hours=1))),
    ),
}


@pytest.mark.parametrize("name", SETTLED)
@pytest.mark.parametrize("done", [True, False])
def test_settled_by_looking_at_what_it_was_to_change(name: str, done: bool) -> None:
    what, look, says_done, says_not = SETTLED[name]

    async def go() -> None:
        async with world(RecordingService({look: says_done if done else says_not})) as both:
            assert isinstance(await tried(both, replace(what, unsettled=True)), Answered)
            assert asked(both) == ([look] if done else [look, name])

    run(go)


@pytest.mark.parametrize("name", ["NotifyMaintenance", "NotifyConnectionStatus", "RequestMacSecKeyRotation"])
def test_what_leaves_nothing_to_look_at_is_sent_again(name: str) -> None:
    async def go() -> None:
        ids = ids_of(CONNECTION) if name == "NotifyConnectionStatus" else ids_of(CHANNEL)
        async with world() as both:
            assert isinstance(await tried(both, call(name, ids, unsettled=True)), Answered)
            assert asked(both) == [name]
            assert both.service.last.request_id == REQUEST_ID

    run(go)


def test_every_change_is_settled_or_known_to_leave_nothing() -> None:
    silent = {"NotifyMaintenance", "NotifyConnectionStatus", "RequestMacSecKeyRotation", "ConfirmActivationKey"}
    assert set(SETTLED) | silent == {each.id for each in OPERATIONS.values() if each.mutates}


def test_what_is_raised_and_told_holds_no_secret() -> None:
    async def go() -> None:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            body = head + await reader.readexactly(length)
            writer.write(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0, ssl=server_context())
        for what, secret in ((SETTLED["CreateFeature"][0], MD5), (SETTLED["CreateMacSecKey"][0], CAK), (CREATE, PROOF)):
            caller = peer_caller(endpoint(server.sockets[0].getsockname()[1]), client_context(), TestSigner())
            outcome = await attempt(caller, what, proving(Secret.from_text(PROOF)), since=0.0)
            assert isinstance(outcome, Refused)
            assert secret not in f"{outcome} {outcome.error} {outcome.error.field}"
            await caller.close()
        server.close()

    run(go)


def test_attempts_share_one_connection() -> None:
    async def go() -> None:
        async with world() as both:
            for _ in range(20):
                assert isinstance(await tried(both, CREATE), Answered)
            assert both.server.counts.taken == 1

    run(go)
