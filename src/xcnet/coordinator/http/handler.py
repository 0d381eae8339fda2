"""One operation at the server: from an authenticated request to the service behind, and back."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from xcnet.coordinator.http.answers import Written, success
from xcnet.coordinator.http.arrival import Arrival, BrokenOffError
from xcnet.coordinator.http.facts import ProofChecker
from xcnet.coordinator.http.faults import FaultKind, FaultPoint
from xcnet.coordinator.http.parameters import check_ids, digest_of, read_body, read_query
from xcnet.coordinator.http.transcript import Transcript
from xcnet.coordinator.service import ApiRequest, Proof, ProofRefusal, Service
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import PROOF_HEADER, Operation

_LATE, _LOST, _ANSWER = (FaultKind.DELAYED,), (FaultKind.REQUEST_LOST,), (FaultKind.ANSWER_LOST,)


class Handler:
    """:param proofs: checks customers' proofs; None: no proof that is brought can be told to be good.
    :param proof_seconds: for that. :param faults: what goes wrong here on purpose.
    """

    def __init__(
        self,
        service: Service,
        proofs: ProofChecker | None,
        *,
        proof_seconds: float,
        transcript: Transcript,
        faults: FaultPoint | None,
    ) -> None:
        self._service = service
        self._proofs = proofs
        self._proof_seconds = proof_seconds
        self._transcript = transcript
        self._faults = faults or FaultPoint()

    async def __call__(self, operation: Operation, arrival: Arrival, path_parameters: Mapping[str, str]) -> Written:
        """:raises ApiError: refused. :raises BrokenOffError: a fault took the request, or its answer."""
        sent = arrival.sent
        sent.operation = operation
        ids = check_ids(path_parameters)
        query, request_id = read_query(operation, arrival.query)
        sent.query = query if request_id is None else {**query, "requestId": request_id}
        sent.request_id = request_id or ""
        body = read_body(operation, arrival.facts.header("content-type"), arrival.facts.body)
        sent.request_body = body
        self._transcript.announce(sent)
        await self._before(operation, arrival.caller)
        request = ApiRequest(
            operation=operation,
            caller=arrival.caller,
            ids=ids,
            query=query,
            body=body,
            request_id=request_id,
            digest=digest_of(operation, arrival.path, query, body) if request_id is not None else "",
            proof=await self._proof(operation, arrival, _named(operation, ids, query)) if operation.proven else None,
        )
        answer = self._service.serve(request)
        self._after(operation, arrival.caller)
        headers = tuple(
            (name.lower().encode("ascii"), value.encode("latin-1")) for name, value in answer.headers.items()
        )
        return success(answer.body, headers)

    async def _proof(
        self, operation: Operation, arrival: Arrival, ids: Mapping[str, str]
    ) -> Proof | ProofRefusal | None:
        """:raises ApiError: it could not be checked in time."""
        brought = [value for name, value in arrival.facts.headers if name == PROOF_HEADER]
        if not brought:
            return None
        if len(brought) > 1:
            return ProofRefusal("there is more than one proof")
        if self._proofs is None:
            return ProofRefusal("no proof can be checked here")
        try:
            async with asyncio.timeout(self._proof_seconds):
                return await self._proofs.check(arrival.caller, operation, ids, brought[0])
        except TimeoutError:
            raise ApiError(
                Reason.UNAVAILABLE, "the customer's proof could not be checked in time", retry_after=1
            ) from None

    async def _before(self, operation: Operation, caller: str) -> None:
        late = self._faults.strike(operation.id, caller, _LATE)
        if late is not None:
            await asyncio.sleep(late.rule.delay)
        lost = self._faults.strike(operation.id, caller, _LOST)
        if lost is not None:
            raise BrokenOffError(f"fault {lost.id}: {lost.rule.kind.value}")

    def _after(self, operation: Operation, caller: str) -> None:
        lost = self._faults.strike(operation.id, caller, _ANSWER)
        if lost is not None:
            lost.kept_back(200)
            raise BrokenOffError(f"fault {lost.id}: {lost.rule.kind.value}")


def _named(operation: Operation, ids: Mapping[str, str], query: Mapping[str, str | int]) -> dict[str, str]:
    """Path parameters of the resource that the request is about, which a request to create it has in its query."""
    if operation.creates is None:
        return dict(ids)
    kind = (operation.collection or "").removesuffix("s")
    return {**ids, kind: str(query.get(operation.creates, ""))}


__all__ = ["Handler"]
