"""What came in while the store could not be written: kept in order, and put in when it can be."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from xcnet.coordinator.store.database import StoreFullError

Work = Callable[[], None]
"""One input to the core: committed as a whole, or :class:`StoreFullError`."""


class Backlog:
    """:param full: called with the error whenever something could not be committed."""

    def __init__(self, full: Callable[[StoreFullError], None]) -> None:
        self._full = full
        self._waiting: deque[tuple[Work, asyncio.Future[None]]] = deque()

    def put(self, work: Work) -> asyncio.Future[None]:
        """Do it now, or after all that waits already. :returns: done once it is committed."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((work, done))
        if len(self._waiting) == 1:
            self.retry()
        return done

    def retry(self) -> bool:
        """Do what waits, as far as there is room. :returns: whether nothing waits any more."""
        while self._waiting:
            work, done = self._waiting[0]
            try:
                work()
            except StoreFullError as error:
                self._full(error)
                return False
            except BaseException:
                self._waiting.popleft()
                raise
            self._waiting.popleft()
            if not done.done():
                done.set_result(None)
        return True


__all__ = ["Backlog", "Work"]
