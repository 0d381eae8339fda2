"""Identity tokens: signed by the customer's provider for one reader and one connection, verified by its published keys."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import jwt
import pytest
from auth_world import AWS, CONNECTION, GCP, NOW, shows_none_of
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from proof_world import ACCOUNT, OTHER_ACCOUNT, URLS, Customers, Network, no_proof

from xcnet.coordinator.auth import bearer, jws
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.proof import LONGEST_SECONDS, CustomerIdentity, Fetched, ProofError, ProofReason
from xcnet.coordinator.auth.proof_profiles import KEYS_PATH, PresignedIdentity, TokenIdentity, create_door, customer_of
from xcnet.coordinator.auth.proof_token import KEYS_MAX_AGE, TOKEN_KIND, KeySet, TokenMaker
from xcnet.errors import InputError
from xcnet.secret import Secret

JWKS = URLS[GCP] + KEYS_PATH


@pytest.fixture
def customers() -> Customers:
    return Customers("identity_token", GCP, Network(NOW), AWS)


def identity_of(customers: Customers) -> TokenIdentity:
    assert isinstance(customers.identity, TokenIdentity)
    return customers.identity


def with_keys(customers: Customers, *keys: Secret) -> TokenIdentity:
    return identity_of(customers).model_copy(update={"keys": keys})


def claims_of(customers: Customers) -> dict[str, Any]:
    text = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    claims: dict[str, Any] = jwt.decode(text, options={"verify_signature": False})
    return claims


def forged(
    customers: Customers,
    *,
    kind: str = TOKEN_KIND,
    key: Secret | None = None,
    kid: str | None = None,
    **changed: object,
) -> str:
    """Signed by the provider's key, or another, over other claims; None leaves one out."""
    own = identity_of(customers).keys[0]
    claims = {name: value for name, value in {**claims_of(customers), **changed}.items() if value is not None}
    named = jws.WebKey.of(jws.private_key(own).public_key()).kid if kid is None else kid
    return jws.sign(kind, claims, jws.private_key(key or own), named)


# -- the proof


def test_a_token_says_whose_it_is_and_what_for(customers: Customers) -> None:
    claims = claims_of(customers)
    assert claims["iss"] == GCP
    assert claims["aud"] == AWS
    assert claims["account"] == ACCOUNT
    assert claims["connection"] == CONNECTION
    assert claims["exp"] > claims["iat"] == NOW
    assert claims["jti"]


def test_others_can_verify_such_tokens(customers: Customers) -> None:
    """With nothing but a JWT library and the published keys."""
    text = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    answer = create_door(customers.identity).answer(RequestFacts("GET", KEYS_PATH), NOW)
    assert answer.status == 200
    published = jwt.PyJWKSet.from_dict(json.loads(answer.body))
    key = published[jwt.get_unverified_header(text)["kid"]]
    claims = jwt.decode(
        text,
        key,
        algorithms=["ES256"],
        audience=AWS,
        options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
    )
    assert claims["account"] == ACCOUNT


def test_published_keys_have_no_private_part(customers: Customers) -> None:
    document = json.loads(create_door(customers.identity).answer(RequestFacts("GET", KEYS_PATH), NOW).body)
    assert [set(each) for each in document["keys"]] == [{"kty", "crv", "x", "y", "kid", "use", "alg"}]


def test_a_token_is_made_for_a_session_that_is_known(customers: Customers) -> None:
    identity = identity_of(customers)
    maker = TokenMaker(GCP, identity.keys, identity.customers)
    known = customer_of(identity, ACCOUNT)
    other = customer_of(identity, OTHER_ACCOUNT)
    changed = [
        CustomerIdentity.random(ACCOUNT),
        CustomerIdentity.random("nobody"),
        CustomerIdentity(account=ACCOUNT, credentials=other.credentials),
        *(
            CustomerIdentity(account=ACCOUNT, credentials=known.credentials.model_copy(update=update))
            for update in (
                {"secret": Secret.from_text("a guess")},
                {"session_token": None},
                {"session_token": Secret.from_text("a guess")},
                {"access_key_id": "ASIAGUESS"},
            )
        ),
    ]
    for customer in changed:
        with no_proof(ProofReason.UNKNOWN_CUSTOMER, known.credentials.secret, "a guess"):
            maker.make(customer, CONNECTION, AWS, NOW)
    assert maker.make(known, CONNECTION, AWS, NOW).reveal_text().count(".") == 2


# -- refused


@pytest.mark.parametrize(
    "change",
    [
        *({name: None} for name in ("iss", "aud", "iat", "exp", "jti", "account", "connection")),
        {"account": ""},
        {"account": 5},
        {"connection": "x" * 129},
        {"aud": [AWS]},
        {"exp": "later"},
        {"jti": ""},
    ],
)
def test_claims_that_are_missing_or_none_are_refused(customers: Customers, change: dict[str, Any]) -> None:
    proof = forged(customers, **change)
    with no_proof(ProofReason.MALFORMED, proof):
        customers.check(proof, CONNECTION, NOW)


def test_another_providers_token_is_refused(customers: Customers) -> None:
    proof = forged(customers, iss="azure")
    with no_proof(ProofReason.WRONG_ISSUER, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_token_that_would_be_good_for_long_is_refused(customers: Customers) -> None:
    proof = forged(customers, exp=NOW + LONGEST_SECONDS + 1)
    with no_proof(ProofReason.LIVES_TOO_LONG, proof):
        customers.check(proof, CONNECTION, NOW)


def test_a_token_that_begins_later_is_refused(customers: Customers) -> None:
    proof = forged(customers, nbf=NOW + 120)
    with no_proof(ProofReason.NOT_YET_VALID, proof):
        customers.check(proof, CONNECTION, NOW)


def test_another_key_under_the_right_name_is_refused(customers: Customers) -> None:
    proof = forged(customers, key=jws.new_key())
    with no_proof(ProofReason.BAD_SIGNATURE, proof):
        customers.check(proof, CONNECTION, NOW)


@pytest.mark.parametrize("kid", ["", "another"])
def test_a_key_that_is_not_published_is_refused(customers: Customers, kid: str) -> None:
    proof = forged(customers, kid=kid)
    with no_proof(ProofReason.UNKNOWN_KEY, proof):
        customers.check(proof, CONNECTION, NOW)


@pytest.mark.parametrize("kind", ["JWT", bearer.KIND])
def test_a_token_of_another_kind_is_no_proof(customers: Customers, kind: str) -> None:
    proof = forged(customers, kind=kind)
    with no_proof(ProofReason.MALFORMED, proof):
        customers.check(proof, CONNECTION, NOW)


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_another_algorithm_is_refused(customers: Customers, algorithm: str) -> None:
    """The published key is no shared secret, and no signature is none."""
    key = "" if algorithm == "none" else jws.public_pem(identity_of(customers).keys[0]).replace("-", "")
    text = jwt.encode(claims_of(customers), key, algorithm=algorithm, headers={"typ": TOKEN_KIND})
    with no_proof(ProofReason.MALFORMED, text):
        customers.check(text + ("AAAA" if algorithm == "none" else ""), CONNECTION, NOW)


def test_another_signature_of_the_same_claims_has_the_same_id(customers: Customers) -> None:
    """ECDSA signs differently each time, and (r, n - s) is as good as (r, s)."""
    claims = claims_of(customers)
    first, second = forged(customers, **claims), forged(customers, **claims)
    assert first != second
    assert customers.check(first, CONNECTION, NOW) == customers.check(second, CONNECTION, NOW)


@settings(deadline=None)
@given(
    where=st.integers(0, 2000), to=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
)
def test_any_single_changed_letter_is_refused(where: int, to: str) -> None:
    customers = Customers("identity_token", GCP, Network(NOW), AWS)
    proof = customers.make(ACCOUNT, CONNECTION, NOW).reveal_text()
    where %= len(proof)
    assume(proof[where] != to)
    with pytest.raises(ProofError) as caught:
        customers.check(proof[:where] + to + proof[where + 1 :], CONNECTION, NOW)
    shows_none_of(caught.value, proof[:40], proof[-40:])


# -- published keys


def test_keys_are_fetched_once_for_many_proofs(customers: Customers) -> None:
    for number in range(5):
        customers.check(customers.make(ACCOUNT, CONNECTION, NOW + number), CONNECTION, NOW + number)
    assert customers.network.asked == [JWKS]


def test_many_proofs_at_once_fetch_the_keys_once(customers: Customers) -> None:
    proofs = [customers.make(ACCOUNT, CONNECTION, NOW).reveal_text() for _ in range(20)]

    async def all_of_them() -> None:
        await asyncio.gather(*(customers.checker.check(each, CONNECTION, NOW) for each in proofs))

    asyncio.run(all_of_them())
    assert customers.network.asked == [JWKS]


def test_an_unknown_key_is_asked_for_once_each_time(customers: Customers) -> None:
    customers.check(customers.make(ACCOUNT, CONNECTION, NOW), CONNECTION, NOW)
    for asked in (2, 3):
        with no_proof(ProofReason.UNKNOWN_KEY):
            customers.check(forged(customers, kid="another"), CONNECTION, NOW)
        assert len(customers.network.asked) == asked


def test_a_new_key_is_found_at_once_and_a_withdrawn_one_is_forgotten(customers: Customers) -> None:
    old = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.check(old, CONNECTION, NOW)
    before, after = identity_of(customers).keys[0], jws.new_key()
    customers.open(with_keys(customers, after, before))
    new = customers.make(ACCOUNT, CONNECTION, NOW)
    assert customers.check(new, CONNECTION, NOW).account == ACCOUNT
    assert customers.check(old, CONNECTION, NOW).account == ACCOUNT
    assert len(customers.network.asked) == 2
    customers.open(with_keys(customers, after))
    # Known keys are taken for the present ones for a while, and then asked for again.
    assert customers.check(old, CONNECTION, NOW + 1).account == ACCOUNT
    later = NOW + KEYS_MAX_AGE + 1
    old = Secret.from_text(forged(customers, key=before, kid=_kid(before), iat=later, nbf=later, exp=later + 60))
    with no_proof(ProofReason.UNKNOWN_KEY, old):
        customers.check(old, CONNECTION, later)


def _kid(key: Secret) -> str:
    return jws.WebKey.of(jws.private_key(key).public_key()).kid


def test_a_clock_that_is_set_back_does_not_make_keys_fresh(customers: Customers) -> None:
    customers.check(customers.make(ACCOUNT, CONNECTION, NOW), CONNECTION, NOW)
    customers.check(customers.make(ACCOUNT, CONNECTION, NOW - 100), CONNECTION, NOW - 100)
    assert len(customers.network.asked) == 2


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"keys": 5}', b'{"keys": [5]}', b"\xff", b"[" * 5000])
def test_keys_that_cannot_be_read_are_as_good_as_unreachable(customers: Customers, body: bytes) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.network.answer = Fetched(200, body)
    with no_proof(ProofReason.UNREACHABLE, proof):
        customers.check(proof, CONNECTION, NOW)


@pytest.mark.parametrize("status", [301, 403, 404])
def test_keys_that_are_not_given_are_as_good_as_unreachable(customers: Customers, status: int) -> None:
    proof = customers.make(ACCOUNT, CONNECTION, NOW)
    customers.network.answer = Fetched(status, b'{"keys": []}')
    with no_proof(ProofReason.UNREACHABLE, proof):
        customers.check(proof, CONNECTION, NOW)


def test_keys_of_other_kinds_are_passed_over(customers: Customers) -> None:
    own = jws.WebKey.of(jws.private_key(identity_of(customers).keys[0]).public_key()).model_dump()
    others = [
        {},
        {"kty": "RSA", "kid": own["kid"], "n": "AQAB", "e": "AQAB"},
        {"kty": "oct", "kid": own["kid"], "k": "AAAA"},
        {**own, "kid": "x", "crv": "P-521"},
        {**own, "kid": "x", "x": "AAAA"},
        {**own, "kid": 5},
    ]
    customers.network.answer = Fetched(200, json.dumps({"keys": [*others, own]}).encode())
    assert customers.check(customers.make(ACCOUNT, CONNECTION, NOW), CONNECTION, NOW).account == ACCOUNT


def test_a_set_of_keys_that_was_not_to_be_had_is_asked_for_again() -> None:
    network = Network(NOW)
    key = jws.WebKey.of(jws.private_key(jws.new_key()).public_key())
    keys = KeySet(JWKS, network.fetch)

    async def ask() -> object:
        return await keys.key(key.kid, NOW)

    network.answer = OSError()
    with no_proof(ProofReason.UNREACHABLE):
        asyncio.run(ask())
    network.answer = Fetched(200, json.dumps({"keys": [key.model_dump()]}).encode())
    assert asyncio.run(ask()) == key.key()


def test_a_provider_without_a_key_makes_no_tokens() -> None:
    with pytest.raises(InputError):
        TokenMaker(GCP, [], [])


def test_a_maker_shows_no_key(customers: Customers) -> None:
    identity = identity_of(customers)
    shows_none_of(TokenMaker(GCP, identity.keys, identity.customers), "PRIVATE")
    assert not isinstance(identity, PresignedIdentity)
