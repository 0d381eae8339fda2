"""The shipped default lab, as a person at the command line finds it."""

from __future__ import annotations

import json
import os
import pty
import select
import struct
import subprocess
import sys
import time

from labtool import COMMAND, Xcnet


def frames_in(pcapng: bytes) -> list[bytes]:
    """The frames of a pcapng stream."""
    frames, at = [], 0
    while at + 12 <= len(pcapng):
        kind, length = struct.unpack_from("<II", pcapng, at)
        if kind == 6:
            captured = struct.unpack_from("<I", pcapng, at + 20)[0]
            frames.append(pcapng[at + 28 : at + 28 + captured])
        at += length
    return frames


def test_everything_is_up_and_status_says_so(default_lab: Xcnet) -> None:
    status = default_lab.json("status", "--name", "default")
    assert status["health"] == "up"
    assert {channel["name"] for channel in status["channels"]} == {"ch1", "ch2", "ch3", "ch4"}
    for channel in status["channels"]:
        for end in channel["ends"]:
            assert end["secured"]
            assert end["cipher_suite"] == "GCM-AES-XPN-256"
            assert end["live_peers"] == 1
        assert {end["key_server"] for end in channel["ends"]} == {True, False}
    external = [session for session in status["sessions"] if session["external"]]
    assert len(external) == 16
    assert all(session["md5"] and session["bfd"] == "up" for session in external)
    assert {len(route["next_hops"]) for route in status["routes"]} == {4}
    assert len(status["routes"]) == 4


def test_detection_times_follow_from_both_providers_timers(default_lab: Xcnet) -> None:
    status = default_lab.json("status", "--name", "default")
    detection = {
        session["node"].split("-")[0]: session["bfd_detection_ms"]
        for session in status["sessions"]
        if session["external"]
    }
    # RFC 5880, 6.8.4: the remote multiplier times the larger of own receive and remote transmit interval.
    assert detection == {"aws": 5 * 1000, "gcp": 3 * 1000}


def test_hosts_reach_each_other_over_both_families(default_lab: Xcnet) -> None:
    addresses = json.loads(
        default_lab.ok("exec", "--name", "default", "gcp-app", "--", "ip", "-j", "addr", "show", "eth0")
    )
    targets = [info["local"] for info in addresses[0]["addr_info"] if info["scope"] == "global"]
    assert len(targets) == 2
    for target in targets:
        default_lab.ok("exec", "--name", "default", "aws-app", "--", "ping", "-c", "3", "-i", "0.2", "-W", "2", target)


def test_exec_gives_the_commands_own_exit_status_and_streams(default_lab: Xcnet) -> None:
    done = default_lab("exec", "-n", "default", "aws-app", "--", "sh", "-c", "echo out; echo err >&2; exit 7")
    assert (done.returncode, done.stdout, done.stderr) == (7, "out\n", "err\n")
    fed = default_lab("exec", "-n", "default", "gcp-gw", "--", "wc", "-c", input="12345")
    assert fed.stdout.strip() == "5"
    killed = default_lab("exec", "-n", "default", "gcp-gw", "--", "sh", "-c", "kill -9 $$")
    assert killed.returncode == 137


def test_a_trivial_command_in_a_running_lab_answers_within_a_second(default_lab: Xcnet) -> None:
    times = []
    for _attempt in range(5):
        started = time.monotonic()
        default_lab.ok("exec", "-n", "default", "aws-app", "--", "true")
        times.append(time.monotonic() - started)
    assert sorted(times)[0] <= 1.0, times


def test_a_shell_has_a_terminal_and_its_exit_status(default_lab: Xcnet) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "shell", "-n", "default", "aws-edge1"],
        env=default_lab.env,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    seen, typed = b"", False
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        if b"aws-edge1:" in seen and not typed:
            os.write(leader, b"tty; echo node=$XCNET_NODE; exit 5\n")
            typed = True
        if select.select([leader], [], [], 0.2)[0]:
            try:
                seen += os.read(leader, 65536)
            except OSError:
                break
    assert process.wait(10) == 5
    os.close(leader)
    assert b"/dev/pts/" in seen
    assert b"node=aws-edge1" in seen


def test_vtysh_answers_for_the_router_it_is_asked_for(default_lab: Xcnet) -> None:
    shown = default_lab.ok("vtysh", "-n", "default", "gcp-edge3", "-c", "show running-config")
    assert "router bgp 16550 vrf vrf-prod" in shown


HANG_UP = """
import glob, os, socket
# Above the routers' own priority: they would answer sooner than one can hang up.
os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(50))
for path in glob.glob("/run/xcnet/default/*/edged.sock"):
    for _ in range(20):
        client = socket.socket(socket.AF_UNIX)
        client.connect(path)
        client.sendall(b'{"op": "status"}\\n')
        client.close()
"""


def test_routers_outlive_clients_that_hang_up_before_the_answer(default_lab: Xcnet) -> None:
    default_lab.ok("exec", "--name", "default", "aws-edge1", "--", sys.executable, "-c", HANG_UP)
    status = default_lab.json("status", "--name", "default")
    routers = [node for node in status["nodes"] if node["kind"] in {"edge", "gateway"}]
    assert len(routers) == 10
    assert {node["processes"]["edged"] for node in routers} == {"running"}, routers
    assert "process.died" not in default_lab.ok("events", "--name", "default", "--kind", "process", "--json")


SCHEDULING = """
import json, os, pathlib
found = {}
for entry in pathlib.Path("/proc").iterdir():
    if entry.name.isdigit():
        name = (entry / "comm").read_text().strip()
        if name in ("edged", "bfdd", "bgpd", "zebra"):
            pid = int(entry.name)
            found.setdefault(name, []).append((os.sched_getscheduler(pid), os.sched_getparam(pid).sched_priority))
print(json.dumps(found))
"""


def test_what_keeps_promises_about_time_goes_before_everything_else(default_lab: Xcnet) -> None:
    found = json.loads(default_lab.ok("exec", "--name", "default", "aws-gw", "--", sys.executable, "-c", SCHEDULING))
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(("edged", "bfdd", "bgpd", "zebra"), 10)
    distinct = {name: {tuple(pair) for pair in each} for name, each in found.items()}
    (edged,), (bfdd,) = distinct["edged"], distinct["bfdd"]
    assert edged[0] == bfdd[0] == os.SCHED_RR
    assert 0 < edged[1] < bfdd[1]
    assert distinct["bgpd"] == distinct["zebra"] == {(os.SCHED_OTHER, 0)}


def test_a_capture_of_the_fibre_holds_nothing_but_macsec_and_mka(default_lab: Xcnet) -> None:
    done = subprocess.run(
        [*COMMAND, "capture", "-n", "default", "ch2", "-w", "-", "--seconds", "4"],
        env=default_lab.env,
        capture_output=True,
        timeout=60,
        check=True,
    )
    frames = frames_in(done.stdout)
    assert len(frames) > 4
    assert {frame[12:14].hex() for frame in frames} == {"88e5", "888e"}


def test_a_decrypted_capture_shows_what_crossed(default_lab: Xcnet) -> None:
    done = subprocess.run(
        [*COMMAND, "capture", "-n", "default", "ch2", "--decrypt", "-w", "-", "--seconds", "4"],
        env=default_lab.env,
        capture_output=True,
        timeout=60,
        check=True,
    )
    frames = frames_in(done.stdout)
    # BFD's control packets (UDP port 3784) cross every channel all the time, in the connection's VLAN.
    assert any(frame[12:14] == b"\x81\x00" and (3784).to_bytes(2, "big") in frame[36:64] for frame in frames)


def test_events_tell_the_bring_up_in_order_of_time(default_lab: Xcnet) -> None:
    events = [json.loads(line) for line in default_lab.ok("events", "-n", "default", "--json").splitlines()]
    kinds = [event["kind"] for event in events]
    assert [event["monotonic"] for event in events] == sorted(event["monotonic"] for event in events)
    assert kinds.count("macsec.secured") == 8
    for kind in ("lab.started", "mka.key_server_elected", "bgp.established", "bfd.up", "lab.ready"):
        assert kind in kinds
    assert kinds.index("macsec.secured") < kinds.index("bgp.established") < kinds.index("lab.ready")


def test_no_key_is_found_in_any_file_or_command_line_of_the_lab(default_lab: Xcnet) -> None:
    password = ""
    for line in default_lab.ok("vtysh", "-n", "default", "aws-edge1", "-c", "show running-config").splitlines():
        if " password " in line:
            password = line.split()[-1]
    assert len(password) >= 16
    run_dir = default_lab.state / "labs" / "default"
    for path in run_dir.rglob("*"):
        if path.is_file() and path.stat().st_size < 50_000_000:
            assert password.encode() not in path.read_bytes(), path
    listing = default_lab.ok("exec", "-n", "default", "aws-app", "--", "ps", "-eo", "args")
    assert password not in listing


def test_an_unknown_node_is_named_with_the_nearest_that_there_is(default_lab: Xcnet) -> None:
    done = default_lab("exec", "-n", "default", "aws-edg1", "--", "true")
    assert done.returncode == 2
    assert "did you mean 'aws-edge1'?" in done.stderr
    assert "Traceback" not in done.stderr
