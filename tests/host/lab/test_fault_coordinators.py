"""Faults of coordinators: a store without room and a certificate whose time is over; what comes of them, and that it passes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from fault_tool import LAB, begins_and_ends
from lab_snapshot import Onlooker
from labtool import Xcnet

from xcnet.engine.client import LabClient
from xcnet.errors import DeadlineError
from xcnet.lab.coordination import Coordination
from xcnet.lab.paths import LabPaths
from xcnet.waiting import Deadline, wait_until

CASES = {
    "full-disk": (
        ["full-disk", "--set", "side=gcp"],
        r"store/coordinator\.db holds [0-9]+ bytes and has room for none",
    ),
    "certificate-expiry": (
        ["certificate-expiry", "--set", "side=aws"],
        r"the coordinator of aws shows a certificate that ended at \d{4}-",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_in_place_until_it_is_ended_and_leaves_nothing(faulty: Xcnet, onlooker: Onlooker, case: str) -> None:
    begins_and_ends(faulty, onlooker, *CASES[case], seen_in_snapshot=False)


def _until(what: str, holds: Callable[[], Any], seconds: float = 60.0) -> None:
    wait_until(what, lambda: None if holds() else "it does not hold", Deadline(seconds), interval=0.3)


def _calls(xcnet: Xcnet) -> list[dict[str, Any]]:
    return [json.loads(line) for line in xcnet.ok("api-log", "-n", LAB, "--json").splitlines()]


def _events(xcnet: Xcnet, kind: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in xcnet.ok("events", "-n", LAB, "--kind", kind, "--json").splitlines()]


def _issues(xcnet: Xcnet, provider: str, title: str) -> list[str]:
    """Ids of the issues of that title as a provider's coordinator has them."""
    found = xcnet.json("issues", "-n", LAB)
    return [each["id"] for each in found if each["provider"] == provider and each["title"] == title]


def _opening(title: str, by: str) -> list[str]:
    return ["issues", "open", title, "--by", by, "--body", "what is to be seen", "-n", LAB]


def test_a_full_store_refuses_what_cannot_be_committed_and_takes_it_when_there_is_room(faulty: Xcnet) -> None:
    died = len(_events(faulty, "process.died"))
    seen = len(_calls(faulty))
    faulty.ok("fault", "begin", "full-disk", "--set", "side=gcp", "-n", LAB)
    refused = faulty(*_opening("own", "gcp"), timeout=60)
    assert refused.returncode == 1
    assert "the store cannot be written" in refused.stderr
    opening = faulty.start(*_opening("peer's", "aws"))
    _until("a peer's call to be answered 503", lambda: any(each["status"] == 503 for each in _calls(faulty)[seen:]))
    assert _issues(faulty, "gcp", "peer's") == _issues(faulty, "gcp", "own") == []
    # It answers whoever only asks, and the path stands.
    assert faulty.json("status", "-n", LAB)["health"] == "up"
    faulty.ok("fault", "end", "--all", "-n", LAB)
    assert opening.wait(60) == 0
    assert len(_issues(faulty, "gcp", "peer's")) == 1
    assert _issues(faulty, "gcp", "own") == []
    faulty.ok(*_opening("own", "gcp"))
    assert len(_events(faulty, "process.died")) == died
    full = [each["monotonic"] for each in _events(faulty, "coordinator.store_full")]
    writable = [each["monotonic"] for each in _events(faulty, "coordinator.store_writable")]
    assert len(full) == len(writable) and full[-1] < writable[-1]


def test_what_is_seen_while_the_store_is_full_is_known_afterwards(faulty: Xcnet) -> None:
    """An end of a channel that closes meanwhile: it cannot be committed, and must not be forgotten."""
    faulty.ok("fault", "begin", "full-disk", "--set", "side=gcp", "-n", LAB)
    faulty.ok("fault", "begin", "cut", "--on", "ch2", "-n", LAB)
    _until("the store to be asked for room", lambda: _events(faulty, "coordinator.store_full"))
    (disk,) = (each["id"] for each in faulty.json("fault", "list", "-n", LAB) if each["kind"] == "full-disk")
    faulty.ok("fault", "end", disk, "-n", LAB)

    def known() -> bool:
        (connection,) = faulty.json("describe", "prod", "-n", LAB, "--at", "gcp")["legs"]
        return [each["up"] for each in connection["features"] if each["channel"] == "ch2"] == [False]

    _until("gcp to know that ch2 carries nothing", known)


def test_calls_in_both_directions_fail_while_a_certificate_is_expired_and_are_made_afterwards(faulty: Xcnet) -> None:
    seen = len(_calls(faulty))
    faulty.ok("fault", "begin", "certificate-expiry", "--set", "side=aws", "-n", LAB)
    opening = [faulty.start(*_opening(f"from {provider}", provider)) for provider in ("aws", "gcp")]

    def refused(peer: str) -> bool:
        """By TLS, as the caller's transcript has it."""
        return any(
            each["ending"] == "not-sent" and each["peer"] == peer and "certificate" in each["note"].lower()
            for each in _calls(faulty)[seen:]
        )

    _until("the call to the side with the expired certificate to fail", lambda: refused("aws"))
    _until("the call of that side to fail", lambda: refused("gcp"))
    assert all("expired" in each["note"].lower() for each in _calls(faulty)[seen:] if each["ending"] == "not-sent")
    assert _issues(faulty, "aws", "from gcp") == _issues(faulty, "gcp", "from aws") == []
    faulty.ok("fault", "end", "--all", "-n", LAB)
    assert [each.wait(90) for each in opening] == [0, 0]
    assert len(_issues(faulty, "aws", "from gcp")) == len(_issues(faulty, "gcp", "from aws")) == 1


def test_a_dead_or_stopped_coordinator_is_said_so_at_once(faulty: Xcnet) -> None:
    for kind, node, said in (("kill", "aws-coord", "not running"), ("stop", "gcp-coord", "not answering")):
        faulty.ok("fault", "begin", kind, "--on", node, "--set", "daemon=coordinator", "-n", LAB)
        started = time.monotonic()
        status = json.loads(faulty("status", "-n", LAB, "--json").stdout)
        assert time.monotonic() - started < 10.0
        (shown,) = (each for each in status["nodes"] if each["name"] == node)
        assert shown["processes"] == {"coordinator": said}


def test_whoever_asks_a_hanging_coordinator_with_patience_is_told_when_it_ends(faulty: Xcnet) -> None:
    faulty.ok("fault", "begin", "stop", "--on", "gcp-coord", "--set", "daemon=coordinator", "-n", LAB)
    paths = LabPaths(LAB, faulty.state / "labs" / LAB)
    with LabClient(paths.run_dir) as client:
        with pytest.raises(DeadlineError, match="connections did not come to its end within 1 s"):
            Coordination(paths, client, patience=1.0).query("gcp", "connections")
        assert Coordination(paths, client, patience=30.0).query("aws", "connections")
