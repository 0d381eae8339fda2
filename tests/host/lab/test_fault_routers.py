"""Faults of daemons, routers, keys and sessions: in place in the process or in FRR, and gone without a trace."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fault_tool import LAB, begins_and_ends
from labtool import Xcnet

from xcnet.waiting import Deadline, wait_until

CASES = {
    "kill-bgpd": (["kill", "--on", "aws-edge1", "--set", "daemon=bgpd"], "ended by SIGKILL"),
    "kill-bfdd": (["kill", "--on", "gcp-edge2", "--set", "daemon=bfdd"], "ended by SIGKILL"),
    "kill-zebra": (["kill", "--on", "aws-edge3", "--set", "daemon=zebra"], "ended by SIGKILL"),
    "kill-edged": (["kill", "--on", "gcp-edge1", "--set", "daemon=edged"], "ended by SIGKILL"),
    "power-off-edge": (["power-off", "--on", "aws-edge4"], "no daemon runs on aws-edge4, .*down: gw0, ch4"),
    "bgp-shut": (["bgp-shut", "--on", "ch1", "--set", "side=aws"], r"shut .*169\.254\.\d+\.\d+ \(aws-edge1\)"),
    "bgp-shut-everywhere": (["bgp-shut", "--on", "fac-b", "--set", "side=gcp"], r"gcp-edge3.*gcp-edge4"),
    "md5-mismatch": (["md5-mismatch", "--on", "ch2", "--set", "side=gcp"], "gcp-edge2 has another password"),
    "route-leak": (["route-leak", "--set", "side=gcp", "--set", "prefix=203.0.113.0/24"], r"203\.0\.113\.0/24"),
    "wrong-cak": (["wrong-cak", "--on", "ch3", "--set", "side=aws"], "holds CAK digest [0-9a-f]{8}, and"),
}

UNSEEN = {
    "kill-coordinator": (["kill", "--on", "aws-coord", "--set", "daemon=coordinator"], "ended by SIGKILL"),
    "stop-bgpd": (["stop", "--on", "aws-edge1", "--set", "daemon=bgpd"], r"is in state T"),
    "stop-edged": (["stop", "--on", "gcp-edge4", "--set", "daemon=edged"], r"is in state T"),
    "stop-coordinator": (["stop", "--on", "gcp-coord", "--set", "daemon=coordinator"], r"is in state T"),
    "api": (
        ["api", "--set", "side=aws", "--set", "effect=answer-lost", "--set", "operation=GetConnection"],
        "coordinator of aws: answer-lost in GetConnection, 0 so far",
    ),
    "clock-skew": (["clock-skew", "--set", "side=gcp", "--set", "seconds=-90"], "coordinator of gcp is 90 s behind"),
    "pn-exhaustion": (["pn-exhaustion", "--on", "ch4"], "a SAK is used up at packet number 200; aws-edge4 at"),
}
"""Of these a look at the whole lab would wait for who does not answer, or see nothing."""


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_in_place_until_it_is_ended_and_leaves_nothing(
    faulty: Xcnet, faultless: dict[str, list[str]], case: str
) -> None:
    begins_and_ends(faulty, faultless, *CASES[case])


@pytest.mark.parametrize("case", UNSEEN)
def test_a_fault_that_the_kernel_does_not_show_is_in_place_too(
    faulty: Xcnet, faultless: dict[str, list[str]], case: str
) -> None:
    begins_and_ends(faulty, faultless, *UNSEEN[case], seen_in_snapshot=False)


def _sessions(xcnet: Xcnet, node: str) -> dict[str, str]:
    """State of a router's external sessions by peer."""
    status = json.loads(xcnet("status", "-n", LAB, "--json").stdout)
    return {each["peer"]: each["state"] for each in status["sessions"] if each["node"] == node and each["external"]}


def _channel(xcnet: Xcnet, name: str) -> dict[str, Any]:
    status = json.loads(xcnet("status", "-n", LAB, "--json").stdout)
    found: dict[str, Any] = next(each for each in status["channels"] if each["name"] == name)
    return found


def test_what_a_coordinator_gives_a_router_does_not_mend_a_fault(faulty: Xcnet) -> None:
    begun = faulty.json("fault", "begin", "bgp-shut", "--on", "ch1", "--set", "side=aws", "-n", LAB)
    faulty.ok("channel", "disable", "ch1", "-n", LAB)
    faulty.ok("channel", "enable", "ch1", "-n", LAB)
    assert "aws-edge1" in faulty.json("fault", "check", begun["id"], "-n", LAB)["artifact"]
    assert "Established" not in _sessions(faulty, "aws-edge1").values()


def test_a_wrong_key_closes_the_channel_at_both_ends(faulty: Xcnet) -> None:
    faulty.ok("fault", "begin", "wrong-cak", "--on", "ch2", "--set", "side=gcp", "-n", LAB)

    def closed() -> str | None:
        secured = [end["node"] for end in _channel(faulty, "ch2")["ends"] if end["secured"]]
        return f"secured at {secured}" if secured else None

    wait_until("both ends to close", closed, Deadline(30.0), interval=0.2)


def test_exhausted_packet_numbers_bring_a_fresh_key(faulty: Xcnet) -> None:
    before = _channel(faulty, "ch1")["ends"][0]["key_number"]
    faulty.ok("fault", "begin", "pn-exhaustion", "--on", "ch1", "-n", LAB)

    def replaced() -> str | None:
        end = _channel(faulty, "ch1")["ends"][0]
        return None if end["secured"] and end["key_number"] > before else f"key {end['key_number']}"

    wait_until("another key", replaced, Deadline(120.0), interval=0.5)


def test_two_faults_of_one_key_are_refused_and_one_process_dies_once(faulty: Xcnet) -> None:
    faulty.ok("fault", "begin", "wrong-cak", "--on", "ch1", "--set", "side=aws", "-n", LAB)
    refused = faulty("fault", "begin", "wrong-cak", "--on", "ch1", "--set", "side=aws", "-n", LAB)
    assert refused.returncode == 1
    assert "wrong-cak-" in refused.stderr and "has its hand on that already" in refused.stderr
    faulty.ok("fault", "begin", "kill", "--on", "aws-edge2", "--set", "daemon=bgpd", "-n", LAB)
    refused = faulty("fault", "begin", "power-off", "--on", "aws-edge2", "-n", LAB)
    assert refused.returncode == 1
    assert "bgpd of aws-edge2 does not run" in refused.stderr
