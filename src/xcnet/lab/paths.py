"""Where a lab keeps what: its run folder on the host's disk, and the sockets of its daemons inside its kernel."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from xcnet.errors import InputError

_NAME = re.compile(r"^[a-z][a-z0-9-]{0,30}$")

SOCKETS_ROOT = Path("/run/xcnet")
"""Unix sockets need a file system of the lab's own kernel, which a user-mode kernel's view of the host's disk is not."""


def state_root() -> Path:
    """``$XCNET_STATE``, else the user's state folder (XDG base directories)."""
    if explicit := os.environ.get("XCNET_STATE"):
        return Path(explicit).absolute()
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base).absolute() / "xcnet"


def labs_root() -> Path:
    return state_root() / "labs"


def check_name(name: str) -> str:
    """:raises InputError: not usable as a lab's name: it becomes part of namespaces' and folders' names."""
    if not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be a lab's name",
            where="--name",
            remedy="use 1 to 31 lower-case letters, digits and hyphens, beginning with a letter",
        )
    return name


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The folders of one lab. ``run_dir`` is on the host's disk and outlives the lab's kernel; ``sockets`` does not."""

    name: str
    run_dir: Path

    @classmethod
    def of(cls, name: str) -> LabPaths:
        return cls(check_name(name), labs_root() / name)

    @property
    def record(self) -> Path:
        return self.run_dir / "lab.json"

    @property
    def events(self) -> Path:
        return self.run_dir / "events"

    @property
    def logs(self) -> Path:
        return self.run_dir / "logs"

    @property
    def transcripts(self) -> Path:
        """What coordinators said to each other, one file each."""
        return self.run_dir / "api"

    def node_logs(self, node: str) -> Path:
        return self.logs / node

    @property
    def sockets(self) -> Path:
        return SOCKETS_ROOT / self.name

    def node_sockets(self, node: str) -> Path:
        return self.sockets / node


__all__ = ["SOCKETS_ROOT", "LabPaths", "check_name", "labs_root", "state_root"]
