"""Access keys, who owns them, and whether a claimed signature was made with one of them."""

from __future__ import annotations

import hmac
import re
import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.sigv4_canonical import Scope, canonical_request, parse_stamp, signature
from xcnet.coordinator.auth.verdict import AuthError, AuthReason
from xcnet.errors import InputError
from xcnet.secret import Secret
from xcnet.spec.operations import PROOF_HEADER

TOKEN_HEADER, BODY_HEADER = "x-amz-security-token", "x-amz-content-sha256"
_MUST_BE_SIGNED = frozenset(("host", "content-type", PROOF_HEADER))
_SIGNATURE = re.compile(r"[0-9a-f]{64}")
_KEY_ID_LETTERS = string.ascii_uppercase + "234567"
_ACCESS_KEY_ID = r"^[A-Za-z0-9]{4,128}$"


class SigV4Credentials(BaseModel):
    """An access key. :param secret: the secret access key, as its ASCII. :param session_token: of a session's key, ASCII."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    access_key_id: Annotated[str, Field(pattern=_ACCESS_KEY_ID)]
    secret: Secret
    session_token: Secret | None = None

    @classmethod
    def random(cls, *, session: bool = False) -> Self:
        """A fresh one. :param session: one of a session, with a token."""
        name = "".join(secrets.choice(_KEY_ID_LETTERS) for _ in range(16))
        return cls(
            access_key_id=("ASIA" if session else "AKIA") + name,
            secret=Secret.from_text(secrets.token_urlsafe(30)),
            session_token=Secret.from_text(secrets.token_urlsafe(48)) if session else None,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request says about its own signature; nothing of it is true yet.

    :param timestamp: as in the string to sign. :param signed: the signed header fields' names. :param token: the session's.
    """

    access_key_id: str
    scope: Scope
    timestamp: str
    signed: tuple[str, ...]
    signature: str = field(repr=False)
    token: str | None = field(default=None, repr=False)

    @property
    def time(self) -> float:
        """Seconds since the epoch."""
        return parse_stamp(self.timestamp)


def parse_claim(credential: str, timestamp: str, signed: str, signature: str, token: str | None) -> Claim:
    """Take a signature's parts apart.

    :param credential: access key id and scope. :param signed: names with semicolons between them.
    :raises AuthError: MALFORMED: they are not written as they must be.
    """
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        raise AuthError(AuthReason.MALFORMED, "the credential is not ID/DATE/REGION/SERVICE/aws4_request")
    names = tuple(signed.split(";"))
    if list(names) != sorted(set(names)) or any(not each or each != each.lower().strip() for each in names):
        raise AuthError(
            AuthReason.MALFORMED, "the names of the signed header fields are not sorted, or not in lower case"
        )
    if _SIGNATURE.fullmatch(signature) is None:
        raise AuthError(AuthReason.MALFORMED, "the signature has not 64 hexadecimal digits in lower case")
    try:
        parse_stamp(timestamp)
    except ValueError as error:
        raise AuthError(AuthReason.MALFORMED, str(error)) from None
    if timestamp[:8] != parts[1]:
        raise AuthError(AuthReason.MALFORMED, "the scope's day is not the day of the signature")
    return Claim(parts[0], Scope(*parts[1:4]), timestamp, names, signature, token)


class Keyring:
    """The access keys that somebody may sign with, for one region and service.

    :param owners: who owns them -> the keys.
    :raises InputError: one access key id is there twice.
    """

    def __init__(self, owners: Mapping[str, Iterable[SigV4Credentials]], *, region: str, service: str) -> None:
        self._region, self._service = region, service
        self._keys: dict[str, tuple[str, SigV4Credentials]] = {}
        for owner, keys in owners.items():
            for each in keys:
                if each.access_key_id in self._keys:
                    raise InputError(
                        "one access key id is there twice",
                        where=f"access keys of {owner}",
                        remedy="give every key an id of its own",
                    )
                self._keys[each.access_key_id] = owner, each

    def check(self, claim: Claim, facts: RequestFacts, query: str) -> str:
        """See that the request was signed as claimed, whatever the time. Returns the key's owner.

        :param query: canonical. :raises AuthError: it was not, or not for here, or not all of it.
        """
        if (claim.scope.region, claim.scope.service) != (self._region, self._service):
            raise AuthError(
                AuthReason.WRONG_SCOPE,
                f"the signature is for another region or service than {self._region}/{self._service}",
            )
        _demand_signed(claim, facts)
        found = self._keys.get(claim.access_key_id)
        if found is None:
            raise AuthError(AuthReason.UNKNOWN_KEY, "nobody has an access key of this id")
        owner, credentials = found
        expected = signature(
            credentials.secret,
            claim.timestamp,
            claim.scope,
            canonical_request(facts, query, claim.signed, _body_digest(facts)),
        )
        if not hmac.compare_digest(expected, claim.signature):
            raise AuthError(AuthReason.BAD_SIGNATURE, "the signature is not that of this request under this access key")
        if _token(claim) != credentials.session_token:
            raise AuthError(AuthReason.UNKNOWN_KEY, "the session token is not that of this access key")
        return owner


def _token(claim: Claim) -> Secret | None:
    return None if claim.token is None else Secret(claim.token.encode("utf-8", "surrogatepass"))


def _demand_signed(claim: Claim, facts: RequestFacts) -> None:
    present = {name for name, _ in facts.headers}
    if len(facts.values("host")) != 1:
        raise AuthError(AuthReason.MALFORMED, "the request has not exactly one Host field")
    if any(each not in present for each in claim.signed):
        raise AuthError(AuthReason.MALFORMED, "a signed header field is not there")
    for name in sorted(present - set(claim.signed)):
        if name in _MUST_BE_SIGNED or name.startswith("x-amz-"):
            raise AuthError(AuthReason.UNSIGNED_HEADER, f"the header field {name[:64]!r} is not signed")


def _body_digest(facts: RequestFacts) -> str:
    """The body's, which is what the header field says where there is one: bodies that are not signed are not taken."""
    digest = facts.body_sha256()
    said = facts.values(BODY_HEADER)
    if said and not (len(said) == 1 and hmac.compare_digest(said[0].encode("utf-8", "surrogatepass"), digest.encode())):
        raise AuthError(AuthReason.BAD_SIGNATURE, "the body is not the one that was signed")
    return digest


__all__ = ["BODY_HEADER", "TOKEN_HEADER", "Claim", "Keyring", "SigV4Credentials", "parse_claim"]
