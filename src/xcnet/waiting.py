"""Waiting for a state: by name, with a deadline, and with an error that says what was seen instead."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from xcnet.errors import DeadlineError


@dataclass
class Deadline:
    """A point in monotonic time that is handed around, so that nested waits share one budget.

    :param seconds: how long from now, > 0.
    """

    seconds: float
    started: float = field(default_factory=time.monotonic)

    @property
    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self.started + self.seconds - time.monotonic())

    @property
    def expired(self) -> bool:
        return self.remaining <= 0.0


def wait_until(
    name: str,
    seen: Callable[[], str | None],
    deadline: Deadline,
    *,
    where: str = "",
    remedy: str = "",
    interval: float = 0.05,
    pause: Callable[[float], object] = time.sleep,
) -> None:
    """Look again every ``interval`` seconds until ``seen`` returns None.

    For states that nobody announces (a daemon's socket, a line in its state). Where the kernel or a daemon does announce
    it, watch that instead.

    :param name: what is waited for, as a noun phrase: it stands in the error.
    :param seen: returns None when the state is there, else a few words saying what is there instead.
    :param pause: how to let time pass; a select on something that may announce the change makes the wait shorter.
    :raises DeadlineError: not there in time; the error carries the last words of ``seen``.
    """
    while True:
        instead = seen()
        if instead is None:
            return
        if deadline.expired:
            raise _late(name, deadline, instead, where, remedy)
        pause(min(interval, max(deadline.remaining, 0.001)))


async def wait_until_async(
    name: str,
    seen: Callable[[], Awaitable[str | None]],
    deadline: Deadline,
    *,
    where: str = "",
    remedy: str = "",
    interval: float = 0.05,
) -> None:
    """:func:`wait_until` for coroutines; other tasks run between two looks."""
    while True:
        instead = await seen()
        if instead is None:
            return
        if deadline.expired:
            raise _late(name, deadline, instead, where, remedy)
        await asyncio.sleep(min(interval, max(deadline.remaining, 0.001)))


def _late(name: str, deadline: Deadline, instead: str, where: str, remedy: str) -> DeadlineError:
    return DeadlineError(f"{name}: not within {deadline.seconds:g} s; instead: {instead}", where=where, remedy=remedy)


__all__ = ["Deadline", "wait_until", "wait_until_async"]
