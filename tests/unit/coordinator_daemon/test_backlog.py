"""What could not be committed is kept in order, and is done as soon as there is room."""

from __future__ import annotations

import asyncio

import pytest

from xcnet.coordinator.daemon.backlog import Backlog
from xcnet.coordinator.store.database import StoreFullError


class Store:
    """Takes something, or not. :ivar held: what it took."""

    def __init__(self) -> None:
        self.room = True
        self.held: list[str] = []
        self.refused: list[StoreFullError] = []

    def put(self, what: str) -> None:
        if not self.room:
            raise StoreFullError("no room")
        self.held.append(what)


def test_inputs_wait_in_order_for_room() -> None:
    async def story() -> None:
        store = Store()
        backlog = Backlog(store.refused.append)
        assert backlog.put(lambda: store.put("a")).done()
        store.room = False
        waiting = [backlog.put(lambda each=each: store.put(each)) for each in "bc"]
        assert not any(each.done() for each in waiting)
        assert not backlog.retry()
        assert len(store.refused) == 2  # once as it came, once as it was tried again: what waits behind it is not tried
        store.room = True
        last = backlog.put(lambda: store.put("d"))
        assert not last.done()
        assert backlog.retry()
        await asyncio.gather(*waiting, last)
        assert store.held == ["a", "b", "c", "d"]

    asyncio.run(story())


def test_a_defect_is_not_tried_for_ever() -> None:
    async def story() -> None:
        store = Store()
        backlog = Backlog(store.refused.append)
        with pytest.raises(ZeroDivisionError):
            backlog.put(lambda: store.put(str(1 // 0)))
        assert backlog.put(lambda: store.put("a")).done()

    asyncio.run(story())
