"""What was seen before, for as long as it could be sent again."""

from __future__ import annotations

import hashlib
import heapq

from xcnet.coordinator.auth.verdict import AuthError, AuthReason

_CAPACITY = 131_072
_DIGEST_BYTES = 16


class ReplayCache:
    """Remembers keys until they expire, and at most so many. One that is full refuses what is new; it never forgets what lives.

    Times are seconds on any one scale. If that is set back, nothing slips through: what might have been forgotten counts as
    seen.

    :param capacity: keys that may live at once; about 250 bytes each.
    :param forgotten_until: what expires by then counts as seen: for a cache that begins empty after a restart.
    """

    def __init__(self, capacity: int = _CAPACITY, *, forgotten_until: float = float("-inf")) -> None:
        if capacity < 1:
            raise ValueError("a replay cache has room for one key at least")
        self._capacity = capacity
        self._forgotten_until = forgotten_until
        self._live: set[bytes] = set()
        self._order: list[tuple[float, bytes]] = []
        """A heap, the next to expire first."""

    def __len__(self) -> int:
        return len(self._live)

    def seen(self, key: str, expires: float, now: float) -> bool:
        """Whether this key was given before, or may have been; if not, it is from now on remembered.

        :param expires: when it is of no use to anybody any more; a key always comes with the same.
        :raises AuthError: TOO_MANY_LIVE: it is not remembered, and must not be acted on.
        """
        self._forget(now)
        if expires < now or expires <= self._forgotten_until:
            return True
        # Digests of one length: callers choose their keys, and are not to choose the memory that they take.
        digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
        if digest in self._live:
            return True
        if len(self._live) >= self._capacity:
            raise AuthError(
                AuthReason.TOO_MANY_LIVE,
                f"{self._capacity} requests of this caller could still be replayed; no more are taken",
            )
        self._live.add(digest)
        heapq.heappush(self._order, (expires, digest))
        return False

    def _forget(self, now: float) -> None:
        while self._order and self._order[0][0] < now:
            expires, digest = heapq.heappop(self._order)
            self._live.discard(digest)
            self._forgotten_until = max(self._forgotten_until, expires)


class ReplayGuard:
    """A cache for each caller, so that none can fill another's."""

    def __init__(self, capacity: int = _CAPACITY, *, forgotten_until: float = float("-inf")) -> None:
        self._capacity = capacity
        self._forgotten_until = forgotten_until
        self._caches: dict[str, ReplayCache] = {}

    def demand_new(self, caller: str, key: str, expires: float, now: float) -> None:
        """Take note of it. :param caller: one who is authenticated. :raises AuthError: REPLAYED, or TOO_MANY_LIVE."""
        cache = self._caches.get(caller)
        if cache is None:
            cache = self._caches[caller] = ReplayCache(self._capacity, forgotten_until=self._forgotten_until)
        if cache.seen(key, expires, now):
            raise AuthError(AuthReason.REPLAYED, "the request was seen before, or cannot be told from one that was")


__all__ = ["ReplayCache", "ReplayGuard"]
