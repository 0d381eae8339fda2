"""What commands to coordinators work with: the lab's directory, and its coordinators' ears."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xcnet.errors import InputError

if TYPE_CHECKING:
    from xcnet.lab.coordination import Coordination
    from xcnet.lab.directory import Directory


@dataclass(frozen=True)
class Talk:
    """What a command works with."""

    directory: Directory
    coordinators: Coordination

    def provider(self, wanted: str, where: str) -> str:
        """:raises InputError: there is none of that name."""
        if wanted not in self.directory.providers:
            known = ", ".join(self.directory.providers)
            raise InputError(f"there is no provider {wanted!r} in this lab", where=where, remedy=f"there are: {known}")
        return wanted

    def holder(self, connection: str, at: str | None) -> str:
        """The provider that is asked about a connection. :raises InputError: none has it."""
        if at is not None:
            return self.provider(at, "--at")
        known: list[str] = []
        for provider in self.directory.providers:
            for each in self.coordinators.query(provider, "connections"):
                if connection in (each["name"], each["uuid"]) or (
                    len(connection) >= 6 and each["uuid"].startswith(connection)
                ):
                    return provider
                known.append(each["name"])
        listed = ", ".join(dict.fromkeys(known)) or "none; make one with 'xcnet connect'"
        raise InputError(f"there is no connection {connection!r}", where="connection", remedy=f"there are: {listed}")


@contextmanager
def talking(name: str | None) -> Iterator[Talk]:
    """:raises XcnetError: there is no such lab, or it does not answer."""
    from xcnet.engine.client import LabClient
    from xcnet.lab.coordination import Coordination
    from xcnet.lab.directory import Directory, find_lab

    paths = find_lab(name)
    directory = Directory.read(paths)
    with LabClient(paths.run_dir) as client:
        yield Talk(directory, Coordination(paths, client))


__all__ = ["Talk", "talking"]
