"""The border between the API's transport and what it does: one request in, one answer or :class:`ApiError` out.

The transport (HTTPS in the lab, a simulated network in tests) authenticates, bounds and parses; the service behind this
border decides and commits, in one transaction of its store for each request.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from xcnet.spec.base import WireModel
from xcnet.spec.operations import Operation


@dataclass(frozen=True, slots=True)
class Proof:
    """A customer's proof that the transport has verified with the customer's own provider.

    :param account: whose session made it. :param proof_id: good once. :param expires: seconds since the epoch.
    """

    account: str
    proof_id: str
    expires: float


@dataclass(frozen=True, slots=True)
class ProofRefusal:
    """A proof that was brought, and is none. :param reason: for people, without the proof itself."""

    reason: str


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """:param caller: the authenticated provider; equal to ``ids["provider"]`` where the path has one, but for GetProvider.
    :param ids: path parameters. :param query: declared query parameters that were given, ``requestId`` apart.
    :param digest: of method, path, query and body without ``requestId``: equal for the same request sent again.
    """

    operation: Operation
    caller: str
    ids: Mapping[str, str]
    query: Mapping[str, str | int] = field(default_factory=dict)
    body: WireModel | None = None
    request_id: str | None = None
    digest: str = ""
    proof: Proof | ProofRefusal | None = None


@dataclass(frozen=True, slots=True)
class ApiResponse:
    """A success. :param headers: beside the usual ones."""

    body: WireModel
    headers: Mapping[str, str] = field(default_factory=dict)


class Service(Protocol):
    def serve(self, request: ApiRequest) -> ApiResponse:
        """Do it, or not: there is nothing in between. :raises ApiError: why not."""
        ...


__all__ = ["ApiRequest", "ApiResponse", "Proof", "ProofRefusal", "Service"]
