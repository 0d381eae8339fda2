"""What a lab left behind when its own process was killed, found by its name and removed; nothing else is touched."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from pathlib import Path

from xcnet.lab.paths import LabPaths
from xcnet.waiting import Deadline, wait_until

NAMESPACES = Path("/run/netns")


def namespace_prefix(lab: str) -> str:
    """How the lab's namespaces begin. The closing mark cannot stand in a lab's name: no name is a beginning of another's."""
    return f"xcnet.{lab}."


def tagged_processes(paths: LabPaths) -> list[int]:
    """Processes that carry this lab's run folder in their environment, this one excepted."""
    tag = f"XCNET_RUN={paths.run_dir}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            environment = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue  # gone meanwhile, or another user's: not ours in either case
        if tag in environment:
            found.append(int(entry.name))
    return found


def remove_leftovers(paths: LabPaths) -> list[str]:
    """Kill, unmount and delete what carries this lab's name.

    :returns: a few words for each kind of thing found; empty after a clean end.
    """
    found = []
    if killed := _kill_tagged(paths):
        found.append(f"{killed} process(es)")
    if removed := _remove_namespaces(paths.name):
        found.append(f"{removed} namespace(s)")
    if paths.sockets.is_dir() and os.access(paths.sockets, os.W_OK):
        shutil.rmtree(paths.sockets, ignore_errors=True)
        found.append("sockets")
    return found


def _kill_tagged(paths: LabPaths) -> int:
    pids = tagged_processes(paths)
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)

    def seen() -> str | None:
        left = tagged_processes(paths)
        return f"processes {left}" if left else None

    if pids:
        wait_until("killed processes to be gone", seen, Deadline(10.0), where=f"lab {paths.name}", interval=0.02)
    return len(pids)


def _remove_namespaces(lab: str) -> int:
    """Namespaces exist on the host only with the native engine; a user-mode kernel took its own with it."""
    if os.geteuid() != 0 or not NAMESPACES.is_dir():
        return 0
    names = [entry.name for entry in NAMESPACES.iterdir() if entry.name.startswith(namespace_prefix(lab))]
    if names:
        from xcnet.netlink.netns import delete

        for name in names:
            delete(name)
    return len(names)


__all__ = ["namespace_prefix", "remove_leftovers", "tagged_processes"]
