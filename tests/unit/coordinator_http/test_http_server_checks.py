"""What a server makes of each request: who may ask what, in which order it is checked, and what is answered."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from http_world import (
    CAK,
    CONNECTION,
    HOME,
    KEY,
    MD5,
    PATH,
    SECRETS,
    Heard,
    RecordingService,
    World,
    hear,
    identity,
    run,
    world,
)

from xcnet.clock import FakeClock
from xcnet.coordinator.http.arrival import OpenAnswer
from xcnet.coordinator.http.facts import HttpFacts
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.service import ApiResponse, Proof, ProofRefusal
from xcnet.spec.errors import ApiError, ErrorBody, Reason
from xcnet.spec.operations import Operation
from xcnet.spec.resources import Empty

LIMITS = HttpLimits(body_bytes=2000, url_bytes=1000, header_bytes=3000, header_fields=30)
CONNECTIONS = f"/{HOME}/connections"
CREATE = f"{CONNECTIONS}?connectionId={CONNECTION.id}"
FEATURE = f"{PATH}/features/f-1"
JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ask:
    """One request. :param signed: by this provider; None: not at all."""

    method: str = "GET"
    target: str = PATH
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    signed: str | None = "aws"


async def ask(both: World, what: Ask) -> Heard:
    reader, writer = await both.raw()
    request = both.signed(what.method, what.target, what.body, headers=what.headers, provider=what.signed or "aws")
    if what.signed is None:
        lines = [line for line in request.split(b"\r\n") if not line.startswith(b"Authorization")]
        request = b"\r\n".join(lines)
    writer.write(request)
    try:
        heard = await hear(reader)
    finally:
        writer.close()
    assert heard.headers["content-type"] == "application/json"
    assert "date" in heard.headers
    return heard


def error_of(heard: Heard) -> ErrorBody:
    error = ErrorBody.model_validate_json(heard.body)
    assert error.code == heard.status
    assert error.title == error.details[0].reason
    assert error.body == error.message
    return error


REFUSED = {
    # -- sizes come before all else: nothing of this is signed
    "a long URL": (Ask(target=PATH + "?x=" + "a" * 1000, signed=None), 414, "TOO_LARGE", "URL"),
    "a large header": (Ask(headers={"X": "a" * 3000}, signed=None), 431, "TOO_LARGE", "header"),
    "many header fields": (Ask(headers={f"X-{n}": "" for n in range(30)}, signed=None), 431, "TOO_LARGE", "header"),
    "a large body": (Ask("POST", CREATE, b"x" * 2001, signed=None), 413, "TOO_LARGE", "body"),
    "a long body announced": (Ask("POST", CREATE, headers={"Content-Length": "2001"}, signed=None), 413, "TOO_LARGE", "body"),
    # -- to whom it is
    "two hosts": (Ask(headers={"host": "elsewhere"}), 400, "MALFORMED", "Host"),
    # -- who it is
    "no signature": (Ask(signed=None), 401, "UNAUTHENTICATED", None),
    "no signature, and no such path": (Ask(target="/nothing", signed=None), 401, "UNAUTHENTICATED", None),
    "signed by another than the certificate's": (Ask(signed="azure"), 401, "UNAUTHENTICATED", None),
    # -- whose tree it is
    "another's tree": (Ask(target=PATH.replace("/aws/", "/azure/")), 403, "WRONG_PROVIDER", "provider"),
    "the server's tree": (Ask(target="/providers/gcp/environments"), 403, "WRONG_PROVIDER", "provider"),
    "another provider": (Ask(target="/providers/azure"), 403, "WRONG_PROVIDER", "provider"),
    "another's tree in disguise": (Ask(target="/providers/%61zure/environments"), 403, "WRONG_PROVIDER", "provider"),
    "no path in another's tree": (Ask(target="/providers/azure/nothing"), 403, "WRONG_PROVIDER", "provider"),
    # -- where it leads
    "no such path": (Ask(target="/nothing"), 404, "NOT_FOUND", None),
    "a slash at the end": (Ask(target=PATH + "/"), 404, "NOT_FOUND", None),
    "an empty id": (Ask(target="/providers/aws/environments//interconnects"), 404, "NOT_FOUND", None),
    "a slash in an id": (Ask(target="/providers/aws/environments/a%2Finterconnects"), 404, "NOT_FOUND", None),
    "an id that is none": (Ask(target="/providers/aws/environments/-x"), 404, "NOT_FOUND", "environment"),
    "a way up": (Ask(target="/providers/aws/environments/.."), 404, "NOT_FOUND", "environment"),
    "a control character in an id": (Ask(target="/providers/aws/environments/a%0a"), 404, "NOT_FOUND", "environment"),
    "OPTIONS": (Ask("OPTIONS"), 405, "METHOD_NOT_ALLOWED", None),
    "TRACE": (Ask("TRACE"), 405, "METHOD_NOT_ALLOWED", None),
    "PUT": (Ask("PUT", CREATE, b"{}"), 405, "METHOD_NOT_ALLOWED", None),
    "a method that there is not": (Ask("PROPFIND"), 405, "METHOD_NOT_ALLOWED", None),
    "DELETE of the server": (Ask("DELETE", "/providers/gcp"), 405, "METHOD_NOT_ALLOWED", None),
    # -- parameters
    "pageSize in words": (Ask(target=CONNECTIONS + "?pageSize=many"), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize empty": (Ask(target=CONNECTIONS + "?pageSize="), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize with a fraction": (Ask(target=CONNECTIONS + "?pageSize=1.5"), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize in other digits": (Ask(target=CONNECTIONS + "?pageSize=%D9%A1"), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize below zero": (Ask(target=CONNECTIONS + "?pageSize=-1"), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize beyond 32 bits": (Ask(target=CONNECTIONS + "?pageSize=2147483648"), 400, "INVALID_ARGUMENT", "pageSize"),
    "pageSize twice": (Ask(target=CONNECTIONS + "?pageSize=1&pageSize=1"), 400, "INVALID_ARGUMENT", "pageSize"),
    "requestId no UUID": (Ask(target=PATH + "?requestId=1"), 400, "INVALID_ARGUMENT", "requestId"),
    "requestId in braces": (
        Ask(target=PATH + "?requestId=%7B5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10%7D"), 400, "INVALID_ARGUMENT", "requestId"
    ),
    "no id for the new one": (Ask("POST", CONNECTIONS, b"{}"), 400, "INVALID_ARGUMENT", "connectionId"),
    "no good id for the new one": (
        Ask("POST", CONNECTIONS + "?connectionId=a/b", b"{}"), 400, "INVALID_ARGUMENT", "connectionId"
    ),
    "updateMask": (Ask("PATCH", PATH + "?updateMask=,", b"{}"), 400, "INVALID_ARGUMENT", "updateMask"),
    "a query that is no text": (Ask(target=PATH + "?a=%ff"), 400, "MALFORMED", None),
    "a hundred parameters": (Ask(target=PATH + "?" + "&".join(f"p{n}=" for n in range(100))), 400, "MALFORMED", None),
    # -- the body
    "no body": (Ask("POST", CREATE), 400, "INVALID_ARGUMENT", "body"),
    "no body of a change": (Ask("PATCH", PATH), 400, "INVALID_ARGUMENT", "body"),
    "a form": (
        Ask("POST", CREATE, b"a=b", {"Content-Type": "application/x-www-form-urlencoded"}), 400, "MALFORMED", "Content-Type"
    ),
    "not JSON": (Ask("POST", CREATE, b"{"), 400, "MALFORMED", "body"),
    "not UTF-8": (Ask("POST", CREATE, b'{"name": "\xff"}'), 400, "MALFORMED", "body"),
    "a list": (Ask("POST", CREATE, b"[]"), 400, "MALFORMED", "body"),
    "a thousand lists in each other": (Ask("POST", CREATE, b"[" * 1990, JSON), 400, "MALFORMED", "body"),
    "text for a number": (Ask("POST", CREATE, b'{"bandwidthMbps": "1"}'), 400, "INVALID_ARGUMENT", "bandwidthMbps"),
    "null": (Ask("POST", CREATE, b'{"bandwidthMbps": null}'), 400, "INVALID_ARGUMENT", "bandwidthMbps"),
    "an object for a secret": (Ask("POST", CREATE, b'{"activationKey": {}}'), 400, "INVALID_ARGUMENT", "activationKey"),
    "a field missing": (Ask("POST", "/providers/aws/issues/1/AddComment", b"{}"), 400, "INVALID_ARGUMENT", "comment"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    what, status, reason, where = REFUSED[name]

    async def go() -> None:
        async with world(limits=LIMITS) as both:
            heard = await ask(both, what)
            error = error_of(heard)
            assert (heard.status, error.details[0].reason, error.details[0].field) == (status, reason, where)
            assert both.service.asked == []

    run(go)


TOLERATED: dict[str, tuple[Ask, dict[str, Any]]] = {
    "an unknown parameter": (Ask(target=PATH + "?prettyPrint=false&prettyPrint=true"), {}),
    "an unknown field, and a read-only one": (
        Ask("POST", CREATE, b'{"bandwidthMbps": 5, "colour": "red", "verificationState": 7}'),
        {"bandwidth_mbps": 5},
    ),
    "no content type": (Ask("POST", CREATE, b'{"bandwidthMbps": 5}'), {"bandwidth_mbps": 5}),
    "a content type with a charset": (
        Ask("POST", CREATE, b'{"bandwidthMbps": 5}', {"Content-Type": "application/json; charset=utf-8"}),
        {"bandwidth_mbps": 5},
    ),
    "no body of a notification": (Ask("POST", PATH + "/NotifyConnectionStatus"), {}),
    "a body where none is taken": (Ask("DELETE", PATH, b"anything", {"Content-Type": "text/plain"}), {}),
    "requestId in capitals": (Ask(target=PATH + "?requestId=5F0C2F8E-3AD0-4A0E-9B1A-0B6F3F6A9A10"), {}),
    "the server itself": (Ask(target="/providers/gcp"), {}),
    "an id in disguise": (Ask(target=PATH.replace("ic-1", "%69c-1")), {}),
}


@pytest.mark.parametrize("name", TOLERATED)
def test_tolerated(name: str) -> None:
    what, expected = TOLERATED[name]

    async def go() -> None:
        async with world(limits=LIMITS) as both:
            heard = await ask(both, what)
            assert heard.status == 200, heard.body
            for attribute, value in expected.items():
                assert getattr(both.service.last.body, attribute) == value

    run(go)


def test_an_answer_without_a_body_says_no_less() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            writer.write(both.signed("HEAD"))
            head = await reader.readuntil(b"\r\n\r\n")
            assert b" 405 " in head.split(b"\r\n")[0] + b" "
            assert b"allow: DELETE, GET, PATCH" in head
            writer.write(both.signed())
            assert (await hear(reader)).status == 200
            writer.close()

    run(go)


def test_a_wrong_method_is_told_the_right_ones() -> None:
    async def go() -> None:
        async with world() as both:
            assert (await ask(both, Ask("PUT"))).headers["allow"] == "DELETE, GET, PATCH"
            assert (await ask(both, Ask("DELETE", CONNECTIONS))).headers["allow"] == "GET, POST"

    run(go)


def test_a_certificate_of_nobody_opens_nothing() -> None:
    async def go() -> None:
        async with world(own=identity("azure")) as both:
            with pytest.raises(ApiError) as refused:
                await both.client.get_connection(CONNECTION)
            assert refused.value.reason is Reason.UNAUTHENTICATED
            assert both.service.asked == []

    run(go)


def test_a_replayed_request_is_refused() -> None:
    async def go() -> None:
        async with world() as both:
            reader, writer = await both.raw()
            request = both.signed()
            writer.write(request)
            assert (await hear(reader)).status == 200
            writer.write(request)
            assert (await hear(reader)).status == 401
            assert len(both.service.asked) == 1
            writer.close()

    run(go)


def test_refusals_of_who_asks_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with world() as both:
            await ask(both, Ask(signed=None))

    with caplog.at_level(logging.WARNING):
        run(go)
    assert any("refused GET" in each.message and "aws" in each.message for each in caplog.records)


# -- what the service says


def test_what_the_service_refuses_is_answered_in_its_words() -> None:
    async def go() -> None:
        async with world() as both:
            both.service.answers["GetConnection"] = ApiError(
                Reason.UNAVAILABLE, "not now", field="connection", retry_after=7
            )
            heard = await ask(both, Ask())
            error = error_of(heard)
            assert (heard.status, heard.headers["retry-after"]) == (503, "7")
            assert (error.message, error.details[0].field) == ("not now", "connection")

    run(go)


def test_headers_of_the_service_are_sent() -> None:
    async def go() -> None:
        async with world() as both:
            both.service.answers["GetConnection"] = ApiResponse(Empty(), {"X-Replayed": "yes"})
            assert (await ask(both, Ask())).headers["x-replayed"] == "yes"

    run(go)


def test_a_defect_is_logged_and_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with world() as both:
            both.service.answers["GetConnection"] = RuntimeError(f"no such table: {MD5}")
            heard = await ask(both, Ask())
            error = error_of(heard)
            assert (heard.status, error.details[0].reason) == (500, "INTERNAL")
            assert b"table" not in heard.body
            assert MD5.encode() not in heard.body
            both.service.answers.clear()
            assert (await ask(both, Ask())).status == 200

    with caplog.at_level(logging.ERROR):
        run(go)
    assert any(each.exc_info is not None and "no such table" in (caplog.text) for each in caplog.records)


def test_errors_never_repeat_secrets() -> None:
    bodies = [
        {"activationKey": KEY, "bandwidthMbps": KEY},
        {"activationKey": [KEY]},
        {"activationKey": KEY, "deferProvisioning": KEY},
    ]

    async def go() -> None:
        async with world() as both:
            for body in bodies:
                heard = await ask(both, Ask("POST", CREATE, json.dumps(body).encode(), JSON))
                assert heard.status == 400
                assert not any(secret.encode() in heard.body for secret in SECRETS)
            feature = {"featureConfig": {"featureType": "FEATURE_TYPE_L3_BASE", "l3BaseConfig": {"md5BgpPassword": 5}}}
            heard = await ask(both, Ask("POST", f"{PATH}/features?featureId=1", json.dumps(feature).encode(), JSON))
            assert heard.status == 400
            key = {"cak": CAK, "ckn": [CAK]}
            target = f"/{HOME}/channels/ch1/macSecKeys?macSecKeyId=1"
            heard = await ask(both, Ask("POST", target, json.dumps(key).encode(), JSON))
            assert heard.status == 400
            assert CAK.encode() not in heard.body

    run(go)


# -- rates


def test_a_caller_that_asks_too_fast_is_told_when_to_come_again() -> None:
    clock = FakeClock()

    async def go() -> None:
        limits = HttpLimits(requests_per_second=0.5, request_burst=3)
        async with world(limits=limits, clock=clock) as both:
            for _ in range(3):
                assert (await ask(both, Ask())).status == 200
            heard = await ask(both, Ask())
            assert (heard.status, heard.headers["retry-after"]) == (429, "2")
            assert error_of(heard).details[0].reason == "RATE_LIMITED"
            # Who may not ask at all does not use up anything, and hears of that first.
            assert (await ask(both, Ask(signed=None))).status == 401
            assert (await ask(both, Ask(target="/providers/azure/issues"))).status == 403
            clock.advance(2.0)
            assert (await ask(both, Ask())).status == 200
            assert len(both.service.asked) == 4

    run(go)


# -- customers' proofs


@dataclass
class Checker:
    result: Proof | ProofRefusal | Exception | None
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    async def check(
        self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
    ) -> Proof | ProofRefusal | None:
        self.asked.append((caller, operation.id, proof))
        assert ids["provider"] == caller
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.mark.parametrize("result", [Proof("1", "p", 2.0), ProofRefusal("expired")])
def test_what_a_proof_is_worth_is_passed_on_and_not_judged(result: Proof | ProofRefusal) -> None:
    async def go() -> None:
        checker = Checker(result)
        async with world(proofs=checker) as both:
            assert (await ask(both, Ask("DELETE", headers={"X-Customer-Proof": "abc"}))).status == 200
            assert both.service.last.proof == result
            assert (await ask(both, Ask("DELETE"))).status == 200
            assert both.service.last.proof is None
            assert (await ask(both, Ask(headers={"X-Customer-Proof": "abc"}))).status == 200
            assert both.service.last.proof is None
            assert checker.asked == [("aws", "DeleteConnection", "abc")]

    run(go)


def test_two_proofs_are_none() -> None:
    async def go() -> None:
        checker = Checker(Proof("1", "p", 2.0))
        async with world(proofs=checker) as both:
            headers = {"X-Customer-Proof": "abc", "x-customer-proof": "def"}
            assert (await ask(both, Ask("DELETE", headers=headers))).status == 200
            assert isinstance(both.service.last.proof, ProofRefusal)
            assert checker.asked == []

    run(go)


def test_a_proof_that_takes_too_long_to_check_can_be_brought_again() -> None:
    class Slow:
        async def check(
            self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
        ) -> Proof | ProofRefusal | None:
            del caller, operation, ids, proof
            await asyncio.Event().wait()
            raise AssertionError

    async def go() -> None:
        async with world(proofs=Slow(), limits=HttpLimits(proof_seconds=0.05)) as both:
            heard = await ask(both, Ask("DELETE", headers={"X-Customer-Proof": "abc"}))
            assert (heard.status, heard.headers["retry-after"]) == (503, "1")
            assert both.service.asked == []

    run(go)


# -- beside the operations


def test_the_document_and_open_routes_need_a_certificate_and_no_signature() -> None:
    seen: list[tuple[str, str]] = []

    async def identity_of_customer(facts: HttpFacts, provider: str) -> OpenAnswer:
        seen.append((facts.target, provider))
        if "X-Amz-Signature=good" not in facts.query:
            raise ApiError(Reason.UNAUTHENTICATED, "not presigned")
        return OpenAnswer(b'{"Account":"123456789012"}')

    async def keys(_facts: HttpFacts, _provider: str) -> OpenAnswer:
        return OpenAnswer(b'{"keys":[]}', content_type="application/jwk-set+json")

    made: list[int] = []

    def document() -> Mapping[str, Any]:
        made.append(1)
        return {"openapi": "3.0.3"}

    async def go() -> None:
        routes = {"/identity": identity_of_customer, "/.well-known/jwks.json": keys}
        async with world(open_routes=routes, document=document) as both:
            assert made == []
            for _ in range(2):
                assert json.loads((await ask(both, Ask(target="/openapi.json", signed=None))).body) == {
                    "openapi": "3.0.3"
                }
            assert made == [1]
            heard = await ask(both, Ask(target="/identity?X-Amz-Signature=good", signed=None))
            assert json.loads(heard.body) == {"Account": "123456789012"}
            assert seen == [("/identity?X-Amz-Signature=good", "aws")]
            assert (await ask(both, Ask(target="/identity?X-Amz-Signature=bad", signed=None))).status == 401
            assert (await ask(both, Ask("POST", "/identity", signed=None))).headers["allow"] == "GET"
            reader, writer = await both.raw()
            writer.write(b"GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await hear(reader)).headers["content-type"] == "application/jwk-set+json"
            writer.close()

    run(go)


def test_without_a_document_there_is_none() -> None:
    async def go() -> None:
        async with world() as both:
            for path in ("/openapi.json", "/docs", "/redoc"):
                assert (await ask(both, Ask(target=path))).status == 404

    run(go)


def test_one_service_serves_many_requests_of_one_connection() -> None:
    async def go() -> None:
        service = RecordingService()
        async with world(service) as both:
            reader, writer = await both.raw()
            writer.write(b"".join(both.signed(target=f"{FEATURE}{n}") for n in range(10)))
            for _ in range(10):
                assert (await hear(reader)).status == 200
            assert [each.ids["feature"] for each in service.asked] == [f"f-1{n}" for n in range(10)]
            writer.close()

    run(go)
