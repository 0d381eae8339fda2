"""A transport with faults between it and its user: what is lost was really sent, what is doubled arrives twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from xcnet.coordinator.http.faults import Fault, FaultKind, FaultPoint
from xcnet.coordinator.http.outcomes import CallError, NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transport import OutgoingRequest, RawAnswer, Transport

_BEFORE = (FaultKind.REORDERED,)
_LATE = (FaultKind.DELAYED,)
_UNSENT = (FaultKind.PEER_DOWN, FaultKind.REQUEST_LOST)
_SENT = (FaultKind.DUPLICATED, FaultKind.ANSWER_LOST)


class FaultyTransport:
    """:param pause: how to let time pass."""

    def __init__(
        self,
        transport: Transport,
        faults: FaultPoint,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._transport = transport
        self._faults = faults
        self._pause = pause
        self._held: dict[str, list[asyncio.Event]] = {}
        self._late: set[asyncio.Task[None]] = set()

    async def send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        """See :meth:`Transport.send`."""
        # Whoever comes while one is held is the one that overtakes it.
        held = None if self._held.get(request.peer) else self._strike(request, _BEFORE)
        if held is not None and not await self._overtaken(request.peer, held.rule.delay or seconds):
            held.in_vain += 1
        try:
            return await self._send(request, seconds)
        finally:
            for waiting in self._held.pop(request.peer, []):
                waiting.set()

    async def _send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        late = self._strike(request, _LATE)
        if late is not None:
            seconds = await self._delayed(request, late, seconds)
        unsent = self._strike(request, _UNSENT)
        if unsent is not None:
            return await self._fail(request, unsent, seconds)
        fault = self._strike(request, _SENT)
        if fault is None:
            return await self._transport.send(request, seconds)
        if fault.rule.kind is FaultKind.DUPLICATED:
            return await self._twice(request, fault, seconds)
        answer = await self._transport.send(request, seconds)
        fault.kept_back(answer.status)
        await self._pause(min(fault.rule.delay, seconds))
        raise UnknownOutcomeError("no answer to what was sent: a fault point took the answer", where=_where(request))

    def _strike(self, request: OutgoingRequest, kinds: tuple[FaultKind, ...]) -> Fault | None:
        fault = self._faults.strike(request.operation, request.peer, kinds)
        if fault is not None:
            request.notes.append(f"fault {fault.id}: {fault.rule.kind.value}")
        return fault

    async def _delayed(self, request: OutgoingRequest, fault: Fault, seconds: float) -> float:
        """Wait. :returns: seconds that are left.

        :raises UnknownOutcomeError: none are; it is sent all the same, when its time has come.
        """
        delay = fault.rule.delay
        if delay < seconds:
            await self._pause(delay)
            return seconds - delay
        task = asyncio.create_task(self._send_late(request.frozen(), fault, seconds))
        self._late.add(task)
        task.add_done_callback(self._late.discard)
        await self._pause(seconds)
        raise UnknownOutcomeError("no answer to what was sent: a fault point held it back", where=_where(request))

    async def _send_late(self, request: OutgoingRequest, fault: Fault, seconds: float) -> None:
        """As it was signed then; nobody waits for the answer any more."""
        await self._pause(fault.rule.delay)
        try:
            fault.kept_back((await self._transport.send(request, seconds)).status)
        except CallError:
            fault.kept_back(0)

    async def _overtaken(self, peer: str, seconds: float) -> bool:
        """Wait until another request to that peer has been answered; False: there was none in that time."""
        passed = asyncio.Event()
        self._held.setdefault(peer, []).append(passed)
        others = asyncio.ensure_future(passed.wait())
        over = asyncio.ensure_future(self._pause(seconds))
        try:
            await asyncio.wait((others, over), return_when=asyncio.FIRST_COMPLETED)
        finally:
            others.cancel()
            over.cancel()
            waiting = self._held.get(peer, [])
            if passed in waiting:
                waiting.remove(passed)
        return passed.is_set()

    async def _fail(self, request: OutgoingRequest, fault: Fault, seconds: float) -> RawAnswer:
        if fault.rule.kind is FaultKind.PEER_DOWN:
            raise NotSentError("the peer was not reached: a fault point refused the connection", where=_where(request))
        await self._pause(min(fault.rule.delay, seconds))
        raise UnknownOutcomeError("no answer to what was sent: a fault point took the request", where=_where(request))

    async def _twice(self, request: OutgoingRequest, fault: Fault, seconds: float) -> RawAnswer:
        same = request.frozen() if fault.rule.verbatim else request
        answer = await self._transport.send(same, seconds)
        try:
            fault.kept_back((await self._transport.send(same, seconds)).status)
        except CallError:
            fault.kept_back(0)
        return answer

    async def close(self) -> None:
        late = list(self._late)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        await self._transport.close()


def _where(request: OutgoingRequest) -> str:
    return f"peer {request.peer}"


__all__ = ["FaultyTransport"]
