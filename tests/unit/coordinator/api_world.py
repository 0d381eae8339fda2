"""One coordinator's whole API in one process: HTTP in front, the real core and its store behind, no sockets between."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from coordinator_sim import ACCOUNTS, ENVIRONMENT, Simulation

from xcnet.coordinator.http.app import create_app
from xcnet.coordinator.http.facts import HttpFacts
from xcnet.coordinator.http.gate import ABORT, PROVIDER
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.service import ApiRequest, ApiResponse, Proof, ProofRefusal, Service
from xcnet.coordinator.store.database import Database
from xcnet.coordinator.world import ChannelFact
from xcnet.spec.base import parse_response
from xcnet.spec.errors import STATUS, ApiError, ErrorBody, Reason
from xcnet.spec.operations import OPERATIONS, PROOF_HEADER, Operation

SEEN: list[tuple[str, int]] = []
"""(operationId, status) of every answer since the test began."""
OTHER = {"aws": "gcp", "gcp": "aws"}
DAY = 86_400.0


class _Signatures:
    """In place of signatures: a word that says who signed."""

    def verify(self, facts: HttpFacts, provider: str) -> str:
        del provider
        signed = facts.header("authorization")
        if signed is None:
            raise ApiError(Reason.UNAUTHENTICATED, "not signed")
        return signed.removeprefix("Test ")


class _Proofs:
    """In place of customers' sessions: ``account/number``; anything else is no proof."""

    def __init__(self, sim: Simulation) -> None:
        self._sim = sim

    async def check(
        self, caller: str, operation: Operation, ids: Mapping[str, str], proof: str
    ) -> Proof | ProofRefusal | None:
        del caller, operation, ids
        account, slash, _number = proof.partition("/")
        if not slash:
            return ProofRefusal("this is no proof")
        return Proof(account, proof, self._sim.clock.wall() + 300)


@dataclass(frozen=True)
class Answer:
    status: int
    body: dict[str, Any]
    headers: Mapping[str, str]


class Api:
    """:param server: whose API it is; the other provider calls it. :param service: in place of that provider's core."""

    def __init__(
        self,
        sim: Simulation,
        server: str = "gcp",
        *,
        limits: HttpLimits | None = None,
        service: Service | None = None,
    ) -> None:
        self.sim = sim
        self.server = server
        self.caller = OTHER[server]
        self._service = service
        self._numbers = itertools.count()
        self._app = create_app(
            self,
            _Signatures(),
            provider=server,
            proofs=_Proofs(sim),
            limits=limits or HttpLimits(refusal_burst=10_000),
            clock=sim.clock,
        )

    def serve(self, request: ApiRequest) -> ApiResponse:
        service = self._service or self.sim.providers[self.server].live
        return service.serve(request)

    @property
    def db(self) -> Database:
        return self.sim.providers[self.server].live.database

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in self.db.all(statement, *values)]

    def proof(self, account: str | None = None) -> str:
        """A fresh one, by default of the customer that all connections here are of."""
        return f"{account or ACCOUNTS[self.caller]}/{next(self._numbers)}"

    # -- requests

    def call(
        self,
        operation_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        query: Mapping[str, Any] | None = None,
        proof: str | None = None,
        request_id: str | None = None,
        signed: str | None = "",
        certificate: str | None = None,
        method: str | None = None,
        content: bytes | None = None,
        **ids: str,
    ) -> Answer:
        """Ask.

        :param proof: of the customer; None brings none. :param signed: by whom, by default the caller; None: by nobody.
        :param certificate: whose, by default that of who signed. :param content: in place of the body's JSON.
        :param ids: of the path; provider, environment and interconnect have defaults.
        """
        operation = OPERATIONS[operation_id]
        all_ids = {"provider": self.caller, "environment": ENVIRONMENT, "interconnect": "ic1", **ids}
        path = operation.path.format(**all_ids)
        signer = self.caller if signed == "" else signed
        headers = {} if signer is None else {"Authorization": f"Test {signer}"}
        if proof is not None:
            headers[PROOF_HEADER] = proof
        parameters = {**(query or {}), **({"requestId": request_id} if request_id else {})}
        if operation.request is not None:
            content = json.dumps(body or {}).encode() if content is None else content
            headers["Content-Type"] = "application/json"
        answer = asyncio.run(
            self._send(
                certificate or signer or self.caller, method or operation.method, path, parameters, headers, content
            )
        )
        SEEN.append((operation_id, answer.status))
        return answer

    async def _send(
        self,
        certificate: str,
        method: str,
        path: str,
        query: Mapping[str, Any],
        headers: Mapping[str, str],
        content: bytes | None,
    ) -> Answer:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await self._app({**scope, "state": {PROVIDER: certificate, ABORT: lambda: None}}, receive, send)

        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url=f"https://{self.server}-coord") as client:
            heard = await client.request(method, path, params=query, headers=headers, content=content)
        return Answer(heard.status_code, heard.json(), heard.headers)

    def accepted(self, operation_id: str, body: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
        """The body of a success, which is of the declared shape."""
        answer = self.call(operation_id, body, **more)
        assert answer.status == 200, answer
        parse_response(OPERATIONS[operation_id].response, json.dumps(answer.body).encode())
        return answer.body

    def refused(
        self,
        reason: Reason,
        operation_id: str,
        body: Mapping[str, Any] | None = None,
        *,
        field: str | None = None,
        but: tuple[str, ...] = (),
        **more: Any,
    ) -> Answer:
        """A refusal for that reason, which has changed nothing in the store.

        :param field: what it is about, where that matters. :param but: tables that it may have changed.
        """
        before = self.store(but)
        answer = self.call(operation_id, body, **more)
        error = ErrorBody.model_validate(answer.body)
        assert (answer.status, error.code, error.title) == (STATUS[reason], STATUS[reason], reason.value), answer
        assert [each.reason for each in error.details] == [reason.value]
        assert field is None or error.details[0].field == field, answer
        assert error.message
        assert self.store(but) == before
        return answer

    def store(self, but: tuple[str, ...] = ()) -> dict[str, list[tuple[Any, ...]]]:
        """Everything that the server's store holds."""
        tables = [name for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: self.rows(f"SELECT * FROM {name}") for name in tables if name not in but}

    # -- the server's own side

    def command(self, name: str, **parameters: Any) -> dict[str, Any]:
        return self.sim.command(self.server, name, **parameters)

    def advance(self, seconds: float) -> None:
        """Policy time of the server alone."""
        self.command("advance", seconds=seconds)
        self.sim.providers[self.server].live.pump()

    def uses(self, channel: str, ckn: str, *, settled: bool = True) -> None:
        """The server's router has this key in use."""
        self.sim.providers[self.server].live.observe({channel: ChannelFact(ckn, settled)})

    def activation(self, *, mbps: int = 1000) -> tuple[str, str]:
        """Have the server make an activation key for a customer. Returns the connection's UUID and the key."""
        started = self.command(
            "intent",
            environment=ENVIRONMENT,
            mbps=mbps,
            account=ACCOUNTS[self.server],
            peer_account=ACCOUNTS[self.caller],
            attach={"networks": ["10.99.0.0/24"]},
        )
        uuid = str(started["uuid"])
        self.sim.run(lambda: self.sim.key_of(self.server, uuid) is not None, what="the activation key")
        key = self.sim.key_of(self.server, uuid)
        assert key is not None
        return uuid, key

    def create(self, *, mbps: int = 1000, **more: Any) -> str:
        """A connection that the caller has just created here, and that has no features yet."""
        uuid, key = self.activation(mbps=mbps)
        self.accepted(
            "CreateConnection",
            {"bandwidthMbps": mbps, "activationKey": key, **more},
            query={"connectionId": uuid},
            proof=self.proof(),
        )
        return uuid


def met(server: str = "gcp", **config: Any) -> Api:
    """Coordinators that have given every channel its key."""
    sim = Simulation(**config)
    sim.run()
    return Api(sim, server)


def bare(server: str = "gcp", **config: Any) -> Api:
    """A coordinator that has just begun: the channels whose keys the caller manages have none."""
    return Api(Simulation(**config), server)


def connected(server: str = "gcp", **config: Any) -> tuple[Api, str]:
    """One verified connection, and its UUID."""
    api = met(server, **config)
    uuid = api.sim.connect(OTHER[server])
    api.sim.run()
    return api, uuid


__all__ = ["DAY", "OTHER", "SEEN", "Answer", "Api", "bare", "connected", "met"]
