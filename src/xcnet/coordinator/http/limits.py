"""What one client may take of a server: bytes, seconds, connections and requests a second."""

from __future__ import annotations

import math
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.clock import Clock

_Positive = Annotated[int, Field(gt=0)]
_Seconds = Annotated[float, Field(gt=0)]
_KEPT_BUCKETS = 1024


class HttpLimits(BaseModel):
    """Bounds of a server. Sizes in bytes, times in seconds.

    :param header_bytes: of all header fields together. :param header_fields: their number. :param url_bytes: path and query.
    :param body_bytes: of a request's body.
    :param handshake_seconds: for a TLS handshake. :param header_seconds: from a request's first byte (on a fresh connection:
        from the handshake) to the end of its header. :param body_seconds: from there to the end of its body.
    :param answer_seconds: from there until the answer is handed over. :param keep_alive_seconds: between two requests.
    :param pipelined: requests that may wait on a connection for the answers to those before them.
    :param proof_seconds: for checking a customer's proof with the provider that can tell.
    :param connections: open at once. :param connections_per_address: of these, from one address.
    :param accepted_per_second: connections taken from one address, on average. :param accepted_burst: and at once.
    :param requests_per_second: of one caller, on average. :param request_burst: and at once.
    :param refusals_per_second: answers 401 and 403 to one peer, on average, before each costs it its connection.
    :param refusal_burst: and at once.
    :param backlog: connections that the kernel holds until they are taken.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    header_bytes: _Positive = 16 * 1024
    header_fields: _Positive = 100
    url_bytes: _Positive = 8 * 1024
    body_bytes: _Positive = 256 * 1024
    handshake_seconds: _Seconds = 10.0
    header_seconds: _Seconds = 10.0
    body_seconds: _Seconds = 20.0
    answer_seconds: _Seconds = 60.0
    keep_alive_seconds: _Positive = 60
    pipelined: _Positive = 16
    proof_seconds: _Seconds = 15.0
    connections: _Positive = 1024
    connections_per_address: _Positive = 128
    accepted_per_second: _Seconds = 100.0
    accepted_burst: _Positive = 400
    requests_per_second: _Seconds = 500.0
    request_burst: _Positive = 2000
    refusals_per_second: _Seconds = 5.0
    refusal_burst: _Positive = 100
    backlog: _Positive = 256


class TokenBucket:
    """Lets through ``rate`` a second on average and ``burst`` at once.

    :param clock: only its monotonic time is asked.
    """

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._filled = clock.monotonic()

    def take(self) -> float:
        """Take one. :returns: 0 if it was there, else the seconds until there is one; nothing is taken then."""
        self._fill()
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate

    @property
    def full(self) -> bool:
        self._fill()
        return self._tokens >= self._burst

    def _fill(self) -> None:
        now = self._clock.monotonic()
        self._tokens = min(float(self._burst), self._tokens + (now - self._filled) * self._rate)
        self._filled = now


class RateLimiter:
    """One :class:`TokenBucket` for each key; those that are full again are forgotten when there are many."""

    def __init__(self, rate: float, burst: int, clock: Clock) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._buckets: dict[str, TokenBucket] = {}

    @property
    def size(self) -> int:
        """Keys that are remembered."""
        return len(self._buckets)

    def take(self, key: str) -> float:
        """As :meth:`TokenBucket.take`."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if len(self._buckets) >= _KEPT_BUCKETS:
                self._buckets = {name: each for name, each in self._buckets.items() if not each.full}
            bucket = self._buckets[key] = TokenBucket(self._rate, self._burst, self._clock)
        return bucket.take()


def retry_after(seconds: float) -> int:
    """As ``Retry-After`` says it: whole seconds, at least one."""
    return max(1, math.ceil(seconds))


__all__ = ["HttpLimits", "RateLimiter", "TokenBucket", "retry_after"]
