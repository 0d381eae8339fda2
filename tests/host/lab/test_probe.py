"""Probes of the default lab: what users feel when nothing happens, when a channel is cut, and when the machine is too busy."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections import Counter

import pytest
from labtool import Xcnet

from xcnet.errors import InputError
from xcnet.lab.paths import LabPaths
from xcnet.lab.probing import start
from xcnet.probe.plan import ProbePlan
from xcnet.probe.results import ProbeResult
from xcnet.waiting import Deadline, wait_until

SETTINGS = ("--name", "default")
CUT = "ip link set ch1-aws {0}; ip link set ch1-gcp {0}"


def paths(lab: Xcnet) -> LabPaths:
    return LabPaths("default", lab.state / "labs" / "default")


def frames(result: ProbeResult) -> Counter[str]:
    found: Counter[str] = Counter()
    for share in result.shares:
        found.update(share.frames)
    return found


def sessions_lost(lab: Xcnet, after: float) -> list[str]:
    lines = lab.ok("events", *SETTINGS, "--kind", "bfd.down", "--json").splitlines()
    events = [json.loads(line) for line in lines]
    return [event["subject"] for event in events if event["monotonic"] > after]


def test_every_flow_arrives_over_all_channels_and_no_session_suffers(default_lab: Xcnet) -> None:
    with start(paths(default_lab), ProbePlan()) as probing:
        began = probing.began
        assert not probing.wait(6.0)
        result = probing.stop()
    assert result.began == began
    assert 5.5 <= result.ended - result.began <= 9.0
    assert {(each.source, each.target, each.version) for each in result.streams} == {
        (*ends, version) for ends in (("aws-app", "gcp-app"), ("gcp-app", "aws-app")) for version in (4, 6)
    }
    assert result.lost == 0, result.streams
    assert result.sent == pytest.approx(1000 * (result.ended - result.began), rel=0.1)
    assert {len(stream.flows) for stream in result.streams} == {16}
    assert all(flow.received for stream in result.streams for flow in stream.flows)
    assert sum(stream.duplicated for stream in result.streams) == 0
    crossed = frames(result)
    assert set(crossed) == {"ch1", "ch2", "ch3", "ch4"}
    assert min(crossed.values()) > 0.05 * crossed.total()
    # BFD, BGP, MKA and what the kernel says for itself cross too.
    assert 0.95 * result.sent <= crossed.total() <= 1.25 * result.sent
    assert all(0 < stream.delay.p50 <= stream.delay.p99 <= stream.delay.worst for stream in result.streams)
    assert sessions_lost(default_lab, began) == []


def test_a_cut_channel_hits_the_flows_on_it_and_no_others(default_lab: Xcnet) -> None:
    with start(paths(default_lab), ProbePlan()) as probing:
        assert not probing.wait(1.0)
        default_lab.ok("exec", *SETTINGS, "fac-a", "--", "sh", "-c", CUT.format("down"))
        try:
            assert not probing.wait(5.0)
            result = probing.stop()
        finally:
            default_lab.ok("exec", *SETTINGS, "fac-a", "--", "sh", "-c", CUT.format("up"))

    def healthy() -> str | None:
        state = json.loads(default_lab("status", *SETTINGS, "--json").stdout)["health"]
        return None if state == "up" else str(state)

    wait_until("the default lab to be whole again", healthy, Deadline(60.0), interval=0.5)
    hit = [flow for stream in result.streams for flow in stream.flows if flow.lost]
    # A quarter of 64; four standard deviations are 14.
    assert 3 <= len(hit) <= 30
    assert all(len(flow.windows) == 1 for flow in hit), hit
    assert result.lost == sum(flow.lost for flow in hit)
    assert 0 < result.longest_loss < 5.0
    ends = [window.start + window.length for flow in hit for window in flow.windows]
    assert max(ends) < result.ended
    shares = result.shares
    assert sum(share.frames["ch1"] for share in shares[:4]) > 0
    assert sum(share.frames["ch1"] for share in shares[-5:-1]) == 0
    assert sum(share.frames["ch2"] for share in shares[-5:-1]) > 0


@pytest.mark.usefixtures("busy_host")
def test_on_a_busy_host_a_probe_is_inconclusive_and_says_why(default_lab: Xcnet) -> None:
    done = default_lab("probe", *SETTINGS, "--duration", "3s")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "inconclusive" in done.stdout
    assert "tasks for each of the host's processors; the limit is 1" in done.stdout
    report = default_lab("probe", *SETTINGS, "--duration", "1s", "--json")
    assert report.returncode == 3
    quality = json.loads(report.stdout)["quality"]
    assert quality["run_queue"] > 1
    assert quality["problems"]


def test_ctrl_c_ends_measuring_and_shows_what_was_found(default_lab: Xcnet) -> None:
    process = default_lab.start("probe", *SETTINGS, "--http", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"warming up" in process.stderr.readline()
    time.sleep(1.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode in (0, 3), err
    text = out.decode()
    assert "aws-app" in text
    assert "HTTP requests" in text
    assert "Traceback" not in text + err.decode()


def test_a_host_that_is_none_is_refused_to_programs_too(default_lab: Xcnet) -> None:
    with pytest.raises(InputError, match="there is no host 'nowhere'"):
        start(paths(default_lab), ProbePlan(source="aws-app", target="nowhere"))


def test_records_of_every_packet_are_kept_when_asked_for(default_lab: Xcnet) -> None:
    settings = ("--duration", "1s", "--rate", "200", "--flows", "8", "--raw", "probe.csv", "--json")
    done = default_lab("probe", *SETTINGS, *settings)
    assert done.returncode in (0, 3), done.stderr
    result = json.loads(done.stdout)
    lines = (default_lab.state / "labs" / "default" / "probe.csv").read_text().splitlines()
    assert len(lines) - 1 == sum(stream["sent"] for stream in result["streams"])
