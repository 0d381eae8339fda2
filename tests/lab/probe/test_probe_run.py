"""A whole probe between two hosts: what it says, when, and what it does where a direction passes nothing."""

from __future__ import annotations

import csv
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire import PORT, Wire

from xcnet.errors import DeadlineError
from xcnet.probe.findings import Findings
from xcnet.probe.plan import ProbePlan, RequestsPlan, TransferPlan
from xcnet.probe.run import Probe

pytestmark = pytest.mark.lab


@pytest.fixture
def told() -> Iterator[tuple[int, socket.socket]]:
    """What a probe reads, and the other end: a shutdown is heard although the probe's processes have copies of that end."""
    here, there = socket.socketpair()
    with here, there:
        yield here.fileno(), there


def test_a_probe_measures_until_it_is_told_to_stop(both: Wire, told: tuple[int, socket.socket], tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []
    plan = ProbePlan(
        rate=400, flows=16, warm_up=1.0, transfers=(TransferPlan(mbps=2.0),), requests=(RequestsPlan(version=6),)
    )

    def say(message: dict[str, Any]) -> None:
        said.append(message)
        if "began" in message:
            threading.Timer(2.5, told[1].shutdown, [socket.SHUT_WR]).start()

    raw = tmp_path / "raw.csv"
    Probe(both.ground, plan, say, told[0]).run(raw)
    assert [next(iter(message)) for message in said] == ["began", "progress", "progress", "ended", "result"]
    found = Findings.model_validate(said[-1]["result"])
    assert found.began == said[0]["began"]
    assert found.ended == said[-2]["ended"]
    assert 2.4 <= found.ended - found.began <= 4.0
    assert [(each.source, each.target, each.version) for each in found.streams] == [
        ("a", "b", 4),
        ("a", "b", 6),
        ("b", "a", 4),
        ("b", "a", 6),
    ]
    assert {len(stream.flows) for stream in found.streams} == {4}
    assert {stream.lost + stream.duplicated for stream in found.streams} == {0}
    assert found.packets == sum(stream.sent for stream in found.streams)
    assert found.packets == pytest.approx(400 * (found.ended - found.began), rel=0.1)
    assert found.receiver_drops == 0
    (requests,) = found.requests
    assert (requests.version, requests.failed) == (6, 0)
    assert requests.sent >= 15
    (transfer,) = found.transfers
    assert transfer.mbps == pytest.approx(2.0, rel=0.5)
    assert transfer.intervals[-1][0] < found.ended
    with raw.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == found.packets
    assert all(int(row["received_ns"]) >= int(row["sent_ns"]) - 1_000_000 for row in rows)


def test_a_probe_ends_by_itself_after_its_duration(both: Wire, told: tuple[int, socket.socket]) -> None:
    said: list[dict[str, Any]] = []
    Probe(both.ground, ProbePlan(rate=100, flows=4, warm_up=0.2, duration=1.0), said.append, told[0]).run(None)
    found = Findings.model_validate(said[-1]["result"])
    assert found.ended - found.began == pytest.approx(1.0, abs=0.3)


def test_a_direction_that_passes_nothing_is_named_and_nothing_is_left_running(
    both: Wire, told: tuple[int, socket.socket]
) -> None:
    both.in_b("tc", "qdisc", "replace", "dev", PORT, "root", "netem", "loss", "100%")
    began = time.monotonic()
    with pytest.raises(DeadlineError) as failed:
        Probe(both.ground, ProbePlan(rate=100, flows=8, warm_up=0.2), print, told[0]).run(None)
    assert "2 of 2 flows b > a IPv4, 2 of 2 flows b > a IPv6" in failed.value.cause
    assert "a > b" not in failed.value.cause
    assert time.monotonic() - began < 30
    names = {(entry / "comm").read_text().strip() for entry in Path("/proc").iterdir() if entry.name.isdigit()}
    assert not {name for name in names if name.startswith("probe-")}


def test_requests_and_transfers_feel_a_break(both: Wire, told: tuple[int, socket.socket]) -> None:
    said: list[dict[str, Any]] = []

    def break_it() -> None:
        both.in_b("ip", "link", "set", PORT, "down")
        time.sleep(1.0)
        both.in_b("ip", "link", "set", PORT, "up")

    def say(message: dict[str, Any]) -> None:
        said.append(message)
        if "began" in message:
            threading.Timer(1.0, break_it).start()

    plan = ProbePlan(rate=100, flows=4, warm_up=0.5, duration=5.0, requests=(RequestsPlan(timeout=0.3),))
    Probe(both.ground, plan, say, told[0]).run(None)
    found = Findings.model_validate(said[-1]["result"])
    (requests,) = found.requests
    assert requests.failed >= 1
    assert max(outage.length for outage in requests.outages) >= 0.9
    assert sum(outage.lost for outage in requests.outages) == requests.failed
    assert all(stream.lost for stream in found.streams)
