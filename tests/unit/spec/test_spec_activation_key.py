"""Activation keys: what was made is read back, however it was carried; what is broken is named, and nothing of it told."""

import base64
import json
import textwrap
import time
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.spec import activation_key
from xcnet.spec.activation_key import (
    LONGEST,
    ActivationKey,
    ActivationKeyError,
    KeyPair,
    KeyProblem,
    encode,
    fingerprint,
    open_key,
    parse,
)

PAIR = KeyPair.generate()
OTHER = KeyPair.generate()
URI = "/providers/aws/environments/aws-gcp-us-east"
UUID = "0b8e7f2c-5d7e-4a53-9a51-2f1c86b7a001"
ACCOUNT = "my-account-4711"


def made(version: int = 1, **changes: Any) -> ActivationKey:
    fields: dict[str, Any] = {
        "version": version,
        "destination_environment_uri": URI,
        "shared_connection_uuid": UUID,
        "connection_size_mbps": 1000,
        "destination_account_id": ACCOUNT,
    }
    return ActivationKey(**{**fields, **changes})


def packed(value: Any) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def fields_of(text: str) -> dict[str, Any]:
    value = json.loads(base64.b64decode(text))
    assert isinstance(value, dict)
    return value


def sealed(inner: bytes, pair: KeyPair = PAIR) -> str:
    public = serialization.load_pem_public_key(pair.public.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    encrypted = base64.b64encode(public.encrypt(inner, oaep)).decode()
    return packed({"version": 2, "destinationEnvironmentUri": URI, "encryptedContents": encrypted})


CLEAR = encode(made())
SEALED = encode(made(2), PAIR.public)
TEXTS = {"version 1": CLEAR, "version 2": SEALED}


def problem(act: Callable[[], object]) -> ActivationKeyError:
    with pytest.raises(ActivationKeyError) as caught:
        act()
    return caught.value


# -- there and back


def test_version_1_has_everything_in_clear() -> None:
    assert fields_of(CLEAR) == {
        "version": 1,
        "destinationEnvironmentUri": URI,
        "sharedConnectionUuid": UUID,
        "connectionSizeMbps": 1000,
        "destinationAccountId": ACCOUNT,
    }
    parsed = parse(CLEAR)
    assert (parsed.version, parsed.destination_environment_uri, parsed.encrypted) == (1, URI, None)
    assert open_key(parsed, []) == made()


def test_version_2_has_the_destination_in_clear_and_nothing_else() -> None:
    outer = fields_of(SEALED)
    assert set(outer) == {"version", "destinationEnvironmentUri", "encryptedContents"}
    assert (outer["version"], outer["destinationEnvironmentUri"]) == (2, URI)
    assert len(base64.b64decode(outer["encryptedContents"])) == 256
    assert UUID not in str(outer) and ACCOUNT not in str(outer)
    parsed = parse(SEALED)
    assert (parsed.version, parsed.destination_environment_uri, parsed.clear) == (2, URI, None)
    assert open_key(parsed, [PAIR]) == made(2)


def test_what_is_encrypted_is_compact_json_of_the_other_three_fields() -> None:
    encrypted = parse(SEALED).encrypted
    assert encrypted is not None
    inner = PAIR.decrypt(encrypted)
    assert inner == (
        b'{"sharedConnectionUuid":"%s","connectionSizeMbps":1000,"destinationAccountId":"%s"}'
        % (UUID.encode(), ACCOUNT.encode())
    )


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([1, 2]),
    st.text(max_size=60),
    st.uuids().map(str),
    st.integers(-(2**31), 2**31 - 1),
    st.text(alphabet=st.characters(max_codepoint=127), max_size=12) | st.text(max_size=8),
)
def test_any_key_survives(version: int, uri: str, uuid: str, size: int, account: str) -> None:
    key = ActivationKey(
        version=version,
        destination_environment_uri=uri,
        shared_connection_uuid=uuid,
        connection_size_mbps=size,
        destination_account_id=account,
    )
    text = encode(key, PAIR.public)
    assert text.isascii()
    assert open_key(parse(text), [PAIR]) == key
    assert fingerprint(text) == fingerprint(text + "\n")


def test_two_keys_of_version_2_are_never_the_same_text() -> None:
    assert encode(made(2), PAIR.public) != SEALED
    assert fingerprint(encode(made(2), PAIR.public)) != fingerprint(SEALED)


# -- as customers paste it

CARRIED: dict[str, Callable[[str], str]] = {
    "lines": lambda text: "\n".join(textwrap.wrap(text, 20)),
    "windows lines": lambda text: "\r\n  ".join(textwrap.wrap(text, 64)) + "\r\n",
    "surrounded": lambda text: f"\t  {text} \n\n",
    "no-break and zero-width spaces": lambda text: "\ufeff\u00a0" + text[:9] + "\u200b" + text[9:] + "\u2060",
    "URL alphabet": lambda text: text.replace("+", "-").replace("/", "_"),
    "no padding": lambda text: text.rstrip("="),
    "too much padding": lambda text: text + "==",
}


@pytest.mark.parametrize("way", CARRIED)
@pytest.mark.parametrize("version", TEXTS)
def test_a_key_survives_being_carried(version: str, way: str) -> None:
    text = TEXTS[version]
    carried = CARRIED[way](text)
    assert open_key(parse(carried), [PAIR]) == open_key(parse(text), [PAIR])
    assert fingerprint(carried) == fingerprint(text)


def test_both_alphabets_are_met_with() -> None:
    text = packed({**fields_of(CLEAR), "destinationAccountId": "???>>>~~~"})
    assert "+" in text or "/" in text
    assert parse(text.replace("+", "-").replace("/", "_")) == parse(text)
    inner = fields_of(SEALED)
    inner["encryptedContents"] = inner["encryptedContents"].replace("+", "-").replace("/", "_").rstrip("=")
    assert open_key(parse(packed(inner)), [PAIR]) == made(2)


def test_a_fingerprint_is_of_what_a_key_says() -> None:
    fields = fields_of(CLEAR)
    written = json.dumps(dict(reversed(fields.items())), indent=3).replace("1000", "1e3")
    assert fingerprint(base64.b64encode(written.encode()).decode()) == fingerprint(CLEAR)
    assert len(fingerprint(CLEAR)) == 64
    assert fingerprint(packed({**fields, "later": 1})) == fingerprint(CLEAR)
    others = [packed({**fields, name: 2 if isinstance(value, int) else value + "x"}) for name, value in fields.items()]
    assert len({fingerprint(text) for text in [CLEAR, SEALED, *others]}) == 2 + len(others)


@settings(deadline=None)
@given(st.text(max_size=50))
def test_what_is_no_key_has_a_fingerprint_of_its_own(text: str) -> None:
    assert len(fingerprint(text)) == 64
    assert fingerprint(text) not in (fingerprint(CLEAR), fingerprint(text + "!"))


def test_fields_that_are_not_known_are_passed_over() -> None:
    assert parse(packed({**fields_of(CLEAR), "later": [None]})).clear == made()
    assert open_key(parse(packed({**fields_of(SEALED), "later": 1})), [PAIR]) == made(2)


def test_integers_may_be_written_with_a_point() -> None:
    assert parse(packed({**fields_of(CLEAR), "version": 1.0, "connectionSizeMbps": 1000.0})).clear == made()


# -- pairs


def test_a_pair_is_pem_and_its_private_half_is_secret() -> None:
    private = serialization.load_pem_private_key(PAIR.private.reveal(), None)
    assert isinstance(private, rsa.RSAPrivateKey) and private.key_size == 2048
    assert PAIR.private.reveal().startswith(b"-----BEGIN PRIVATE KEY-----\n")
    assert PAIR.public.startswith("-----BEGIN PUBLIC KEY-----\n")
    assert "PRIVATE" not in repr(PAIR) and "<secret>" in repr(PAIR)


def test_the_four_latest_pairs_open_a_key_and_a_fifth_does_not() -> None:
    for older in range(4):
        assert open_key(parse(SEALED), [*[OTHER] * older, PAIR]) == made(2)
    error = problem(lambda: open_key(parse(SEALED), [OTHER, OTHER, OTHER, OTHER, PAIR]))
    assert error.problem is KeyProblem.CANNOT_BE_DECRYPTED


def test_a_key_for_somebody_else_cannot_be_opened() -> None:
    assert problem(lambda: open_key(parse(SEALED), [OTHER])).problem is KeyProblem.CANNOT_BE_DECRYPTED
    assert problem(lambda: open_key(parse(SEALED), [])).problem is KeyProblem.CANNOT_BE_DECRYPTED


def test_a_key_that_was_touched_cannot_be_opened() -> None:
    fields = fields_of(SEALED)
    encrypted = bytearray(base64.b64decode(fields["encryptedContents"]))
    encrypted[100] ^= 1
    for contents in (bytes(encrypted), bytes(encrypted[:-1]), bytes(encrypted) + b"x", b"", b"\xff" * 256):
        text = packed({**fields, "encryptedContents": base64.b64encode(contents).decode()})
        assert problem(lambda text=text: open_key(parse(text), [PAIR])).problem is KeyProblem.CANNOT_BE_DECRYPTED


def test_a_broken_pair_is_not_the_keys_fault() -> None:
    broken = KeyPair(type(PAIR.private)(b"nothing"), PAIR.public)
    with pytest.raises(ValueError) as caught:
        open_key(parse(SEALED), [broken])
    assert not isinstance(caught.value, ActivationKeyError)


# -- making one


def test_what_is_too_long_to_encrypt_is_said_with_numbers() -> None:
    inner = {"sharedConnectionUuid": UUID, "connectionSizeMbps": 1000, "destinationAccountId": ""}
    room = 190 - len(json.dumps(inner, separators=(",", ":")))
    key = made(2, destination_account_id="x" * room)
    assert open_key(parse(encode(key, PAIR.public)), [PAIR]) == key
    error = problem(lambda: encode(made(2, destination_account_id="x" * (room + 1)), PAIR.public))
    assert error.problem is KeyProblem.TOO_LONG
    assert "191 bytes" in str(error) and "takes 190" in str(error)


def test_a_larger_public_key_takes_more() -> None:
    public = rsa.generate_private_key(65537, 3072).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
    assert parse(encode(made(2, destination_account_id="x" * 150), pem)).version == 2
    assert "takes 318" in str(problem(lambda: encode(made(2, destination_account_id="x" * 500), pem)))


def pem_of(key: Any) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return str(key.public_key().public_bytes(serialization.Encoding.PEM, form).decode())


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "nothing",
        "\ud800",
        PAIR.private.reveal_text(),
        PAIR.public[:-60],
        pem_of(rsa.generate_private_key(65537, 1024)),
        pem_of(ec.generate_private_key(ec.SECP256R1())),
        None,
    ],
    ids=["empty", "words", "half a character", "private", "cut", "1024 bits", "elliptic", "none"],
)
def test_a_public_key_that_cannot_be_used_is_said(pem: str | None) -> None:
    assert problem(lambda: encode(made(2), pem)).problem is KeyProblem.BAD_PUBLIC_KEY


@pytest.mark.parametrize("version", [0, 3, -1])
def test_a_version_that_is_not_known_cannot_be_made(version: int) -> None:
    assert problem(lambda: encode(made(version), PAIR.public)).problem is KeyProblem.UNKNOWN_VERSION


def test_half_a_character_cannot_be_carried() -> None:
    for version in (1, 2):
        error = problem(lambda version=version: encode(made(version, destination_account_id="\udc80"), PAIR.public))
        assert (error.problem, error.fields) == (KeyProblem.WRONG_FIELD, ("destinationAccountId",))


def test_a_key_that_nobody_would_read_is_not_made() -> None:
    assert problem(lambda: encode(made(destination_environment_uri="x" * LONGEST))).problem is KeyProblem.TOO_LONG


# -- broken ones

WHOLE = fields_of(CLEAR)
OUTER = fields_of(SEALED)


def without(fields: dict[str, Any], name: str) -> str:
    return packed({each: value for each, value in fields.items() if each != name})


BROKEN: list[tuple[str, KeyProblem, tuple[str, ...]]] = [
    ("", KeyProblem.NOT_JSON, ()),
    (" \n", KeyProblem.NOT_JSON, ()),
    ("no base64!", KeyProblem.NOT_BASE64, ()),
    (CLEAR[:-3] + "=" + CLEAR[-3:], KeyProblem.NOT_BASE64, ()),
    ("A", KeyProblem.NOT_BASE64, ()),
    ("é" * 8, KeyProblem.NOT_BASE64, ()),
    ("\ud800", KeyProblem.NOT_BASE64, ()),
    (CLEAR[:-8], KeyProblem.NOT_JSON, ()),
    (CLEAR + CLEAR.rstrip("="), KeyProblem.NOT_JSON, ()),
    (base64.b64encode(b"\xff\xfe").decode(), KeyProblem.NOT_JSON, ()),
    (base64.b64encode(b'{"version":NaN}').decode(), KeyProblem.NOT_JSON, ()),
    (base64.b64encode(b'{"version":' + b"9" * 6000 + b"}").decode(), KeyProblem.NOT_JSON, ()),
    (base64.b64encode(b"[" * 12_000).decode(), KeyProblem.NOT_JSON, ()),
    (base64.b64encode(b'{"a":' * 2_400).decode(), KeyProblem.NOT_JSON, ()),
    (packed([WHOLE]), KeyProblem.NOT_AN_OBJECT, ()),
    (packed("x"), KeyProblem.NOT_AN_OBJECT, ()),
    (packed(None), KeyProblem.NOT_AN_OBJECT, ()),
    (packed(1), KeyProblem.NOT_AN_OBJECT, ()),
    (packed({}), KeyProblem.MISSING_FIELD, ("version",)),
    (without(WHOLE, "version"), KeyProblem.MISSING_FIELD, ("version",)),
    (without(WHOLE, "destinationEnvironmentUri"), KeyProblem.MISSING_FIELD, ("destinationEnvironmentUri",)),
    (without(WHOLE, "sharedConnectionUuid"), KeyProblem.MISSING_FIELD, ("sharedConnectionUuid",)),
    (without(WHOLE, "connectionSizeMbps"), KeyProblem.MISSING_FIELD, ("connectionSizeMbps",)),
    (without(WHOLE, "destinationAccountId"), KeyProblem.MISSING_FIELD, ("destinationAccountId",)),
    (without(OUTER, "destinationEnvironmentUri"), KeyProblem.MISSING_FIELD, ("destinationEnvironmentUri",)),
    (without(OUTER, "encryptedContents"), KeyProblem.MISSING_FIELD, ("encryptedContents",)),
    *(
        (packed({**WHOLE, "version": value}), KeyProblem.WRONG_FIELD, ("version",))
        for value in (None, "1", True, 1.5, [])
    ),
    (packed({**WHOLE, "destinationEnvironmentUri": 5}), KeyProblem.WRONG_FIELD, ("destinationEnvironmentUri",)),
    (packed({**WHOLE, "destinationEnvironmentUri": "\ud800"}), KeyProblem.WRONG_FIELD, ("destinationEnvironmentUri",)),
    (packed({**WHOLE, "sharedConnectionUuid": "\ud800"}), KeyProblem.WRONG_FIELD, ("sharedConnectionUuid",)),
    (packed({**WHOLE, "sharedConnectionUuid": None}), KeyProblem.WRONG_FIELD, ("sharedConnectionUuid",)),
    (packed({**WHOLE, "connectionSizeMbps": "1000"}), KeyProblem.WRONG_FIELD, ("connectionSizeMbps",)),
    (packed({**WHOLE, "connectionSizeMbps": True}), KeyProblem.WRONG_FIELD, ("connectionSizeMbps",)),
    (packed({**WHOLE, "connectionSizeMbps": 10**30}), KeyProblem.WRONG_FIELD, ("connectionSizeMbps",)),
    (
        packed(
            {"version": 1, "destinationEnvironmentUri": URI, "connectionSizeMbps": [], "destinationAccountId": 4711}
        ),
        KeyProblem.WRONG_FIELD,
        ("connectionSizeMbps", "destinationAccountId"),
    ),
    (packed({**OUTER, "encryptedContents": 5}), KeyProblem.WRONG_FIELD, ("encryptedContents",)),
    (packed({**OUTER, "encryptedContents": "no base64!"}), KeyProblem.NOT_BASE64, ()),
    *(
        (packed({**WHOLE, "version": value}), KeyProblem.UNKNOWN_VERSION, ("version",))
        for value in (0, 3, -1, 10**4000)
    ),
    ("A" * (LONGEST + 1), KeyProblem.TOO_LONG, ()),
]


@pytest.mark.parametrize(("text", "reason", "fields"), BROKEN, ids=range(len(BROKEN)))
def test_every_way_to_be_broken_has_its_name(text: str, reason: KeyProblem, fields: tuple[str, ...]) -> None:
    error = problem(lambda: parse(text))
    assert (error.problem, error.fields) == (reason, fields)
    told = str(error) + repr(error)
    assert len(told) < 300
    assert not any(secret in told for secret in (UUID, ACCOUNT, URI, "no base64!"))
    assert error.__cause__ is None and (error.__context__ is None or error.__suppress_context__)


INSIDE: list[tuple[bytes, KeyProblem]] = [
    (b"", KeyProblem.NOT_JSON),
    (b"not json", KeyProblem.NOT_JSON),
    (b"[" * 190, KeyProblem.NOT_JSON),
    (b"[]", KeyProblem.NOT_AN_OBJECT),
    (b"{}", KeyProblem.MISSING_FIELD),
    (b'{"sharedConnectionUuid":"%s","connectionSizeMbps":1}' % UUID.encode(), KeyProblem.MISSING_FIELD),
    (
        b'{"sharedConnectionUuid":"%s","connectionSizeMbps":"1","destinationAccountId":"a"}' % UUID.encode(),
        KeyProblem.WRONG_FIELD,
    ),
]


@pytest.mark.parametrize(("inner", "reason"), INSIDE, ids=range(len(INSIDE)))
def test_what_is_inside_is_checked_as_well(inner: bytes, reason: KeyProblem) -> None:
    error = problem(lambda: open_key(parse(sealed(inner)), [PAIR]))
    assert error.problem is reason
    assert UUID not in str(error)


def test_what_is_inside_cannot_change_version_or_destination() -> None:
    inner = b'{"version":1,"destinationEnvironmentUri":"x","sharedConnectionUuid":"u","connectionSizeMbps":1,"destinationAccountId":"a"}'
    key = open_key(parse(sealed(inner)), [PAIR])
    assert (key.version, key.destination_environment_uri) == (2, URI)


def test_a_key_taken_apart_shows_neither_half() -> None:
    assert UUID not in repr(parse(CLEAR)) and ACCOUNT not in repr(parse(CLEAR))
    assert "encrypted" not in repr(parse(SEALED))


# -- hostile


@settings(deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=150).map(lambda raw: base64.b64encode(raw).decode()))
def test_any_text_is_a_key_or_refused(text: str) -> None:
    try:
        parse(text)
    except ActivationKeyError as error:
        assert str(error)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([1, 2, URI, "QQ=="]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)


@settings(deadline=None)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys([*WHOLE, "encryptedContents"], VALUES)))
def test_any_object_is_a_key_or_refused(fields: dict[str, Any]) -> None:
    try:
        parsed = parse(packed(fields))
        open_key(parsed, [])
    except ActivationKeyError as error:
        assert str(error)


@pytest.mark.parametrize(
    "text", ["A" * 1_000_000, " " * 1_000_000, "é" * 1_000_000, "=" * 1_000_000, CLEAR + " " * 1_000_000]
)
def test_a_megabyte_is_refused_at_once(text: str) -> None:
    began = time.perf_counter()
    assert problem(lambda: parse(text)).problem is KeyProblem.TOO_LONG
    fingerprint(text)
    assert time.perf_counter() - began < 5


def test_what_there_is_to_catch_is_one_type() -> None:
    assert issubclass(activation_key.ActivationKeyError, ValueError)
