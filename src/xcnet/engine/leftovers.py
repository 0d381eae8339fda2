"""What a run's processes left on the host, found by what they carry in their environment, and ended."""

from __future__ import annotations

import os
from pathlib import Path

from xcnet.engine.processes import ProcessMark, end_processes
from xcnet.engine.rundir import RUN_VARIABLE
from xcnet.waiting import Deadline


def tagged_processes(run_dir: Path) -> list[ProcessMark]:
    """The processes started for this run folder that one may look at, this process excepted."""
    tag = f"{RUN_VARIABLE}={run_dir}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        # The mark is taken before the look: should the process end and its id be used again, the mark fits neither.
        mark = ProcessMark.of(int(entry.name))
        if mark is None:
            continue
        try:
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue  # gone meanwhile, or another user's: not of this run in either case
        if tag in environment.split(b"\0"):
            found.append(mark)
    return found


def end_leftovers(run_dir: Path, seconds: float = 10.0) -> list[ProcessMark]:
    """Kill them; again, should one have started another meanwhile.

    :returns: what was killed; empty after a clean end.
    """
    deadline = Deadline(seconds)
    killed: list[ProcessMark] = []
    while found := tagged_processes(run_dir):
        killed += end_processes(found, deadline)
        if deadline.expired:
            break
    return killed


__all__ = ["end_leftovers", "tagged_processes"]
