#!/usr/bin/env python3
"""Many connections at once on one lab, each with the same private prefixes: all verified, none crossed; time and memory."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common import HERE, parser, report, running_lab
from memory import host_pss

from xcnet.engine.client import LabClient
from xcnet.engine.leftovers import tagged_processes
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.manager import call_in_lab, lab_memory
from xcnet.lab.paths import LabPaths

_NETWORKS = {"aws": ["10.10.0.0/24", "fd00:10:10::/64"], "gcp": ["10.20.0.0/24", "fd00:10:20::/64"]}
_OWN = {"aws": {"4": "10.10.0.1", "6": "fd00:10:10::1"}, "gcp": {"4": "10.20.0.1", "6": "fd00:10:20::1"}}
_MBPS = 50
_ASKING = 8
"""Customers that talk to a coordinator at the same moment."""


def main() -> int:
    arguments = parser(__doc__)
    arguments.add_argument("--connections", type=int, default=200)
    arguments.add_argument("--memory", type=int, default=16384, help="MiB for a user-mode kernel")
    arguments.add_argument("--most-seconds", type=float, default=1800.0, help="for all of them to be verified")
    options = arguments.parse_args()
    os.environ.setdefault("XCNET_MEMORY", str(options.memory))
    with running_lab(str(HERE / "many-connections.yaml"), options.engine, bare=True) as (paths, result):
        figures = connect_all(paths, options.connections, options.most_seconds)
        by_process = lab_memory(paths)
        kinds: Counter[str] = Counter()
        for label, size in by_process.items():
            kinds[label.rsplit(".", 1)[-1]] += size
        for kind, size in kinds.most_common(4):
            figures[f"{kind}, all of them (MiB)"] = size / 2**20
        figures["all processes of the lab (MiB)"] = sum(by_process.values()) / 2**20
        held = host_pss([mark.pid for mark in tagged_processes(paths.run_dir)])
        figures[f"held on the host, engine {result.engine} (MiB)"] = held / 2**20
    ok = (
        figures["verified at both sides"] == options.connections
        and figures["datagrams at another connection"] == 0
        and figures["datagrams at their own connection"] == 4 * options.connections
    )
    target = f"{options.connections} verified at both sides, none crossed"
    return report("connections", figures, target=target, ok=ok, as_json=options.json)


def connect_all(paths: LabPaths, count: int, most_seconds: float) -> dict[str, Any]:
    """All activation keys, then all of them accepted, then waited for."""
    directory = Directory.read(paths)
    here, there = directory.environments[0].providers
    environment = directory.environments[0].name
    accounts = next(iter(directory.customers.values()))
    local = threading.local()

    def talk() -> Coordination:
        if not hasattr(local, "talk"):
            local.client = LabClient(paths.run_dir)
            local.talk = Coordination(paths, local.client.__enter__())
        found: Coordination = local.talk
        return found

    def attach(number: int, provider: str) -> dict[str, Any]:
        return {"name": f"c{number}", "networks": _NETWORKS[provider]}

    def intent(number: int) -> dict[str, Any]:
        return talk().intent(here, there, environment, _MBPS, accounts, attach(number, here))

    def accept(number: int, key: str) -> str:
        parameters = {"key": key, "account": accounts[there], "attach": attach(number, there), "defer": False}
        return str(talk().command(there, "accept", parameters).answer["uuid"])

    call_in_lab(paths, "crossing:at_leisure", {})
    begin = time.monotonic()
    with ThreadPoolExecutor(_ASKING) as pool:
        made = list(pool.map(intent, range(count)))
        keys = time.monotonic()
        uuids = list(pool.map(accept, range(count), [each["key"] for each in made]))
        accepted = time.monotonic()
    verified = wait_for_all(talk(), (here, there), count, begin, most_seconds)
    vrfs = {provider: tables(talk(), provider) for provider in (here, there)}
    own = crossed = 0
    gateways = {provider: f"{provider}-gw" for provider in (here, there)}
    for source, target in ((here, there), (there, here)):
        found = call_in_lab(
            paths,
            "crossing:cross",
            {
                "source": gateways[source],
                "target": gateways[target],
                "connections": {uuid: [vrfs[source][uuid], vrfs[target][uuid]] for uuid in uuids},
                "address": _OWN[target],
            },
        )
        own, crossed = own + found["own"], crossed + found["crossed"]
        for missing in found["missing"][:5]:
            print(f"{source} to {target}: nothing came of {missing}", file=sys.stderr)
    return {
        "connections": count,
        "attachments at each side": 4 * count,
        "all activation keys made after (s)": keys - begin,
        "all accepted after (s)": accepted - begin,
        "half verified after (s)": verified[len(verified) // 2] if verified else float("nan"),
        "all verified after (s)": verified[-1] if verified else float("nan"),
        "verified at both sides": len(verified),
        "datagrams at their own connection": own,
        "datagrams at another connection": crossed,
    }


def wait_for_all(
    talk: Coordination, providers: tuple[str, str], count: int, begin: float, most_seconds: float
) -> list[float]:
    """Seconds after which each came to be verified at both sides, as far as looking now and then can tell."""
    moments: dict[str, float] = {}
    shown = time.monotonic()
    while len(moments) < count and time.monotonic() < begin + most_seconds:
        held = [
            {
                each["uuid"]
                for each in talk.query(provider, "connections")
                if each["legs"] and each["legs"][-1]["verified"]
            }
            for provider in providers
        ]
        now = time.monotonic()
        for uuid in held[0] & held[1]:
            moments.setdefault(uuid, now - begin)
        if now - shown > 10:
            shown = now
            print(f"{now - begin:6.0f} s: {len(moments)} of {count} verified", file=sys.stderr)
        if len(moments) < count:
            time.sleep(1.0)
    return sorted(moments.values())


def tables(talk: Coordination, provider: str) -> dict[str, str]:
    """UUID -> VRF."""
    return {each["uuid"]: each["vrf"] for each in talk.query(provider, "connections")}


if __name__ == "__main__":
    sys.exit(main())
