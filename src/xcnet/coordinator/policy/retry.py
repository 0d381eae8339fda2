"""What came of a call to a peer, whether to try it again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff with full jitter. Seconds. :param total: after which nothing is tried any more."""

    initial: float
    maximum: float
    total: float

    def delay(self, attempt: int, rng: random.Random, retry_after: float | None = None) -> float:
        """Before attempt number ``attempt + 1``: at random up to the bound, but never less than the server asked for.

        :param attempt: how many there were before the one that has just failed.
        """
        bound = min(self.maximum, self.initial * 2.0 ** min(attempt, 32))
        return max(rng.uniform(0.0, bound), retry_after or 0.0)

    def exhausted(self, started: float, now: float) -> bool:
        return now - started >= self.total


class Outcome(StrEnum):
    """What came of one attempt."""

    SUCCESS = "success"
    REFUSED = "refused"
    """For good: the same again would be refused again. Nothing was done."""
    CONFLICT = "conflict"
    """With the state that the server is in. Nothing was done; with fresh data another request may be accepted."""
    TRY_LATER = "try-later"
    UNKNOWN = "unknown"
    """Nobody said."""


class NoAnswer(StrEnum):
    """Why there is no status to judge by."""

    NOT_SENT = "not-sent"
    """No connection, or no TLS on it: the server has not seen the request."""
    LOST = "lost"
    """It was, or may have been, sent: a timeout, a connection that broke."""
    UNREADABLE = "unreadable"
    """An answer came that is none of the operation's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """:param settle: the change may have been made: GET or List must show whether it was, before it is sent again."""

    outcome: Outcome
    settle: bool = False

    @property
    def again(self) -> bool:
        """Whether the same request is to be sent again, within the bounds of a :class:`Backoff`."""
        return self.outcome in (Outcome.TRY_LATER, Outcome.UNKNOWN)


_STATUSES = {
    # The server gave up before it had the request, or did not want to look at it now.
    408: Outcome.TRY_LATER,
    425: Outcome.TRY_LATER,
    429: Outcome.TRY_LATER,
    409: Outcome.CONFLICT,
}


def judge(ending: int | NoAnswer, *, mutates: bool) -> Verdict:
    """What an attempt's ending means.

    :param ending: the HTTP status, or why there is none.
    :param mutates: whether the operation changes anything; one that does not can be sent again without more ado.
    """
    if ending is NoAnswer.NOT_SENT:
        return Verdict(Outcome.TRY_LATER)
    if isinstance(ending, NoAnswer):
        return Verdict(Outcome.UNKNOWN, settle=mutates)
    if 200 <= ending < 300:
        return Verdict(Outcome.SUCCESS)
    if ending >= 500:
        # It may have come after the deed, or from somebody between.
        return Verdict(Outcome.TRY_LATER, settle=mutates)
    return Verdict(_STATUSES.get(ending, Outcome.REFUSED))


__all__ = ["Backoff", "NoAnswer", "Outcome", "Verdict", "judge"]
