"""What an engine is: something that runs one warm Python process in a kernel that can do what a lab needs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

Progress = Callable[[str], object]
"""Called with a few words about what is going on."""

DEFAULT_MEMORY = 1536
"""MiB for a user-mode kernel: the shipped labs stay below 600, the rest is what it may use to cache files."""


def default_memory() -> int:
    """MiB: ``$XCNET_MEMORY``, else :data:`DEFAULT_MEMORY`."""
    wanted = os.environ.get("XCNET_MEMORY", "")
    return int(wanted) if wanted.isdigit() and int(wanted) >= 128 else DEFAULT_MEMORY


@dataclass(frozen=True, slots=True)
class LaunchSpec:
    """What to run, and where its files lie on the host.

    :param name: the lab's name; becomes the user-mode kernel's host name.
    :param run_dir: a folder for this run alone; made with mode 0700 if need be.
    :param entry: ``module:function``; called as ``function(WarmContext) -> Application`` in the warm process.
    :param env: added to the warm process's environment.
    :param memory: MiB, for a user-mode kernel.
    :param path: where modules are imported from there.
    """

    name: str
    run_dir: Path
    entry: str
    env: Mapping[str, str] = field(default_factory=dict)
    memory: int = field(default_factory=default_memory)
    path: tuple[str, ...] = field(default_factory=lambda: tuple(entry for entry in sys.path if entry))


class Engine(Protocol):
    """One way to a kernel. Knows nothing of labs. Everything but ``start`` works from any process of the same user."""

    name: str

    def start(self, spec: LaunchSpec, progress: Progress) -> None:
        """Start the warm process and return when its application has started and answers.

        :raises EngineError: it did not come up; nothing of it is left running. The error holds what it said last.
        """
        ...

    def stop(self, run_dir: Path, *, seconds: float = 20.0) -> bool:
        """Ask the warm process to end, and end it by force if it has not after ``seconds``.

        :returns: whether it ended by itself; False too if it was gone already.
        """
        ...

    def kill(self, run_dir: Path) -> None:
        """End everything of that run at once."""
        ...

    def alive(self, run_dir: Path) -> bool:
        """Whether the run's own processes are there."""
        ...

    def kernel(self, run_dir: Path) -> str:
        """The release of the kernel that the run is in, e.g. ``6.1.0``; empty if nothing was ever started."""
        ...


__all__ = ["DEFAULT_MEMORY", "Engine", "LaunchSpec", "Progress", "default_memory"]
