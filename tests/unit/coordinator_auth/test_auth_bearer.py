"""Bearer tokens that are good for one request, and each reason to refuse one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import jwt
import pytest
from auth_world import AWS, GCP, NOW, refused, request, set_header, shows_none_of, with_headers
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xcnet.coordinator.auth import jws
from xcnet.coordinator.auth.bearer import (
    KIND,
    LIFETIME_SECONDS,
    LONGEST_SECONDS,
    SKEW_SECONDS,
    BearerSigner,
    BearerVerifier,
)
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.verdict import AuthError, AuthReason
from xcnet.errors import InputError
from xcnet.secret import Secret

KEY, OTHER_KEY = jws.new_key(), jws.new_key()
PUBLIC = jws.public_pem(KEY)


def verifier(*, started: float | None = None, capacity: int = 1000) -> BearerVerifier:
    return BearerVerifier(AWS, {GCP: [PUBLIC], "azure": []}, started=started, capacity=capacity)


def signed(facts: RequestFacts | None = None, now: float = NOW, key: Secret = KEY) -> RequestFacts:
    facts = facts or request()
    return with_headers(facts, BearerSigner(GCP, AWS, key).sign(facts, now))


def token_of(facts: RequestFacts) -> str:
    return facts.values("authorization")[0].removeprefix("Bearer ")


def claims_of(facts: RequestFacts) -> dict[str, Any]:
    payload = token_of(facts).split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=="))
    return claims


def with_token(text: str) -> RequestFacts:
    return with_headers(request(), {"authorization": f"Bearer {text}"})


def with_claims(**changed: object) -> RequestFacts:
    """Signed by the right key over other claims; None leaves one out."""
    claims = {**claims_of(signed()), **changed}
    kept = {name: value for name, value in claims.items() if value is not None}
    return with_token(jws.sign(KIND, kept, jws.private_key(KEY)))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def with_header(header: object, *, key: Secret = KEY) -> RequestFacts:
    """Signed by the right key under another header."""
    front = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims_of(signed())).encode())}"
    signature = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256).sign(front.encode(), jws.private_key(key))
    return with_token(f"{front}.{b64(signature)}")


def test_the_caller_is_whose_key_it_is() -> None:
    assert verifier().verify(signed(), NOW) == GCP


def test_a_token_says_what_it_is_for() -> None:
    facts = signed()
    claims = claims_of(facts)
    assert claims["iss"] == claims["sub"] == GCP
    assert claims["aud"] == AWS
    assert claims["exp"] - claims["iat"] == LIFETIME_SECONDS <= LONGEST_SECONDS
    assert claims["htm"] == "POST"
    assert claims["target_sha256"] == hashlib.sha256(facts.target.encode()).hexdigest()
    assert claims["body_sha256"] == hashlib.sha256(facts.body).hexdigest()
    assert claims["jti"] != claims_of(signed())["jti"]


def test_others_can_make_such_tokens() -> None:
    """With nothing but a JWT library."""
    made = jwt.encode(claims_of(signed()), KEY.reveal(), algorithm="ES256", headers={"typ": KIND})
    assert verifier().verify(with_token(made), NOW) == GCP


def test_the_schemes_name_is_of_any_case() -> None:
    facts = with_headers(request(), {"authorization": f"bearer {token_of(signed())}"})
    assert verifier().verify(facts, NOW) == GCP


def test_either_of_two_keys_is_good_while_one_replaces_the_other() -> None:
    both = BearerVerifier(AWS, {GCP: [jws.public_pem(OTHER_KEY), PUBLIC]})
    assert both.verify(signed(), NOW) == both.verify(signed(key=OTHER_KEY), NOW) == GCP


@pytest.mark.parametrize("off", [-LIFETIME_SECONDS - SKEW_SECONDS, 0.0, SKEW_SECONDS])
def test_clocks_may_be_a_little_apart(off: float) -> None:
    assert verifier().verify(signed(now=NOW + off), NOW) == GCP


# -- what is refused


def test_a_request_without_a_token_is_refused() -> None:
    with refused(AuthReason.MISSING_CREDENTIALS):
        verifier().verify(request(), NOW)
    with refused(AuthReason.MISSING_CREDENTIALS):
        verifier().verify(with_headers(request(), {"authorization": "Basic YTpi"}), NOW)


def test_two_tokens_are_refused() -> None:
    facts = signed()
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_headers(facts, {"authorization": facts.values("authorization")[0]}), NOW)


def test_an_unsigned_token_is_refused() -> None:
    claims = claims_of(signed())
    for header in (
        {"alg": "none", "typ": KIND},
        {"alg": "None", "typ": KIND},
        {"typ": KIND},
        {"alg": None, "typ": KIND},
    ):
        front = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(claims).encode())}"
        with refused(AuthReason.MALFORMED):
            verifier().verify(with_token(f"{front}."), NOW)
        with refused(AuthReason.WRONG_ALGORITHM):
            verifier().verify(with_token(f"{front}.AAAA"), NOW)


def test_the_public_key_is_no_shared_secret() -> None:
    """HS256 with the public key's text, which everybody may have."""
    front = f"{b64(json.dumps({'alg': 'HS256', 'typ': KIND}).encode())}.{b64(json.dumps(claims_of(signed())).encode())}"
    for secret in (PUBLIC, PUBLIC.strip()):
        signature = b64(hmac.digest(secret.encode(), front.encode(), "sha256"))
        with refused(AuthReason.WRONG_ALGORITHM):
            verifier().verify(with_token(f"{front}.{signature}"), NOW)


@pytest.mark.parametrize("algorithm", ["HS256", "RS256", "ES384", "EdDSA", "es256", "", 5, ["ES256"]])
def test_a_header_that_names_another_algorithm_is_refused(algorithm: object) -> None:
    with refused(AuthReason.WRONG_ALGORITHM):
        verifier().verify(with_header({"alg": algorithm, "typ": KIND}), NOW)


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES256"},
        {"alg": "ES256", "typ": "JWT"},
        {"alg": "ES256", "typ": "xcnet-identity+jwt"},
        {"alg": "ES256", "typ": KIND, "crit": ["x"]},
        {"alg": "ES256", "typ": KIND, "b64": False},
        {"alg": "ES256", "typ": KIND, "jwk": {}},
        {"alg": "ES256", "typ": KIND, "jku": "https://example.com"},
        {"alg": "ES256", "typ": KIND, "kid": 5},
        {"alg": "ES256", "typ": KIND, "kid": "x" * 129},
        [],
        "ES256",
        None,
    ],
)
def test_a_header_with_anything_else_in_it_is_refused(header: object) -> None:
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_header(header), NOW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "a.b.c.d",
        "....",
        "\ud800.a.b",
        "é.é.é",
        "A" * 5000,
        f"{b64(b'[' * 1500)}.e30.AAAA",
        f"{b64(b'not json')}.e30.AAAA",
        f"{b64(chr(0xFF).encode('latin-1'))}.e30.AAAA",
    ],
)
def test_what_is_no_token_is_refused(text: str) -> None:
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_token(text), NOW)


def test_a_token_has_one_spelling() -> None:
    """The last letter of a part has bits that say nothing: another one there is another text."""
    token = token_of(signed())
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = token[:-1] + letters[letters.index(token[-1]) ^ 1]
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_token(twin), NOW)
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_token(token + "=="), NOW)


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        *((name, None) for name in ("iss", "sub", "aud", "iat", "exp", "jti", "htm", "target_sha256", "body_sha256")),
        ("proof_sha256", None),
        ("iss", 5),
        ("aud", [AWS]),
        ("exp", "soon"),
        ("exp", True),
        ("exp", 1e300),
        ("iat", -1),
        ("nbf", "now"),
        ("jti", "short"),
        ("jti", "x" * 129),
        ("body_sha256", "x"),
        ("sub", AWS),
    ],
)
def test_claims_that_are_missing_or_none_are_refused(claim: str, value: object) -> None:
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_claims(**{claim: value}), NOW)


@pytest.mark.parametrize("payload", [b"", b"[]", b"null", b"NaN", b"[" * 1500, b'{"exp": NaN}', b"\xff"])
def test_a_payload_that_is_no_claims_is_refused(payload: bytes) -> None:
    header = b64(json.dumps({"alg": "ES256", "typ": KIND}).encode())
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_token(f"{header}.{b64(payload)}.AAAA"), NOW)


@pytest.mark.parametrize("time", ["NaN", "Infinity", "-Infinity"])
def test_a_time_that_is_no_number_is_refused(time: str) -> None:
    payload = json.dumps({**claims_of(signed()), "exp": float(time)}).encode()
    token = jwt.PyJWS().encode(payload, KEY.reveal(), "ES256", headers={"typ": KIND})
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_token(token), NOW)


@pytest.mark.parametrize("issuer", ["stranger", "azure"])
def test_an_issuer_without_a_key_is_refused(issuer: str) -> None:
    with refused(AuthReason.UNKNOWN_KEY):
        verifier().verify(with_claims(iss=issuer, sub=issuer), NOW)


def test_anothers_key_is_refused() -> None:
    with refused(AuthReason.BAD_SIGNATURE, OTHER_KEY.reveal_text()):
        verifier().verify(signed(key=OTHER_KEY), NOW)


def test_a_token_for_another_provider_is_refused() -> None:
    facts = request()
    with refused(AuthReason.WRONG_AUDIENCE):
        verifier().verify(with_headers(facts, BearerSigner(GCP, "azure", KEY).sign(facts, NOW)), NOW)


def test_an_expired_token_is_refused() -> None:
    with refused(AuthReason.EXPIRED):
        verifier().verify(signed(now=NOW - LIFETIME_SECONDS - SKEW_SECONDS - 1), NOW)


def test_a_token_from_the_future_is_refused() -> None:
    with refused(AuthReason.NOT_YET_VALID):
        verifier().verify(signed(now=NOW + SKEW_SECONDS + 1), NOW)
    with refused(AuthReason.NOT_YET_VALID):
        verifier().verify(with_claims(nbf=NOW + SKEW_SECONDS + 1), NOW)


def test_a_token_that_would_be_good_for_long_is_refused() -> None:
    assert verifier().verify(with_claims(exp=NOW + LONGEST_SECONDS), NOW) == GCP
    with refused(AuthReason.LIVES_TOO_LONG):
        verifier().verify(with_claims(exp=NOW + LONGEST_SECONDS + 1), NOW)


@pytest.mark.parametrize("owner", [AWS, "azure", ""])
def test_a_token_under_anothers_certificate_is_refused(owner: str) -> None:
    with refused(AuthReason.WRONG_CALLER):
        verifier().verify(signed(request(tls_provider=owner)), NOW)


def test_the_same_token_again_is_refused_for_as_long_as_it_would_be_good() -> None:
    checking, facts = verifier(), signed()
    assert checking.verify(facts, NOW) == GCP
    for later in (0.0, 1.0, LIFETIME_SECONDS + SKEW_SECONDS):
        with refused(AuthReason.REPLAYED):
            checking.verify(facts, NOW + later)
    with refused(AuthReason.EXPIRED):
        checking.verify(facts, NOW + LIFETIME_SECONDS + SKEW_SECONDS + 1)


def test_another_signature_of_the_same_claims_is_a_replay_too() -> None:
    """ECDSA signs differently each time, and (r, n - s) is as good as (r, s)."""
    checking, facts = verifier(), signed()
    assert checking.verify(facts, NOW) == GCP
    with refused(AuthReason.REPLAYED):
        checking.verify(with_token(jws.sign(KIND, claims_of(facts), jws.private_key(KEY))), NOW)


def test_what_is_refused_is_not_remembered() -> None:
    checking, facts = verifier(capacity=1), signed()
    with refused(AuthReason.WRONG_CALLER):
        checking.verify(replace(facts, tls_provider=AWS), NOW)
    with refused(AuthReason.WRONG_REQUEST):
        checking.verify(replace(facts, body=b"other"), NOW)
    assert checking.verify(facts, NOW) == GCP


def test_more_than_can_be_remembered_is_refused() -> None:
    checking = verifier(capacity=1)
    assert checking.verify(signed(), NOW) == GCP
    with refused(AuthReason.TOO_MANY_LIVE):
        checking.verify(signed(), NOW)


def test_what_was_signed_before_the_start_counts_as_seen() -> None:
    checking = verifier(started=NOW + 0.5)
    with refused(AuthReason.REPLAYED):
        checking.verify(signed(now=NOW + 0.4), NOW + 1)
    assert checking.verify(signed(now=NOW + 0.6), NOW + 1) == GCP


@pytest.mark.parametrize(
    "change",
    [
        {"method": "DELETE"},
        {"method": "post"},
        {"path": "/providers/gcp/environments/e2"},
        {"query": "pageSize=6"},
        {"query": ""},
        {"body": b""},
        {"body": b'{"a":2}'},
    ],
)
def test_a_token_for_another_request_is_refused(change: dict[str, Any]) -> None:
    with refused(AuthReason.WRONG_REQUEST):
        verifier().verify(replace(signed(), **change), NOW)


def test_a_customers_proof_that_was_added_or_changed_is_refused() -> None:
    with refused(AuthReason.WRONG_REQUEST, "confidential"):
        verifier().verify(with_headers(signed(), {"x-customer-proof": "confidential"}), NOW)
    facts = signed(with_headers(request(), {"x-customer-proof": "one"}))
    assert verifier().verify(facts, NOW) == GCP
    with refused(AuthReason.WRONG_REQUEST):
        verifier().verify(set_header(facts, "x-customer-proof", "two"), NOW)


@settings(deadline=None)
@given(
    where=st.integers(0, 2000), to=st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=")
)
def test_any_single_changed_letter_is_refused(where: int, to: str) -> None:
    token = token_of(signed())
    where %= len(token)
    assume(token[where] != to)
    with pytest.raises(AuthError) as caught:
        verifier().verify(with_token(token[:where] + to + token[where + 1 :]), NOW)
    shows_none_of(caught.value, token[:40], token[-40:])


@settings(deadline=None)
@given(st.text(max_size=60))
def test_nothing_that_arrives_is_an_accident(text: str) -> None:
    with pytest.raises(AuthError):
        verifier().verify(with_headers(request(), {"authorization": text}), NOW)
    with pytest.raises(AuthError):
        verifier().verify(with_token(text), NOW)


# -- keys


def private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> Secret:
    encryption = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return Secret(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption))


def test_what_is_no_p_256_key_is_refused_and_not_shown() -> None:
    for pem in (
        Secret.from_text("no key at all"),
        Secret(b"\xff"),
        private_pem(ec.generate_private_key(ec.SECP384R1())),
        private_pem(rsa.generate_private_key(65537, 2048)),
        private_pem(ec.generate_private_key(ec.SECP256R1()), b"password"),
    ):
        with pytest.raises(InputError) as caught:
            BearerSigner(GCP, AWS, pem)
        shows_none_of(caught.value, "no key at all", "PRIVATE KEY", "password")
    other = ec.generate_private_key(ec.SECP384R1()).public_key()
    info = other.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    for text in ("", "no key", info, KEY.reveal_text(), "\ud800"):
        with pytest.raises(InputError):
            BearerVerifier(AWS, {GCP: [text]})


def test_a_public_key_as_json_is_the_same_key() -> None:
    key = jws.private_key(KEY).public_key()
    web = jws.WebKey.of(key)
    assert web.key() == key
    assert jwt.PyJWK.from_dict(web.model_dump()).key == key
    assert jws.WebKey.of(jws.private_key(OTHER_KEY).public_key()).kid != web.kid


def test_the_thumbprint_is_the_standards() -> None:
    web = jws.WebKey.of(jws.private_key(KEY).public_key())
    members = '{"crv":"P-256","kty":"EC","x":"' + web.x + '","y":"' + web.y + '"}'
    assert web.kid == b64(hashlib.sha256(members.encode()).digest())


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "RSA"},
        {"crv": "P-384"},
        {"use": "enc"},
        {"alg": "ES384"},
        {"x": "AAAA"},
        {"x": "*"},
        {"x": b64(b"\xff" * 32)},
        {"y": b64(b"\0" * 32)},
    ],
)
def test_a_key_as_json_that_is_none_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(jws.TokenError):
        jws.WebKey.of(jws.private_key(KEY).public_key()).model_copy(update=change).key()


def test_a_signer_shows_no_key() -> None:
    shows_none_of(BearerSigner(GCP, AWS, KEY), "PRIVATE")
    token = jws.parse(KIND, token_of(signed()))
    shows_none_of(token, token.text)
