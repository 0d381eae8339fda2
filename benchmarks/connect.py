#!/usr/bin/env python3
"""A connection on a running lab: from the activation key to verified at both sides, and to the first packet; where the time goes."""

from __future__ import annotations

import statistics
import sys
import threading
from collections.abc import Iterable
from typing import Any

from common import parser, report, running_lab

from xcnet.engine.client import LabClient
from xcnet.events import Event
from xcnet.lab.coordination import GONE, Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.manager import call_in_lab
from xcnet.lab.paths import LabPaths
from xcnet.lab.timeline import read_events

Span = tuple[float, float]


def main() -> int:
    arguments = parser(__doc__.splitlines()[0])
    arguments.add_argument("--rounds", type=int, default=10)
    options = arguments.parse_args()
    rounds = []
    with running_lab("aws-google", options.engine) as (paths, _result):
        directory = Directory.read(paths)
        with LabClient(paths.run_dir) as client:
            talk = Coordination(paths, client)
            talk.command(next(iter(directory.providers)), "disconnect", {"connection": "prod"}, follow=GONE)
            for _ in range(options.rounds):
                rounds.append(connect(paths, directory, talk))
                talk.command(next(iter(directory.providers)), "disconnect", {"connection": "prod"}, follow=GONE)
    names = [name for name in rounds[0] if name != "total"]
    total = statistics.median(each["total"] for each in rounds)
    figures: dict[str, Any] = {
        "connections": len(rounds),
        "key to verified at both sides, median (s)": total,
        "slowest (s)": max(each["total"] for each in rounds),
        "first packet IPv4 and IPv6, median (s)": statistics.median(each["packet"] for each in rounds),
    }
    for name in names:
        if name != "packet":
            share = statistics.median(each[name] / each["total"] for each in rounds)
            figures[f"{name}, median share"] = f"{share:.0%}"
    return report("connect", figures, target="verified every time", ok=True, as_json=options.json)


def connect(paths: LabPaths, directory: Directory, talk: Coordination) -> dict[str, float]:
    """One round. The parts are what was going on anywhere, each moment counted for the first of them in this order."""
    here, there = directory.environments[0].providers
    attach = {
        each.provider: {"name": each.name, "port": each.port, "networks": list(each.networks)}
        for each in directory.networks
    }
    arrived: dict[str, float] = {}
    prober = threading.Thread(
        target=lambda: arrived.update(call_in_lab(paths, "first_packet:wait", {"most_seconds": 60.0}))
    )
    prober.start()
    events: list[Event] = []
    accounts = next(iter(directory.customers.values()))
    mbps = directory.networks[0].mbps
    environment = directory.environments[0].name
    talk.connect(here, there, environment, mbps, accounts, attach, heard=lambda _provider, event: events.append(event))
    prober.join()
    begin, end = events[0].monotonic, events[-1].monotonic
    seen = [event for event in read_events(paths) if begin <= event.monotonic <= end]
    api = [_before(event, event.data["ms"] / 1000) for event in seen if event.kind == "api.response"]
    applied = [event for event in seen if event.kind == "edge.applied"]
    netlink = [_before(event, event.data["seconds"]) for event in applied if event.data["what"] == "kernel"]
    frr = [
        (event.monotonic - event.data["seconds"], event.monotonic - event.data["waited"])
        for event in applied
        if event.data["what"] == "routing"
    ]
    covered: list[Span] = []
    shares = {}
    for name, spans in (("API", api), ("netlink", netlink), ("FRR's configuration", frr)):
        before = _length(covered, begin, end)
        covered += spans
        shares[name] = _length(covered, begin, end) - before
    shares["waiting for BGP and BFD, and the rest"] = (end - begin) - sum(shares.values())
    return {"total": end - begin, "packet": max(arrived.values()) - begin, **shares}


def _before(event: Event, seconds: float) -> Span:
    return event.monotonic - seconds, event.monotonic


def _length(spans: Iterable[Span], begin: float, end: float) -> float:
    """Seconds within [begin, end] that any of them covers."""
    total, reached = 0.0, begin
    for began, ended in sorted(spans):
        first, last = max(began, reached), min(ended, end)
        if last > first:
            total += last - first
            reached = last
    return total


if __name__ == "__main__":
    sys.exit(main())
