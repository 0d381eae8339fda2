"""What a handler is handed, and what several of them need: resources by name, pages, the customer's proof."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from xcnet.coordinator.config import ChannelConfig, EnvironmentConfig, InterconnectConfig
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.policy.paging import Pager
from xcnet.coordinator.service import ApiRequest, ApiResponse, Proof, ProofRefusal
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow
from xcnet.coordinator.world import World
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError, Reason

Item = TypeVar("Item")

M = TypeVar("M", bound=WireModel)


@dataclass(frozen=True, slots=True)
class Serving:
    """One request being served.

    :param pager: makes and reads page tokens.
    """

    world: World
    engine: Engine
    request: ApiRequest
    pager: Pager

    @property
    def caller(self) -> str:
        return self.request.caller

    def body(self, model: type[M]) -> M:
        """The request's body. The transport has parsed it as the operation's type."""
        body = self.request.body
        if not isinstance(body, model):
            raise ApiError(Reason.MALFORMED, "the request has no body", field="body")
        return body

    # -- resources of the path

    def environment(self) -> EnvironmentConfig:
        return self.world.environment(self.request.ids["environment"], self.caller)

    def interconnect(self) -> InterconnectConfig:
        ids = self.request.ids
        return self.world.interconnect(ids["environment"], ids["interconnect"], self.caller)

    def channel(self) -> ChannelConfig:
        ids = self.request.ids
        return self.world.channel(ids["environment"], ids["interconnect"], ids["channel"], self.caller)

    def connection(self) -> ConnectionRow:
        interconnect = self.interconnect()
        row = records.connection(self.world.db, interconnect.name, self.request.ids["connection"])
        if row is None:
            raise ApiError(
                Reason.NOT_FOUND, f"there is no connection {self.request.ids['connection']!r}", field="connection"
            )
        return row

    def query(self, name: str) -> str:
        """A query parameter that the transport has seen to be there."""
        return str(self.request.query[name])

    # -- pages

    def page(
        self, fetch: Callable[[int, int], Sequence[tuple[int, Item]]], *, default: int = 100, most: int = 1000
    ) -> tuple[list[Item], str | None]:
        """One page of a list.

        :param fetch: ``fetch(after, limit)`` gives rows with their ever-growing numbers, those above ``after``.
        :returns: the items, and the token of the next page; None on the last one.
        """
        request = self.request
        size = request.query.get("pageSize")
        limit = self.pager.size(int(size) if size is not None else None, default=default, most=most)
        scope = (request.operation.id, request.caller, *request.ids.values())
        token = request.query.get("pageToken")
        after = self.pager.read(str(token), scope, size) if token else 0
        rows = fetch(after, limit + 1)
        items = [item for _seq, item in rows[:limit]]
        more = self.pager.token(rows[limit - 1][0], scope, size) if len(rows) > limit else None
        return items, more

    # -- the customer's proof

    def prove(self, account: str | None) -> None:
        """Demand that the customer whose connection it is has a part in this.

        :param account: the customer's account at the caller; None where it is not known yet: any will do, and is kept.
        :raises ApiError: no proof, none that holds, of somebody else, or used before.
        """
        proof = self.request.proof
        if not isinstance(proof, Proof):
            why = proof.reason if isinstance(proof, ProofRefusal) else "the customer's proof is missing"
            raise ApiError(Reason.PROOF_REFUSED, why, field="x-customer-proof")
        if account is not None and proof.account != account:
            raise ApiError(Reason.PROOF_REFUSED, "the proof is another customer's", field="x-customer-proof")
        db = self.world.db
        db.execute("DELETE FROM proofs WHERE expires < ?", self.world.wall())
        if db.execute("INSERT OR IGNORE INTO proofs (id, expires) VALUES (?, ?)", proof.proof_id, proof.expires) == 0:
            raise ApiError(Reason.PROOF_REFUSED, "the proof was used before", field="x-customer-proof")

    def prove_for(self, row: ConnectionRow) -> None:
        """:meth:`prove` by whoever owns a connection that is there."""
        self.prove(row.peer_account)
        if row.peer_account is None:
            self.world.db.execute(
                "UPDATE connections SET peer_account = ? WHERE uuid = ?", self.proven_account, row.uuid
            )

    @property
    def proven_account(self) -> str:
        proof = self.request.proof
        assert isinstance(proof, Proof)
        return proof.account


class KeptError(ApiError):
    """A refusal that leaves something behind: what its handler has written is committed all the same."""


Handler = Callable[[Serving], "WireModel | ApiResponse"]

__all__ = ["Handler", "KeptError", "Serving"]
