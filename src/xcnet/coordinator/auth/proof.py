"""Customers' proofs: that whoever owns a connection has a part in what one provider asks of the other.

Without one a provider could be talked into changing a connection on behalf of somebody who does not own it (a confused deputy).
A proof is made in the customer's own session, for one connection and one reader, and is good for minutes; the provider that
reads it asks the customer's provider, or that one's published keys. That a proof is good once is seen to by whoever keeps
the store: by its :attr:`ProofVerdict.proof_id`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Protocol

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.sigv4_keys import SigV4Credentials
from xcnet.errors import InputError, XcnetError
from xcnet.secret import Secret
from xcnet.spec.operations import PROOF_HEADER

LIFETIME_SECONDS = 300
LONGEST_SECONDS = 900
SKEW_SECONDS = 60.0
LONGEST_PROOF = 4096
"""Characters of a proof."""

_REMEMBER_SECONDS = 300.0
_LARGEST_ANSWER = 65_536
"""Bytes of what a proof's provider answers."""


class ProofReason(StrEnum):
    """Why a proof proves nothing."""

    MALFORMED = "MALFORMED"
    WRONG_ENDPOINT = "WRONG_ENDPOINT"
    WRONG_ISSUER = "WRONG_ISSUER"
    WRONG_CONNECTION = "WRONG_CONNECTION"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    WRONG_ACCOUNT = "WRONG_ACCOUNT"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    LIVES_TOO_LONG = "LIVES_TOO_LONG"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNKNOWN_CUSTOMER = "UNKNOWN_CUSTOMER"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    REFUSED = "REFUSED"
    UNREACHABLE = "UNREACHABLE"


_REMEDY = {
    ProofReason.UNKNOWN_CUSTOMER: "use a session of the account that the connection belongs to",
    ProofReason.WRONG_ACCOUNT: "use a session of the account that the connection belongs to",
    ProofReason.UNREACHABLE: "see that the customer's provider runs, and try again",
}


class ProofError(XcnetError):
    """A proof that is none, or not of this. :param reason: for programs. :param cause: for people; no part of the proof."""

    def __init__(self, reason: ProofReason, cause: str) -> None:
        super().__init__(
            cause, where="customer's proof", remedy=_REMEDY.get(reason, "make a new proof for this very request")
        )
        self.reason = reason

    def as_dict(self) -> dict[str, str]:
        return {**super().as_dict(), "reason": self.reason.value}


class CustomerIdentity(BaseModel):
    """A customer's session at its provider. :param account: whose it is. :param credentials: the session's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    account: Annotated[str, Field(min_length=1, max_length=128)]
    credentials: SigV4Credentials

    @classmethod
    def random(cls, account: str) -> CustomerIdentity:
        """A fresh session."""
        return cls(account=account, credentials=SigV4Credentials.random(session=True))


@dataclass(frozen=True, slots=True)
class ProofVerdict:
    """What a proof has proved.

    :param account: whose session made it. :param proof_id: equal for the same proof, however it is written.
    :param expires: until when the id must be remembered, seconds since the epoch; the proof itself ends some minutes earlier.
    """

    account: str
    proof_id: str
    expires: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """What was answered to a GET. :param body: all of it."""

    status: int
    body: bytes = field(repr=False)


Fetch = Callable[[str], Awaitable[Fetched]]
"""GETs a URL over HTTPS, following no redirection. Raises :class:`XcnetError` or OSError where there was no answer."""


@dataclass(frozen=True, slots=True)
class IdentityAnswer:
    """What a provider answers to those that check proofs. :param body: JSON."""

    status: int
    body: bytes = field(repr=False)


class ProofMaker(Protocol):
    """At the customer's provider."""

    def make(self, customer: CustomerIdentity, connection: str, audience: str, now: float) -> Secret:
        """A proof, as it stands in the header field :data:`PROOF_HEADER`.

        :param connection: its UUID. :param audience: the provider that will read it. :param now: seconds since the epoch.
        :raises ProofError: UNKNOWN_CUSTOMER: it is no session of this account.
        """
        ...


class IdentityDoor(Protocol):
    """At the customer's provider: what those that check proofs ask."""

    @property
    def path(self) -> str:
        """Of the URL at which it answers GET; anybody may ask."""
        ...

    def answer(self, facts: RequestFacts, now: float) -> IdentityAnswer:
        """:param now: seconds since the epoch."""
        ...


class ProofChecker(Protocol):
    """At the provider that reads proofs of another one's customers."""

    async def check(self, proof: str, connection: str, now: float, *, account: str | None = None) -> ProofVerdict:
        """What a proof is worth.

        :param connection: UUID that it must be for. :param now: seconds since the epoch.
        :param account: whose it must be; None: anybody's.
        :raises ProofError: it proves nothing of this.
        """
        ...


async def fetched(fetch: Fetch, url: str) -> Fetched:
    """:raises ProofError: UNREACHABLE: no answer, or none of use. The URL, which may be a credential, is not in the words."""
    try:
        answer = await fetch(url)
    except (XcnetError, OSError) as error:
        raise ProofError(
            ProofReason.UNREACHABLE, f"the customer's provider does not answer: {type(error).__name__}"
        ) from None
    if len(answer.body) > _LARGEST_ANSWER or answer.status >= 500:
        raise ProofError(ProofReason.UNREACHABLE, f"the customer's provider gives no useful answer: {answer.status}")
    return answer


def verdict(account: str, kind: str, unique: str, ends: float, expected: str | None) -> ProofVerdict:
    """:param unique: what no other proof of its kind has. :param ends: its last moment. :raises ProofError: WRONG_ACCOUNT."""
    if expected is not None and account != expected:
        raise ProofError(ProofReason.WRONG_ACCOUNT, "the proof is another customer's")
    proof_id = hashlib.sha256(f"{kind}\n{unique}".encode("utf-8", "surrogatepass")).hexdigest()
    # A proof that was read in its last moment is noted a little later: its id must not be forgotten in between.
    return ProofVerdict(account, proof_id, ends + _REMEMBER_SECONDS)


def by_account(customers: Iterable[CustomerIdentity]) -> dict[str, list[SigV4Credentials]]:
    """:raises InputError: two sessions have one access key id."""
    found: dict[str, list[SigV4Credentials]] = {}
    ids: set[str] = set()
    for each in customers:
        if each.credentials.access_key_id in ids:
            raise InputError("two sessions have one access key id", where="customers", remedy="make one of them anew")
        ids.add(each.credentials.access_key_id)
        found.setdefault(each.account, []).append(each.credentials)
    return found


__all__ = [
    "LIFETIME_SECONDS",
    "LONGEST_PROOF",
    "LONGEST_SECONDS",
    "PROOF_HEADER",
    "SKEW_SECONDS",
    "CustomerIdentity",
    "Fetch",
    "Fetched",
    "IdentityAnswer",
    "IdentityDoor",
    "ProofChecker",
    "ProofError",
    "ProofMaker",
    "ProofReason",
    "ProofVerdict",
    "by_account",
    "fetched",
    "verdict",
]
