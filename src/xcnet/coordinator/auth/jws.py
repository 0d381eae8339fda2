"""Tokens under one algorithm, ES256 (RFC 7518, 3.4), of one kind each: signed, taken apart, verified."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass, field
from typing import Any, TypeVar

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xcnet.errors import InputError
from xcnet.secret import Secret

ALGORITHM = "ES256"
LONGEST = 4096
"""Characters of a token: several times what any of ours has."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_HEADER = frozenset(("alg", "typ", "kid"))
_COORDINATE_BYTES = 32
_JWS = jwt.PyJWS(algorithms=[ALGORITHM])
_PROBLEMS_SHOWN = 3

Claims = TypeVar("Claims", bound=BaseModel)


class TokenError(ValueError):
    """A text that is no token of the kind that is asked for. The words hold nothing of it."""


class TokenAlgorithmError(TokenError):
    """It is signed in another way than the one that is accepted, or not at all."""


class TokenSignatureError(TokenError):
    """It is not signed with that key."""


class TimedClaims(BaseModel):
    """What every token says (RFC 7519, 4.1). Times are seconds since the epoch. :param jti: never used for two tokens."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", allow_inf_nan=False)

    iss: str = Field(min_length=1, max_length=128)
    aud: str = Field(min_length=1, max_length=128)
    iat: float = Field(ge=0, lt=1e11)
    exp: float = Field(ge=0, lt=1e11)
    nbf: float = Field(default=0, ge=0, lt=1e11)
    jti: str = Field(min_length=8, max_length=128)

    @property
    def begins(self) -> float:
        """The first moment at which it is good."""
        return max(self.iat, self.nbf)


@dataclass(frozen=True, slots=True)
class Token:
    """A token taken apart; nothing of it is true yet. :param kid: which key it claims to be signed with; may be empty."""

    text: str = field(repr=False)
    kid: str
    payload: bytes = field(repr=False)

    def read(self, kind: type[Claims]) -> Claims:
        """Its claims. :raises TokenError: they are not of this kind."""
        try:
            return kind.model_validate_json(self.payload)
        except ValidationError as error:
            problems = error.errors(include_url=False, include_context=False, include_input=False)[:_PROBLEMS_SHOWN]
            named = (f"{each['loc'][0] if each['loc'] else 'claims'}: {each['type']}" for each in problems)
            raise TokenError(f"its claims cannot be accepted ({'; '.join(named)})") from None

    def verify(self, key: ec.EllipticCurvePublicKey) -> None:
        """:raises TokenSignatureError: it is not signed with this key."""
        try:
            _JWS.decode(self.text, key, algorithms=[ALGORITHM])
        except (jwt.PyJWTError, ValueError, RecursionError):
            raise TokenSignatureError("its signature is not that of the key it must be signed with") from None


def sign(kind: str, claims: dict[str, Any], key: ec.EllipticCurvePrivateKey, kid: str = "") -> str:
    """A token in compact form. :param kind: its ``typ``, so that none is taken for one of another kind (RFC 8725, 3.11)."""
    header = {"typ": kind, **({"kid": kid} if kid else {})}
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return _JWS.encode(payload, key, algorithm=ALGORITHM, headers=header)


def parse(kind: str, text: str) -> Token:
    """Take it apart.

    :raises TokenAlgorithmError: not ES256. :raises TokenError: it is no token, or of another kind.
    """
    if len(text) > LONGEST:
        raise TokenError(f"it has more than {LONGEST} characters")
    if _COMPACT.fullmatch(text) is None:
        raise TokenError("it is not three parts of base64url with dots between them")
    header_part, payload, _ = (_decode(part) for part in text.split("."))
    try:
        header = json.loads(header_part)
    except (ValueError, RecursionError):
        raise TokenError("its header is not readable") from None
    if not isinstance(header, dict):
        raise TokenError("its header is no object")
    if header.get("alg") != ALGORITHM:
        raise TokenAlgorithmError(f"tokens are signed by {ALGORITHM} here")
    if header.get("typ") != kind:
        raise TokenError(f"it is no token of the kind {kind}")
    kid = header.get("kid", "")
    if header.keys() - _HEADER or not isinstance(kid, str) or len(kid) > 128:
        raise TokenError("its header has fields that are not understood")
    return Token(text, kid, payload)


def _decode(part: str) -> bytes:
    """Only what encodes to the same text again: a token has one spelling."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except (ValueError, binascii.Error):
        raise TokenError("a part of it is no base64url") from None
    if _encode(data) != part:
        raise TokenError("a part of it is no base64url")
    return data


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


# -- keys


def new_key() -> Secret:
    """A fresh P-256 private key, PKCS #8, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return Secret(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def private_key(pem: Secret) -> ec.EllipticCurvePrivateKey:
    """:raises InputError: it is no P-256 private key."""
    try:
        key = serialization.load_pem_private_key(pem.reveal(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key("private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _no_key("private key")
    return key


def public_key(pem: str) -> ec.EllipticCurvePublicKey:
    """:raises InputError: it is no P-256 public key."""
    try:
        key = serialization.load_pem_public_key(pem.encode("utf-8", "surrogatepass"))
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise _no_key("public key") from None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise _no_key("public key")
    return key


def public_pem(pem: Secret) -> str:
    """The public half of a private key, SubjectPublicKeyInfo, PEM. :raises InputError: it is no P-256 private key."""
    key = private_key(pem).public_key()
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode("ascii")


def _no_key(what: str) -> InputError:
    return InputError(f"this is no P-256 {what}", where="key of tokens", remedy="give one as unencrypted PEM")


class WebKey(BaseModel):
    """A public P-256 key as JSON (RFC 7517; RFC 7518, 6.2)."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kty: str = "EC"
    crv: str = "P-256"
    x: str = Field(max_length=64)
    y: str = Field(max_length=64)
    kid: str = Field(min_length=1, max_length=128)
    use: str = "sig"
    alg: str = ALGORITHM

    @classmethod
    def of(cls, key: ec.EllipticCurvePublicKey) -> WebKey:
        """Its kid is its thumbprint (RFC 7638)."""
        numbers = key.public_numbers()
        x, y = (_encode(each.to_bytes(_COORDINATE_BYTES, "big")) for each in (numbers.x, numbers.y))
        members = json.dumps({"crv": "P-256", "kty": "EC", "x": x, "y": y}, separators=(",", ":"))
        return cls(x=x, y=y, kid=_encode(hashlib.sha256(members.encode()).digest()))

    def key(self) -> ec.EllipticCurvePublicKey:
        """:raises TokenError: it is none that tokens can be verified with."""
        if (self.kty, self.crv, self.use, self.alg) != ("EC", "P-256", "sig", ALGORITHM):
            raise TokenError(f"a key is not one of {ALGORITHM} signatures")
        x, y = _decode(self.x), _decode(self.y)
        if len(x) != _COORDINATE_BYTES or len(y) != _COORDINATE_BYTES:
            raise TokenError("a key's coordinates have not 32 bytes")
        try:
            return ec.EllipticCurvePublicNumbers(
                int.from_bytes(x, "big"), int.from_bytes(y, "big"), ec.SECP256R1()
            ).public_key()
        except ValueError:
            raise TokenError("a key is no point of its curve") from None


__all__ = [
    "ALGORITHM",
    "LONGEST",
    "TimedClaims",
    "Token",
    "TokenAlgorithmError",
    "TokenError",
    "TokenSignatureError",
    "WebKey",
    "new_key",
    "parse",
    "private_key",
    "public_key",
    "public_pem",
    "sign",
]
