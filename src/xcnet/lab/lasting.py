"""Commands followed to their end although the coordinator that carries them out may die and be started again meanwhile."""

from __future__ import annotations

from typing import Any

from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.lab.coordination import (
    ANNOUNCED,
    APPLIED,
    GONE,
    VERIFIED,
    Commanded,
    Coordination,
    CoordinatorEndedError,
    Heard,
)
from xcnet.waiting import Deadline, wait_until

_CONVERGE_SECONDS = 90.0
"""For a workflow to end after its coordinator was started again."""
_LOOK_SECONDS = 0.3
_UNANNOUNCED = ("checking", "publishing")


def _deaf(_provider: str, _event: Event) -> None:
    """Nobody listens."""


class LastingCoordination(Coordination):
    """What a coordinator has said *taken* to is committed: after its death the workflow goes on, and is looked for by its id."""

    def query(self, provider: str, query: str, **parameters: Any) -> Any:
        """:meth:`Coordination.query`, asked once more of the one that was started again."""
        try:
            return super().query(provider, query, **parameters)
        except CoordinatorEndedError:
            return super().query(provider, query, **parameters)

    def command(
        self,
        provider: str,
        command: str,
        parameters: dict[str, Any],
        *,
        follow: str | None = None,
        heard: Heard = _deaf,
    ) -> Commanded:
        """:meth:`Coordination.command`. A command whose answer died with the coordinator is given once more."""
        try:
            return super().command(provider, command, parameters, follow=follow, heard=heard)
        except CoordinatorEndedError as error:
            if not error.answer:
                return super().command(provider, command, parameters, follow=follow, heard=heard)
            return Commanded(error.answer, self._converged(provider, command, error.answer, follow))

    def _converged(self, provider: str, command: str, answer: dict[str, Any], follow: str | None) -> str:
        """The words of the workflow's end. :raises LabError: it failed. :raises DeadlineError: it does not end."""
        words = ""

        def seen() -> str | None:
            nonlocal words
            try:
                ended, words = self._ended(provider, command, answer, follow)
                return ended or self._unreached(provider, answer, follow)
            except CoordinatorEndedError as error:
                return error.cause

        wait_until(
            f"{command} to end after its coordinator was started again",
            seen,
            Deadline(_CONVERGE_SECONDS),
            where=provider,
            remedy="see 'xcnet events'",
            interval=_LOOK_SECONDS,
        )
        return words

    def _ended(self, provider: str, command: str, answer: dict[str, Any], follow: str | None) -> tuple[str | None, str]:
        """What is still under way, and the words of its end."""
        workflow = answer.get("workflow")
        if workflow is None:
            return None, ""
        outcome = self.query(provider, "outcome", workflow=workflow)
        if outcome is None:
            states = [each["state"] for each in self.query(provider, "workflows") if each["id"] == workflow]
            announced = follow == ANNOUNCED and states and states[0] not in _UNANNOUNCED
            return (None if announced else f"it is {', '.join(states) or 'ending'}"), ""
        if outcome["state"] == "failed":
            raise LabError(outcome["message"] or "it came to nothing", where=f"{command} at {provider}")
        return None, str(outcome["message"] or "")

    def _unreached(self, provider: str, answer: dict[str, Any], follow: str | None) -> str | None:
        if follow == VERIFIED:
            view = self.query(provider, "describe", connection=answer["uuid"])
            return None if view["legs"] and view["legs"][-1]["verified"] else "not verified yet"
        if follow in (APPLIED, GONE):
            network = self.query(provider, "network")
            if network["applied"] < network["generation"]:
                return "not on the routers yet"
        if follow == GONE and any(
            each["uuid"] == answer["uuid"] and each["legs"] for each in self.query(provider, "connections")
        ):
            return "still there"
        return None


__all__ = ["LastingCoordination"]
