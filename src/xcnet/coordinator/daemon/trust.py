"""Between the ways of proving who one is and the API's transport: signatures, verification, customers' proofs."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from xcnet.clock import Clock
from xcnet.coordinator.auth.authenticators import RequestSigner, RequestVerifier
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.proof import Fetch, Fetched, IdentityDoor, ProofError, ProofReason
from xcnet.coordinator.auth.proof import ProofChecker as CheckedProofs
from xcnet.coordinator.auth.proof_profiles import PresignedIdentity, TokenIdentity, create_maker, customer_of
from xcnet.coordinator.auth.verdict import FORBIDDEN, AuthError
from xcnet.coordinator.http.arrival import OpenAnswer, OpenHandler
from xcnet.coordinator.http.facts import HttpFacts
from xcnet.coordinator.http.transport import OutgoingRequest, Transport
from xcnet.coordinator.service import Proof, ProofRefusal
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import Operation

_FETCH_SECONDS = 10.0


def _facts(facts: HttpFacts, provider: str = "") -> RequestFacts:
    return RequestFacts.of(facts.method, facts.target, facts.headers, facts.body, provider)


class PeerSigner:
    """:class:`xcnet.coordinator.http.facts.Signer`."""

    def __init__(self, signer: RequestSigner, clock: Clock) -> None:
        self._signer = signer
        self._clock = clock

    def sign(self, facts: HttpFacts) -> Mapping[str, str]:
        return self._signer.sign(_facts(facts), self._clock.wall())


class CallerVerifier:
    """:class:`xcnet.coordinator.http.facts.Verifier`."""

    def __init__(self, verifier: RequestVerifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock

    def verify(self, facts: HttpFacts, provider: str) -> str:
        """:raises ApiError: UNAUTHENTICATED or PERMISSION_DENIED."""
        try:
            return self._verifier.verify(_facts(facts, provider), self._clock.wall())
        except AuthError as error:
            reason = Reason.WRONG_PROVIDER if error.status == FORBIDDEN else Reason.UNAUTHENTICATED
            raise ApiError(reason, f"{error.reason.value}: {error.cause}", field="Authorization") from None


class CustomerProofs:
    """:class:`xcnet.coordinator.http.facts.ProofChecker`: each proof is checked with the caller's own identity service.

    :param checkers: calling provider -> who checks its customers' proofs.
    """

    def __init__(self, checkers: Mapping[str, CheckedProofs], clock: Clock) -> None:
        self._checkers = checkers
        self._clock = clock

    async def check(
        self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
    ) -> Proof | ProofRefusal | None:
        """:raises ApiError: the caller's identity service cannot be reached."""
        del operation
        checker = self._checkers.get(caller)
        if checker is None:
            return ProofRefusal("nothing is known of how this provider's customers prove who they are")
        try:
            verdict = await checker.check(proof, ids.get("connection", ""), self._clock.wall())
        except ProofError as error:
            if error.reason is ProofReason.UNREACHABLE:
                raise ApiError(Reason.UNAVAILABLE, error.cause, field="x-customer-proof", retry_after=1) from None
            return ProofRefusal(f"{error.reason.value}: {error.cause}")
        return Proof(verdict.account, verdict.proof_id, verdict.expires)


class ProofSource:
    """Makes the proofs that go with own calls, in the session of the account that owns the connection."""

    def __init__(self, identity: PresignedIdentity | TokenIdentity, clock: Clock) -> None:
        self._identity = identity
        self._maker = create_maker(identity)
        self._clock = clock

    def make(self, account: str, connection: str, audience: str) -> Secret:
        """:raises XcnetError: the account has no session here."""
        return self._maker.make(customer_of(self._identity, account), connection, audience, self._clock.wall())


def identity_route(door: IdentityDoor, clock: Clock) -> OpenHandler:
    """What those that check proofs ask, as a route of the server."""

    async def answer(facts: HttpFacts, provider: str) -> OpenAnswer:
        found = door.answer(_facts(facts, provider), clock.wall())
        return OpenAnswer(found.body, status=found.status)

    return answer


def fetch_over(transport: Transport, peer: str) -> Fetch:
    """GETs over a peer's transport; it follows no redirection."""

    async def fetch(url: str) -> Fetched:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        headers = (("Accept", "application/json"), ("User-Agent", "xcnet"))
        request = OutgoingRequest(peer, "identity", "GET", target, headers, b"", sign=tuple)
        answer = await transport.send(request, _FETCH_SECONDS)
        return Fetched(answer.status, answer.body)

    return fetch


__all__ = ["CallerVerifier", "CustomerProofs", "PeerSigner", "ProofSource", "fetch_over", "identity_route"]
