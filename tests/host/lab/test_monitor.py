"""Both providers' monitors on a running lab: what they find, what the peer is told, which channel is used last meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from labtool import Xcnet, default_topology

LAB = "watched"
HOLD = 8.0
_MONITOR = f"{{hold_seconds: {HOLD}, flap: {{count: 3, window_seconds: 30}}, asymmetry: {{after_seconds: 5}}}}"


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xcnet]:
    """The default lab, whose monitors hold for seconds instead of a minute."""
    folder = tmp_path_factory.mktemp("watched")
    xcnet = Xcnet(folder / "state")
    xcnet.ok("up", str(default_topology(folder, _MONITOR)), "--name", LAB, timeout=300)
    try:
        yield xcnet
    finally:
        xcnet("down", "--all")


@pytest.fixture(autouse=True)
def as_before(watched: Xcnet) -> Iterator[None]:
    """Each test begins and ends with nothing found."""
    until("no trouble", lambda: not findings(watched), seconds=60.0)
    yield
    watched.ok("fault", "end", "--all", "-n", LAB)
    until("no trouble left", lambda: not findings(watched), seconds=90.0)


def until(what: str, holds: Callable[[], Any], *, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.3)
    raise AssertionError(f"{what}: not within {seconds:g} s")


def issues(xcnet: Xcnet, provider: str, *, known: set[str] = frozenset()) -> list[dict[str, Any]]:  # type: ignore[assignment]
    """Those that the peer has opened at a provider, as that one has them; the newest at the end."""
    held = [each for each in xcnet.json("issues", "-n", LAB) if each["provider"] == provider]
    return [each for each in held if each["direction"] == "in" and each["id"] not in known]


def ids(xcnet: Xcnet) -> set[str]:
    return {each["id"] for provider in ("aws", "gcp") for each in issues(xcnet, provider)}


def findings(xcnet: Xcnet) -> list[str]:
    """``xcnet_monitor_finding`` of both, as Prometheus is shown it."""
    text = xcnet.ok("metrics", "-n", LAB, "--provider", "aws") + xcnet.ok("metrics", "-n", LAB, "--provider", "gcp")
    return [line for line in text.splitlines() if line.startswith("xcnet_monitor_finding{")]


def use(xcnet: Xcnet, channel: str) -> str:
    return str(next(each["use"] for each in xcnet.json("top", "-n", LAB)["channels"] if each["name"] == channel))


def events(xcnet: Xcnet, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in xcnet.ok("events", "-n", LAB, "--kind", kind, "--json").splitlines()]


def test_a_lossy_channel_is_told_of_and_drained_until_it_is_well(watched: Xcnet) -> None:
    connection = watched.json("connections", "-n", LAB)[0]["uuid"]
    known = ids(watched)
    watched.ok("fault", "begin", "loss", "--on", "ch2", "--set", "percent=5", "-n", LAB)
    (issue,) = until("told at gcp", lambda: issues(watched, "gcp", known=known), seconds=25.0)
    assert issue["state"] == "STATE_OPEN"
    assert issue["severity"] == "PRIORITY_P2"
    assert set(issue["about"]) == {"ch2", connection, "ic1"}
    (mirror,) = until("told at aws", lambda: issues(watched, "aws", known=known), seconds=25.0)
    assert mirror["title"] == issue["title"]
    until("drained at both sides", lambda: use(watched, "ch2") == "drained, monitor", seconds=15.0)
    # The one who opened it is started again in the middle: it is still this issue, and still this hold.
    watched.ok("fault", "begin", "kill", "--on", "aws-coord", "--set", "daemon=coordinator", "--for", "1s", "-n", LAB)
    until("still drained", lambda: use(watched, "ch2") == "drained, monitor", seconds=15.0)
    assert [each["id"] for each in issues(watched, "gcp", known=known)] == [issue["id"]]

    watched.ok("fault", "end", "--all", "-n", LAB)
    ended = events(watched, "fault.ended")[-1]["monotonic"]
    until("in use again", lambda: use(watched, "ch2") == "in use", seconds=40.0)
    released = [each for each in events(watched, "monitor.released") if each["subject"] == "ch2"]
    # Well for HOLD seconds since the last probe that was lost, which is somewhat before the fault's end.
    assert all(each["monotonic"] > ended for each in released[-2:])
    (closed,) = until(
        "closed",
        lambda: [each for each in issues(watched, "gcp", known=known) if each["state"] == "STATE_CLOSED"],
        seconds=20.0,
    )
    assert closed["id"] == issue["id"]
    assert "well" in closed["comments"][-1]["body"]


def test_going_back_to_a_channel_loses_nothing(watched: Xcnet) -> None:
    watched.ok("fault", "begin", "loss", "--on", "ch3", "--set", "percent=6", "-n", LAB)
    until("drained at both sides", lambda: use(watched, "ch3") == "drained, monitor", seconds=40.0)
    watched.ok("fault", "end", "--all", "-n", LAB)
    done = watched("probe", "-n", LAB, "--duration", f"{int(HOLD) + 8}s", "--json")
    # A busy machine makes a probe inconclusive, and loses nothing.
    assert done.returncode in (0, 3), done.stderr
    probed = json.loads(done.stdout)
    assert use(watched, "ch3") == "in use"
    assert sum(each["sent"] - each["received"] for each in probed["streams"]) == 0


def test_a_cut_is_told_of_and_a_second_one_is_urgent(watched: Xcnet) -> None:
    known = ids(watched)
    watched.ok("fault", "begin", "cut", "--on", "ch2", "-n", LAB)

    def about(what: str) -> list[dict[str, Any]]:
        return [
            each
            for each in issues(watched, "gcp", known=known)
            if what in each["about"] and each["state"] == "STATE_OPEN"
        ]

    (first,) = until("the cut", lambda: about("ch2"), seconds=15.0)
    assert first["severity"] == "PRIORITY_P2"
    (risk,) = until("the risk", lambda: [each for each in about("ic1") if "ch2" not in each["about"]], seconds=15.0)
    assert risk["severity"] == "PRIORITY_P3"
    watched.ok("fault", "begin", "cut", "--on", "ch4", "-n", LAB)
    until(
        "what is sold does not fit",
        lambda: [each for each in about("ic1") if each["severity"] == "PRIORITY_P1" and risk["id"] in each["body"]],
        seconds=20.0,
    )
    until(
        "the first is told of", lambda: any("P1" in each["body"] for each in about("ch2")[0]["comments"]), seconds=15.0
    )
    assert use(watched, "ch1") == "in use"


def test_forged_frames_are_told_of_and_move_nothing(watched: Xcnet) -> None:
    known = ids(watched)
    watched("verify", "-n", LAB, timeout=300)
    found = until("told", lambda: issues(watched, "gcp", known=known), seconds=30.0)
    assert all("MACsec refuses frames" in each["title"] and each["severity"] == "PRIORITY_P3" for each in found)
    assert {use(watched, f"ch{number}") for number in range(1, 5)} == {"in use"}


def test_a_flapping_channel_is_damped(watched: Xcnet) -> None:
    watched.ok("fault", "begin", "flap", "--on", "ch1", "--set", "period=4", "--set", "down=0.5", "-n", LAB)
    until("damped", lambda: use(watched, "ch1") in ("drained, monitor", "draining, monitor"), seconds=30.0)
    # A phase without light that is a little long is found as such too, before or after.
    found = [each["data"]["trouble"] for each in events(watched, "monitor.found") if each["subject"] == "ch1"]
    assert "flap" in found


def test_nothing_is_opened_for_planned_work(watched: Xcnet) -> None:
    known = ids(watched)
    watched.ok("channel", "disable", "ch2", "--by", "gcp", "-n", LAB)
    try:
        until(
            "excused",
            lambda: [each for each in events(watched, "monitor.excused") if each["subject"] == "ch2"],
            seconds=30.0,
        )
        assert ids(watched) == known
    finally:
        watched.ok("channel", "enable", "ch2", "--by", "gcp", "-n", LAB)


def test_a_session_near_its_limit_is_told_of_before_it_is_torn_down(watched: Xcnet) -> None:
    known = ids(watched)
    # 901 with the connection's own, of 1000 that AWS accepts.
    watched.ok("fault", "begin", "prefix-overflow", "--set", "side=gcp", "--set", "count=900", "-n", LAB)
    found = until("told at gcp", lambda: issues(watched, "gcp", known=known), seconds=40.0)
    assert all(each["severity"] == "PRIORITY_P3" and "Prefix limit is near" in each["title"] for each in found), found
    assert {use(watched, f"ch{number}") for number in range(1, 5)} == {"in use"}


def filtered(xcnet: Xcnet, four: str, six: str) -> None:
    """What the AWS gateway takes from its first edge, by IPv4 and by IPv6."""
    commands = [
        *("configure terminal", "route-map slip deny 10", "exit", "router bgp 64512 vrf vrf-prod"),
        *("address-family ipv4 unicast", four, "exit-address-family", "address-family ipv6 unicast", six),
    ]
    xcnet.ok("vtysh", "aws-gw", "-n", LAB, *(part for each in commands for part in ("-c", each)))


def test_a_channel_that_one_side_alone_sends_over_is_told_of(watched: Xcnet) -> None:
    known = ids(watched)
    # An operator's slip: every session stays established, and one gateway has no route over the channel.
    filtered(watched, "neighbor 100.64.0.0 route-map slip in", "neighbor fd00:100:64:: route-map slip in")
    probe = watched.start("probe", "-n", LAB, "--duration", "60s", stdout=subprocess.DEVNULL)
    try:
        (issue,) = until("told at gcp", lambda: issues(watched, "gcp", known=known), seconds=40.0)
        assert "ch1" in issue["about"] and issue["severity"] == "PRIORITY_P2"
        assert "your side sends over it, and this one has no route over it for 1 connection" in issue["body"]
        assert use(watched, "ch1") == "in use"
    finally:
        original = "neighbor fd00:100:64:: route-map vrf-prod-any-ipv6 in"
        filtered(watched, "no neighbor 100.64.0.0 route-map slip in", original)
        probe.send_signal(signal.SIGINT)
        probe.wait(30)
