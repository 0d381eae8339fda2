"""Requests signed in their header fields by AWS Signature Version 4: signer and verifier."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from xcnet.coordinator.auth.facts import Headers, RequestFacts
from xcnet.coordinator.auth.replay import ReplayGuard
from xcnet.coordinator.auth.sigv4_canonical import (
    ALGORITHM,
    Scope,
    canonical_query,
    canonical_request,
    signature,
    stamp,
)
from xcnet.coordinator.auth.sigv4_keys import TOKEN_HEADER, Claim, Keyring, SigV4Credentials, parse_claim
from xcnet.coordinator.auth.verdict import AuthError, AuthReason, demand_caller, the_authorization
from xcnet.errors import InputError

SERVICE = "connection-coordinator"
REGION = "lab"
SKEW_SECONDS = 300.0
NONCE_HEADER = "x-amz-client-nonce"
"""Makes two equal requests within one second two different ones."""

_DATE_HEADER = "x-amz-date"
_OURS = frozenset(("authorization", _DATE_HEADER, NONCE_HEADER, TOKEN_HEADER))
_NOT_SIGNED = frozenset(
    (
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    )
)
"""What others on the way may add or change (RFC 9110, 7.6.1, and tracing)."""


class SigV4Signer:
    """Signs one request at a time.

    :param nonce: gives a text that was never used before; None: requests have no such header field.
    """

    def __init__(
        self,
        credentials: SigV4Credentials,
        *,
        region: str = REGION,
        service: str = SERVICE,
        nonce: Callable[[], str] | None = lambda: secrets.token_hex(16),
    ) -> None:
        self._credentials = credentials
        self._region, self._service = region, service
        self._nonce = nonce

    def sign(self, facts: RequestFacts, now: float) -> dict[str, str]:
        """The header fields to add; those of these names that the request has are to be replaced.

        :param now: seconds since the epoch. :raises InputError: the request has not exactly one Host field.
        """
        if len(facts.values("host")) != 1:
            raise InputError("a request is signed for one host", where="request", remedy="give it one Host field")
        timestamp = stamp(now)
        added = {_DATE_HEADER: timestamp}
        if self._nonce is not None:
            added[NONCE_HEADER] = self._nonce()
        if self._credentials.session_token is not None:
            added[TOKEN_HEADER] = self._credentials.session_token.reveal_text()
        kept = tuple((name, value) for name, value in facts.headers if name not in _OURS)
        signed = RequestFacts(facts.method, facts.path, facts.query, (*kept, *added.items()), facts.body)
        names = sorted({name for name, _ in signed.headers} - _NOT_SIGNED)
        scope = Scope(timestamp[:8], self._region, self._service)
        request = canonical_request(signed, canonical_query(facts.query), names, signed.body_sha256())
        added["authorization"] = (
            f"{ALGORITHM} Credential={self._credentials.access_key_id}/{scope}, SignedHeaders={';'.join(names)}, "
            f"Signature={signature(self._credentials.secret, timestamp, scope, request)}"
        )
        return added


class SigV4Verifier:
    """Tells whose a signed request is, and takes each only once.

    :param keys: provider -> the access keys that were handed to it.
    :param skew: seconds by which a signature may be older or newer than now.
    :param started: when the verifier's memory begins, seconds since the epoch: signatures from before that second are
        taken for replays. None: there is nothing before it that could be replayed.
    :param capacity: signatures of one provider that are remembered at once.
    :raises InputError: one access key id is there twice.
    """

    def __init__(
        self,
        keys: Mapping[str, Iterable[SigV4Credentials]],
        *,
        region: str = REGION,
        service: str = SERVICE,
        skew: float = SKEW_SECONDS,
        started: float | None = None,
        capacity: int = 131_072,
    ) -> None:
        self._keyring = Keyring(keys, region=region, service=service)
        self._skew = skew
        # Signatures tell whole seconds: those of the second in which this begins may be from after its beginning.
        forgotten = float("-inf") if started is None else int(started) - 1 + skew
        self._replays = ReplayGuard(capacity, forgotten_until=forgotten)

    def verify(self, facts: RequestFacts, now: float) -> str:
        """The calling provider. :param now: seconds since the epoch. :raises AuthError: it is nobody's, or not its caller's."""
        claim = _claim(facts)
        if claim.time > now + self._skew:
            raise AuthError(AuthReason.NOT_YET_VALID, f"the signature is from more than {self._skew:g} s ahead")
        if claim.time < now - self._skew:
            raise AuthError(AuthReason.EXPIRED, f"the signature is more than {self._skew:g} s old")
        provider = self._keyring.check(claim, facts, canonical_query(facts.query))
        demand_caller(facts, provider)
        self._replays.demand_new(provider, f"{claim.access_key_id}/{claim.signature}", claim.time + self._skew, now)
        return provider


def _claim(facts: RequestFacts) -> Claim:
    """:raises AuthError: MISSING_CREDENTIALS, or MALFORMED."""
    scheme, _, rest = the_authorization(facts).partition(" ")
    if scheme != ALGORITHM:
        raise AuthError(AuthReason.WRONG_ALGORITHM, f"requests are signed by {ALGORITHM} here")
    parts: dict[str, str] = {}
    for each in rest.split(","):
        name, equals, value = each.strip().partition("=")
        if not equals or name in parts:
            raise AuthError(AuthReason.MALFORMED, "the Authorization field is not Credential, SignedHeaders, Signature")
        parts[name] = value
    if set(parts) != {"Credential", "SignedHeaders", "Signature"}:
        raise AuthError(AuthReason.MALFORMED, "the Authorization field is not Credential, SignedHeaders, Signature")
    name, timestamp = _timestamp(facts)
    token = _at_most_one(facts.headers, TOKEN_HEADER)
    claim = parse_claim(parts["Credential"], timestamp, parts["SignedHeaders"], parts["Signature"], token)
    if name not in claim.signed:
        raise AuthError(AuthReason.UNSIGNED_HEADER, "the signature's time is not signed")
    return claim


def _timestamp(facts: RequestFacts) -> tuple[str, str]:
    """In which field it is, and what the string to sign says."""
    found = _at_most_one(facts.headers, _DATE_HEADER)
    if found is not None:
        return _DATE_HEADER, found
    date = _at_most_one(facts.headers, "date")
    if date is None:
        raise AuthError(AuthReason.MALFORMED, "the request does not say when it was signed")
    try:
        moment = parsedate_to_datetime(date)
        return "date", stamp(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())
    except (ValueError, TypeError, IndexError, OverflowError):
        raise AuthError(AuthReason.MALFORMED, "the Date field is no date") from None


def _at_most_one(headers: Headers, name: str) -> str | None:
    found = [value for each, value in headers if each == name]
    if len(found) > 1:
        raise AuthError(AuthReason.MALFORMED, f"the request has more than one {name} field")
    return found[0] if found else None


__all__ = ["NONCE_HEADER", "REGION", "SERVICE", "SKEW_SECONDS", "SigV4Signer", "SigV4Verifier"]
