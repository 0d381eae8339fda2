"""A wait ends when the state is there, and says what it saw when it is not."""

from __future__ import annotations

import asyncio

import pytest

from xcnet.errors import DeadlineError
from xcnet.waiting import Deadline, wait_until, wait_until_async


def test_a_state_that_is_there_is_not_waited_for() -> None:
    paused: list[float] = []
    wait_until("x", lambda: None, Deadline(5), pause=paused.append)
    assert paused == []


def test_a_wait_looks_again_until_the_state_is_there() -> None:
    looks = iter(["no", "not yet", None])
    paused: list[float] = []
    wait_until("x", lambda: next(looks), Deadline(5), interval=0.25, pause=paused.append)
    assert paused == [0.25, 0.25]


def test_a_late_state_is_an_error_that_says_what_was_seen_instead() -> None:
    deadline = Deadline(1.0, started=-100.0)
    with pytest.raises(DeadlineError) as caught:
        wait_until("the door to open", lambda: "it is shut", deadline, where="house", remedy="knock")
    assert str(caught.value) == (
        "the door to open: not within 1 s; instead: it is shut\n  where: house\n  remedy: knock"
    )


def test_coroutines_wait_the_same_way() -> None:
    looks = iter(["no", None])

    async def seen() -> str | None:
        return next(looks)

    asyncio.run(wait_until_async("x", seen, Deadline(5), interval=0.001))

    async def never() -> str | None:
        return "nothing"

    with pytest.raises(DeadlineError, match="instead: nothing"):
        asyncio.run(wait_until_async("x", never, Deadline(0.01), interval=0.001))


def test_a_deadline_is_shared_by_nested_waits() -> None:
    deadline = Deadline(100.0)
    assert 99 < deadline.remaining <= 100
    assert not deadline.expired
    assert Deadline(1.0, started=-100.0).expired
