"""Faults of lines: in place in the kernel, seen by traffic, and gone without a trace."""

from __future__ import annotations

import json
import signal
import time

import pytest
from fault_tool import LAB, begins_and_ends
from lab_snapshot import Onlooker
from labtool import Xcnet

from xcnet.waiting import Deadline, wait_until

# The topology's own fibres have a delay of 1 ms, which stays in force under a fault.
CASES = {
    "cut": (["cut", "--on", "ch2"], "administratively down: .*ch2-aws, .*ch2-gcp"),
    "cut-of-an-internal-link": (["cut", "--on", "aws-edge1/aws-gw"], "administratively down: aws-edge1:gw0, aws-gw:"),
    "blackhole": (["blackhole", "--on", "ch1"], "drops every frame leaving"),
    "blackhole-one-way": (["blackhole", "--on", "ch1", "--set", "direction=first-to-second"], "ch1-gcp"),
    "blackhole-of-an-internal-link": (["blackhole", "--on", "gcp-gw/gcp-edge2"], "gcp-edge2:gw0 .*gcp-gw:"),
    "mtu": (["mtu", "--on", "ch3", "--set", "bytes=1200"], "more than 1200 bytes"),
    "mka-drop": (["mka-drop", "--on", "ch4"], "key agreement frames"),
    "data-drop": (["data-drop", "--on", "ch4"], "protected frames"),
    "loss": (["loss", "--on", "fac-a", "--set", "percent=30"], "ch1-gcp: loss 30 %.*ch2-aws: loss 30 %"),
    "delay": (["delay", "--on", "aws", "--set", "ms=20", "--set", "jitter_ms=2"], "delay 21 ms, jitter 2 ms"),
    "delay-of-an-internal-link": (["delay", "--on", "aws-edge1/aws-gw", "--set", "ms=5"], "gw0: delay 5 ms"),
    "reorder": (["reorder", "--on", "ch1", "--set", "percent=25"], "reorder 25 %, delay 11 ms"),
    "corrupt": (["corrupt", "--on", "ch1", "--set", "percent=1"], "corrupt 1 %"),
    "duplicate": (["duplicate", "--on", "ch1", "--set", "percent=50"], "duplicate 50 %"),
    "rate": (["rate", "--on", "ch1", "--set", "mbps=2"], "rate 2 Mbit/s"),
    "flap": (["flap", "--on", "ch2", "--set", "period=1", "--set", "down=0.3"], "[0-9]+ turns so far"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_in_place_until_it_is_ended_and_leaves_nothing(faulty: Xcnet, onlooker: Onlooker, case: str) -> None:
    call, artifact = CASES[case]
    # Lit or dark, as its turn is when one looks.
    begins_and_ends(faulty, onlooker, call, artifact, seen_in_snapshot=case != "flap")


def test_faults_of_one_port_go_together_and_come_apart_in_any_order(faulty: Xcnet) -> None:
    loss = faulty.json("fault", "begin", "loss", "--on", "ch1", "--set", "percent=10", "-n", LAB)
    delay = faulty.json("fault", "begin", "delay", "--on", "fac-a", "--set", "ms=3", "-n", LAB)
    assert "ch1-gcp: loss 10 %, delay 4 ms" in delay["artifact"]
    assert "ch2-gcp: delay 4 ms" in delay["artifact"]
    faulty.ok("fault", "end", loss["id"], "-n", LAB)
    assert "ch1-gcp: delay 4 ms" in faulty.json("fault", "check", delay["id"], "-n", LAB)["artifact"]


def test_a_port_stays_dark_until_nobody_cuts_it(faulty: Xcnet) -> None:
    one = faulty.json("fault", "begin", "cut", "--on", "ch1", "-n", LAB)
    other = faulty.json("fault", "begin", "cut", "--on", "fac-a", "-n", LAB)
    faulty.ok("fault", "end", other["id"], "-n", LAB)
    assert "ch1-aws" in faulty.json("fault", "check", one["id"], "-n", LAB)["artifact"]


def test_a_fault_that_something_else_took_away_is_missed(faulty: Xcnet) -> None:
    begun = faulty.json("fault", "begin", "loss", "--on", "ch1", "--set", "percent=100", "-n", LAB)
    faulty.ok("exec", "-n", LAB, "fac-a", "--", "tc", "qdisc", "del", "dev", "ch1-gcp", "root")
    done = faulty("fault", "check", begun["id"], "-n", LAB)
    assert done.returncode == 1
    assert "the fault is not in place" in done.stderr
    assert "ch1-gcp" in done.stderr


def test_a_cut_is_seen_at_once_and_a_blackhole_leaves_carrier(faulty: Xcnet) -> None:
    faulty.ok("fault", "begin", "cut", "--on", "ch1", "-n", LAB)
    faulty.ok("fault", "begin", "blackhole", "--on", "ch2", "-n", LAB)
    shown = {
        node: json.loads(faulty.ok("exec", "-n", LAB, node, "--", "ip", "-j", "link", "show", "dev", port))[0]["flags"]
        for node, port in (("aws-edge1", "ch1"), ("gcp-edge1", "ch1"), ("aws-edge2", "ch2"), ("gcp-edge2", "ch2"))
    }
    assert "NO-CARRIER" in shown["aws-edge1"] and "NO-CARRIER" in shown["gcp-edge1"]
    assert "LOWER_UP" in shown["aws-edge2"] and "LOWER_UP" in shown["gcp-edge2"]


def _answered(xcnet: Xcnet, size: int) -> bool:
    """Whether an unfragmented echo of that many bytes of IP crosses the channel between its two edges."""
    call = [
        "ping",
        "-c",
        "2",
        "-i",
        "0.2",
        "-W",
        "1",
        "-M",
        "do",
        "-s",
        str(size - 28),
        "-I",
        "vrf-prod",
        "169.254.0.2",
    ]
    return xcnet("exec", "-n", LAB, "aws-edge1", "--", *call).returncode == 0


def test_a_clamp_takes_long_frames_and_lets_short_ones_pass(faulty: Xcnet) -> None:
    assert _answered(faulty, 1400)
    faulty.ok("fault", "begin", "mtu", "--on", "ch1", "--set", "bytes=1000", "-n", LAB)
    assert _answered(faulty, 900)
    assert not _answered(faulty, 1400)


def test_a_flap_goes_on_by_itself(faulty: Xcnet) -> None:
    begun = faulty.json("fault", "begin", "flap", "--on", "ch2", "--set", "period=0.5", "--set", "down=0.2", "-n", LAB)

    def turned() -> str | None:
        artifact = faulty.json("fault", "check", begun["id"], "-n", LAB)["artifact"]
        return None if int(artifact.split()[0]) >= 4 else artifact

    wait_until("four turns", turned, Deadline(20.0), interval=0.1)


def test_a_fault_for_a_time_ends_by_itself_and_at_ctrl_c(faulty: Xcnet) -> None:
    told = faulty.json("fault", "begin", "delay", "--on", "ch1", "--set", "ms=1", "--for", "1s", "-n", LAB)
    assert 1.0 <= told["monotonic"] - told["begun"] < 5.0
    process = faulty.start("fault", "begin", "delay", "--on", "ch1", "--set", "ms=1", "--for", "60s", "-n", LAB)

    def stands() -> str | None:
        return None if faulty.json("fault", "list", "-n", LAB) else "no fault stands"

    wait_until("the fault to stand", stands, Deadline(20.0), interval=0.1)
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert time.monotonic() - started < 20
    assert faulty.json("fault", "list", "-n", LAB) == []
