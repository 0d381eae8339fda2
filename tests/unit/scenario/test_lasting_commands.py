"""Commands whose coordinator dies while it carries them out: what it had taken is followed to its end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xcnet.errors import LabError
from xcnet.lab.coordination import APPLIED, DONE, GONE, VERIFIED
from xcnet.lab.lasting import LastingCoordination
from xcnet.lab.paths import LabPaths

ANSWER = {"workflow": "w1", "uuid": "u1"}


class Dying(LastingCoordination):
    """:param taken: whether the coordinator answers the command before it dies. :param script: query -> its answers, one after the
    other, of which the last stays; None: it is dead then.
    """

    def __init__(self, script: dict[str, list[Any]], *, taken: bool = True) -> None:
        super().__init__(LabPaths("test", Path("/nowhere")), None)  # type: ignore[arg-type]
        self.commands = 0
        self._script = script
        self._taken = taken

    def _ask(self, _provider: str, request: dict[str, Any], take: Callable[[dict[str, Any]], None]) -> None:
        if "command" in request:
            self.commands += 1
            if self._taken or self.commands > 1:
                take({"answer": ANSWER})
            if self.commands > 1:
                take({"end": {"state": "done", "message": "at the second time"}})
            return
        answers = self._script[request["query"]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer != "dead":
            take({"answer": answer})


OVER = {"state": "done", "message": "it is done"}
RUNNING = [{"id": "w1", "state": "calling"}]


def test_what_was_taken_is_followed_by_its_id() -> None:
    talk = Dying({"outcome": ["dead", None, None, OVER], "workflows": [RUNNING]})
    done = talk.command("aws", "resize", {}, follow=DONE)
    assert (done.answer, done.message, talk.commands) == (ANSWER, "it is done", 1)


def test_what_fails_after_the_restart_is_told() -> None:
    talk = Dying({"outcome": [None, {"state": "failed", "message": "the peer refuses"}], "workflows": [RUNNING]})
    with pytest.raises(LabError, match="the peer refuses"):
        talk.command("aws", "resize", {}, follow=DONE)


@pytest.mark.parametrize(
    ("follow", "script"),
    [
        (VERIFIED, {"describe": [{"legs": []}, {"legs": [{"verified": False}]}, {"legs": [{"verified": True}]}]}),
        (APPLIED, {"network": [{"applied": 3, "generation": 4}, {"applied": 4, "generation": 4}]}),
        (
            GONE,
            {
                "network": [{"applied": 4, "generation": 4}],
                "connections": [[{"uuid": "u1", "legs": [1]}], [{"uuid": "u2", "legs": [1]}]],
            },
        ),
    ],
)
def test_it_is_over_when_what_was_to_be_waited_for_is_there(follow: str, script: dict[str, list[Any]]) -> None:
    talk = Dying({"outcome": [OVER], **script})
    assert talk.command("aws", "any", {}, follow=follow).message == "it is done"
    assert all(len(answers) == 1 for answers in script.values()), "it was looked at until it was so"


def test_a_question_is_asked_again_of_the_one_that_was_started_again() -> None:
    assert Dying({"clock": ["dead", {"ahead": 0}]}).query("aws", "clock") == {"ahead": 0}


def test_a_command_that_nobody_took_is_given_once_more() -> None:
    talk = Dying({}, taken=False)
    assert talk.command("aws", "resize", {}, follow=DONE).message == "at the second time"
    assert talk.commands == 2
