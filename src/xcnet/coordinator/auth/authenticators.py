"""Signers and verifiers under one face, whichever way of authentication a provider's profile names."""

from __future__ import annotations

from typing import Protocol

from xcnet.coordinator.auth.bearer import BearerSigner, BearerVerifier
from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.profiles import InboundAuth, OutboundAuth, SigV4Inbound, SigV4Outbound
from xcnet.coordinator.auth.sigv4 import SigV4Signer, SigV4Verifier

_CAPACITY = 131_072


class RequestSigner(Protocol):
    """Makes what authenticates one attempt of one request."""

    def sign(self, facts: RequestFacts, now: float) -> dict[str, str]:
        """The header fields to add, in lower case; those of these names that the request has are to be replaced.

        :param now: seconds since the epoch.
        """
        ...


class RequestVerifier(Protocol):
    """Tells who calls, and takes each signature only once."""

    def verify(self, facts: RequestFacts, now: float) -> str:
        """The calling provider.

        :param facts: with the provider of the TLS certificate. :param now: seconds since the epoch.
        :raises AuthError: not signed, not for here, not now, not by its TLS certificate's owner, or seen before.
        """
        ...


def create_signer(auth: OutboundAuth) -> RequestSigner:
    """:raises InputError: the key is none."""
    if isinstance(auth, SigV4Outbound):
        return SigV4Signer(auth.credentials, region=auth.region, service=auth.service)
    return BearerSigner(auth.provider, auth.audience, auth.key, lifetime=auth.lifetime)


def create_verifier(auth: InboundAuth, *, started: float | None = None, capacity: int = _CAPACITY) -> RequestVerifier:
    """A verifier with an empty memory.

    :param started: now, seconds since the epoch, where others may have listened at this place before: what was signed
        earlier is taken for a replay. None where there was nobody.
    :param capacity: signatures of one caller that are remembered at once.
    :raises InputError: a key is none, or there twice.
    """
    if isinstance(auth, SigV4Inbound):
        return SigV4Verifier(
            auth.keys, region=auth.region, service=auth.service, skew=auth.skew, started=started, capacity=capacity
        )
    return BearerVerifier(auth.provider, auth.keys, skew=auth.skew, started=started, capacity=capacity)


__all__ = ["RequestSigner", "RequestVerifier", "create_signer", "create_verifier"]
