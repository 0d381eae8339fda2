#!/usr/bin/env python3
"""A healthy lab left alone while something else keeps a processor busy: does any session lose its footing?

Default topology, the providers' own timers. After bring-up every BFD, BGP, MKA and MACsec event is a transition that nobody
asked for. At the end one fibre is cut, to see that transitions would have been told.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from common import parser, report, running_lab

from xcnet.lab.paths import LabPaths
from xcnet.lab.timeline import read_events
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.waiting import Deadline, wait_until

TOPOLOGY = "aws-google"
WATCHED = ("bfd.", "bgp.", "mka.", "macsec.")


def watched(paths: LabPaths, after: float) -> list[str]:
    """Kind and subject of the transitions later than ``after`` (the lab's monotonic clock)."""
    found = [event for event in read_events(paths) if event.kind.startswith(WATCHED) and event.monotonic > after]
    return [f"{event.kind} {event.source} {event.subject}" for event in found]


def ready_at(paths: LabPaths) -> float:
    return next(event.monotonic for event in read_events(paths) if event.kind == "lab.ready")


@contextlib.contextmanager
def hogs(number: int) -> Iterator[None]:
    """Processes that want a whole processor each."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for each in started:
            each.kill()
            each.wait()


def cut(name: str) -> str:
    """Take one fibre's port at the facility down; returns which."""
    plan = make_plan(load_topology(TOPOLOGY))
    link = next(link for link in plan.links if link.channel is not None)
    facility = {splice.facility for splice in plan.splices}
    node, port = next(end for end in (link.a, link.b) if end[0] in facility)
    argv = ["exec", "--name", name, node, "--", "ip", "link", "set", port, "down"]
    subprocess.run([sys.executable, "-m", "xcnet", *argv], check=True)
    return f"{node} {port}"


def steal_and_busy() -> tuple[float, float]:
    """Seconds that a hypervisor took, and that the host's processors were busy, since boot."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[7] / 100, (sum(ticks) - ticks[3] - ticks[4]) / 100


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--hogs", type=int, default=1, help="processes that each want a processor of the host")
    options = arguments.parse_args()
    with running_lab(TOPOLOGY, options.engine) as (paths, _result):
        since = ready_at(paths)
        ups = Counter(event.kind for event in read_events(paths) if event.kind.startswith(WATCHED))
        before, began = steal_and_busy(), time.monotonic()
        with hogs(options.hogs):
            time.sleep(options.minutes * 60)
        seconds = time.monotonic() - began
        after = steal_and_busy()
        transitions = watched(paths, since)
        where = cut(paths.name)

        def told() -> str | None:
            lost = {line.split()[0] for line in watched(paths, since)} & {"bfd.down", "macsec.lost", "bgp.down"}
            return None if "bfd.down" in lost else f"only {sorted(lost)}"

        wait_until(f"the cut of {where} to be told", told, Deadline(30.0), interval=0.5)
    for line in transitions:
        print(line, file=sys.stderr)
    figures = {
        "minutes": seconds / 60,
        "processes wanting a processor": options.hogs,
        "host busy (processors)": (after[1] - before[1]) / seconds,
        "taken by a hypervisor (processors)": (after[0] - before[0]) / seconds,
        "BFD sessions that came up": ups["bfd.up"],
        "BGP sessions that came up": ups["bgp.established"],
        "transitions": len(transitions),
        "a cut fibre was told": "yes",
    }
    ok = not transitions and seconds >= 0.99 * options.minutes * 60
    return report("left alone", figures, target="no BFD, BGP or MKA transition", ok=ok, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
