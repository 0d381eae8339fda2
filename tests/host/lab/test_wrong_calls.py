"""Every wrong way to ask something of a running lab: the exact words and the exit status, and never a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_snapshot import Onlooker
from labtool import Xcnet

GOLDEN = Path(__file__).parent / "golden"

CASES = {
    "exec-unknown-node": ["exec", "aws-ap", "--", "true"],
    "exec-unknown-program": ["exec", "aws-app", "--", "no-such-program"],
    "shell-unknown-node": ["shell", "nowhere"],
    "vtysh-on-a-host": ["vtysh", "aws-app", "-c", "show version"],
    "vtysh-unknown-node": ["vtysh", "aws-gateway", "-c", "show version"],
    "vtysh-unknown-command": ["vtysh", "aws-gw", "-c", "show nonsense"],
    "capture-unknown-channel": ["capture", "ch9", "-c", "1"],
    "capture-unwritable": ["capture", "ch1", "-c", "1", "-w", "/proc/nowhere.pcapng"],
    "probe-unknown-host": ["probe", "--from", "aws-ap", "--to", "gcp-app"],
    "probe-of-a-router": ["probe", "--from", "aws-app", "--to", "gcp-gw"],
    "rotate-unknown-channel": ["rotate", "ch0"],
    "up-name-taken": ["up", "minimal", "--name", "default"],
    "status-of-another": ["status", "--name", "another"],
    "events-of-another": ["events", "--name", "another"],
    "connect-unknown-provider": ["connect", "--from", "azure", "-b", "1Gbps"],
    "connect-unknown-environment": ["connect", "--from", "aws", "-b", "1Gbps", "-e", "mars"],
    "connect-no-bandwidth": ["connect", "--from", "aws", "-b", "much"],
    "connect-odd-bandwidth": ["connect", "--from", "aws", "-b", "3Gbps"],
    "connect-too-much": ["connect", "--from", "aws", "-b", "100Gbps"],
    "connect-unknown-customer": ["connect", "--from", "aws", "-b", "1Gbps", "--customer", "nobody"],
    "connect-attached-network": ["connect", "--from", "aws", "-b", "1Gbps", "--attach", "prod"],
    "connect-name-taken": [
        "connect",
        "--from",
        "aws",
        "-b",
        "1Gbps",
        "--connection-name",
        "prod",
        "--network",
        "10.9.0.0/24",
        "--peer-network",
        "10.8.0.0/24",
    ],
    "connect-bad-network": ["connect", "--from", "aws", "-b", "1Gbps", "--network", "10.0.0.1/8"],
    "accept-no-key": ["accept", "rubbish", "--at", "gcp"],
    "describe-unknown-connection": ["describe", "nothing"],
    "resize-same-bandwidth": ["resize", "prod", "-b", "1Gbps"],
    "migrate-nowhere": ["migrate", "prod"],
    "maintenance-cancel-unknown": ["maintenance", "cancel", "0000"],
    "maintenance-bad-span": ["maintenance", "schedule", "ch1", "--in", "soon"],
    "maintenance-without-notice": ["maintenance", "schedule", "ch1", "--in", "1h"],
    "issue-unknown": ["issues", "comment", "0000", "--by", "aws", "--body", "x"],
    "issue-unknown-channel": ["issues", "open", "t", "--by", "aws", "--body", "b", "--channel", "ch9"],
    "channel-enable-enabled": ["channel", "enable", "ch1"],
    "clock-backwards": ["clock", "advance", "--", "-2h"],
    "fault-unknown-target": ["fault", "begin", "cut", "--on", "ch9"],
    "fault-unknown-internal-link": ["fault", "begin", "cut", "--on", "aws-edge1/aws-g"],
    "fault-unknown-router": ["fault", "begin", "power-off", "--on", "aws-edge9"],
    "fault-slow-cpu-of-no-daemon-there": [
        *("fault", "begin", "slow-cpu", "--on", "aws-edge1", "--set", "percent=5", "--set", "daemon=coordinator"),
    ],
    "fault-slow-cpu-of-a-host": ["fault", "begin", "slow-cpu", "--on", "aws-app", "--set", "percent=5"],
    "fault-no-macsec-there": ["fault", "begin", "replay", "--on", "aws-edge1/aws-gw"],
    "fault-overflow-of-no-connection": [
        *("fault", "begin", "prefix-overflow", "--set", "side=aws", "--set", "connection=pord"),
    ],
    "fault-full-disk-of-nobody": ["fault", "begin", "full-disk", "--set", "side=azure"],
    "fault-certificate-of-nobody": ["fault", "begin", "certificate-expiry", "--set", "side=azure"],
    "fault-no-coordinator-there": [
        *("fault", "begin", "kill", "--on", "aws-edge1", "--set", "daemon=coordinator"),
    ],
    "fault-no-key-agreement-there": ["fault", "begin", "mka-drop", "--on", "aws-edge1/aws-gw"],
    "fault-flap-without-light": [
        *("fault", "begin", "flap", "--on", "ch1", "--set", "period=1", "--set", "down=1"),
    ],
    "fault-unknown-side": ["fault", "begin", "bgp-shut", "--on", "ch1", "--set", "side=azure"],
    "fault-end-of-none": ["fault", "end", "cut-9"],
    "fault-check-of-none": ["fault", "check", "cut-9"],
    "har-unwritable": ["api-log", "--har", "/proc/nowhere.har"],
}


@pytest.fixture(scope="module", autouse=True)
def untouched(onlooker: Onlooker) -> Iterator[None]:
    """None of them changes anything of the lab."""
    yield
    onlooker.wait_until_as_before()


@pytest.mark.parametrize("case", sorted(CASES))
def test_a_wrong_call_is_answered_with_cause_place_and_remedy(
    default_lab: Xcnet, case: str, update_golden: bool
) -> None:
    done = default_lab(*CASES[case], timeout=60)
    text = f"exit status {done.returncode}\n{done.stdout}{done.stderr}".replace(str(default_lab.state), "STATE")
    assert done.returncode != 0
    assert "Traceback" not in text
    golden = GOLDEN / f"{case}.txt"
    if update_golden:
        golden.write_text(text)
    assert text == golden.read_text()


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
