#!/usr/bin/env python3
"""What recording a run costs: the processor time of the whole lab while the probe sends, with and without captures."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from common import parser, report, running_lab

from xcnet.engine.leftovers import tagged_processes
from xcnet.lab.capture_mode import Capture
from xcnet.lab.paths import LabPaths
from xcnet.lab.probing import start
from xcnet.lab.recording import Recording
from xcnet.probe.plan import ProbePlan

_TICKS = 100.0
"""A second, in /proc's units on Linux."""


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--seconds", type=float, default=10.0, help="of each probe")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--rate", type=int, default=1000, help="packets a second, in all")
    options = arguments.parse_args()
    busy: dict[str, list[float]] = {mode.value: [] for mode in Capture}
    late: dict[str, list[float]] = {mode.value: [] for mode in Capture}
    frames: dict[str, int] = dict.fromkeys(busy, 0)
    dropped = 0
    with running_lab("aws-google", options.engine) as (paths, _result):
        for _ in range(options.rounds):
            for mode in Capture:
                share, lateness, seen, missed = one(paths, mode, options.seconds, options.rate)
                busy[mode.value].append(share)
                late[mode.value].append(lateness)
                frames[mode.value] += seen
                dropped += missed
    figures: dict[str, float | int] = {}
    for mode in Capture:
        figures[f"{mode.value}: processor busy (share, median)"] = statistics.median(busy[mode.value])
        figures[f"{mode.value}: latest packet after its time (ms, median)"] = statistics.median(late[mode.value])
        figures[f"{mode.value}: frames recorded"] = frames[mode.value]
    cost = statistics.median(busy["headers"]) - statistics.median(busy["none"])
    figures["cost of headers (share of a processor)"] = cost
    figures["cost of whole frames (share of a processor)"] = statistics.median(busy["full"]) - statistics.median(
        busy["none"]
    )
    figures["frames dropped"] = dropped
    target = "headers cost at most 0.03 of a processor, 0 dropped"
    return report("capture", figures, target=target, ok=cost <= 0.03 and dropped == 0, as_json=options.json)


def one(paths: LabPaths, mode: Capture, seconds: float, rate: int) -> tuple[float, float, int, int]:
    """Share of a processor, the latest packet in ms, frames recorded and frames dropped, in one probe."""
    with Recording(paths, mode) as recording:
        with start(paths, ProbePlan(rate=rate, duration=seconds)) as probing:
            before = used(paths)
            probing.wait()
            spent = used(paths) - before
            found = probing.stop()
        recorded = recording.end()
        recording.remove()
    channels = recorded.channels.values()
    share = spent / (found.ended - found.began)
    return share, found.quality.worst_lateness_ms, sum(c.frames for c in channels), sum(c.dropped for c in channels)


def used(paths: LabPaths) -> float:
    """Seconds of processor time that the lab's processes on the host have taken, those that ended included."""
    total = 0
    for mark in tagged_processes(paths.run_dir):
        try:
            fields = Path(f"/proc/{mark.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[index]) for index in (11, 12, 13, 14))
    return total / _TICKS


if __name__ == "__main__":
    sys.exit(main())
