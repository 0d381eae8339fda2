"""What customers and operators can ask of their own provider's coordinator: the commands of its admin socket."""

from __future__ import annotations

from typing import Any

from xcnet.coordinator.commands.customers import CustomerCommands
from xcnet.coordinator.commands.issues import IssueCommands
from xcnet.coordinator.commands.operators import OperatorCommands
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.world import World
from xcnet.errors import InputError, LabError
from xcnet.spec.errors import ApiError

_SUBJECTS = (CustomerCommands, OperatorCommands, IssueCommands)

COMMANDS: tuple[str, ...] = tuple(name for subject in _SUBJECTS for name in subject.NAMES)
"""Those that change something; each is a commit point, ``command.NAME``."""


class Commands:
    """:meth:`run` takes a command's name and parameters. What it started goes on as a workflow, whose id is in the answer."""

    def __init__(self, world: World, engine: Engine) -> None:
        self._db = world.db
        made = [subject(world, engine) for subject in _SUBJECTS]
        self._subjects = {name: subject for subject in made for name in subject.NAMES}

    def run(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises XcnetError: refused, with the reason and what to do about it. :raises pydantic.ValidationError: malformed."""
        subject = self._subjects.get(command)
        if subject is None:
            raise InputError(f"the coordinator knows no command {command!r}", remedy="use xcnet of the same version")
        with self._db.transaction(f"command.{command}"):
            try:
                return subject.run(command, parameters)
            except ApiError as error:
                raise LabError(error.message, where=error.field or command) from None


__all__ = ["COMMANDS", "Commands"]
