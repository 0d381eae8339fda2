"""Keeps a user-mode kernel on one processor of the host, and on one that has time for it.

The kernel and each of its processes are processes of the host that take turns: one runs while the other waits, for every
system call and every page fault. Left to the host's scheduler they land on different processors, and each turn costs an
interrupt from one to the other: on a virtual machine that makes starting a program four times as slow. On one processor
a turn is a plain switch. A guest has a single processor, so nothing is lost.

What is fixed to a processor cannot flee from others that want the same one, so somebody has to look now and then.
"""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")

CROWDED = 0.25
"""Share of a processor that others must take before moving away is thought of."""

WORTH_IT = 0.2
"""How much less of it must be taken elsewhere: a move costs warm caches, and two guests must not chase each other."""

_IDLE_FIELDS = (3, 4)  # idle and iowait, of the fields behind "cpuN" in /proc/stat
_GUEST_FIELDS = 8  # those after count again what is in user and nice
_UTIME, _STIME = 11, 12  # of the fields behind the command's name in /proc/PID/stat


def allowed_processors() -> set[int]:
    """Those that this process may use."""
    return os.sched_getaffinity(0)


def any_processor() -> int:
    """One to begin with. Looking costs time that the boot may as well take; :class:`Keeper` looks soon enough."""
    return random.choice(sorted(allowed_processors()))


def busy_seconds(stat: str) -> dict[int, float]:
    """Seconds since boot in which each processor did something, from ``/proc/stat``'s text."""
    found = {}
    for line in stat.splitlines():
        name, _, rest = line.partition(" ")
        if name.startswith("cpu") and name[3:].isdigit():
            ticks = [int(word) for word in rest.split()[:_GUEST_FIELDS]]
            found[int(name[3:])] = (sum(ticks) - sum(ticks[number] for number in _IDLE_FIELDS)) / _TICKS
    return found


def choose(shares: Mapping[int, float]) -> int:
    """The processor of which least is taken; any of them where several are as free.

    :param shares: processor -> what others take of it, 0 to 1 (a little more where clocks are coarse).
    """
    least = min(shares.values())
    return random.choice([number for number, share in shares.items() if share <= least])


def better(current: int, shares: Mapping[int, float]) -> int | None:
    """Where to move to from ``current``; None to stay."""
    if shares.get(current, 0.0) < CROWDED:
        return None
    other = choose(shares)
    return other if shares[current] - shares[other] >= WORTH_IT else None


def pin(pid: int, processor: int) -> None:
    """Fix a kernel, all its threads and all its processes to one processor. Those that appear later inherit it."""
    for task in _tasks(pid):
        _set(task, processor)
    pinned: set[int] = set()
    while fresh := set(_children(pid)) - pinned:
        for child in fresh:
            for task in _tasks(child):
                _set(task, processor)
        pinned |= fresh


def _set(task: int, processor: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.sched_setaffinity(task, {processor})


def _tasks(pid: int) -> list[int]:
    try:
        return [int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in _tasks(pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found += [int(word) for word in Path(f"/proc/{pid}/task/{task}/children").read_text().split()]
    return found


def _used_seconds(pid: int) -> float:
    """Processor time of a kernel and those of its processes that still are, in seconds."""
    ticks = 0
    for each in (pid, *_children(pid)):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[_UTIME]) + int(fields[_STIME])
    return ticks / _TICKS


@dataclass
class Keeper:
    """One kernel's place. ``look`` at intervals of a second or so; it has no clock of its own.

    :param pid: the kernel. :param processor: where it is now.
    """

    pid: int
    processor: int
    moves: int = 0
    _at: float | None = None
    _busy: dict[int, float] = field(default_factory=dict)
    _used: float = 0.0

    def look(self, now: float) -> bool:
        """Compare with the last look, and move if others want the same processor while another one is free.

        :param now: monotonic seconds. :returns: whether it was moved.
        """
        busy = busy_seconds(Path("/proc/stat").read_text())
        used = _used_seconds(self.pid)
        before, self._busy = self._busy, busy
        own, self._used = used - self._used, used
        passed, self._at = now - (self._at or now), now
        if not before or passed <= 0:
            return False
        shares = {
            number: max(0.0, busy[number] - before[number] - (own if number == self.processor else 0.0)) / passed
            for number in allowed_processors() & busy.keys() & before.keys()
        }
        target = better(self.processor, shares)
        if target is None:
            return False
        pin(self.pid, target)
        self.processor = target
        self.moves += 1
        return True


def interval() -> float:
    """Seconds until the next look: never the same, so that two kernels that share a processor do not both leave it."""
    return random.uniform(0.7, 1.3)


__all__ = [
    "CROWDED",
    "WORTH_IT",
    "Keeper",
    "allowed_processors",
    "any_processor",
    "better",
    "busy_seconds",
    "choose",
    "interval",
    "pin",
]
