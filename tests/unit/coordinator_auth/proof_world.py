"""Two providers whose customers prove who they are, and a network that notes what was asked of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest
from auth_world import AWS, GCP, shows_none_of

from xcnet.coordinator.auth.facts import RequestFacts
from xcnet.coordinator.auth.proof import Fetched, IdentityDoor, ProofChecker, ProofError, ProofReason, ProofVerdict
from xcnet.coordinator.auth.proof_profiles import (
    PresignedIdentity,
    ProofKind,
    TokenIdentity,
    create_checker,
    create_door,
    create_identity,
    create_maker,
    customer_of,
)
from xcnet.secret import Secret

ACCOUNT, OTHER_ACCOUNT = "111122223333", "444455556666"
URLS = {AWS: "https://identity.aws.test:8443", GCP: "https://identity.gcp.test"}


class Network:
    """Carries GETs to identity doors. :param now: what their clocks say."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.doors: dict[str, IdentityDoor] = {}
        self.asked: list[str] = []
        self.answer: Fetched | Exception | None = None
        """What is answered instead."""

    async def fetch(self, url: str) -> Fetched:
        self.asked.append(url)
        await asyncio.sleep(0)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is not None:
            return self.answer
        parts = urlsplit(url)
        facts = RequestFacts(
            "GET", parts.path, parts.query, (("host", parts.netloc), ("accept", "*/*")), b"", "anybody"
        )
        answer = self.doors[parts.netloc].answer(facts, self.now)
        return Fetched(answer.status, answer.body)


class Customers:
    """A provider with two customers, whose proofs another provider reads."""

    def __init__(self, kind: ProofKind, provider: str, network: Network, reader: str) -> None:
        self.identity: PresignedIdentity | TokenIdentity = create_identity(
            kind, provider, URLS[provider], [ACCOUNT, OTHER_ACCOUNT]
        )
        self.reader = reader
        self.network = network
        self.open(self.identity)
        self.checker: ProofChecker = create_checker(self.identity.known, reader, network.fetch)

    def open(self, identity: PresignedIdentity | TokenIdentity) -> None:
        """Answer with these customers and keys from now on."""
        self.identity = identity
        self.network.doors[urlsplit(identity.known.url).netloc] = create_door(identity)

    def make(self, account: str, connection: str, now: float, audience: str | None = None) -> Secret:
        customer = customer_of(self.identity, account)
        return create_maker(self.identity).make(customer, connection, audience or self.reader, now)

    def check(self, proof: Secret | str, connection: str, now: float, account: str | None = None) -> ProofVerdict:
        text = proof if isinstance(proof, str) else proof.reveal_text()
        return asyncio.run(self.checker.check(text, connection, now, account=account))


@contextmanager
def no_proof(reason: ProofReason, *secrets: Secret | str) -> Iterator[None]:
    """The block's proof is refused for this reason, in words that have none of these secrets."""
    with pytest.raises(ProofError) as caught:
        yield
    assert caught.value.reason is reason
    assert caught.value.as_dict()["reason"] == reason.value
    assert caught.value.remedy
    shows_none_of(caught.value, *(each if isinstance(each, str) else each.reveal_text() for each in secrets))
