"""Whether a probe and its machine were fit to judge: what the host did meanwhile, and what is beyond its limit."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from xcnet.probe.analysis import Lateness
from xcnet.probe.plan import LATE_MS, Limits
from xcnet.probe.results import Quality

_STAT = Path("/proc/stat")
_PACE = 0.1
_STEAL = 7
_COLUMNS = 8
"""Of the first line, in clock ticks: user, nice, system, idle, iowait, irq, softirq, steal. What follows is contained in them."""


@dataclass(frozen=True, slots=True)
class LoadSample:
    """:param steal: ticks taken by others than this machine since boot, :param total: of all ticks. :param running: tasks that run
    or wait for a processor."""

    steal: int
    total: int
    running: int


@dataclass(frozen=True, slots=True)
class HostLoad:
    """:param steal_share: 0 to 1. :param run_queue: mean number of runnable tasks for each processor."""

    steal_share: float = 0.0
    run_queue: float = 0.0


def parse_stat(text: str) -> LoadSample:
    """What ``/proc/stat`` says."""
    ticks: list[int] = []
    running = 0
    for line in text.splitlines():
        name, *words = line.split()
        if name == "cpu":
            ticks = [int(word) for word in words[:_COLUMNS]]
        elif name == "procs_running":
            running = int(words[0])
    return LoadSample(ticks[_STEAL] if len(ticks) > _STEAL else 0, sum(ticks), running)


def host_load(samples: Sequence[LoadSample], processors: int) -> HostLoad:
    """:param samples: taken by a task that was running itself, which is left out."""
    if not samples:
        return HostLoad()
    total = samples[-1].total - samples[0].total
    steal = samples[-1].steal - samples[0].steal
    waiting = sum(max(0, sample.running - 1) for sample in samples) / len(samples)
    return HostLoad(steal / total if total > 0 else 0.0, waiting / processors)


class LoadWatch:
    """Looks at the host ten times a second from :meth:`start` to :meth:`close`. Not for use inside a user-mode kernel, whose own
    figures say nothing of its host."""

    def __init__(self) -> None:
        self._samples: list[LoadSample] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="host load", daemon=True)

    def _watch(self) -> None:
        while not self._done.is_set():
            self._samples.append(parse_stat(_STAT.read_text()))
            self._done.wait(_PACE)

    @property
    def load(self) -> HostLoad:
        """So far."""
        return host_load(list(self._samples), os.cpu_count() or 1)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Look no more; may be repeated."""
        self._done.set()


def judge(late: Lateness, receiver_drops: int, load: HostLoad, limits: Limits) -> Quality:
    """Hold the figures against their limits.

    :param receiver_drops: datagrams that the probe itself lost, for want of room: not one may be, nor judged by.
    """
    problems = []
    if late.worst_ms > limits.worst_lateness_ms:
        problems.append(
            f"a packet was sent {late.worst_ms:.0f} ms after its time; the limit is {limits.worst_lateness_ms:g} ms"
        )
    if late.share > limits.late_share:
        problems.append(
            f"{late.share:.1%} of packets were sent more than {LATE_MS:g} ms late; the limit is {limits.late_share:.1%}"
        )
    if receiver_drops:
        problems.append(f"the probe's own receivers had no room for {receiver_drops} packets; the limit is 0")
    if load.steal_share > limits.steal_share:
        problems.append(
            f"{load.steal_share:.1%} of the host's processor time went to other machines; "
            f"the limit is {limits.steal_share:.1%}"
        )
    if load.run_queue > limits.run_queue:
        problems.append(
            f"{load.run_queue:.2f} tasks for each of the host's processors; the limit is {limits.run_queue:g}"
        )
    return Quality(
        worst_lateness_ms=round(late.worst_ms, 3),
        late_share=late.share,
        steal_share=load.steal_share,
        run_queue=load.run_queue,
        problems=tuple(problems),
    )


__all__ = ["HostLoad", "LoadSample", "LoadWatch", "host_load", "judge", "parse_stat"]
