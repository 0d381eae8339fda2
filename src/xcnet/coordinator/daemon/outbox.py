"""Makes the calls that the core has put into its outbox: each due one once, a bounded number at a time for each peer."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from xcnet.clock import Clock
from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.backlog import Work
from xcnet.coordinator.engine.calls import Call, NotSent, Outcome
from xcnet.coordinator.http.attempt import attempt
from xcnet.coordinator.http.caller import Caller
from xcnet.secret import Secret

_AT_ONCE = 16
"""Calls under way to one peer."""
_EPSILON = 1e-6


class Proofs(Protocol):
    def make(self, account: str, connection: str, audience: str) -> Secret:
        """A proof for one attempt. :raises XcnetError: the account has no session here."""
        ...


class Outbox:
    """:param callers: peer -> how it is called, once for each attempt. :param ended: told whenever an attempt is over.
    :param commit: does what it is given, at once or when the store takes it; done then.
    """

    def __init__(
        self,
        core: Core,
        callers: Mapping[str, Caller],
        proofs: Proofs,
        clock: Clock,
        ended: Callable[[], None],
        commit: Callable[[Work], Awaitable[None]],
    ) -> None:
        self._commit = commit
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
            # Until then it is not to be sent again.
            await self._commit(lambda: self._core.call_ended(call, outcome))
        finally:
            del self._under_way[call.id]
            self._busy[call.peer] -= 1
        self._ended()

    async def _outcome(self, call: Call) -> Outcome:
        caller = self._callers.get(call.peer)
        if caller is None:
            return NotSent(f"nothing is known of a provider {call.peer!r}")
        # The outbox keeps policy time; the peer's stamps are of the wall clock.
        since = call.first - (self._core.world.now() - self._clock.wall())
        account, connection = call.account, call.settling_ids.get("connection", "")
        if account is None:
            return await attempt(caller, call, since=since)
        return await attempt(caller, call, lambda: self._proofs.make(account, connection, call.peer), since=since)

    async def stop(self) -> None:
        """Give up what is under way: it stays in the outbox."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


__all__ = ["Outbox", "Proofs"]
