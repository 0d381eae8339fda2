"""Signature Version 4 against botocore, in both directions, on many requests."""

from __future__ import annotations

from datetime import UTC, datetime
from unittest import mock
from urllib.parse import quote, urlsplit

from auth_world import EXAMPLE, GCP, NOW
from botocore import auth as botocore_auth  # type: ignore[import-untyped]  # it has no types
from botocore.auth import SigV4Auth, SigV4QueryAuth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.coordinator.auth.facts import Headers, RequestFacts
from xcnet.coordinator.auth.presigned import PresignedVerifier, presign
from xcnet.coordinator.auth.sigv4 import REGION, SERVICE, SigV4Signer, SigV4Verifier
from xcnet.coordinator.auth.sigv4_keys import SigV4Credentials

SESSION = SigV4Credentials.random(session=True)

AUTHORITY = "coordinator.aws.test:8443"
_NAME_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789-"
_TAKEN = {"host", "authorization", "date", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}

Segments = st.one_of(
    st.sampled_from(("", ".", "..", "providers", "%2F", "a%20b")),
    st.text(max_size=8).map(lambda text: quote(text, safe="~!$&'()*+,;=:@", errors="replace")),
)
Paths = st.lists(Segments, max_size=6).map(lambda parts: "/" + "/".join(parts))
Encoded = st.text(max_size=8).map(lambda text: quote(text, safe="-_.~", errors="replace"))
Pairs = st.one_of(st.tuples(Encoded, Encoded).map("=".join), Encoded)
Queries = st.lists(Pairs, max_size=6).map("&".join)
Values = st.text(st.sampled_from([chr(each) for each in range(0x20, 0x7F)] + ["\t", "é", "ÿ"]), max_size=20)
Names = st.one_of(
    st.sampled_from(("content-type", "user-agent", "x-customer-proof", "x-amz-target", "connection")),
    st.text(_NAME_LETTERS, min_size=1, max_size=12),
).filter(lambda name: name not in _TAKEN)
FieldLists = st.lists(st.tuples(Names, Values), max_size=6).map(tuple)
Moments = st.integers(0, 4_000_000_000).map(float)
Keys = st.sampled_from((EXAMPLE, SESSION))
Methods = st.sampled_from(("GET", "POST", "PUT", "PATCH", "DELETE"))


def their_credentials(ours: SigV4Credentials) -> Credentials:
    token = ours.session_token.reveal_text() if ours.session_token is not None else None
    return Credentials(ours.access_key_id, ours.secret.reveal_text(), token)


def theirs(signer: SigV4Auth, method: str, url: str, headers: Headers, body: bytes, now: float) -> AWSRequest:
    """Signed by botocore at this moment."""
    made = AWSRequest(method=method, url=url, data=body)
    for name, value in headers:
        made.headers.add_header(name, value)
    with mock.patch.object(botocore_auth, "get_current_datetime", lambda: datetime.fromtimestamp(now, UTC)):
        signer.add_auth(made)
    return made


def received(made: AWSRequest, body: bytes) -> RequestFacts:
    """What arrives of it."""
    url = urlsplit(made.url)
    headers = (("host", url.netloc), *((name.lower(), value) for name, value in made.headers.items()))
    return RequestFacts(made.method, url.path, url.query, headers, body, GCP)


@settings(max_examples=400, deadline=None)
@given(
    method=Methods,
    path=Paths,
    query=Queries,
    headers=FieldLists,
    body=st.binary(max_size=64),
    now=Moments,
    key=Keys,
)
def test_what_botocore_signs_is_accepted(
    method: str, path: str, query: str, headers: Headers, body: bytes, now: float, key: SigV4Credentials
) -> None:
    url = f"https://{AUTHORITY}{path}" + (f"?{query}" if query else "")
    made = theirs(SigV4Auth(their_credentials(key), SERVICE, REGION), method, url, headers, body, now)
    assert SigV4Verifier({GCP: [key]}).verify(received(made, body), now) == GCP


@settings(max_examples=400, deadline=None)
@given(
    method=Methods,
    path=Paths,
    query=Queries,
    headers=FieldLists,
    body=st.binary(max_size=64),
    now=Moments,
    key=Keys,
    nonce=st.none() | st.text(_NAME_LETTERS, min_size=1),
)
def test_our_signature_is_botocores(
    method: str,
    path: str,
    query: str,
    headers: Headers,
    body: bytes,
    now: float,
    key: SigV4Credentials,
    nonce: str | None,
) -> None:
    facts = RequestFacts(method, path, query, (("host", AUTHORITY), *headers), body, GCP)
    ours = SigV4Signer(key, nonce=None if nonce is None else lambda: nonce).sign(facts, now)
    given_to_both = (*headers, *((name, value) for name, value in ours.items() if name == "x-amz-client-nonce"))
    url = f"https://{AUTHORITY}{path}" + (f"?{query}" if query else "")
    made = theirs(SigV4Auth(their_credentials(key), SERVICE, REGION), method, url, given_to_both, body, now)
    assert ours["authorization"] == made.headers["Authorization"]
    assert ours["x-amz-date"] == made.headers["X-Amz-Date"]
    assert ours.get("x-amz-security-token") == made.headers["X-Amz-Security-Token"]


def test_botocores_signature_with_a_date_field_is_accepted() -> None:
    made = theirs(
        SigV4Auth(their_credentials(EXAMPLE), SERVICE, REGION),
        "GET",
        f"https://{AUTHORITY}/",
        (("date", "Sun, 30 Aug 2015 12:36:00 GMT"),),
        b"",
        NOW,
    )
    assert "X-Amz-Date" not in made.headers
    assert SigV4Verifier({GCP: [EXAMPLE]}).verify(received(made, b""), NOW) == GCP


def test_botocores_digest_of_the_body_is_accepted() -> None:
    body = b"some"
    digest = RequestFacts("POST", "/", body=body).body_sha256()
    made = theirs(
        SigV4Auth(their_credentials(EXAMPLE), SERVICE, REGION),
        "POST",
        f"https://{AUTHORITY}/",
        (("X-Amz-Content-SHA256", digest),),
        body,
        NOW,
    )
    assert SigV4Verifier({GCP: [EXAMPLE]}).verify(received(made, body), NOW) == GCP


Parameters = st.dictionaries(
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=8).filter(lambda name: not name.startswith("X-Amz-")),
    st.text(st.characters(codec="utf-8"), max_size=12),
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(path=Paths, parameters=Parameters, headers=FieldLists, now=Moments, key=Keys, seconds=st.integers(1, 900))
def test_what_botocore_presigns_is_accepted(
    path: str, parameters: dict[str, str], headers: Headers, now: float, key: SigV4Credentials, seconds: int
) -> None:
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    url = f"https://{AUTHORITY}{path}" + (f"?{query}" if query else "")
    signer = SigV4QueryAuth(their_credentials(key), "sts", REGION, expires=seconds)
    facts = received(theirs(signer, "GET", url, headers, b"", now), b"")
    verifier = PresignedVerifier({"account": [key]}, region=REGION, service="sts")
    for later in (0, seconds):
        found = verifier.verify(facts, now + later)
        assert found.owner == "account"
        assert found.access_key_id == key.access_key_id
        assert found.presignature.parameters == parameters


@settings(max_examples=300, deadline=None)
@given(path=Paths, parameters=Parameters, now=Moments, key=Keys, seconds=st.integers(1, 900))
def test_our_presigned_url_is_botocores(
    path: str, parameters: dict[str, str], now: float, key: SigV4Credentials, seconds: int
) -> None:
    ours = presign(
        key,
        authority=AUTHORITY,
        path=path,
        parameters=parameters,
        region=REGION,
        service="sts",
        now=now,
        seconds=seconds,
    )
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in parameters.items())
    signer = SigV4QueryAuth(their_credentials(key), "sts", REGION, expires=seconds)
    url = f"https://{AUTHORITY}{path}" + (f"?{query}" if query else "")
    made = theirs(signer, "GET", url, (), b"", now)
    assert urlsplit(made.url).query == ours
