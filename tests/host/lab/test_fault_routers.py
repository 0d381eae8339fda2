"""Faults of daemons, routers, keys and sessions: in place in the process or in FRR, and gone without a trace."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from fault_tool import LAB, begins_and_ends
from lab_snapshot import Onlooker
from labtool import Xcnet

from xcnet.waiting import Deadline, wait_until

CASES = {
    "kill-bgpd": (["kill", "--on", "aws-edge1", "--set", "daemon=bgpd"], "ended by SIGKILL"),
    "kill-bfdd": (["kill", "--on", "gcp-edge2", "--set", "daemon=bfdd"], "ended by SIGKILL"),
    "kill-zebra": (["kill", "--on", "aws-edge3", "--set", "daemon=zebra"], "ended by SIGKILL"),
    "kill-edged": (["kill", "--on", "gcp-edge1", "--set", "daemon=edged"], "ended by SIGKILL"),
    "power-off-edge": (["power-off", "--on", "aws-edge4"], "no daemon runs on aws-edge4, .*down: gw0, ch4"),
    "power-off-gateway": (["power-off", "--on", "gcp-gw"], "no daemon runs on gcp-gw, .*down: gcp-app, edge1, edge2"),
    "power-off-provider": (
        ["power-off", "--on", "aws"],
        "no daemon runs on aws-gw, aws-edge1, .*, nor the coordinator on aws-coord, .*aws-edge4:ch4",
    ),
    "power-off-provider-without-coordinator": (
        ["power-off", "--on", "gcp", "--set", "coordinator=false"],
        "no daemon runs on gcp-gw, gcp-edge1, gcp-edge2, gcp-edge3, gcp-edge4, and all",
    ),
    "prefix-overflow": (
        ["prefix-overflow", "--set", "side=gcp"],
        r"bgpd of gcp-gw announces more in vrf-prod: 1001 of IPv4 \(100\..*, 1001 of IPv6 \(2001:2::/80",
    ),
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
    "slow-cpu": (
        ["slow-cpu", "--on", "aws-edge2", "--set", "percent=20"],
        "20000 of 100000 us of processor time for edged .*, zebra .*, bfdd .*, bgpd .* of aws-edge2",
    ),
    "slow-daemon": (
        ["slow-cpu", "--on", "gcp-gw", "--set", "percent=0.5", "--set", "daemon=bgpd"],
        "5000 of 1000000 us of processor time for bgpd .[0-9]+. of gcp-gw",
    ),
    "slow-coordinator": (
        ["slow-cpu", "--on", "gcp-coord", "--set", "percent=50"],
        "50000 of 100000 us of processor time for coordinator .[0-9]+. of gcp-coord",
    ),
    "replay": (["replay", "--on", "ch1"], "frames sent again at fac-a:ch1-gcp.*; gcp-edge1 refused"),
    "forge": (
        ["forge", "--on", "ch4", "--set", "direction=both"],
        r"forged \(mixed\) at fac-b:ch4-gcp; gcp-edge4 refused .* at fac-b:ch4-aws; aws-edge4 refused",
    ),
    "pn-exhaustion": (["pn-exhaustion", "--on", "ch4"], "a SAK is used up at packet number 200; aws-edge4 at"),
}
"""Of these a look at the whole lab would wait for who does not answer, or see nothing."""


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_in_place_until_it_is_ended_and_leaves_nothing(faulty: Xcnet, onlooker: Onlooker, case: str) -> None:
    begins_and_ends(faulty, onlooker, *CASES[case])


@pytest.mark.parametrize("case", UNSEEN)
def test_a_fault_that_the_kernel_does_not_show_is_in_place_too(faulty: Xcnet, onlooker: Onlooker, case: str) -> None:
    begins_and_ends(faulty, onlooker, *UNSEEN[case], seen_in_snapshot=False)


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
    enabling = faulty.start("channel", "enable", "ch1", "-n", LAB)

    def secured() -> str | None:
        open_ends = [end["node"] for end in _channel(faulty, "ch1")["ends"] if not end["secured"]]
        return f"not secured at {open_ends}" if open_ends else None

    wait_until("the channel to be up again", secured, Deadline(30.0), interval=0.2)
    assert "aws-edge1" in faulty.json("fault", "check", begun["id"], "-n", LAB)["artifact"]
    assert "Established" not in _sessions(faulty, "aws-edge1").values()
    # Whoever enables it waits for it to work: which it does not before the fault's end.
    assert enabling.poll() is None
    faulty.ok("fault", "end", begun["id"], "-n", LAB)
    assert enabling.wait(50.0) == 0


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


def _external(xcnet: Xcnet) -> list[dict[str, Any]]:
    status = json.loads(xcnet("status", "-n", LAB, "--json").stdout)
    return [each for each in status["sessions"] if each["external"]]


def test_too_many_prefixes_take_all_channels_at_once_and_their_end_brings_the_sessions_back(faulty: Xcnet) -> None:
    begun = faulty.json("fault", "begin", "prefix-overflow", "--set", "side=gcp", "-n", LAB)

    def torn() -> str | None:
        up = [f"{each['node']} {each['peer']}" for each in _external(faulty) if each["state"] == "Established"]
        return f"established: {', '.join(up)}" if up else None

    wait_until("every session to be torn down", torn, Deadline(60.0), interval=0.5)
    limits = faulty.ok("events", "-n", LAB, "--kind", "bgp.prefix_limit_exceeded", "--json").splitlines()
    over = {
        event["source"]
        for event in map(json.loads, limits)
        if event["monotonic"] > begun["monotonic"] and event["data"]["limit"] == 1000
    }
    assert over == {f"aws-edge{number}.bgpd" for number in (1, 2, 3, 4)}
    # They stay down by themselves, though nobody announces too much over other channels: there is no other.
    status = json.loads(faulty("status", "-n", LAB, "--json").stdout)
    assert all(each["next_hops"] == [] for each in status["routes"])
    faulty.ok("fault", "end", begun["id"], "-n", LAB)

    def back() -> str | None:
        down = [f"{each['node']} {each['peer']}" for each in _external(faulty) if each["state"] != "Established"]
        return f"not established: {', '.join(down)}" if down else None

    wait_until("every session to be back", back, Deadline(60.0), interval=0.5)


def test_old_and_forged_frames_are_all_refused_and_traffic_goes_on(faulty: Xcnet) -> None:
    replayed = faulty.json("fault", "begin", "replay", "--on", "all", "--set", "direction=both", "-n", LAB)
    forged = faulty.json("fault", "begin", "forge", "--on", "all", "--set", "direction=both", "-n", LAB)
    call = ["ping", "-q", "-c", "1200", "-i", "0.005", "10.20.0.2"]
    words = faulty.ok("exec", "-n", LAB, "aws-app", "--", *call)
    assert " 0% packet loss" in words
    assert "duplicates" not in words
    # One ping is one flow: one channel each way has frames enough for some to be older than the replay window.
    artifact = faulty.json("fault", "check", replayed["id"], "-n", LAB)["artifact"]
    assert re.search(r"[1-9][0-9]* frames sent again at \S+; \S+ refused [0-9]+ \(.*InPktsLate [1-9]", artifact), (
        artifact
    )
    artifact = faulty.json("fault", "check", forged["id"], "-n", LAB)["artifact"]
    ends = re.findall(
        r"([0-9]+) frames forged \(mixed\) at (\S+); \S+ refused ([0-9]+) \((.*?)\), and accepted none", artifact
    )
    assert len(ends) == 8, artifact
    for sent, _port, refused, counters in ends:
        assert int(refused) >= int(sent) > 0
        assert "InPktsNotValid" in counters and "InPktsNoSCI" in counters and "gate" in counters


def test_what_is_started_meanwhile_is_slow_too_and_has_its_priority_back_afterwards(faulty: Xcnet) -> None:
    def policy() -> str:
        """Of bfdd: RR, or TS for the ordinary scheduler."""
        pid = next(
            each.split()[0]
            for each in faulty.ok("exec", "-n", LAB, "aws-edge3", "--", "ps", "-eo", "pid,args").splitlines()
            if "bfdd" in each and "/aws-edge3/" in each
        )
        return faulty.ok("exec", "-n", LAB, "aws-edge3", "--", "ps", "-o", "cls=,rtprio=", "-p", pid).strip()

    before = policy()
    assert before.split() == ["RR", "30"]
    slow = faulty.json("fault", "begin", "slow-cpu", "--on", "aws-edge3", "--set", "percent=30", "-n", LAB)
    kill = faulty.json("fault", "begin", "kill", "--on", "aws-edge3", "--set", "daemon=bfdd", "-n", LAB)
    faulty.ok("fault", "end", kill["id"], "-n", LAB)
    assert policy().split()[0] == "TS"
    assert "bfdd" in faulty.json("fault", "check", slow["id"], "-n", LAB)["artifact"]
    refused = faulty("fault", "begin", "slow-cpu", "--on", "aws-edge3", "--set", "percent=5", "-n", LAB)
    assert refused.returncode == 1
    assert "another fault keeps edged slow already" in refused.stderr
    faulty.ok("fault", "end", slow["id"], "-n", LAB)
    assert policy() == before
    assert "xcnet" not in faulty.ok("exec", "-n", LAB, "aws-edge3", "--", "ls", "/sys/fs/cgroup")


def test_a_slow_processor_is_slow(faulty: Xcnet) -> None:
    """A daemon that has much to do is made to wait, as the kernel counts it."""
    begun = faulty.json(
        "fault", "begin", "slow-cpu", "--on", "gcp-gw", "--set", "percent=2", "--set", "daemon=bgpd", "-n", LAB
    )
    command = ["vtysh", "-n", LAB, "gcp-gw", *("-c", "show bgp vrf all neighbors json") * 4]

    def waited() -> str | None:
        faulty(*command)
        artifact = faulty.json("fault", "check", begun["id"], "-n", LAB)["artifact"]
        return None if re.search(r"had to wait in [1-9][0-9]* periods", artifact) else artifact

    wait_until("bgpd to wait for its share", waited, Deadline(30.0), interval=0.2)


def test_two_faults_of_one_key_are_refused_and_one_process_dies_once(faulty: Xcnet) -> None:
    faulty.ok("fault", "begin", "wrong-cak", "--on", "ch1", "--set", "side=aws", "-n", LAB)
    refused = faulty("fault", "begin", "wrong-cak", "--on", "ch1", "--set", "side=aws", "-n", LAB)
    assert refused.returncode == 1
    assert "wrong-cak-" in refused.stderr and "has its hand on that already" in refused.stderr
    faulty.ok("fault", "begin", "kill", "--on", "aws-edge2", "--set", "daemon=bgpd", "-n", LAB)
    refused = faulty("fault", "begin", "power-off", "--on", "aws-edge2", "-n", LAB)
    assert refused.returncode == 1
    assert "bgpd of aws-edge2 does not run" in refused.stderr
