#!/usr/bin/env python3
"""TCP from app host to app host through the whole path, against one bare kernel MACsec link in the same kernel."""

from __future__ import annotations

import json
import statistics
import sys

from common import HERE, parser, report, running_lab

from xcnet.engine.client import LabClient

TARGET = 0.8


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    client, server = "aws-app", "gcp-app"
    with running_lab("aws-google", options.engine) as (paths, _result):
        program = [sys.executable, str(HERE / "throughput_path.py"), client, server]
        settings = ["--lab", paths.name, "--rounds", str(options.rounds), "--json"]
        output: list[bytes] = []
        with LabClient(paths.run_dir) as lab:
            status = lab.stream(["exec", client, *program, *settings], output.append)
    if status != 0:
        raise SystemExit("the measurement failed; its words are above")
    found = json.loads(b"".join(output))
    figures = {
        "one bare MACsec link (Mbit/s)": statistics.median(found["reference"]) / 1e6,
        "through the whole path (Mbit/s)": statistics.median(found["path"]) / 1e6,
        "ratio": found["ratio"],
        "rounds": options.rounds,
    }
    ok = found["ratio"] >= TARGET
    return report("throughput", figures, target=f"ratio >= {TARGET}", ok=ok, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
