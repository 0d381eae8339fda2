"""Labs come and go without a trace, whatever happens to them."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from labtool import Xcnet

from plugins.ordinary_user import OrdinaryUser


def test_down_leaves_no_process_and_no_file(xcnet: Xcnet) -> None:
    xcnet.ok("up", "minimal", "--name", "gone")
    assert xcnet.processes("gone")
    xcnet.ok("down", "gone")
    assert xcnet.processes("gone") == []
    assert not (xcnet.state / "labs" / "gone").exists()
    done = xcnet("status")
    assert done.returncode == 1
    assert "no lab is running" in done.stderr


def test_two_labs_stand_side_by_side_and_one_goes_without_the_other(xcnet: Xcnet) -> None:
    xcnet.ok("up", "minimal", "--name", "left")
    xcnet.ok("up", "minimal", "--name", "right")
    assert {lab["name"]: lab["state"] for lab in xcnet.json("list")} == {"left": "ready", "right": "ready"}
    ambiguous = xcnet("status")
    assert ambiguous.returncode == 1
    assert "more than one lab" in ambiguous.stderr
    xcnet.ok("down", "left")
    assert xcnet.json("status", "--name", "right")["health"] == "up"


def test_a_name_that_is_taken_is_refused_and_the_running_lab_is_left_alone(xcnet: Xcnet) -> None:
    xcnet.ok("up", "minimal", "--name", "same")
    again = xcnet("up", "minimal", "--name", "same")
    assert again.returncode == 1
    assert "is running already" in again.stderr
    assert xcnet.json("status", "--name", "same")["health"] == "up"


@pytest.mark.parametrize("sweep", ["down", "up"])
def test_after_kill_9_the_next_command_removes_every_leftover_of_that_lab_only(xcnet: Xcnet, sweep: str) -> None:
    xcnet.ok("up", "minimal", "--name", "killed")
    xcnet.ok("up", "minimal", "--name", "other")
    assert xcnet.kill_all("killed") > 0
    assert {lab["name"]: lab["state"] for lab in xcnet.json("list")} == {"killed": "dead", "other": "ready"}
    if sweep == "down":
        xcnet.ok("down", "killed")
        assert not (xcnet.state / "labs" / "killed").exists()
        assert xcnet.processes("killed") == []
    else:
        xcnet.ok("up", "minimal", "--name", "killed")
        assert xcnet.json("status", "--name", "killed")["health"] == "up"
    assert xcnet.json("status", "--name", "other")["health"] == "up"


@pytest.mark.parametrize("step", ["booting", "nodes and links", "routes over"])
def test_ctrl_c_at_any_step_leaves_nothing_behind(xcnet: Xcnet, step: str) -> None:
    process = xcnet.start("up", "minimal", "--name", "half", stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stderr is not None
    # A step's line is printed when it ends; the one before it tells that this one has begun.
    before = {"booting": "choosing", "nodes and links": "booting", "routes over": "MACsec secured"}[step]
    for line in process.stderr:
        if re.search(before, line.decode()):
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    process.stderr.close()
    assert xcnet.processes("half") == []
    assert not (xcnet.state / "labs" / "half").exists()


def test_wpa_supplicant_at_one_end_of_a_channel_secures_and_carries_the_lab(xcnet: Xcnet, tmp_path: Path) -> None:
    for end in ("aws", "gcp"):
        text = topology_with_wpa_supplicant(xcnet, end)
        path = tmp_path / f"foreign-{end}.yaml"
        path.write_text(text)
        xcnet.ok("up", str(path), "--name", "foreign")
        status = xcnet.json("status", "--name", "foreign")
        assert status["health"] == "up"
        agreements = {e["node"].split("-")[0]: e["key_agreement"] for e in status["channels"][0]["ends"]}
        assert agreements[end] == "wpa_supplicant"
        assert sorted(agreements.values()) == ["wpa_supplicant", "xcnet"]
        assert {e["cipher_suite"] for e in status["channels"][0]["ends"]} == {"GCM-AES-128"}
        xcnet.ok("down", "foreign")


def topology_with_wpa_supplicant(xcnet: Xcnet, end: str) -> str:
    shipped = Path(xcnet.json("topology", "list")["minimal"]).read_text()
    channel = "edges: {aws: edge1, gcp: edge1}}"
    assert channel in shipped
    return shipped.replace(channel, channel[:-1] + f", key_agreement: {{{end}: wpa_supplicant}}}}")


def test_an_ordinary_user_brings_up_the_whole_lab(ordinary_user: OrdinaryUser) -> None:
    home = ordinary_user.home
    tool = Xcnet(
        home / "state",
        {"HOME": str(home), "XDG_CACHE_HOME": str(home / ".cache")},
        (str(ordinary_user.python), "-m", "xcnet"),
    )
    try:
        done = tool("--engine", "uml", "up", "aws-google", "--name", "mine", timeout=400, **ordinary_user.become)
        assert done.returncode == 0, done.stderr
        assert tool("status", "--name", "mine", **ordinary_user.become).returncode == 0
        assert tool("exec", "-n", "mine", "aws-app", "--", "true", **ordinary_user.become).returncode == 0
        assert tool("down", "mine", **ordinary_user.become).returncode == 0
        assert tool.processes("mine") == []
    finally:
        tool("down", "--all", **ordinary_user.become)
