"""Calls that are tried again: a bounded number of times, ever later, and after an unknown outcome only once it is settled."""

from __future__ import annotations

import asyncio
import random
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from xcnet.clock import Clock, SystemClock
from xcnet.coordinator.http.caller import Body, Caller
from xcnet.coordinator.http.outcomes import Answer, BadAnswerError, CallError, NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.settle import settle
from xcnet.coordinator.policy.retry import Backoff, NoAnswer, judge
from xcnet.secret import Secret
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import Operation

_BACKOFF = Backoff(initial=0.1, maximum=10.0, total=60.0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """:param attempts: of the call itself, settling apart.
    :param backoff: how long to wait between them; a Retry-After that leads beyond its total ends the trying.
    """

    attempts: int = 6
    backoff: Backoff = _BACKOFF


class RetryingCaller:
    """:param rng: draws the jitter, and request ids. :param pause: how to let time pass."""

    def __init__(
        self,
        caller: Caller,
        policy: RetryPolicy | None = None,
        *,
        rng: random.Random | None = None,
        clock: Clock | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._caller = caller
        self._policy = policy or RetryPolicy()
        self._rng = rng or random.SystemRandom()
        self._clock: Clock = clock or SystemClock()
        self._pause = pause

    async def call(
        self,
        operation: Operation,
        ids: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
        seconds: float | None = None,
    ) -> Answer:
        """See :meth:`Caller.call`; what is raised is what came of the last attempt.

        :param request_id: the same for every attempt; of a change without one, one is made.
        :param seconds: for each attempt.
        """
        if operation.mutates and request_id is None:
            request_id = str(uuid.UUID(int=self._rng.getrandbits(128), version=4))
        budget = _Budget(self._policy, self._clock)
        since = self._clock.wall()
        while True:
            budget.tried += 1
            try:
                return await self._caller.call(
                    operation, ids, query, body, request_id=request_id, proof=proof, seconds=seconds
                )
            except (ApiError, CallError) as error:
                verdict = judge(_ending(error), mutates=operation.mutates)
                if not verdict.again:
                    raise
                await self._put_off(error, budget)
            if verdict.settle:
                made = await self._settled(operation, ids, query or {}, body, since, seconds, budget)
                if made is not None:
                    return made

    async def _settled(
        self,
        operation: Operation,
        ids: Mapping[str, str],
        query: Mapping[str, str | int],
        body: Body | None,
        since: float,
        seconds: float | None,
        budget: _Budget,
    ) -> Answer | None:
        """See :func:`settle`. :raises UnknownOutcomeError: nobody can tell."""
        while True:
            try:
                return await settle(self._caller, operation, ids, query, body, since=since, seconds=seconds)
            except (ApiError, CallError) as error:
                unknown = UnknownOutcomeError(
                    f"whether {operation.id} was done cannot be told: {_cause(error)}",
                    where="/".join(ids.values()),
                    remedy="look at the resource once the peer answers",
                )
                if not judge(_ending(error), mutates=False).again:
                    raise unknown from error
                try:
                    await self._put_off(error, budget)
                except (ApiError, CallError):
                    raise unknown from error

    async def _put_off(self, error: ApiError | CallError, budget: _Budget) -> None:
        """Wait for the next attempt. :raises: the error itself, if there is to be none."""
        wait = budget.wait(self._rng, error.retry_after if isinstance(error, ApiError) else None)
        if wait is None:
            raise error
        await self._pause(wait)

    async def close(self) -> None:
        await self._caller.close()


class _Budget:
    """What is left of one call's attempts and time."""

    def __init__(self, policy: RetryPolicy, clock: Clock) -> None:
        self._policy = policy
        self._clock = clock
        self._began = clock.monotonic()
        self._failed = 0
        self.tried = 0

    def wait(self, rng: random.Random, retry_after: int | None) -> float | None:
        """Something failed: seconds until the next attempt; None: there is to be none."""
        self._failed += 1
        wait = self._policy.backoff.delay(self._failed - 1, rng, retry_after)
        if self._policy.backoff.exhausted(self._began, self._clock.monotonic() + wait):
            return None
        # Looking whether it was done is granted as many failures again: one lost answer must not leave a deed unknown.
        if self.tried >= self._policy.attempts or self._failed >= 2 * self._policy.attempts:
            return None
        return wait


def _ending(error: ApiError | CallError) -> int | NoAnswer:
    """As the policy of retries has it."""
    if isinstance(error, ApiError):
        return error.status
    if isinstance(error, NotSentError):
        return NoAnswer.NOT_SENT
    return NoAnswer.UNREADABLE if isinstance(error, BadAnswerError) else NoAnswer.LOST


def _cause(error: ApiError | CallError) -> str:
    return error.cause if isinstance(error, CallError) else f"{error.status} {error.message}"


__all__ = ["RetryPolicy", "RetryingCaller"]
