"""Proofs that are identity tokens: the customer's provider signs whose session it was, and publishes the key."""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
from collections.abc import Callable, Iterable, Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from xcnet.coordinator.auth import jws
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.proof import (
    LIFETIME_SECONDS,
    LONGEST_SECONDS,
    SKEW_SECONDS,
    CustomerIdentity,
    Fetch,
    IdentityAnswer,
    ProofError,
    ProofReason,
    ProofVerdict,
    by_account,
    fetched,
    verdict,
)
from xcnet.errors import InputError
from xcnet.secret import Secret

KIND = "identity_token"
TOKEN_KIND = "xcnet-identity+jwt"  # noqa: S105
KEYS_MAX_AGE = 300.0
"""Seconds for which published keys are taken for the present ones."""

_MOST_KEYS = 32


class IdentityClaims(jws.TimedClaims):
    """What an identity token says. :param iss: the customer's provider. :param aud: who reads it. :param connection: UUID."""

    account: str = Field(min_length=1, max_length=128)
    connection: str = Field(min_length=1, max_length=128)


class TokenMaker:
    """The provider's token service: gives tokens to whoever shows a session's credentials.

    :param provider: who signs. :param keys: identity keys, P-256, PKCS #8, PEM; the first one signs.
    :param lifetime: seconds that a proof is good. :param token_id: gives a text that was never used before.
    :raises InputError: a key is none, or two sessions have one access key id.
    """

    def __init__(
        self,
        provider: str,
        keys: Sequence[Secret],
        customers: Iterable[CustomerIdentity],
        *,
        lifetime: float = LIFETIME_SECONDS,
        token_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._provider = provider
        if not keys:
            raise InputError(
                "there is no key to sign with", where=f"identity of {provider}", remedy="give one at least"
            )
        self._key = jws.private_key(keys[0])
        self._kid = jws.WebKey.of(self._key.public_key()).kid
        self._customers = by_account(customers)
        self._lifetime = lifetime
        self._token_id = token_id

    def make(self, customer: CustomerIdentity, connection: str, audience: str, now: float) -> Secret:
        """See :meth:`xcnet.coordinator.auth.proof.ProofMaker.make`."""
        if not self._knows(customer):
            raise ProofError(ProofReason.UNKNOWN_CUSTOMER, "this is no session of that account")
        claims = IdentityClaims(
            iss=self._provider,
            aud=audience,
            iat=now,
            nbf=now,
            exp=now + self._lifetime,
            jti=self._token_id(),
            account=customer.account,
            connection=connection,
        )
        return Secret.from_text(jws.sign(TOKEN_KIND, claims.model_dump(), self._key, self._kid))

    def _knows(self, customer: CustomerIdentity) -> bool:
        shown = customer.credentials
        return any(
            each.access_key_id == shown.access_key_id
            and each.session_token == shown.session_token
            and hmac.compare_digest(each.secret.reveal(), shown.secret.reveal())
            for each in self._customers.get(customer.account, ())
        )


class TokenDoor:
    """The provider's published keys (RFC 7517, 5). :param keys: as :class:`TokenMaker` has them."""

    def __init__(self, path: str, keys: Sequence[Secret]) -> None:
        self._path = path
        published = [jws.WebKey.of(jws.private_key(each).public_key()).model_dump() for each in keys]
        self._body = json.dumps({"keys": published}, separators=(",", ":")).encode()

    @property
    def path(self) -> str:
        """See :attr:`xcnet.coordinator.auth.proof.IdentityDoor.path`."""
        return self._path

    def answer(self, facts: RequestFacts, now: float) -> IdentityAnswer:  # noqa: ARG002
        """The keys, to anybody."""
        if facts.method != "GET" or facts.path != self._path:
            return IdentityAnswer(404, b'{"Error":{"Code":"WRONG_REQUEST"}}')
        return IdentityAnswer(200, self._body)


class KeySet:
    """Another provider's published keys, as far as they have been asked for.

    :param url: where they are. :param max_age: seconds after which they are fetched again.
    """

    def __init__(self, url: str, fetch: Fetch, *, max_age: float = KEYS_MAX_AGE) -> None:
        self._url = url
        self._fetch = fetch
        self._max_age = max_age
        self._keys: dict[str, ec.EllipticCurvePublicKey] = {}
        self._fetched_at: float | None = None
        self._fetches = 0
        self._lock = asyncio.Lock()

    async def key(self, kid: str, now: float) -> ec.EllipticCurvePublicKey | None:
        """The key of this id; None: there is none, which has just been asked.

        :param now: seconds since the epoch. :raises ProofError: UNREACHABLE.
        """
        if kid in self._keys and self._fresh(now):
            return self._keys[kid]
        asked = self._fetches
        async with self._lock:
            # Many may ask at once: those that have waited take what the first one was given.
            if self._fetches == asked:
                self._keys = self._read(await self._ask())
                self._fetched_at = now
                self._fetches += 1
        return self._keys.get(kid)

    def _fresh(self, now: float) -> bool:
        return self._fetched_at is not None and 0 <= now - self._fetched_at <= self._max_age

    async def _ask(self) -> bytes:
        answer = await fetched(self._fetch, self._url)
        if answer.status != 200:
            raise ProofError(ProofReason.UNREACHABLE, f"the provider's keys cannot be had: {answer.status}")
        return answer.body

    def _read(self, body: bytes) -> dict[str, ec.EllipticCurvePublicKey]:
        """Keys of other kinds are of no use here, and do no harm."""
        try:
            document = _Published.model_validate_json(body)
        except ValidationError:
            raise ProofError(ProofReason.UNREACHABLE, "the provider's keys are not readable") from None
        found: dict[str, ec.EllipticCurvePublicKey] = {}
        for each in document.keys[:_MOST_KEYS]:
            try:
                key = jws.WebKey.model_validate(each)
                found.setdefault(key.kid, key.key())
            except ValueError:
                continue
        return found


class _Published(BaseModel):
    model_config = ConfigDict(extra="ignore")

    keys: list[dict[str, object]]


class TokenChecker:
    """Reads them.

    :param issuer: the customer's provider. :param audience: the provider that reads. :param keys: the issuer's.
    :param longest: seconds that a proof may be good. :param skew: seconds that the clocks may be apart.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: KeySet,
        *,
        longest: float = LONGEST_SECONDS,
        skew: float = SKEW_SECONDS,
    ) -> None:
        self._issuer, self._audience = issuer, audience
        self._keys = keys
        self._longest, self._skew = longest, skew

    async def check(self, proof: str, connection: str, now: float, *, account: str | None = None) -> ProofVerdict:
        """See :meth:`xcnet.coordinator.auth.proof.ProofChecker.check`."""
        try:
            token = jws.parse(TOKEN_KIND, proof)
            claims = token.read(IdentityClaims)
        except jws.TokenError as error:
            raise ProofError(ProofReason.MALFORMED, f"the proof is refused: {error}") from None
        # What is wrong whoever has signed it is found out before anybody is asked.
        self._demand(claims, connection, now)
        key = await self._keys.key(token.kid, now)
        if key is None:
            raise ProofError(ProofReason.UNKNOWN_KEY, "the customer's provider has no such key")
        try:
            token.verify(key)
        except jws.TokenSignatureError:
            raise ProofError(ProofReason.BAD_SIGNATURE, "the proof is not signed with its provider's key") from None
        return verdict(claims.account, KIND, f"{claims.iss}\n{claims.jti}", claims.exp, account)

    def _demand(self, claims: IdentityClaims, connection: str, now: float) -> None:
        if claims.iss != self._issuer:
            raise ProofError(ProofReason.WRONG_ISSUER, "the proof is not of the customer's provider")
        if claims.connection != connection:
            raise ProofError(ProofReason.WRONG_CONNECTION, "the proof is for another connection")
        if claims.aud != self._audience:
            raise ProofError(ProofReason.WRONG_AUDIENCE, "the proof is for another provider")
        if claims.exp - claims.iat > self._longest:
            raise ProofError(ProofReason.LIVES_TOO_LONG, f"the proof would be good for more than {self._longest:g} s")
        if claims.begins > now + self._skew:
            raise ProofError(ProofReason.NOT_YET_VALID, f"the proof begins more than {self._skew:g} s ahead")
        if claims.exp < now:
            raise ProofError(ProofReason.EXPIRED, "the proof is not good any more")


__all__ = [
    "KEYS_MAX_AGE",
    "KIND",
    "TOKEN_KIND",
    "IdentityClaims",
    "KeySet",
    "TokenChecker",
    "TokenDoor",
    "TokenMaker",
]
