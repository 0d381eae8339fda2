"""How authentication says no: a status, a word for programs, and words for people without anything secret."""

from __future__ import annotations

from enum import StrEnum

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.errors import XcnetError

UNAUTHORIZED, FORBIDDEN = 401, 403


class AuthReason(StrEnum):
    """Why a request is not taken for its caller's."""

    MISSING_CREDENTIALS = "MISSING_CREDENTIALS"
    MALFORMED = "MALFORMED"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    WRONG_ALGORITHM = "WRONG_ALGORITHM"
    WRONG_SCOPE = "WRONG_SCOPE"
    WRONG_AUDIENCE = "WRONG_AUDIENCE"
    UNSIGNED_HEADER = "UNSIGNED_HEADER"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    WRONG_REQUEST = "WRONG_REQUEST"
    EXPIRED = "EXPIRED"
    NOT_YET_VALID = "NOT_YET_VALID"
    LIVES_TOO_LONG = "LIVES_TOO_LONG"
    REPLAYED = "REPLAYED"
    TOO_MANY_LIVE = "TOO_MANY_LIVE"
    WRONG_CALLER = "WRONG_CALLER"


_REMEDY = {
    AuthReason.MISSING_CREDENTIALS: "sign the request in the way that this provider's profile asks for",
    AuthReason.MALFORMED: "sign the request anew with a signer that keeps to the standard",
    AuthReason.UNKNOWN_KEY: "use the key that this provider has handed out or been told of",
    AuthReason.WRONG_ALGORITHM: "sign with the one algorithm that this provider's profile names",
    AuthReason.WRONG_SCOPE: "sign for this provider's region and service",
    AuthReason.WRONG_AUDIENCE: "have the credential made for the provider that is to read it",
    AuthReason.UNSIGNED_HEADER: "sign every header field that has a meaning to this API",
    AuthReason.BAD_SIGNATURE: "see that both ends hold the same key and that nothing changes the request on its way",
    AuthReason.WRONG_REQUEST: "sign each request by itself",
    AuthReason.EXPIRED: "compare both ends' clocks, and sign again",
    AuthReason.NOT_YET_VALID: "compare both ends' clocks, and sign again",
    AuthReason.LIVES_TOO_LONG: "make credentials that are good for minutes only",
    AuthReason.REPLAYED: "sign every attempt anew",
    AuthReason.TOO_MANY_LIVE: "send fewer requests, and try again in some minutes",
    AuthReason.WRONG_CALLER: "use the TLS certificate and the key of one and the same provider",
}
_FORBIDDEN = frozenset((AuthReason.WRONG_CALLER, AuthReason.TOO_MANY_LIVE))


class AuthError(XcnetError):
    """A request that is nobody's, or not its caller's.

    :param reason: why, for programs. :param cause: why, for people; never any part of a credential.
    """

    def __init__(self, reason: AuthReason, cause: str, *, where: str = "authentication") -> None:
        super().__init__(cause, where=where, remedy=_REMEDY[reason])
        self.reason = reason

    @property
    def status(self) -> int:
        """The HTTP status: 401 where another credential would help, 403 where it is plain who calls."""
        return FORBIDDEN if self.reason in _FORBIDDEN else UNAUTHORIZED

    def as_dict(self) -> dict[str, str]:
        return {**super().as_dict(), "reason": self.reason.value}


def demand_caller(facts: RequestFacts, provider: str) -> None:
    """See that key and TLS certificate are of one provider. :raises AuthError: WRONG_CALLER."""
    if facts.tls_provider != provider:
        raise AuthError(
            AuthReason.WRONG_CALLER, "the request is signed with a key that its TLS certificate's owner has not"
        )


def the_authorization(facts: RequestFacts) -> str:
    """The one ``Authorization`` field. :raises AuthError: there is none, or more than one."""
    found = facts.values("authorization")
    if not found or not found[0].strip():
        raise AuthError(AuthReason.MISSING_CREDENTIALS, "the request is not signed")
    if len(found) > 1:
        raise AuthError(AuthReason.MALFORMED, "the request has more than one Authorization field")
    return found[0]


__all__ = ["FORBIDDEN", "UNAUTHORIZED", "AuthError", "AuthReason", "demand_caller", "the_authorization"]
