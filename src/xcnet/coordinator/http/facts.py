"""What of a request its authentication depends on, and who makes and checks it: the border to the ways of signing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from xcnet.coordinator.service import Proof, ProofRefusal
from xcnet.spec.operations import Operation


@dataclass(frozen=True, slots=True)
class HttpFacts:
    """A request as it is on the wire.

    :param target: path and query, percent-encoded. :param headers: lower-case names, in their order, Host among them.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """The value of a field that stands there once; None: it is not there, or more than once."""
        found = [value for each, value in self.headers if each == name]
        return found[0] if len(found) == 1 else None


class Signer(Protocol):
    def sign(self, facts: HttpFacts) -> Mapping[str, str]:
        """Header fields to add, for this one attempt."""
        ...


class Verifier(Protocol):
    def verify(self, facts: HttpFacts, provider: str) -> str:
        """Who calls.

        :param provider: whose TLS client certificate it is.
        :raises ApiError: UNAUTHENTICATED: not signed, or not by that provider.
        """
        ...


class ProofChecker(Protocol):
    async def check(
        self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
    ) -> Proof | ProofRefusal | None:
        """What a customer's proof is worth; who may act on it is decided elsewhere."""
        ...


__all__ = ["HttpFacts", "ProofChecker", "Signer", "Verifier"]
