#!/usr/bin/env python3
"""CAK rotations under traffic: 20 of them on one channel while 1,000 packets a second cross the lab; what is lost, what is late."""

from __future__ import annotations

import sys
import threading
from typing import Any

from common import parser, report, running_lab

from xcnet.engine.client import LabClient
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.manager import call_in_lab


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rotations", type=int, default=20)
    arguments.add_argument("--rate", type=int, default=1000, help="packets a second")
    options = arguments.parse_args()
    with running_lab("minimal", options.engine) as (paths, _result):
        found: dict[str, Any] = {}
        seconds = options.rotations * 2.0 + 5.0

        def traffic() -> None:
            found.update(
                call_in_lab(
                    paths, "traffic:measure", {"rate": options.rate, "most_seconds": seconds, "stop_file": stop}
                )
            )

        stop = str(paths.run_dir / "traffic.stop")
        thread = threading.Thread(target=traffic)
        thread.start()
        times = []
        with LabClient(paths.run_dir) as client:
            talk, providers = Coordination(paths, client), Directory.read(paths).providers
            for _ in range(options.rotations):
                times.append(float(talk.rotate(providers, "ch1")["seconds"]))
                # Nothing may be rotated for two hours after a rotation: let them pass, in policy time.
                for provider in providers:
                    talk.command(provider, "advance", {"seconds": 7200.0})
        (paths.run_dir / "traffic.stop").touch()
        thread.join()
    figures = {
        "rotations": options.rotations,
        "slowest rotation (s)": max(times),
        "packets sent": found["sent"],
        "lost": found["lost"],
        "furthest out of order (packets)": found["furthest_reordered"],
        "replay window (packets)": found["replay_window"],
        "rate reached (packets/s)": found["rate"],
    }
    ok = (
        found["lost"] == 0
        and found["furthest_reordered"] <= found["replay_window"]
        and found["rate"] >= 0.9 * options.rate
    )
    return report(
        "rotation", figures, target="0 lost, 0 reordered beyond the replay window", ok=ok, as_json=options.json
    )


if __name__ == "__main__":
    sys.exit(main())
