#!/usr/bin/env python3
"""Memory of the default lab: the processes in it (proportional set sizes) and, with the uml engine, all of the host's for it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from common import parser, report, running_lab

from xcnet.engine.leftovers import tagged_processes
from xcnet.lab.manager import lab_memory

LIMIT = 600 * 2**20


def host_pss(pids: list[int]) -> int:
    """Bytes of the host's memory that these processes hold, shared pages shared out."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
        except (FileNotFoundError, ProcessLookupError):
            continue
    return total


def main() -> int:
    options = parser(__doc__.splitlines()[0]).parse_args()
    with running_lab("aws-google", options.engine) as (paths, result):
        by_process = lab_memory(paths)
        held = host_pss([mark.pid for mark in tagged_processes(paths.run_dir)])
    kinds: Counter[str] = Counter()
    for label, size in by_process.items():
        kinds[label.rsplit(".", 1)[-1]] += size
    inside = sum(by_process.values())
    figures = {f"{kind} (MiB)": size / 2**20 for kind, size in kinds.most_common()}
    figures["all processes of the lab (MiB)"] = inside / 2**20
    figures[f"held on the host, engine {result.engine} (MiB)"] = held / 2**20
    ok = inside <= LIMIT
    return report("memory", figures, target="<= 600 MiB resident in all", ok=ok, as_json=options.json)


if __name__ == "__main__":
    sys.exit(main())
