#!/usr/bin/env python3
"""Key agreement in a real kernel: from both ends told their key to both ends secured, again and again on one channel."""

from __future__ import annotations

import statistics
import sys

from common import parser, report, running_lab

from xcnet.lab.manager import call_in_lab


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=20)
    options = arguments.parse_args()
    with running_lab("minimal", options.engine) as (paths, _result):
        times = call_in_lab(paths, "mka_pair:measure", {"rounds": options.rounds})
    median = statistics.median(times)
    figures = {
        "median (s)": median,
        "fastest (s)": min(times),
        "slowest (s)": max(times),
        "rounds": len(times),
    }
    return report("mka", figures, target="median <= 1.0 s", ok=median <= 1.0, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
