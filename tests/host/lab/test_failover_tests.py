"""Timed failover tests and faults with a time of their own: the lab ends them, whoever is there, and remembers."""

from __future__ import annotations

import json
from typing import Any

from fault_tool import LAB
from labtool import Xcnet

from xcnet.waiting import Deadline, wait_until


def _external(xcnet: Xcnet, node: str) -> set[str]:
    status = json.loads(xcnet("status", "-n", LAB, "--json").stdout)
    return {each["state"] for each in status["sessions"] if each["node"] == node and each["external"]}


def _wait_for_end(xcnet: Xcnet, identifier: str) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def over() -> str | None:
        found[:] = [each for each in xcnet.json("fault", "history", "-n", LAB) if each["id"] == identifier]
        return None if found[0]["ended"] is not None else "it stands"

    wait_until(f"the end of {identifier}", over, Deadline(60.0), interval=0.2)
    return found[0]


def test_a_failover_test_shuts_bgp_and_is_restored_with_nobody_there(faulty: Xcnet) -> None:
    begun = faulty.json("failover-test", "start", "--on", "fac-a", "--by", "gcp", "--for", "3s", "-n", LAB)
    assert begun["channels"] == ["ch1", "ch2"]
    assert "Established" not in _external(faulty, "gcp-edge1")
    assert _external(faulty, "gcp-edge3") == {"Established"}
    past = _wait_for_end(faulty, begun["id"])
    assert past["by"] == "time"
    assert past["stuck"] is None
    assert past["ended"] - past["began"] >= past["lasts"] == 3.0
    assert faulty.json("fault", "list", "-n", LAB) == []

    def back() -> str | None:
        states = _external(faulty, "gcp-edge1") | _external(faulty, "gcp-edge2")
        return None if states == {"Established"} else ", ".join(sorted(states))

    wait_until("BGP of both channels", back, Deadline(60.0), interval=0.5)


def test_a_failover_test_can_be_stopped_before_its_time_and_its_history_says_so(faulty: Xcnet) -> None:
    begun = faulty.json("failover-test", "start", "--on", "ch4", "--for", "72h", "-n", LAB)
    stopped = faulty.json("failover-test", "stop", "-n", LAB)
    assert [each["id"] for each in stopped] == [begun["id"]]
    past = faulty.json("failover-test", "history", "-n", LAB)[-1]
    assert (past["id"], past["by"], past["lasts"]) == (begun["id"], "asked", 72 * 3600.0)
    again = faulty("failover-test", "stop", begun["id"], "-n", LAB)
    assert again.returncode == 2
    assert "no failover test" in again.stderr


def test_a_detached_fault_is_ended_by_the_lab(faulty: Xcnet) -> None:
    begun = faulty.json("fault", "begin", "cut", "--on", "ch3", "--for", "2s", "--detach", "-n", LAB)
    assert [each["id"] for each in faulty.json("fault", "list", "-n", LAB)] == [begun["id"]]
    assert _wait_for_end(faulty, begun["id"])["by"] == "time"
    events = [json.loads(line) for line in faulty.ok("events", "-n", LAB, "--kind", "fault", "--json").splitlines()]
    assert [each["kind"] for each in events if each["subject"] == begun["id"]] == ["fault.begun", "fault.ended"]


def test_a_fault_goes_on_to_its_time_when_whoever_waits_for_it_is_killed(faulty: Xcnet) -> None:
    process = faulty.start("fault", "begin", "delay", "--on", "ch1", "--set", "ms=1", "--for", "4s", "-n", LAB)
    standing: list[dict[str, Any]] = []

    def stands() -> str | None:
        standing[:] = faulty.json("fault", "list", "-n", LAB)
        return None if standing else "no fault stands"

    wait_until("the fault to stand", stands, Deadline(20.0), interval=0.1)
    process.kill()
    process.wait(20)
    assert _wait_for_end(faulty, standing[0]["id"])["by"] == "time"
