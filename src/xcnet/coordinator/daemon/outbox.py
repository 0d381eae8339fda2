"""Makes the calls that the core has put into its outbox: each due one once, a bounded number at a time for each peer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Protocol

from xcnet.clock import Clock
from xcnet.coordinator.core import Core
from xcnet.coordinator.engine.calls import Answered, Call, NotSent, Outcome, Refused, Unknown
from xcnet.coordinator.http.caller import Caller
from xcnet.coordinator.http.outcomes import Answer, CallError, NotSentError
from xcnet.coordinator.http.settle import settle
from xcnet.errors import XcnetError
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError

_AT_ONCE = 16
"""Calls under way to one peer."""
_EPSILON = 1e-6


class Proofs(Protocol):
    def make(self, account: str, connection: str, audience: str) -> Secret:
        """A proof for one attempt. :raises XcnetError: the account has no session here."""
        ...


class Outbox:
    """:param callers: peer -> how it is called, once for each attempt. :param ended: told whenever an attempt is over."""

    def __init__(
        self, core: Core, callers: Mapping[str, Caller], proofs: Proofs, clock: Clock, ended: Callable[[], None]
    ) -> None:
        self._core = core
        self._callers = callers
        self._proofs = proofs
        self._clock = clock
        self._ended = ended
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()

    @property
    def under_way(self) -> int:
        return len(self._under_way)

    def dispatch(self) -> float | None:
        """Begin what is due; policy time at which the next call is due, if time is all it waits for."""
        now = self._core.world.now()
        for call_id, peer, due in self._core.outbox():
            if call_id in self._under_way or self._busy[peer] >= _AT_ONCE:
                continue
            if due > now + _EPSILON:
                return due
            call = self._core.call(call_id)
            self._busy[peer] += 1
            self._under_way[call_id] = asyncio.ensure_future(self._attempt(call))
        return None

    async def _attempt(self, call: Call) -> None:
        try:
            outcome = await self._outcome(call)
        finally:
            del self._under_way[call.id]
            self._busy[call.peer] -= 1
        self._core.call_ended(call, outcome)
        self._ended()

    async def _outcome(self, call: Call) -> Outcome:
        caller = self._callers.get(call.peer)
        if caller is None:
            return NotSent(f"nothing is known of a provider {call.peer!r}")
        try:
            if call.unsettled:
                made = await self._settled(caller, call)
                if made is not None:
                    return made
            proof = None
            if call.account is not None:
                proof = self._proofs.make(call.account, call.settling_ids.get("connection", ""), call.peer)
            answer = await caller.call(
                call.operation, call.ids, call.query, call.body, request_id=call.request_id, proof=proof
            )
        except ApiError as error:
            return Refused(error)
        except NotSentError as error:
            return NotSent(error.cause)
        except CallError as error:
            return Unknown(error.cause)
        except XcnetError as error:
            return NotSent(error.cause)
        return _answered(answer)

    async def _settled(self, caller: Caller, call: Call) -> Outcome | None:
        """None: it is seen not to have been made, or nothing could show it; it is to be sent again."""
        # The outbox keeps policy time; the peer's stamps are of the wall clock.
        since = call.first - (self._core.world.now() - self._clock.wall())
        try:
            answer = await settle(caller, call.operation, call.ids, call.query, call.body, since=since, seconds=None)
        except ApiError as error:
            return Unknown(f"the peer does not tell what became of it: {error.message}")
        except CallError as error:
            return Unknown(error.cause)
        return None if answer is None else _answered(answer)

    async def stop(self) -> None:
        """Give up what is under way: it stays in the outbox."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _answered(answer: Answer) -> Answered:
    return Answered(answer.body, dict(answer.headers))


__all__ = ["Outbox", "Proofs"]
