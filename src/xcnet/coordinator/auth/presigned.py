"""URLs that carry their own signature: AWS Signature Version 4 in the query, for GET."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.sigv4 import SKEW_SECONDS
from xcnet.coordinator.auth.sigv4_canonical import (
    ALGORITHM,
    Scope,
    canonical_query,
    canonical_request,
    pairs_of,
    signature,
    stamp,
)
from xcnet.coordinator.auth.sigv4_keys import Claim, Keyring, SigV4Credentials, parse_claim
from xcnet.coordinator.auth.verdict import AuthError, AuthReason

LONGEST_SECONDS = 900
"""How long a presigned URL may be good, here; AWS would take a week."""

_SIGNATURE = "X-Amz-Signature"
_TOKEN = "X-Amz-Security-Token"  # noqa: S105
_REQUIRED = ("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", _SIGNATURE)
_SECONDS = re.compile(r"[1-9][0-9]{0,5}")


@dataclass(frozen=True, slots=True)
class Presignature:
    """A presigned query taken apart; nothing of it is true yet.

    :param seconds: how long it is good. :param parameters: the others, decoded, each of them there once.
    """

    claim: Claim
    seconds: int
    parameters: Mapping[str, str] = field(repr=False)

    @property
    def expires(self) -> float:
        """The last moment at which it is good, seconds since the epoch."""
        return self.claim.time + self.seconds


@dataclass(frozen=True, slots=True)
class Presigner:
    """:param owner: whose access key it was. :param access_key_id: which."""

    owner: str
    access_key_id: str
    presignature: Presignature


def presign(
    credentials: SigV4Credentials,
    *,
    authority: str,
    path: str,
    parameters: Mapping[str, str],
    region: str,
    service: str,
    now: float,
    seconds: int,
) -> str:
    """The query of a URL that is signed for one GET on one host; percent-encoded.

    :param authority: what the Host field will say. :param path: percent-encoded. :param parameters: not encoded.
    :param now: seconds since the epoch. :param seconds: from then, how long it is good.
    """
    timestamp = stamp(now)
    scope = Scope(timestamp[:8], region, service)
    added = {
        "X-Amz-Algorithm": ALGORITHM,
        "X-Amz-Credential": f"{credentials.access_key_id}/{scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(seconds),
        "X-Amz-SignedHeaders": "host",
    }
    if credentials.session_token is not None:
        added[_TOKEN] = credentials.session_token.reveal_text()
    query = "&".join(f"{_encode(name)}={_encode(value)}" for name, value in {**parameters, **added}.items())
    facts = RequestFacts("GET", path, query, (("host", authority),))
    request = canonical_request(facts, canonical_query(query), ("host",), facts.body_sha256())
    return f"{query}&{_SIGNATURE}={signature(credentials.secret, timestamp, scope, request)}"


def parse_presigned(query: str) -> Presignature:
    """Take it apart. :raises AuthError: MISSING_CREDENTIALS, WRONG_ALGORITHM, or MALFORMED."""
    found: dict[str, str] = {}
    for name, value in ((unquote(name), unquote(value)) for name, value in pairs_of(query)):
        if name in found:
            raise AuthError(AuthReason.MALFORMED, "a query parameter is there twice")
        found[name] = value
    if _SIGNATURE not in found:
        raise AuthError(AuthReason.MISSING_CREDENTIALS, "the URL is not signed")
    if any(name not in found for name in _REQUIRED):
        raise AuthError(AuthReason.MALFORMED, f"of {', '.join(_REQUIRED)} not all are there")
    if found["X-Amz-Algorithm"] != ALGORITHM:
        raise AuthError(AuthReason.WRONG_ALGORITHM, f"URLs are signed by {ALGORITHM} here")
    if _SECONDS.fullmatch(found["X-Amz-Expires"]) is None:
        raise AuthError(AuthReason.MALFORMED, "X-Amz-Expires is no number of seconds")
    claim = parse_claim(
        found["X-Amz-Credential"],
        found["X-Amz-Date"],
        found["X-Amz-SignedHeaders"],
        found[_SIGNATURE],
        found.get(_TOKEN),
    )
    ours = {*_REQUIRED, _TOKEN}
    return Presignature(
        claim, int(found["X-Amz-Expires"]), {name: value for name, value in found.items() if name not in ours}
    )


def demand_timely(presignature: Presignature, now: float, *, longest: int, skew: float = SKEW_SECONDS) -> None:
    """:raises AuthError: LIVES_TOO_LONG, NOT_YET_VALID, or EXPIRED."""
    if presignature.seconds > longest:
        raise AuthError(AuthReason.LIVES_TOO_LONG, f"the URL would be good for more than {longest} s")
    if presignature.claim.time > now + skew:
        raise AuthError(AuthReason.NOT_YET_VALID, f"the URL was signed more than {skew:g} s ahead")
    if presignature.expires < now:
        raise AuthError(AuthReason.EXPIRED, "the URL is not good any more")


class PresignedVerifier:
    """Tells whose a presigned GET is. The same one is good as often as it comes, until it expires.

    :param keys: owner -> access keys. :param longest: seconds that one may be good for. :param skew: seconds ahead of now.
    :raises InputError: one access key id is there twice.
    """

    def __init__(
        self,
        keys: Mapping[str, Iterable[SigV4Credentials]],
        *,
        region: str,
        service: str,
        longest: int = LONGEST_SECONDS,
        skew: float = SKEW_SECONDS,
    ) -> None:
        self._keyring = Keyring(keys, region=region, service=service)
        self._longest, self._skew = longest, skew

    def verify(self, facts: RequestFacts, now: float) -> Presigner:
        """:param now: seconds since the epoch. :raises AuthError: it is nobody's, or not good now."""
        if facts.method != "GET":
            raise AuthError(AuthReason.WRONG_REQUEST, "only GET can be signed in a URL here")
        if facts.values("authorization"):
            raise AuthError(AuthReason.MALFORMED, "the request is signed in two ways at once")
        presignature = parse_presigned(facts.query)
        demand_timely(presignature, now, longest=self._longest, skew=self._skew)
        claim = presignature.claim
        owner = self._keyring.check(claim, facts, canonical_query(facts.query, (_SIGNATURE,)))
        return Presigner(owner, claim.access_key_id, presignature)


def _encode(text: str) -> str:
    return quote(text, safe="-_.~")


__all__ = [
    "LONGEST_SECONDS",
    "Presignature",
    "PresignedVerifier",
    "Presigner",
    "demand_timely",
    "parse_presigned",
    "presign",
]
