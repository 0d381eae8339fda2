"""A recorder on a busy machine may answer after nobody waits any more: the next question gets its own answer all the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from xcnet.lab.recording import Recording


class _Ended:
    async def send(self, _data: bytes) -> None:
        """Nobody reads it."""

    def end_input(self) -> None:
        """Nobody reads it."""


def recording(*answers: dict[str, Any] | None) -> Recording:
    """Whose recorder has said all this already."""
    made = Recording.__new__(Recording)
    made._answers = asyncio.Queue()
    for answer in answers:
        made._answers.put_nowait(answer)
    made._request = _Ended()  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("late", [(), ({"snapshot": "before"},), ({"snapshot": "before"}, {"snapshot": "during"})])
def test_the_end_is_told_from_what_came_late(late: tuple[dict[str, Any], ...]) -> None:
    async def ended() -> dict[str, Any]:
        made = recording(*late, {"recorded": {}})
        made._ending = asyncio.get_running_loop().create_future()
        made._ending.set_result(None)
        return await made._finish()

    assert asyncio.run(ended()) == {"recorded": {}}


def test_a_moment_is_told_from_an_earlier_one() -> None:
    async def asked() -> dict[str, Any]:
        return await recording({"snapshot": "before"}, {"snapshot": "after", "began": 1})._ask({"snapshot": "after"})

    assert asyncio.run(asked()) == {"snapshot": "after", "began": 1}
