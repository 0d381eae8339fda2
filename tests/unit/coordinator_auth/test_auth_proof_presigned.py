"""Presigned calls: bound to an endpoint, a connection and a reader, and verified for real where they are replayed."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from auth_world import AWS, CONNECTION, GCP, NOW, OTHER_CONNECTION, refused
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from proof_world import ACCOUNT, OTHER_ACCOUNT, Customers, Network, no_proof

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.presigned import LONGEST_SECONDS, PresignedVerifier, parse_presigned, presign
from xcnet.coordinator.auth.proof import CustomerIdentity, Fetched, ProofError, ProofReason
from xcnet.coordinator.auth.proof_presigned import (
    SERVICE,
    IdentityEndpoint,
    PresignedChecker,
    PresignedDoor,
    PresignedMaker,
)
from xcnet.coordinator.auth.proof_profiles import customer_of
from xcnet.coordinator.auth.sigv4 import REGION, SigV4Verifier
from xcnet.coordinator.auth.verdict import AuthReason

ENDPOINT = IdentityEndpoint("https://identity.aws.test:8443/identity")


@pytest.fixture
def customers() -> Customers:
    return Customers("presigned_call", AWS, Network(NOW), GCP)


def call(proof: str, **changed: object) -> RequestFacts:
    """The proof, as it arrives at the identity service."""
    url = urlsplit(proof)
    facts = RequestFacts("GET", url.path, url.query, (("host", url.netloc),), b"", GCP)
    return replace(facts, **changed)  # type: ignore[arg-type]  # the tests name its fields


def door_of(customers: Customers) -> PresignedDoor:
    return PresignedDoor(ENDPOINT, customers.identity.customers)


def code(body: bytes) -> str:
    found: str = json.loads(body)["Error"]["Code"]
    return found


# -- the proof


def test_a_proof_is_a_call_that_names_connection_and_reader(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    assert proof.startswith("https://identity.aws.test:8443/identity?Action=GetCallerIdentity&")
    presignature = parse_presigned(urlsplit(proof).query)
    assert presignature.parameters["Connection"] == CONNECTION
    assert presignature.parameters["Audience"] == GCP
    assert presignature.claim.signed == ("host",)
    assert presignature.claim.token is not None


def test_exactly_the_proof_is_fetched_from_the_expected_endpoint(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    customers.check(proof, CONNECTION, NOW)
    assert customers.network.asked == [proof]


@pytest.mark.parametrize(
    "change",
    [
        ("https://", "http://"),
        ("https://", "file://"),
        ("https://", "https://identity.aws.test:8443@"),
        ("https://", "https://user@"),
        ("https://", "https:///"),
        ("https://", "https:\\\\"),
        ("https://", "HTTPS://"),
        ("https://", " https://"),
        ("identity.aws.test", "169.254.169.254"),
        ("identity.aws.test", "localhost"),
        ("identity.aws.test", "identity.aws.test.evil.test"),
        ("identity.aws.test", "Identity.aws.test"),
        ("identity.aws.test", "identity.aws.test."),
        (":8443", ""),
        (":8443", ":443"),
        (":8443", ":8443@evil.test"),
        ("/identity?", "/identity/?"),
        ("/identity?", "/Identity?"),
        ("/identity?", "/identity/../admin?"),
        ("/identity?", "/%69dentity?"),
        ("/identity?", "//identity?"),
        ("/identity?", "/identity;x?"),
        ("/identity?", "/identity#?"),
        ("/identity?", "?"),
    ],
)
def test_another_endpoint_is_never_called(customers: Customers, change: tuple[str, str]) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text().replace(*change, 1)
    with no_proof(ProofReason.WRONG_ENDPOINT, proof):
        customers.check(proof, CONNECTION, NOW)
    assert customers.network.asked == []


@pytest.mark.parametrize(
    "change",
    [
        ("Action=GetCallerIdentity", "Action=DeleteEverything"),
        ("Action=GetCallerIdentity", "Action=GetCallerIdentity&Extra=1"),
        ("Action=GetCallerIdentity", "Action=GetCallerIdentity&Action=GetCallerIdentity"),
        ("Action=GetCallerIdentity", "Action=GetCallerIdentity&%41ction=DeleteEverything"),
        ("Action=GetCallerIdentity&", ""),
        ("Version=2011-06-15", "Version=2012-01-01"),
        ("&Connection", "&connection"),
        ("&Audience=gcp", ""),
        ("Action=", "#Action="),
        ("Action=", "?Action="),
        ("Action=", "\r\nAction="),
        ("Action=", " Action="),
        ("Action=", "é&Action="),
        ("Nonce=", "Nonce=#"),
        ("Nonce=", "Nonce= "),
        ("Nonce=", "Nonce=\r\n"),
        ("Nonce=", "Nonce=é"),
        ("&Nonce=", "&Other="),
        ("SignedHeaders=host", "SignedHeaders=host%3Bx-custom"),
        ("SignedHeaders=host", "SignedHeaders=x-custom"),
        ("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"),
        ("X-Amz-Expires=300", "X-Amz-Expires=0"),
        ("X-Amz-Expires=300", "X-Amz-Expires=-300"),
        ("X-Amz-Expires=300", "X-Amz-Expires=3e2"),
        ("X-Amz-Date=2015", "X-Amz-Date=15"),
        ("X-Amz-Signature=", "X-Amz-Signature=0"),
        ("X-Amz-Signature=", "X-Amz-Sig="),
        ("aws4_request", "aws5_request"),
    ],
)
def test_a_call_of_another_kind_is_not_made(customers: Customers, change: tuple[str, str]) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    changed = proof.replace(*change, 1)
    assert changed != proof
    with no_proof(ProofReason.MALFORMED, changed):
        customers.check(changed, CONNECTION, NOW)
    assert customers.network.asked == []


def test_a_proof_that_would_be_good_for_long_is_refused(customers: Customers) -> None:
    maker = PresignedMaker(ENDPOINT, lifetime=LONGEST_SECONDS + 1)
    proof = maker.make(customer_of(customers.identity, ACCOUNT), CONNECTION, GCP, NOW)
    with no_proof(ProofReason.LIVES_TOO_LONG, proof):
        customers.check(proof, CONNECTION, NOW)
    answer = door_of(customers).answer(call(proof.reveal_text()), NOW)
    assert (answer.status, code(answer.body)) == (401, "LIVES_TOO_LONG")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("X-Amz-Expires=300", "X-Amz-Expires=301"), ProofReason.BAD_SIGNATURE),
        (("123600Z", "123601Z"), ProofReason.BAD_SIGNATURE),
        (("%2Flab%2F", "%2Felsewhere%2F"), ProofReason.REFUSED),
        (("%2Fsts%2F", "%2Fconnection-coordinator%2F"), ProofReason.REFUSED),
    ],
)
def test_a_changed_proof_is_found_out_where_it_is_replayed(
    customers: Customers, change: tuple[str, str], reason: ProofReason
) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    changed = proof.replace(*change, 1)
    assert changed != proof
    with no_proof(reason, changed):
        customers.check(changed, CONNECTION, NOW)
    assert customers.network.asked == [changed]


@pytest.mark.parametrize("parameter", [f"Connection={OTHER_CONNECTION}", "Audience=azure"])
def test_a_deputy_cannot_bend_a_proof_to_another_use(customers: Customers, parameter: str) -> None:
    """Whoever has read one cannot make one for another connection or another reader of it."""
    name = parameter.partition("=")[0]
    own = {"Connection": CONNECTION, "Audience": GCP}[name]
    bent = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text().replace(f"{name}={own}", parameter)
    reader = PresignedChecker(ENDPOINT, "azure" if name == "Audience" else GCP, customers.network.fetch)
    with no_proof(ProofReason.BAD_SIGNATURE, bent):
        asyncio.run(reader.check(bent, OTHER_CONNECTION if name == "Connection" else CONNECTION, NOW))


def test_a_stranger_proves_nothing(customers: Customers) -> None:
    proof = PresignedMaker(ENDPOINT).make(CustomerIdentity.random(ACCOUNT), CONNECTION, GCP, NOW)
    with no_proof(ProofReason.UNKNOWN_KEY, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_session_without_its_token_proves_nothing(customers: Customers) -> None:
    customer = customer_of(customers.identity, ACCOUNT)
    bare = customer.model_copy(update={"credentials": customer.credentials.model_copy(update={"session_token": None})})
    proof = PresignedMaker(ENDPOINT).make(bare, CONNECTION, GCP, NOW)
    with no_proof(ProofReason.UNKNOWN_KEY, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_claimed_account_is_worth_nothing(customers: Customers) -> None:
    """It is the key that tells."""
    other = customer_of(customers.identity, OTHER_ACCOUNT)
    liar = CustomerIdentity(account=ACCOUNT, credentials=other.credentials)
    proof = PresignedMaker(ENDPOINT).make(liar, CONNECTION, GCP, NOW)
    assert customers.check(proof, CONNECTION, NOW).account == OTHER_ACCOUNT


def test_one_proof_spelt_in_another_order_has_the_same_id(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    base, _, query = proof.partition("?")
    shuffled = f"{base}?{'&'.join(reversed(query.split('&')))}"
    assert customers.check(shuffled, CONNECTION, NOW) == customers.check(proof, CONNECTION, NOW)


@settings(deadline=None)
@given(where=st.integers(0, 2000), to=st.sampled_from("ABCabcxyz0189-_.~%=&"))
def test_any_single_changed_letter_is_refused(where: int, to: str) -> None:
    customers = Customers("presigned_call", AWS, Network(NOW), GCP)
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    where %= len(proof)
    assume(proof[where] != to)
    with pytest.raises(ProofError):
        customers.check(proof[:where] + to + proof[where + 1 :], CONNECTION, NOW)


# -- the answer


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"GetCallerIdentityResponse": {}}',
        b'{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": ""}}}',
        b'{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": 5}}}',
        b'{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": null}}}',
        b"[" * 5000,
    ],
)
def test_an_answer_without_an_account_proves_nothing(customers: Customers, body: bytes) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.network.answer = Fetched(200, body)
    with no_proof(ProofReason.REFUSED, proof):
        customers.check(proof, CONNECTION, NOW)


@pytest.mark.parametrize("status", [204, 301, 302, 401, 403, 404])
def test_any_other_status_is_a_refusal(customers: Customers, status: int) -> None:
    """A redirection above all: it would lead away from the expected endpoint."""
    good = b'{"GetCallerIdentityResponse": {"GetCallerIdentityResult": {"Account": "111122223333"}}}'
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.network.answer = Fetched(status, good)
    with no_proof(ProofReason.REFUSED, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_refusals_words_are_not_repeated(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    body = json.dumps({"Error": {"Code": "EXPIRED", "Message": "said by another"}}).encode()
    customers.network.answer = Fetched(403, body)
    with no_proof(ProofReason.EXPIRED, proof, "said by another"):
        customers.check(proof, CONNECTION, NOW)
    customers.network.answer = Fetched(403, b'{"Error": {"Code": "said by another"}}')
    with no_proof(ProofReason.REFUSED, proof, "said by another"):
        customers.check(proof, CONNECTION, NOW)


# -- the identity service


def test_the_service_answers_whose_key_it_is_as_often_as_it_is_asked(customers: Customers) -> None:
    proof, door = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text(), door_of(customers)
    for later in (0.0, 0.0, 300.0):
        answer = door.answer(call(proof), NOW + later)
        assert answer.status == 200
        result = json.loads(answer.body)["GetCallerIdentityResponse"]["GetCallerIdentityResult"]
        assert result["Account"] == ACCOUNT


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"method": "POST"}, "WRONG_REQUEST"),
        ({"method": "HEAD"}, "WRONG_REQUEST"),
        ({"path": "/other"}, "WRONG_REQUEST"),
        ({"path": "//identity"}, "WRONG_REQUEST"),
        ({"headers": (("host", "identity.evil.test"),)}, "WRONG_REQUEST"),
        ({"headers": ()}, "WRONG_REQUEST"),
        ({"headers": (("host", "identity.aws.test:8443"), ("host", "identity.aws.test:8443"))}, "WRONG_REQUEST"),
        ({"headers": (("host", "identity.aws.test:8443"), ("authorization", "Bearer x"))}, "MALFORMED"),
        ({"headers": (("host", "identity.aws.test:8443"), ("x-amz-date", "x"))}, "UNSIGNED_HEADER"),
        ({"body": b"x"}, "BAD_SIGNATURE"),
        ({"query": ""}, "MISSING_CREDENTIALS"),
        ({"query": "X-Amz-Signature=0"}, "MALFORMED"),
    ],
)
def test_the_service_verifies_for_real(customers: Customers, changed: dict[str, object], expected: str) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    answer = door_of(customers).answer(call(proof, **changed), NOW)
    assert answer.status in (401, 403)
    assert code(answer.body) == expected


def test_the_service_refuses_what_is_early_or_late(customers: Customers) -> None:
    proof, door = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text(), door_of(customers)
    assert code(door.answer(call(proof), NOW + 301).body) == "EXPIRED"
    assert code(door.answer(call(proof), NOW - 61).body) == "NOT_YET_VALID"


def test_the_service_knows_one_action(customers: Customers) -> None:
    credentials = customer_of(customers.identity, ACCOUNT).credentials
    query = presign(
        credentials,
        authority=ENDPOINT.authority,
        path=ENDPOINT.path,
        parameters={"Action": "AssumeRole", "Version": "2011-06-15"},
        region=REGION,
        service=SERVICE,
        now=NOW,
        seconds=60,
    )
    assert code(door_of(customers).answer(call(f"{ENDPOINT.url}?{query}"), NOW).body) == "WRONG_REQUEST"


def test_a_refusal_does_not_repeat_the_call(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    body = door_of(customers).answer(call(proof), NOW + 1000).body.decode()
    assert proof.rpartition("=")[2] not in body
    assert "Amz" not in body


def test_a_presigned_call_is_no_signed_request(customers: Customers) -> None:
    """Whoever is shown a proof cannot call the API with it."""
    customer = customer_of(customers.identity, ACCOUNT)
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    api = SigV4Verifier({GCP: [customer.credentials]}, service=SERVICE)
    with refused(AuthReason.MISSING_CREDENTIALS):
        api.verify(call(proof), NOW)


def test_another_services_signature_is_refused(customers: Customers) -> None:
    query = urlsplit(customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()).query
    keys = {ACCOUNT: [customer_of(customers.identity, ACCOUNT).credentials]}
    facts = call(f"{ENDPOINT.url}?{query}")
    with refused(AuthReason.WRONG_SCOPE):
        PresignedVerifier(keys, region=REGION, service="connection-coordinator").verify(facts, NOW)
    assert PresignedVerifier(keys, region=REGION, service=SERVICE).verify(facts, NOW).owner == ACCOUNT
