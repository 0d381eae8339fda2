"""Signature Version 4 in header fields: published examples, and each reason to refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from auth_world import (
    AWS,
    EXAMPLE,
    GCP,
    HOST,
    NOW,
    refused,
    request,
    set_header,
    shows_none_of,
    with_headers,
    without_header,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from xcnet.coordinator.auth.facts import Headers, RequestFacts
from xcnet.coordinator.auth.sigv4 import NONCE_HEADER, REGION, SERVICE, SKEW_SECONDS, SigV4Signer, SigV4Verifier
from xcnet.coordinator.auth.sigv4_canonical import (
    Scope,
    canonical_path,
    canonical_query,
    canonical_request,
    parse_stamp,
    signature,
    signing_key,
    stamp,
    string_to_sign,
)
from xcnet.coordinator.auth.sigv4_keys import SigV4Credentials
from xcnet.coordinator.auth.verdict import AuthError, AuthReason
from xcnet.errors import InputError
from xcnet.secret import Secret

SESSION = SigV4Credentials.random(session=True)
SECRET = EXAMPLE.secret.reveal_text()


def verifier(
    credentials: SigV4Credentials = EXAMPLE, *, started: float | None = None, capacity: int = 1000
) -> SigV4Verifier:
    return SigV4Verifier({GCP: [credentials], "azure": []}, started=started, capacity=capacity)


def signed(
    facts: RequestFacts | None = None, now: float = NOW, credentials: SigV4Credentials = EXAMPLE
) -> RequestFacts:
    facts = facts or request()
    return with_headers(facts, SigV4Signer(credentials).sign(facts, now))


def signed_by_hand(facts: RequestFacts, *names: str) -> RequestFacts:
    """At NOW, with no more than these header fields signed and none added."""
    scope = Scope("20150830", REGION, SERVICE)
    canonical = canonical_request(facts, canonical_query(facts.query), names, facts.body_sha256())
    made = signature(EXAMPLE.secret, "20150830T123600Z", scope, canonical)
    authorization = (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/{scope}, SignedHeaders={';'.join(names)}, Signature={made}"
    )
    return with_headers(facts, {"authorization": authorization})


# -- published examples

EXAMPLE_HOST = ("host", "example.amazonaws.com")
PUBLISHED: list[tuple[str, str, str, Headers, bytes, str]] = [
    ("vanilla", "GET", "/", (), b"", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    ("vanilla post", "POST", "/", (), b"", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    (
        "unreserved characters",
        "GET",
        "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        (),
        b"",
        "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
    ),
    (
        "parameters in another order",
        "GET",
        "/?Param2=value2&Param1=value1",
        (),
        b"",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    ),
    (
        "UTF-8 in the query",
        "GET",
        "/?%E1%88%B4=bar",
        (),
        b"",
        "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
    ),
    (
        "blanks in header fields",
        "GET",
        "/",
        (("my-header1", " value1"), ("my-header2", ' "a   b   c"')),
        b"",
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
    ),
    (
        "a header field more than once",
        "GET",
        "/",
        (("my-header1", "value2"), ("my-header1", "value2"), ("my-header1", "value1")),
        b"",
        "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
    ),
    (
        "header fields in another order",
        "POST",
        "/",
        (("my-header1", "value1"),),
        b"",
        "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
    ),
    (
        "a form",
        "POST",
        "/",
        (("content-type", "application/x-www-form-urlencoded"),),
        b"Param1=value1",
        "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
    ),
]


@pytest.mark.parametrize(
    ("method", "target", "headers", "body", "expected"),
    [each[1:] for each in PUBLISHED],
    ids=[each[0] for each in PUBLISHED],
)
def test_published_requests_have_their_published_signatures(
    method: str, target: str, headers: Headers, body: bytes, expected: str
) -> None:
    facts = RequestFacts.of(method, target, (EXAMPLE_HOST, *headers), body, GCP)
    signer = SigV4Signer(EXAMPLE, region="us-east-1", service="service", nonce=None)
    added = signer.sign(facts, NOW)
    assert added["authorization"].endswith(f"Signature={expected}")
    assert added["x-amz-date"] == "20150830T123600Z"
    checking = SigV4Verifier({GCP: [EXAMPLE]}, region="us-east-1", service="service")
    assert checking.verify(with_headers(facts, added), NOW) == GCP


def test_the_published_walk_through_holds_at_every_step() -> None:
    headers = (
        ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
        ("host", "iam.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
    )
    facts = RequestFacts.of("GET", "/?Action=ListUsers&Version=2010-05-08", headers)
    scope = Scope("20150830", "us-east-1", "iam")
    canonical = canonical_request(
        facts, canonical_query(facts.query), ("content-type", "host", "x-amz-date"), facts.body_sha256()
    )
    assert canonical == (
        "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
        "content-type:application/x-www-form-urlencoded; charset=utf-8\nhost:iam.amazonaws.com\n"
        "x-amz-date:20150830T123600Z\n\ncontent-type;host;x-amz-date\n"
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert string_to_sign("20150830T123600Z", scope, canonical) == (
        "AWS4-HMAC-SHA256\n20150830T123600Z\n20150830/us-east-1/iam/aws4_request\n"
        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59"
    )
    assert (
        signing_key(EXAMPLE.secret, scope).hex() == "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"
    )
    assert (
        signature(EXAMPLE.secret, "20150830T123600Z", scope, canonical)
        == "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    )


@pytest.mark.parametrize(
    ("path", "canonical"),
    [
        ("", "/"),
        ("/", "/"),
        ("//", "/"),
        ("/a/./b/", "/a/b/"),
        ("/a/../b", "/b"),
        ("/../..", "/"),
        ("//a//b//", "/a/b/"),
        ("/%E1%88%B4", "/%25E1%2588%25B4"),
        ("/a%2Fb", "/a%252Fb"),
        ("/a b", "/a%20b"),
        ("/~u/a:b", "/~u/a%3Ab"),
    ],
)
def test_paths_are_made_normal_and_encoded_twice(path: str, canonical: str) -> None:
    assert canonical_path(path) == canonical


def test_times_are_whole_seconds_in_utc() -> None:
    assert stamp(NOW + 0.99) == "20150830T123600Z"
    assert parse_stamp("20150830T123600Z") == NOW


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2015-08-30T12:36:00Z",
        "20150830T123600",
        "20151330T123600Z",
        "20150830T126600Z",
        "20150830T123600Z\n",
        "२0150830T123600Z",
    ],
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="YYYYMMDD"):
        parse_stamp(text)


# -- what is accepted


def test_the_caller_is_whoever_was_handed_the_key() -> None:
    assert verifier().verify(signed(), NOW) == GCP


def test_a_session_token_goes_with_its_key() -> None:
    facts = signed(credentials=SESSION)
    assert facts.values("x-amz-security-token")
    assert verifier(SESSION).verify(facts, NOW) == GCP


def test_either_of_two_keys_is_good_while_one_replaces_the_other() -> None:
    other = SigV4Credentials.random()
    both = SigV4Verifier({GCP: [EXAMPLE, other]})
    assert both.verify(signed(), NOW) == both.verify(signed(credentials=other), NOW) == GCP


def test_two_equal_requests_in_one_second_are_two() -> None:
    checking = verifier()
    first, second = signed(), signed()
    assert first.values(NONCE_HEADER) != second.values(NONCE_HEADER)
    assert checking.verify(first, NOW) == checking.verify(second, NOW) == GCP


@pytest.mark.parametrize("off", [-SKEW_SECONDS, 0.0, SKEW_SECONDS])
def test_clocks_may_be_some_minutes_apart(off: float) -> None:
    assert verifier().verify(signed(now=NOW + off), NOW) == GCP


def test_the_time_may_be_in_a_date_field() -> None:
    facts = request("GET", "/", (("host", HOST), ("date", "Sun, 30 Aug 2015 12:36:00 GMT")), b"")
    assert verifier().verify(signed_by_hand(facts, "date", "host"), NOW) == GCP


def test_a_date_field_must_be_signed() -> None:
    """Else a signature could be made young again."""
    facts = request("GET", "/", (("host", HOST), ("date", "Sun, 30 Aug 2015 12:36:00 GMT")), b"")
    with refused(AuthReason.UNSIGNED_HEADER):
        verifier().verify(signed_by_hand(facts, "host"), NOW)


def test_the_bodys_digest_may_be_said() -> None:
    facts = request()
    assert verifier().verify(signed(with_headers(facts, {"x-amz-content-sha256": facts.body_sha256()})), NOW) == GCP


def test_what_proxies_add_does_not_matter() -> None:
    facts = with_headers(signed(), {"traceparent": "00-1-1-00", "user-agent": "x", "connection": "close"})
    assert verifier().verify(facts, NOW) == GCP


def test_what_a_request_had_of_an_earlier_signature_is_left_out_of_the_next() -> None:
    again = SigV4Signer(EXAMPLE).sign(signed(), NOW)
    facts = request()
    for name, value in again.items():
        facts = set_header(facts, name, value)
    assert verifier().verify(facts, NOW) == GCP


# -- what is refused


def test_a_request_without_a_signature_is_refused() -> None:
    with refused(AuthReason.MISSING_CREDENTIALS):
        verifier().verify(request(), NOW)
    with refused(AuthReason.MISSING_CREDENTIALS):
        verifier().verify(with_headers(request(), {"authorization": " "}), NOW)


@pytest.mark.parametrize("scheme", ["Bearer", "AWS4-HMAC-SHA1", "aws4-hmac-sha256", "AWS4-ECDSA-P256-SHA256"])
def test_another_algorithm_is_refused(scheme: str) -> None:
    facts = signed()
    authorization = facts.values("authorization")[0].replace("AWS4-HMAC-SHA256", scheme)
    with refused(AuthReason.WRONG_ALGORITHM):
        verifier().verify(set_header(facts, "authorization", authorization), NOW)


@pytest.mark.parametrize(
    "change",
    [
        ("AWS4-HMAC-SHA256 ", "AWS4-HMAC-SHA256 nothing"),
        (", SignedHeaders", ", Unsigned"),
        ("Credential=", "Credential=AKIDEXAMPLE/"),
        ("/aws4_request", "/aws5_request"),
        ("SignedHeaders=", "SignedHeaders=x;"),
        ("SignedHeaders=", "SignedHeaders=Content-Type;"),
        ("SignedHeaders=content-type;", "SignedHeaders=content-type;content-type;"),
        ("SignedHeaders=content-type;", "SignedHeaders=;content-type;"),
        ("Signature=", "Signature=0"),
        ("Signature=", "Signature=,Signature="),
        ("/2015", "/2014"),
    ],
)
def test_what_is_not_written_as_it_must_be_is_refused(change: tuple[str, str]) -> None:
    facts = signed()
    authorization = facts.values("authorization")[0]
    with refused(AuthReason.MALFORMED):
        verifier().verify(set_header(facts, "authorization", authorization.replace(*change)), NOW)


def test_a_signature_in_upper_case_is_another_spelling_and_refused() -> None:
    facts = signed()
    front, _, digits = facts.values("authorization")[0].rpartition("Signature=")
    with refused(AuthReason.MALFORMED):
        verifier().verify(set_header(facts, "authorization", f"{front}Signature={digits.upper()}"), NOW)


@pytest.mark.parametrize("name", ["authorization", "x-amz-date", "host"])
def test_a_field_that_may_be_there_once_is_refused_twice(name: str) -> None:
    facts = signed()
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_headers(facts, {name: facts.values(name)[0]}), NOW)


@pytest.mark.parametrize("name", ["host", "content-type", NONCE_HEADER, "x-amz-date"])
def test_a_signed_field_that_is_gone_is_missed(name: str) -> None:
    with refused(AuthReason.MALFORMED):
        verifier().verify(without_header(signed(), name), NOW)


@pytest.mark.parametrize("date", ["yesterday", "Sun, 99 Aug 2015 12:36:00 GMT", "", "Mon, 01 Jan 0001 00:00:00 +2359"])
def test_a_time_that_is_none_is_refused(date: str) -> None:
    with refused(AuthReason.MALFORMED):
        verifier().verify(set_header(signed(), "x-amz-date", date), NOW)
    with refused(AuthReason.MALFORMED):
        verifier().verify(with_headers(without_header(signed(), "x-amz-date"), {"date": date}), NOW)


@pytest.mark.parametrize("name", ["x-amz-target", "x-customer-proof"])
def test_a_field_with_a_meaning_that_was_added_is_refused(name: str) -> None:
    with refused(AuthReason.UNSIGNED_HEADER):
        verifier().verify(with_headers(signed(), {name: "x"}), NOW)


def test_a_content_type_that_was_added_is_refused() -> None:
    facts = signed(without_header(request(), "content-type"))
    with refused(AuthReason.UNSIGNED_HEADER):
        verifier().verify(with_headers(facts, {"content-type": "text/plain"}), NOW)


@pytest.mark.parametrize("name", ["host", "x-amz-date"])
def test_a_signature_that_leaves_out_the_host_or_the_time_is_refused(name: str) -> None:
    facts = signed()
    authorization = facts.values("authorization")[0]
    fewer = authorization.replace(f";{name}", "")
    assert fewer != authorization
    with refused(AuthReason.UNSIGNED_HEADER):
        verifier().verify(set_header(facts, "authorization", fewer), NOW)


@pytest.mark.parametrize(("region", "service"), [("elsewhere", SERVICE), (REGION, "sts")])
def test_a_signature_for_elsewhere_is_refused(region: str, service: str) -> None:
    facts = request()
    with refused(AuthReason.WRONG_SCOPE):
        verifier().verify(
            with_headers(facts, SigV4Signer(EXAMPLE, region=region, service=service).sign(facts, NOW)), NOW
        )


def test_a_key_that_nobody_was_handed_is_refused() -> None:
    stranger = SigV4Credentials.random()
    with refused(AuthReason.UNKNOWN_KEY, stranger.secret.reveal_text()):
        verifier().verify(signed(credentials=stranger), NOW)


def test_the_right_id_with_the_wrong_secret_is_refused() -> None:
    guess = EXAMPLE.model_copy(update={"secret": Secret.from_text("a guess")})
    with refused(AuthReason.BAD_SIGNATURE, SECRET, "a guess"):
        verifier().verify(signed(credentials=guess), NOW)


def test_a_session_key_without_its_token_is_refused() -> None:
    assert SESSION.session_token is not None
    token = SESSION.session_token.reveal_text()
    bare = SESSION.model_copy(update={"session_token": None})
    with refused(AuthReason.UNKNOWN_KEY, token):
        verifier(SESSION).verify(signed(credentials=bare), NOW)
    wrong = SESSION.model_copy(update={"session_token": Secret.from_text("another")})
    with refused(AuthReason.UNKNOWN_KEY, token):
        verifier(SESSION).verify(signed(credentials=wrong), NOW)
    with refused(AuthReason.UNKNOWN_KEY, token):
        verifier(bare).verify(signed(credentials=SESSION), NOW)


@pytest.mark.parametrize("said", ["UNSIGNED-PAYLOAD", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", "0" * 64, "", "\xe9"])
def test_a_body_that_is_not_signed_is_refused(said: str) -> None:
    with refused(AuthReason.BAD_SIGNATURE):
        verifier().verify(signed(with_headers(request(), {"x-amz-content-sha256": said})), NOW)


def test_an_old_signature_is_refused() -> None:
    with refused(AuthReason.EXPIRED):
        verifier().verify(signed(now=NOW - SKEW_SECONDS - 1), NOW)


def test_a_signature_from_the_future_is_refused() -> None:
    with refused(AuthReason.NOT_YET_VALID):
        verifier().verify(signed(now=NOW + SKEW_SECONDS + 1), NOW)


@pytest.mark.parametrize("owner", [AWS, "azure", ""])
def test_a_signature_under_anothers_certificate_is_refused(owner: str) -> None:
    with refused(AuthReason.WRONG_CALLER):
        verifier().verify(signed(request(tls_provider=owner)), NOW)


def test_the_same_request_again_is_refused_for_as_long_as_it_would_be_good() -> None:
    checking, facts = verifier(), signed()
    assert checking.verify(facts, NOW) == GCP
    for later in (0.0, 1.0, SKEW_SECONDS):
        with refused(AuthReason.REPLAYED):
            checking.verify(facts, NOW + later)
    with refused(AuthReason.EXPIRED):
        checking.verify(facts, NOW + SKEW_SECONDS + 1)


def test_the_same_signature_in_another_spelling_is_a_replay_too() -> None:
    checking, facts = verifier(), signed(request(target="/p?a=1&b=2"))
    assert checking.verify(facts, NOW) == GCP
    with refused(AuthReason.REPLAYED):
        checking.verify(replace(facts, path="//p", query="b=2&a=1"), NOW)


def test_what_is_refused_is_not_remembered() -> None:
    checking, facts = verifier(capacity=1), signed()
    for _ in range(3):
        with refused(AuthReason.WRONG_CALLER):
            checking.verify(replace(facts, tls_provider=AWS), NOW)
    assert checking.verify(facts, NOW) == GCP


def test_more_than_can_be_remembered_is_refused() -> None:
    checking = verifier(capacity=1)
    assert checking.verify(signed(), NOW) == GCP
    with refused(AuthReason.TOO_MANY_LIVE):
        checking.verify(signed(), NOW)


def test_what_was_signed_before_the_start_counts_as_seen() -> None:
    checking = verifier(started=NOW + 1.5)
    with refused(AuthReason.REPLAYED):
        checking.verify(signed(now=NOW), NOW + 2)
    # The second of the start itself cannot be told apart.
    assert checking.verify(signed(now=NOW + 1.6), NOW + 2) == GCP
    assert checking.verify(signed(now=NOW + 2), NOW + 2) == GCP


Parts = st.sampled_from(("method", "path", "query", "name", "value", "body", "authorization"))
PLAIN = "".join(chr(each) for each in range(0x21, 0x7F))


def changed(text: str, where: int, to: str) -> str:
    where %= len(text)
    assume(text[where] != to and text[where] not in " \t")
    return text[:where] + to + text[where + 1 :]


@settings(deadline=None)
@given(part=Parts, where=st.integers(0, 10_000), to=st.sampled_from(PLAIN))
def test_any_single_changed_byte_is_refused(part: str, where: int, to: str) -> None:
    facts = signed(
        request(
            "PATCH",
            "/providers/gcp/connections/0f4f%2F?updateMask=a%2Cb&requestId=1&x",
            (("host", HOST), ("content-type", "application/json"), ("x-customer-proof", "eyJ.x"), ("my-field", "a b")),
            b'{"bandwidth": 1000}',
        )
    )
    assert verifier().verify(facts, NOW) == GCP
    if part in ("name", "value"):
        headers = list(facts.headers[:-1])
        name, value = headers[where % len(headers)]
        headers[where % len(headers)] = (
            (changed(name, where // 7, to), value) if part == "name" else (name, changed(value, where // 7, to))
        )
        changed_facts = replace(facts, headers=(*headers, facts.headers[-1]))
    elif part == "authorization":
        text = facts.values("authorization")[0]
        changed_facts = set_header(facts, "authorization", changed(text, where, to))
    elif part == "body":
        changed_facts = replace(facts, body=changed(facts.body.decode(), where, to).encode())
    elif part == "method":
        changed_facts = replace(facts, method=changed(facts.method, where, to))
    elif part == "path":
        changed_facts = replace(facts, path=changed(facts.path, where, to))
    else:
        changed_facts = replace(facts, query=changed(facts.query, where, to))
    with pytest.raises(AuthError) as caught:
        verifier().verify(changed_facts, NOW)
    shows_none_of(caught.value, SECRET, facts.values("authorization")[0])


Texts = st.text(max_size=40)


@settings(deadline=None)
@given(
    method=Texts,
    target=Texts,
    headers=st.lists(
        st.tuples(st.sampled_from(("host", "authorization", "x-amz-date", "date", "x")), Texts), max_size=6
    ),
    body=st.binary(max_size=20),
)
def test_nothing_that_arrives_is_an_accident(
    method: str, target: str, headers: list[tuple[str, str]], body: bytes
) -> None:
    """What comes from outside is refused, and never breaks anything."""
    with pytest.raises(AuthError):
        verifier().verify(RequestFacts.of(method, target, tuple(headers), body, GCP), NOW)


@settings(deadline=None)
@given(st.sampled_from(("path", "query", "value")), st.text(st.characters(categories=["Cs"]), min_size=1, max_size=3))
def test_text_that_cannot_be_encoded_is_refused_as_a_wrong_signature(part: str, text: str) -> None:
    facts = signed()
    if part == "value":
        facts = set_header(facts, "content-type", text)
    else:
        facts = replace(facts, path="/" + text) if part == "path" else replace(facts, query=text)
    with refused(AuthReason.BAD_SIGNATURE):
        verifier().verify(facts, NOW)


# -- what is held


def test_a_request_without_a_host_cannot_be_signed() -> None:
    with pytest.raises(InputError):
        SigV4Signer(EXAMPLE).sign(without_header(request(), "host"), NOW)


def test_one_id_for_two_keys_is_refused() -> None:
    with pytest.raises(InputError):
        SigV4Verifier({GCP: [EXAMPLE], AWS: [EXAMPLE]})


def test_credentials_show_no_secret() -> None:
    assert SESSION.session_token is not None
    secrets = (SESSION.secret.reveal_text(), SESSION.session_token.reveal_text(), SESSION.secret.reveal().hex())
    shows_none_of(SESSION, *secrets)
    shows_none_of(verifier(SESSION), *secrets)
    assert not any(each in SESSION.model_dump_json() for each in secrets)
    assert SigV4Credentials.model_validate_json(SESSION.model_dump_json(context={"reveal": True})) == SESSION


def test_a_requests_facts_show_no_credential() -> None:
    facts = signed(request(target="/p?X-Amz-Signature=abcdef", body=b"private"))
    shows_none_of(facts, facts.values("authorization")[0], "abcdef", "private")


@pytest.mark.parametrize("reason", AuthReason)
def test_each_reason_has_a_status_and_a_remedy(reason: AuthReason) -> None:
    error = AuthError(reason, "words")
    assert error.status == (403 if reason in (AuthReason.WRONG_CALLER, AuthReason.TOO_MANY_LIVE) else 401)
    assert error.remedy
    assert error.as_dict()["reason"] == reason.value
