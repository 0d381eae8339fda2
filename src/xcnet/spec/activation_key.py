"""Activation keys: what a customer carries from one provider to the other, as base64 of a JSON object.

Version 1 has everything in clear; version 2 all but the destination environment under that environment's public key
(RSA-OAEP with SHA-256, RFC 8017, section 7.1).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from pydantic import ValidationError

from xcnet.secret import Secret
from xcnet.spec.base import integer, read_json
from xcnet.spec.connections import ActivationKey

LONGEST = 16_384
"""Characters of an activation key: ten times what any real one has."""
PAIRS_TRIED = 4
"""Key pairs whose public keys are still accepted, the newest among them."""

_RSA_BITS = 2048
_HASH_BYTES = 32
_INNER = ("sharedConnectionUuid", "connectionSizeMbps", "destinationAccountId")
_KNOWN = [str(field.alias) for field in ActivationKey.model_fields.values()]
_VERSION, _URI, _ENCRYPTED = "version", "destinationEnvironmentUri", "encryptedContents"
# Pasting brings them, nobody sees them, and they are no white space: soft hyphen, zero-width space and joiners, byte order mark.
_INVISIBLE = dict.fromkeys((0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF))


class KeyProblem(StrEnum):
    """Why a text is no activation key, or why one cannot be made or opened."""

    TOO_LONG = "too-long"
    NOT_BASE64 = "not-base64"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    MISSING_FIELD = "missing-field"
    WRONG_FIELD = "wrong-field"
    UNKNOWN_VERSION = "unknown-version"
    CANNOT_BE_DECRYPTED = "cannot-be-decrypted"
    BAD_PUBLIC_KEY = "bad-public-key"


class ActivationKeyError(ValueError):
    """A text that is no activation key, or not one for this provider. The words never hold any of it.

    :param fields: JSON names of those that are missing or wrong.
    """

    def __init__(self, problem: KeyProblem, message: str, fields: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.problem = problem
        self.fields = tuple(fields)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """An environment's key pair. :param private: PKCS #8, PEM. :param public: SubjectPublicKeyInfo, PEM."""

    private: Secret
    public: str

    @classmethod
    def generate(cls) -> KeyPair:
        private = rsa.generate_private_key(public_exponent=65537, key_size=_RSA_BITS)
        pem = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        public = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return cls(Secret(pem), public.decode())

    def decrypt(self, encrypted: bytes) -> bytes | None:
        """None: it was not encrypted with this pair's public key. :raises ValueError: the pair itself is broken."""
        private = serialization.load_pem_private_key(self.private.reveal(), None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise ValueError("the key pair is not an RSA pair")
        try:
            return private.decrypt(encrypted, _oaep())
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class ParsedKey:
    """An activation key taken apart. :param encrypted: of version 2. :param clear: of version 1."""

    version: int
    destination_environment_uri: str
    clear: ActivationKey | None = field(default=None, repr=False)
    encrypted: bytes | None = field(default=None, repr=False)


def _oaep() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def encode(key: ActivationKey, public_key: str | None = None) -> str:
    """The text for the customer.

    :param public_key: PEM; needed for version 2, and passed over for version 1.
    :raises ActivationKeyError: the version cannot be made, the public key cannot be used, a field holds half a character, or
        the key would be too long.
    """
    fields = _clear(key.to_wire()).to_wire()
    if key.version == 1:
        return _written(fields)
    if key.version != 2:
        raise ActivationKeyError(KeyProblem.UNKNOWN_VERSION, f"a key of version {key.version} cannot be made")
    if public_key is None:
        raise ActivationKeyError(KeyProblem.BAD_PUBLIC_KEY, "a key of version 2 needs the destination's public key")
    encrypted = _encrypted(_compact({name: fields[name] for name in _INNER}), _public(public_key))
    return _written({_VERSION: 2, _URI: fields[_URI], _ENCRYPTED: base64.b64encode(encrypted).decode()})


def _public(pem: str) -> rsa.RSAPublicKey:
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ActivationKeyError(KeyProblem.BAD_PUBLIC_KEY, "the destination's public key is not PEM") from None
    if not isinstance(public, rsa.RSAPublicKey):
        raise ActivationKeyError(KeyProblem.BAD_PUBLIC_KEY, "the destination's public key is not an RSA key")
    if public.key_size < _RSA_BITS:
        raise ActivationKeyError(
            KeyProblem.BAD_PUBLIC_KEY,
            f"the destination's public key has {public.key_size} bits, fewer than {_RSA_BITS}",
        )
    return public


def _encrypted(inner: bytes, public: rsa.RSAPublicKey) -> bytes:
    room = public.key_size // 8 - 2 * _HASH_BYTES - 2
    if len(inner) > room:
        raise ActivationKeyError(
            KeyProblem.TOO_LONG,
            f"what is to be encrypted has {len(inner)} bytes, and the destination's public key takes {room}",
        )
    return public.encrypt(inner, _oaep())


def parse(text: str) -> ParsedKey:
    """Take a key apart, as far as that goes without a private key.

    White space, which pasting brings, is passed over; both alphabets of base64 are read, with padding or without; so are
    fields that are not known here.

    :raises ActivationKeyError: what is wrong with it.
    """
    if len(text) > LONGEST:
        raise ActivationKeyError(KeyProblem.TOO_LONG, f"it has more than {LONGEST} characters")
    fields = _object(_unbase64(_joined(text), "it"), "it")
    version = integer(_needed(fields, _VERSION))
    if not isinstance(version, int) or isinstance(version, bool):
        raise _wrong(KeyProblem.WRONG_FIELD, [_VERSION])
    if version not in (1, 2):
        raise ActivationKeyError(KeyProblem.UNKNOWN_VERSION, "it has a version that is not known here", [_VERSION])
    uri = _text(fields, _URI)
    if version == 1:
        return ParsedKey(1, uri, clear=_clear(fields))
    return ParsedKey(2, uri, encrypted=_unbase64(_joined(_text(fields, _ENCRYPTED)), "what is encrypted in it"))


def open_key(parsed: ParsedKey, pairs: Iterable[KeyPair]) -> ActivationKey:
    """All of a key's fields.

    :param pairs: those whose public keys were given out, the newest first; the first four are tried.
    :raises ActivationKeyError: none of them opens it, or what is inside is not a key's.
    """
    if parsed.clear is not None:
        return parsed.clear
    for pair in islice(pairs, PAIRS_TRIED):
        inner = pair.decrypt(parsed.encrypted or b"")
        if inner is not None:
            outer = {_VERSION: parsed.version, _URI: parsed.destination_environment_uri}
            return _clear({**_object(inner, "what is encrypted in it"), **outer})
    raise ActivationKeyError(
        KeyProblem.CANNOT_BE_DECRYPTED, "it was encrypted for somebody else, or with a public key that is too old"
    )


def fingerprint(text: str) -> str:
    """What identifies a key without being one: SHA-256, hexadecimal, of what it says, however that is written.

    Equal for texts that :func:`parse` reads as the same key. A text that is no key has a fingerprint as well, which is no
    key's.
    """
    try:
        parsed = parse(text)
    except ActivationKeyError:
        return hashlib.sha256(b"\0" + text.encode(errors="surrogatepass")).hexdigest()
    if parsed.clear is not None:
        fields = parsed.clear.to_wire()
    else:
        encrypted = base64.b64encode(parsed.encrypted or b"").decode()
        fields = {_VERSION: 2, _URI: parsed.destination_environment_uri, _ENCRYPTED: encrypted}
    return hashlib.sha256(_compact(dict(sorted(fields.items())))).hexdigest()


def _compact(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def _written(fields: dict[str, Any]) -> str:
    text = base64.b64encode(_compact(fields)).decode()
    if len(text) > LONGEST:
        raise ActivationKeyError(KeyProblem.TOO_LONG, f"it would have more than {LONGEST} characters")
    return text


def _joined(text: str) -> str:
    return "".join(text.translate(_INVISIBLE).split())


def _unbase64(joined: str, what: str) -> bytes:
    digits = joined.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise ActivationKeyError(KeyProblem.NOT_BASE64, f"{what} is not base64") from None


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = read_json(raw)
    except ValueError:
        raise ActivationKeyError(KeyProblem.NOT_JSON, f"{what} is not JSON") from None
    if not isinstance(value, dict):
        raise ActivationKeyError(KeyProblem.NOT_AN_OBJECT, f"{what} is not a JSON object")
    return value


def _needed(fields: dict[str, Any], name: str) -> Any:
    if name not in fields:
        raise _wrong(KeyProblem.MISSING_FIELD, [name])
    return fields[name]


def _text(fields: dict[str, Any], name: str) -> str:
    value = _needed(fields, name)
    if not isinstance(value, str) or not _utf8(value):
        raise _wrong(KeyProblem.WRONG_FIELD, [name])
    return value


def _utf8(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:  # JSON's escapes can spell half a character
        return False
    return True


def _clear(fields: dict[str, Any]) -> ActivationKey:
    halves = sorted(name for name in _KNOWN if isinstance(fields.get(name), str) and not _utf8(fields[name]))
    if halves:
        raise _wrong(KeyProblem.WRONG_FIELD, halves)
    try:
        return ActivationKey.model_validate(fields, strict=True, by_alias=True, by_name=False)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        missing = sorted(str(each["loc"][0]) for each in problems if each["type"] == "missing")
        wrong = sorted({str(each["loc"][0]) for each in problems} - set(missing))
    raise _wrong(KeyProblem.WRONG_FIELD, wrong) if wrong else _wrong(KeyProblem.MISSING_FIELD, missing)


def _wrong(problem: KeyProblem, fields: list[str]) -> ActivationKeyError:
    what = "it lacks" if problem is KeyProblem.MISSING_FIELD else "these of its fields are not what they must be:"
    return ActivationKeyError(problem, f"{what} {', '.join(fields)}", fields)


__all__ = [
    "LONGEST",
    "PAIRS_TRIED",
    "ActivationKey",
    "ActivationKeyError",
    "KeyPair",
    "KeyProblem",
    "ParsedKey",
    "encode",
    "fingerprint",
    "open_key",
    "parse",
]
