"""Processes known for certain: a process id together with its start time, as ids are used again."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from dataclasses import dataclass
from pathlib import Path

from xcnet.waiting import Deadline

_START_TIME_FIELD = 19  # of those behind the command's name; proc(5) calls it field 22
_ZOMBIE = "Z"


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """One process and no later one of the same id.

    :param start_time: clock ticks after boot (proc(5), ``stat``).
    """

    pid: int
    start_time: int

    @classmethod
    def of(cls, pid: int) -> ProcessMark | None:
        """None where there is no such process, or only its exit status is left."""
        try:
            # The command's name may hold spaces and brackets; nothing behind the last bracket does.
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] == _ZOMBIE else cls(pid, int(fields[_START_TIME_FIELD]))

    @property
    def alive(self) -> bool:
        return ProcessMark.of(self.pid) == self

    def signal(self, number: int) -> bool:
        """Send a signal to this process and never to another that has its id now.

        :returns: whether it was there to be signalled.
        :raises PermissionError: it belongs to another user.
        """
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            if not self.alive:
                return False
            signal.pidfd_send_signal(handle, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def wait_gone(self, deadline: Deadline) -> bool:
        """Wait for its end, which the kernel announces. :returns: whether it ended in time."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if not self.alive:
                return True
            watch = select.poll()
            watch.register(handle, select.POLLIN)
            return bool(watch.poll(int(deadline.remaining * 1000)))
        finally:
            os.close(handle)


def end_processes(marks: list[ProcessMark], deadline: Deadline) -> list[ProcessMark]:
    """Kill, and wait until gone.

    :returns: those that were there to be killed.
    """
    killed = []
    for mark in marks:
        with contextlib.suppress(PermissionError):
            if mark.signal(signal.SIGKILL):
                killed.append(mark)
    for mark in killed:
        mark.wait_gone(deadline)
    return killed


__all__ = ["ProcessMark", "end_processes"]
