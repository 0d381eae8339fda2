#!/usr/bin/env python3
"""Bring-up of the default lab against plain Mininet with the same nodes, links and FRR daemons, no MACsec, in the same kernel.

Both are timed inside the kernel, from the first namespace to the last route over all channels and the last BFD session up
(imports and boot excluded on both sides); ours includes MACsec, MKA, VLANs and VRFs, which the plain script does not have.
The whole ``xcnet up``, boot and all, is shown beside it, and the plain script in its quickest form (``--batched`` there).
"""

from __future__ import annotations

import json
import os
import statistics
import sys
from pathlib import Path

from common import HERE, own_state, parser, report, running_lab

from xcnet.engine.base import LaunchSpec
from xcnet.engine.client import LabClient
from xcnet.engine.select import choose_engine


def plain(topology: str, engine: str, *options: str) -> dict[str, float]:
    """One run of the yardstick in a fresh kernel of the same kind; seconds of each stage."""
    with own_state():
        run_dir = Path(os.environ["XCNET_STATE"]) / "plain"
        chosen = choose_engine(engine, progress=lambda _text: None)
        chosen.start(
            LaunchSpec(name="plain", run_dir=run_dir, entry="xcnet.engine.demo:application"), lambda _text: None
        )
        try:
            output: list[bytes] = []
            with LabClient(run_dir) as client:
                argv = ["exec", sys.executable, str(HERE / "baseline_mininet.py"), topology, "--json", *options]
                status = client.stream(argv, output.append)
        finally:
            chosen.stop(run_dir)
    if status != 0:
        raise SystemExit("the yardstick failed; its words are above")
    found: dict[str, float] = json.loads(b"".join(output))
    return found


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=9)
    arguments.add_argument("--topology", default="aws-google")
    options = arguments.parse_args()
    ours, whole, theirs, batched = [], [], [], []
    for _round in range(options.rounds):
        with running_lab(options.topology, options.engine) as (_paths, result):
            ours.append(result.build_seconds)
            whole.append(result.seconds)
        theirs.append(plain(options.topology, options.engine)["total"])
        batched.append(plain(options.topology, options.engine, "--batched")["total"])
    ratio = statistics.median(ours) / statistics.median(theirs)
    figures = {
        "xcnet, in the kernel (s)": statistics.median(ours),
        "xcnet up, boot included (s)": statistics.median(whole),
        "plain Mininet + FRR, in the kernel (s)": statistics.median(theirs),
        "the same, batched (s)": statistics.median(batched),
        "ratio": ratio,
        "ratio to batched": statistics.median(ours) / statistics.median(batched),
        "rounds": options.rounds,
    }
    return report("bring-up", figures, target="ratio <= 0.5", ok=ratio <= 0.5, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
