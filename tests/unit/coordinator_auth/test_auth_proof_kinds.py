"""What every kind of a customer's proof must do, whichever the customer's provider has chosen."""

from __future__ import annotations

import pytest
from auth_world import AWS, CONNECTION, GCP, NOW, OTHER_CONNECTION, shows_none_of
from hypothesis import given, settings
from hypothesis import strategies as st
from proof_world import ACCOUNT, OTHER_ACCOUNT, URLS, Customers, Network, no_proof
from pydantic import TypeAdapter

from xcnet.coordinator.auth import proof as proof_module
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.proof import (
    LIFETIME_SECONDS,
    PROOF_HEADER,
    SKEW_SECONDS,
    CustomerIdentity,
    Fetched,
    ProofError,
    ProofReason,
)
from xcnet.coordinator.auth.proof_profiles import (
    KnownIdentity,
    ProofKind,
    ProviderIdentity,
    create_checker,
    create_door,
    create_identity,
    create_maker,
    customer_of,
)
from xcnet.errors import InputError, LabError

KINDS: dict[ProofKind, tuple[str, str]] = {"presigned_call": (AWS, GCP), "identity_token": (GCP, AWS)}


@pytest.fixture(params=KINDS)
def customers(request: pytest.FixtureRequest) -> Customers:
    provider, reader = KINDS[request.param]
    return Customers(request.param, provider, Network(NOW), reader)


def test_a_proof_tells_whose_session_made_it(customers: Customers) -> None:
    for account in (ACCOUNT, OTHER_ACCOUNT):
        proof = customers.make(account, CONNECTION, NOW)
        assert customers.check(proof, CONNECTION, NOW).account == account
        assert customers.check(proof, CONNECTION, NOW, account).account == account


def test_a_proof_fits_into_a_header_field(customers: Customers) -> None:
    text = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    assert PROOF_HEADER == "x-customer-proof"
    assert len(text) < 2000
    assert text.isascii()
    assert text.isprintable()
    assert " " not in text


def test_two_proofs_have_two_ids_and_one_proof_has_one(customers: Customers) -> None:
    first, second = customers.make(ACCOUNT, CONNECTION, NOW), customers.make(ACCOUNT, CONNECTION, NOW + 1)
    once, again = customers.check(first, CONNECTION, NOW), customers.check(first, CONNECTION, NOW + 2)
    assert once == again
    assert customers.check(second, CONNECTION, NOW + 2).proof_id != once.proof_id


def test_the_same_customers_next_proof_within_the_second_is_another(customers: Customers) -> None:
    first, second = customers.make(ACCOUNT, CONNECTION, NOW), customers.make(ACCOUNT, CONNECTION, NOW)
    ids = {customers.check(each, CONNECTION, NOW).proof_id for each in (first, second)}
    assert len(ids) == 2


def test_an_id_outlives_its_proof(customers: Customers) -> None:
    verdict = customers.check(customers.make(ACCOUNT, CONNECTION, NOW), CONNECTION, NOW)
    assert verdict.expires > NOW + LIFETIME_SECONDS + SKEW_SECONDS


def test_an_id_tells_nothing_of_the_proof(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    verdict = customers.check(proof, CONNECTION, NOW)
    assert verdict.proof_id not in proof
    assert len(verdict.proof_id) == 64


def test_a_proof_is_good_until_it_ends(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    for later in (-SKEW_SECONDS, 0.0, LIFETIME_SECONDS):
        customers.network.now = NOW + later
        assert customers.check(proof, CONNECTION, NOW + later).account == ACCOUNT


# -- refused


def test_another_customers_proof_is_refused(customers: Customers) -> None:
    proof = customers.make(OTHER_ACCOUNT, CONNECTION, NOW)
    with no_proof(ProofReason.WRONG_ACCOUNT, proof, ACCOUNT, OTHER_ACCOUNT):
        customers.check(proof, CONNECTION, NOW, ACCOUNT)


def test_a_proof_for_another_connection_is_refused_before_anybody_is_asked(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, OTHER_CONNECTION, NOW)
    with no_proof(ProofReason.WRONG_CONNECTION, proof):
        customers.check(proof, CONNECTION, NOW)
    assert customers.network.asked == []


def test_a_proof_for_another_reader_is_refused_before_anybody_is_asked(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW, audience="azure")
    with no_proof(ProofReason.WRONG_AUDIENCE, proof):
        customers.check(proof, CONNECTION, NOW)
    assert customers.network.asked == []


def test_an_expired_proof_is_refused_before_anybody_is_asked(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    with no_proof(ProofReason.EXPIRED, proof):
        customers.check(proof, CONNECTION, NOW + LIFETIME_SECONDS + 1)
    assert customers.network.asked == []


def test_a_proof_from_the_future_is_refused(customers: Customers) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW + SKEW_SECONDS + 1)
    with no_proof(ProofReason.NOT_YET_VALID, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_proof_of_the_other_kind_is_none(customers: Customers) -> None:
    other: ProofKind = "identity_token" if customers.identity.kind == "presigned_call" else "presigned_call"
    provider, _ = KINDS[other]
    proof = Customers(other, provider, customers.network, customers.reader).make(ACCOUNT, CONNECTION, NOW)
    with pytest.raises(ProofError) as caught:
        customers.check(proof, CONNECTION, NOW)
    assert caught.value.reason in (ProofReason.MALFORMED, ProofReason.WRONG_ENDPOINT)


@pytest.mark.parametrize(
    "answer",
    [
        OSError("a secret detail"),
        TimeoutError("a secret detail"),
        LabError("a secret detail"),
        Fetched(500, b"{}"),
        Fetched(503, b""),
        Fetched(200, b" " * 100_000),
    ],
)
def test_a_provider_that_does_not_answer_is_told_from_a_bad_proof(
    customers: Customers, answer: Fetched | Exception
) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.network.answer = answer
    with no_proof(ProofReason.UNREACHABLE, proof, "a secret detail"):
        customers.check(proof, CONNECTION, NOW)
    customers.network.answer = None
    assert customers.check(proof, CONNECTION, NOW).account == ACCOUNT


@settings(deadline=None)
@given(text=st.text(max_size=80), kind=st.sampled_from(sorted(KINDS)))
def test_nothing_that_arrives_is_an_accident(text: str, kind: ProofKind) -> None:
    provider, reader = KINDS[kind]
    customers = Customers(kind, provider, Network(NOW), reader)
    for proof in (text, customers.identity.known.url + "?" + text, "eyJ.eyJ." + text):
        with pytest.raises(ProofError):
            customers.check(proof, CONNECTION, NOW)
    assert customers.network.asked == []


@pytest.mark.parametrize("proof", ["", "x", "\ud800", "é", "x" * 5000])
def test_what_is_no_proof_is_refused(customers: Customers, proof: str) -> None:
    with pytest.raises(ProofError) as caught:
        customers.check(proof, CONNECTION, NOW)
    assert caught.value.reason in (ProofReason.MALFORMED, ProofReason.WRONG_ENDPOINT)


# -- the provider's door


def test_a_door_says_no_to_what_is_not_its_own(customers: Customers) -> None:
    door = create_door(customers.identity)
    for facts in (RequestFacts("GET", "/"), RequestFacts("POST", door.path), RequestFacts("GET", door.path + "/x")):
        assert door.answer(facts, NOW).status in (401, 403, 404)


# -- what is held


def test_what_is_held_travels_and_is_not_shown(customers: Customers) -> None:
    identity = customers.identity
    session = customer_of(identity, ACCOUNT).credentials
    assert session.session_token is not None
    secrets = [session.secret, session.session_token, *getattr(identity, "keys", ())]
    shows_none_of(identity, *(each.reveal_text() for each in secrets), *(each.reveal().hex() for each in secrets))
    assert not any(each.reveal().hex() in identity.model_dump_json() for each in secrets)
    written = identity.model_dump_json(context={"reveal": True})
    assert TypeAdapter(ProviderIdentity).validate_json(written) == identity


def test_what_peers_are_told_is_no_secret(customers: Customers) -> None:
    known = customers.identity.known
    written = known.model_dump_json()
    assert "secret" not in written
    read = TypeAdapter(KnownIdentity).validate_json(written)
    assert read == known
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    customers.checker = create_checker(read, customers.reader, customers.network.fetch)
    assert customers.check(proof, CONNECTION, NOW).account == ACCOUNT


def test_who_is_no_customer_has_no_session(customers: Customers) -> None:
    with pytest.raises(InputError):
        customer_of(customers.identity, "999999999999")


def test_one_id_for_two_sessions_is_refused(customers: Customers) -> None:
    first = customers.identity.customers[0]
    twice = customers.identity.model_copy(
        update={"customers": (first, CustomerIdentity(account="x", credentials=first.credentials))}
    )
    with pytest.raises(InputError):
        if twice.kind == "presigned_call":
            create_door(twice)
        else:
            create_maker(twice)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "url",
    [
        "http://identity.aws.test",
        "https://",
        "https://identity.aws.test/",
        "https://identity.aws.test:443",
        "https://identity.aws.test:0",
        "https://user@identity.aws.test",
        "https://Identity.aws.test",
        "https://identity.aws.test?x=",
        "https://identity.aws.test#x",
        "https://identity.aws.test/../x",
        "https://identity aws.test",
        "identity.aws.test",
        "",
    ],
)
def test_a_url_that_is_none_is_refused(kind: ProofKind, url: str) -> None:
    with pytest.raises(InputError):
        create_identity(kind, AWS, url, [])


@pytest.mark.parametrize("kind", KINDS)
def test_addresses_are_hosts_too(kind: ProofKind) -> None:
    for url in ("https://192.0.2.1:8443", "https://[2001:db8::1]:8443", URLS[AWS] + "/prefix"):
        assert create_identity(kind, AWS, url, []).known.url.startswith(url)


def test_every_reason_has_words_of_its_own() -> None:
    assert all(ProofError(reason, "words").remedy for reason in ProofReason)
    assert proof_module.PROOF_HEADER == PROOF_HEADER
