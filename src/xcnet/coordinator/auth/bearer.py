"""Requests under a bearer token (RFC 6750) that the caller signs with its own key, each good for one request only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Mapping

from pydantic import Field

from xcnet.coordinator.auth import jws
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.replay import ReplayGuard
from xcnet.coordinator.auth.verdict import AuthError, AuthReason, demand_caller, the_authorization
from xcnet.secret import Secret
from xcnet.spec.operations import PROOF_HEADER

KIND = "xcnet-request+jwt"
LIFETIME_SECONDS = 60.0
LONGEST_SECONDS = 300.0
SKEW_SECONDS = 60.0

_DIGEST = r"^[0-9a-f]{64}$"


class RequestClaims(jws.TimedClaims):
    """What a request's token says.

    :param iss: the calling provider, as is ``sub``. :param aud: the provider that is called. :param htm: method.
    :param target_sha256: of path and query as in the request line. :param body_sha256: of the body.
    :param proof_sha256: of the customer's proof; of nothing where there is none. Digests in hexadecimal digits.
    """

    sub: str = Field(min_length=1, max_length=128)
    htm: str = Field(min_length=1, max_length=32)
    target_sha256: str = Field(pattern=_DIGEST)
    body_sha256: str = Field(pattern=_DIGEST)
    proof_sha256: str = Field(pattern=_DIGEST)


class BearerSigner:
    """Signs one request at a time.

    :param provider: who calls. :param audience: who is called. :param key: P-256, PKCS #8, PEM.
    :param lifetime: seconds that a token is good, at most :data:`LONGEST_SECONDS`.
    :param token_id: gives a text that was never used before.
    :raises InputError: it is no such key.
    """

    def __init__(
        self,
        provider: str,
        audience: str,
        key: Secret,
        *,
        lifetime: float = LIFETIME_SECONDS,
        token_id: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self._provider, self._audience = provider, audience
        self._key = jws.private_key(key)
        self._lifetime = lifetime
        self._token_id = token_id

    def sign(self, facts: RequestFacts, now: float) -> dict[str, str]:
        """The header field to add; one of this name that the request has is to be replaced.

        :param now: seconds since the epoch.
        """
        claims = RequestClaims(
            iss=self._provider,
            sub=self._provider,
            aud=self._audience,
            iat=now,
            nbf=now,
            exp=now + self._lifetime,
            jti=self._token_id(),
            htm=facts.method,
            target_sha256=_target(facts),
            body_sha256=facts.body_sha256(),
            proof_sha256=_proof(facts),
        )
        return {"authorization": f"Bearer {jws.sign(KIND, claims.model_dump(), self._key)}"}


class BearerVerifier:
    """Tells whose token a request has, and takes each only once.

    :param provider: whose server this is. :param keys: provider -> its public keys, PEM; several while one replaces another.
    :param skew: seconds that the clocks may be apart. :param longest: seconds that a token may be good.
    :param started: when the verifier's memory begins, seconds since the epoch: tokens from before are taken for replays.
        None: there is nothing before it that could be replayed.
    :param capacity: tokens of one provider that are remembered at once.
    :raises InputError: a key is none.
    """

    def __init__(
        self,
        provider: str,
        keys: Mapping[str, Iterable[str]],
        *,
        skew: float = SKEW_SECONDS,
        longest: float = LONGEST_SECONDS,
        started: float | None = None,
        capacity: int = 131_072,
    ) -> None:
        self._provider = provider
        self._keys = {owner: [jws.public_key(each) for each in pems] for owner, pems in keys.items()}
        self._skew, self._longest = skew, longest
        # Remembered as if each were good for as long as any may be: then what is forgotten is known by its age alone.
        self._remember = longest + skew
        forgotten = float("-inf") if started is None else started + self._remember
        self._replays = ReplayGuard(capacity, forgotten_until=forgotten)

    def verify(self, facts: RequestFacts, now: float) -> str:
        """The calling provider. :param now: seconds since the epoch. :raises AuthError: it is nobody's, or not its caller's."""
        token = _token(facts)
        try:
            claims = token.read(RequestClaims)
        except jws.TokenError as error:
            raise _malformed(error) from None
        self._demand_signature(token, claims.iss)
        if claims.sub != claims.iss:
            raise AuthError(AuthReason.MALFORMED, "the token's issuer is not its subject")
        if claims.aud != self._provider:
            raise AuthError(AuthReason.WRONG_AUDIENCE, "the token is for another provider")
        self._demand_timely(claims, now)
        _demand_binding(claims, facts)
        demand_caller(facts, claims.iss)
        self._replays.demand_new(claims.iss, claims.jti, claims.iat + self._remember, now)
        return claims.iss

    def _demand_signature(self, token: jws.Token, issuer: str) -> None:
        keys = self._keys.get(issuer)
        if not keys:
            raise AuthError(AuthReason.UNKNOWN_KEY, "no key of the token's issuer is known")
        for key in keys:
            try:
                token.verify(key)
            except jws.TokenSignatureError:
                continue
            return
        raise AuthError(AuthReason.BAD_SIGNATURE, "the token is not signed with its issuer's key")

    def _demand_timely(self, claims: RequestClaims, now: float) -> None:
        if claims.exp - claims.iat > self._longest:
            raise AuthError(AuthReason.LIVES_TOO_LONG, f"the token would be good for more than {self._longest:g} s")
        if claims.begins > now + self._skew:
            raise AuthError(AuthReason.NOT_YET_VALID, f"the token begins more than {self._skew:g} s ahead")
        if claims.exp < now - self._skew:
            raise AuthError(AuthReason.EXPIRED, "the token is not good any more")


def _token(facts: RequestFacts) -> jws.Token:
    scheme, _, text = the_authorization(facts).partition(" ")
    if scheme.lower() != "bearer":
        raise AuthError(AuthReason.MISSING_CREDENTIALS, "requests come with a bearer token here")
    try:
        return jws.parse(KIND, text.strip(" "))
    except jws.TokenAlgorithmError as error:
        raise AuthError(AuthReason.WRONG_ALGORITHM, f"the token is refused: {error}") from None
    except jws.TokenError as error:
        raise _malformed(error) from None


def _malformed(error: jws.TokenError) -> AuthError:
    return AuthError(AuthReason.MALFORMED, f"the token is refused: {error}")


def _demand_binding(claims: RequestClaims, facts: RequestFacts) -> None:
    for what, said, found in (
        ("method", claims.htm, facts.method),
        ("path or query", claims.target_sha256, _target(facts)),
        ("body", claims.body_sha256, facts.body_sha256()),
        ("customer's proof", claims.proof_sha256, _proof(facts)),
    ):
        if said != found:
            raise AuthError(AuthReason.WRONG_REQUEST, f"the token was made for another {what}")


def _target(facts: RequestFacts) -> str:
    return _digest(facts.target)


def _proof(facts: RequestFacts) -> str:
    return _digest(",".join(facts.values(PROOF_HEADER)))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


__all__ = [
    "KIND",
    "LIFETIME_SECONDS",
    "LONGEST_SECONDS",
    "SKEW_SECONDS",
    "BearerSigner",
    "BearerVerifier",
    "RequestClaims",
]
