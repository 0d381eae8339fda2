"""What a run leaves beside its report: captures that decrypt, routers' states at their moments, and no secret in any file."""

from __future__ import annotations

import base64
import itertools
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from labtool import Xcnet

from xcnet.engine.client import LabClient
from xcnet.lab.capture_mode import Capture
from xcnet.lab.coordination import Coordination
from xcnet.lab.manager import call_in_lab
from xcnet.lab.paths import LabPaths
from xcnet.lab.recording import Recording
from xcnet.model.desired import RouterState
from xcnet.proof.pcapng_reader import read
from xcnet.scenario.evidence.sources import secrets_in
from xcnet.scenario.report.write import read_result
from xcnet.scenario.results import RunResult

LAB = "witnessed"
SCENARIO = """\
scenario: witnessed
title: A cut, a new key and another bandwidth
topology: aws-google
timers: fast
steps:
  - {name: the cut, at: 2s, fault: cut, on: ch2, for: 4s}
  - {name: rotate, at: 7s, do: rotate, channel: ch1}
  - {name: resize, at: 8s, do: resize, bandwidth: 2Gbps}
expect:
  - {check: event, event: bgp.down, on: ch2, after: the cut, within: 5}
  - {check: actions}
  - {check: verified}
"""
SHAPES = (
    rb"-----BEGIN [A-Z ]*PRIVATE KEY",
    rb"eyJ[A-Za-z0-9_-]{16,}\.eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{8,}",  # a signed token
    rb"X-Amz-Signature=[0-9a-f]{64}",
    rb"Signature=[0-9a-f]{64}",
)


@dataclass
class Ran:
    """:param secrets: of the lab, before and after."""

    xcnet: Xcnet
    folder: Path
    result: RunResult
    secrets: set[bytes]

    @property
    def evidence(self) -> Path:
        return self.folder / "evidence"

    def tables(self, moment: str, node: str) -> dict[str, Any]:
        tables: dict[str, Any] = json.loads((self.evidence / "routers" / moment / f"{node}.json").read_text())["tables"]
        return tables


def secrets_of(paths: LabPaths) -> set[bytes]:
    """Those in the memory of the lab's own process, and those that routers are to have now."""
    found = {bytes.fromhex(each) for each in call_in_lab(paths, "secrets_of_a_lab:all_of_them", {})}
    with LabClient(paths.run_dir) as client:
        talk = Coordination(paths, client)
        for provider in ("aws", "gcp"):
            for state in talk.query(provider, "network")["routers"].values():
                found |= {each.reveal() for each in secrets_in(RouterState.model_validate(state))}
    return found


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("witnessed")
    xcnet = Xcnet(folder / "state", {"PYTHONPATH": str(Path(__file__).parent)})
    (folder / "scenario.yaml").write_text(SCENARIO)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XCNET_STATE", str(xcnet.state))
        try:
            xcnet.ok("up", "aws-google", "--name", LAB, "--fast", timeout=300)
            secrets = secrets_of(LabPaths.of(LAB))
            done = xcnet("run", str(folder / "scenario.yaml"), "--lab", LAB, "--out", str(folder / "out"), "--keep-keys",
                         "--json", timeout=300)  # fmt: skip
            assert done.returncode in (0, 3), done.stdout + done.stderr
            secrets |= secrets_of(LabPaths.of(LAB))
            made = folder / "out" / "witnessed"
            yield Ran(xcnet, made, read_result(made), secrets)
        finally:
            xcnet("down", "--all")


def spelled(secret: bytes) -> set[bytes]:
    """A secret as it may stand in a file; of several lines of text, each."""
    if b"\n" in secret.strip():
        return {line for line in secret.split(b"\n") if len(line) >= 16 and not line.startswith(b"-----")}
    plain = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    coded = {encode(secret).rstrip(b"=") for encode in (base64.b64encode, base64.urlsafe_b64encode)}
    return plain | {each for each in coded if len(each) >= 8}


def is_cak(secret: bytes) -> bool:
    return len(secret) == 32 and not secret.isascii()


def is_password(secret: bytes) -> bool:
    return len(secret) >= 16 and secret.isalnum()


def is_private_key(secret: bytes) -> bool:
    return b"PRIVATE KEY" in secret


def test_no_secret_of_the_lab_is_in_any_file_of_the_report(ran: Ran) -> None:
    kept = [json.loads(path.read_text()) for path in (ran.xcnet.state / "keys").iterdir()]
    saks = {bytes.fromhex(sak["key"]) for each in kept for sak in each["saks"]}
    salts = {bytes.fromhex(sak["salt"]) for each in kept for sak in each["saks"]}
    assert len(kept) == 4 and len(saks) >= 6, "four channels, one of them keyed anew and one that was cut"
    kinds = [any(kind(each) for each in ran.secrets) for kind in (is_cak, is_password, is_private_key)]
    assert all(kinds) and len(ran.secrets) >= 12, "secrets that are not looked for are not found"
    wanted = {text for secret in ran.secrets | saks | salts if secret for text in spelled(secret)}
    files = [path for path in ran.folder.rglob("*") if path.is_file()]
    assert len(files) > 60
    for path in files:
        data = path.read_bytes()
        told = [text for text in wanted if text in data]
        assert not told, f"{path.relative_to(ran.folder)} holds {len(told)} secrets"
        for shape in SHAPES:
            assert not re.search(shape, data), f"{path.relative_to(ran.folder)}: {shape.decode()}"


def test_every_file_is_listed_and_as_it_was_recorded(ran: Ran) -> None:
    there = {path.relative_to(ran.folder).as_posix() for path in ran.evidence.rglob("*") if path.is_file()}
    assert there == {each.path for each in ran.result.evidence}
    subprocess.run(["sha256sum", "--quiet", "--check", "SHA256SUMS"], cwd=ran.evidence, check=True)
    assert ran.result.evidence_problems == ()
    assert not (ran.xcnet.state / "labs" / LAB / "records").exists() or not list(
        (ran.xcnet.state / "labs" / LAB / "records").iterdir()
    ), "nothing of it stays in the lab's folder"


def test_each_channels_capture_is_ciphertext_and_shows_when_it_was_dark(ran: Ran) -> None:
    for name in ("ch1", "ch2", "ch3", "ch4"):
        packets = list(read(ran.evidence / "captures" / f"{name}.pcapng"))
        assert {packet.data[12:14] for packet in packets} == {b"\x88\xe5", b"\x88\x8e"}
        assert {packet.outgoing for packet in packets} == {True, False}
        assert all(len(packet.data) == packet.length for packet in packets)
        times = sorted(packet.time_ns / 1e9 for packet in packets)
        longest = max(later - sooner for sooner, later in itertools.pairwise(times))
        assert (longest > 3.5) == (name == "ch2"), (name, longest)


def test_captures_are_decrypted_on_request_over_changes_of_keys(ran: Ran, tmp_path: Path) -> None:
    told = ran.xcnet.json("report", "decrypt", str(ran.folder), "--out", str(tmp_path))
    assert [each["channel"] for each in told] == ["ch1", "ch2", "ch3", "ch4"]
    for each in told:
        assert each["decrypted"] > 500 and each["clear"] > 5
        assert each["locked"] <= 0.01 * each["decrypted"], each
        plain = [packet.data for packet in read(Path(each["file"]))]
        assert sum(data[12:14] == b"\x81\x00" for data in plain) >= 0.95 * each["decrypted"]
    # What is in there is what was sent: BFD control packets (UDP 3784), on VLAN 1100.
    assert any(data[14:16] == b"\x04\x4c" and b"\x0e\xc8" in data[34:44] for data in plain)


def test_frames_of_headers_only_are_not_decrypted_and_no_keys_are_kept(ran: Ran, tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text(SCENARIO.split("  - {name: rotate")[0].replace("for: 4s", "for: 1s") + (
        "expect:\n  - {check: verified}\n"))  # fmt: skip
    before = set((ran.xcnet.state / "keys").iterdir())
    done = ran.xcnet("run", str(tmp_path / "s.yaml"), "--lab", LAB, "--out", str(tmp_path / "out"), timeout=200)
    assert done.returncode in (0, 3), done.stdout + done.stderr
    assert set((ran.xcnet.state / "keys").iterdir()) == before
    folder = tmp_path / "out" / "witnessed"
    packets = list(read(folder / "evidence" / "captures" / "ch1.pcapng"))
    assert {len(packet.data) for packet in packets if packet.data[12:14] == b"\x88\xe5"} == {64}
    assert all(len(packet.data) == packet.length for packet in packets if packet.data[12:14] == b"\x88\x8e")
    refused = ran.xcnet("report", "decrypt", str(folder))
    assert refused.returncode == 2 and "cut short" in refused.stderr and "--keep-keys" in refused.stderr
    # Whatever stands for so short a time is looked at in the middle of it; what routers know by then is another matter.
    assert len(list((folder / "evidence" / "routers" / "1-the-cut").glob("*.json"))) == 10


def states_of(tables: dict[str, Any], peer: str) -> set[str]:
    """Of the sessions with a router, by what their descriptions say."""
    found = set()
    for vrf in tables["show bgp vrf all summary json"].values():
        for family in vrf.values():
            peers = family.get("peers", {}) if isinstance(family, dict) else {}
            found |= {each["state"] for each in peers.values() if each.get("desc", "").endswith(peer)}
    return found


def next_hops(tables: dict[str, Any], prefix: str) -> int:
    (routes,) = (vrf[prefix] for vrf in tables["show ip route vrf all json"].values() if prefix in vrf)
    return sum(bool(hop.get("fib")) for route in routes for hop in route["nexthops"])


def test_routers_states_are_those_of_their_moments(ran: Ran) -> None:
    moments = ("before", "1-the-cut", "after")
    assert sorted(path.name for path in (ran.evidence / "routers").iterdir()) == sorted(moments)
    assert [states_of(ran.tables(moment, "aws-edge2"), "gcp-edge2") == {"Established"} for moment in moments] == [
        True,
        False,
        True,
    ]
    assert [next_hops(ran.tables(moment, "aws-gw"), "10.20.0.0/24") for moment in moments] == [4, 3, 4]
    peers = {moment: ran.tables(moment, "aws-edge2")["show bfd peers json"] for moment in moments}
    assert [{each["status"] for each in peers[moment]} == {"up"} for moment in moments] == [True, False, True]
    configuration = (ran.evidence / "routers" / "before" / "aws-edge1.conf").read_text()
    assert configuration.count("password <secret>") == 2
    assert all(f"! {daemon}\n" in configuration for daemon in ("zebra", "bfdd", "bgpd"))


def test_what_coordinators_said_and_what_happened_is_there(ran: Ran) -> None:
    har = json.loads((ran.evidence / "api" / "transcript.har").read_text())
    operations = {entry["_operationId"] for entry in har["log"]["entries"]}
    assert {"CreateMacSecKey", "NotifyConnectionStatus"} <= operations
    lines = (ran.evidence / "api" / "aws-coord.api.jsonl").read_text().splitlines()
    assert lines and all(json.loads(line)["side"] in ("client", "server") for line in lines)
    events = [json.loads(line) for line in (ran.evidence / "events.jsonl").read_text().splitlines()]
    began = json.loads((ran.evidence / "environment.json").read_text())["began"]["monotonic"]
    (fault,) = (event for event in events if event["kind"] == "fault.begun")
    assert fault["monotonic"] - began == pytest.approx(ran.result.faults[0].began, abs=0.2)
    assert {"bgp.down", "bgp.established", "key.active"} <= {event["kind"] for event in events}


def test_a_capture_that_is_full_says_what_it_left_out(ran: Ran) -> None:
    paths = LabPaths.of(LAB)
    with Recording(paths, Capture.HEADERS, limit=16 * 1024) as recording:
        assert ran.xcnet("probe", "--name", LAB, "--duration", "2s", "--rate", "200").returncode in (0, 3)
        recorded = recording.end()
        sizes = {path.stem: path.stat().st_size for path in recording.folder.iterdir()}
        recording.remove()
    for name, summary in recorded.channels.items():
        assert sizes[name] == summary.size <= 16 * 1024
        assert summary.problem.startswith("full at") and summary.left_out > 0 and summary.dropped == 0
