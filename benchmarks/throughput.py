#!/usr/bin/env python3
"""TCP from app host to app host through the whole path, against one bare kernel MACsec link in the same kernel."""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path

from common import HERE, parser, report, running_lab

from xcnet.engine.client import LabClient
from xcnet.model.load import read_shipped

TARGET = 0.8

SOLD = "bandwidth: 1Gbps"
AMPLE = "bandwidth: 100Gbps"
"""A channel is shaped to a third of it: more than any machine encrypts, so that the path is measured and not the shaping."""


def _ample(folder: Path) -> str:
    """The default topology with a connection that is never the bottleneck."""
    shipped = read_shipped("aws-google")
    if shipped.count(SOLD) != 1:
        raise SystemExit(f"the default topology no longer has one connection with '{SOLD}'")
    path = folder / "aws-google.yaml"
    path.write_text(shipped.replace(SOLD, AMPLE))
    return str(path)


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=5)
    options = arguments.parse_args()
    client, server = "aws-app", "gcp-app"
    with tempfile.TemporaryDirectory() as folder, running_lab(_ample(Path(folder)), options.engine) as (paths, _result):
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
