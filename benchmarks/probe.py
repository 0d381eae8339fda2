#!/usr/bin/env python3
"""The probe on a healthy lab that is left alone: does it lose, double or disturb anything itself?"""

from __future__ import annotations

import sys

from common import parser, report, running_lab
from quiet import watched

from xcnet.lab.manager import call_in_lab
from xcnet.lab.probing import start
from xcnet.probe.plan import ProbePlan

TOPOLOGY = "aws-google"


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--minutes", type=float, default=10.0)
    arguments.add_argument("--rate", type=int, default=1000, help="packets a second, in all")
    arguments.add_argument("--flows", type=int, default=64, help="in all")
    options = arguments.parse_args()
    plan = ProbePlan(rate=options.rate, flows=options.flows, duration=options.minutes * 60)
    with running_lab(TOPOLOGY, options.engine) as (paths, _result):
        with start(paths, plan) as probing:
            before = call_in_lab(paths, "guest_busy:look", {})
            probing.wait(options.minutes * 60 - 5)
            after = call_in_lab(paths, "guest_busy:look", {})
            probing.wait()
            found = probing.stop()
        transitions = watched(paths, found.began)
    duplicated = sum(stream.duplicated for stream in found.streams)
    seconds = found.ended - found.began
    figures = {
        "minutes": seconds / 60,
        "packets sent": found.sent,
        "lost": found.lost,
        "duplicated": duplicated,
        "rate reached (packets/s)": found.sent / seconds,
        "worst lateness (ms)": found.quality.worst_lateness_ms,
        "more than 10 ms late (share)": found.quality.late_share,
        "one-way delay, median (ms)": max(stream.delay.p50 for stream in found.streams),
        "one-way delay, worst (ms)": max(stream.delay.worst for stream in found.streams),
        "lab's kernel busy (share)": (after["busy"] - before["busy"]) / (after["at"] - before["at"]),
        "host's tasks for each processor": found.quality.run_queue,
        "fit to judge": "yes" if found.quality.fit else "; ".join(found.quality.problems),
        "BFD, BGP, MKA and MACsec transitions": len(transitions),
    }
    ok = found.lost == 0 and duplicated == 0 and not transitions and found.sent >= 0.95 * options.rate * seconds
    return report("probe", figures, target="0 lost, 0 duplicated, no transition", ok=ok, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
