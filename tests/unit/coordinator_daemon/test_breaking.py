"""Faults of a coordinator itself, put in place over its admin socket."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from xcnet.clock import FakeClock, SkewedClock
from xcnet.coordinator.auth.pki import LabAuthority
from xcnet.coordinator.daemon.breaking import Breaking
from xcnet.coordinator.daemon.identity import TlsIdentity
from xcnet.coordinator.http.faults import FaultKind, FaultPoint
from xcnet.errors import InputError

NOW = 1_900_000_000.0


@pytest.fixture
def identity() -> TlsIdentity:
    return TlsIdentity(LabAuthority.create("lab", NOW).issue("aws", ["aws-coord"], [], NOW, 3600.0))


def test_a_rule_strikes_until_it_is_removed_and_is_shown_with_its_count(identity: TlsIdentity) -> None:
    calls = FaultPoint(clock=FakeClock())
    breaking = Breaking(calls, SkewedClock(FakeClock()), identity)
    added = breaking.run("fault-add", {"rule": {"kind": "answer-lost", "operations": "GetConnection"}})
    assert calls.strike("GetConnection", "gcp", [FaultKind.ANSWER_LOST]) is not None
    assert calls.strike("ListConnections", "gcp", [FaultKind.ANSWER_LOST]) is None
    (shown,) = breaking.show()["calls"]
    assert (shown["id"], shown["standing"], shown["fired"]) == (added["id"], True, 1)
    breaking.run("fault-remove", {"id": added["id"]})
    assert calls.strike("GetConnection", "gcp", [FaultKind.ANSWER_LOST]) is None
    assert not breaking.show()["calls"][0]["standing"]


def test_a_skewed_clock_is_wrong_about_the_day_and_right_about_spans(identity: TlsIdentity) -> None:
    true = FakeClock()
    clock = SkewedClock(true)
    breaking = Breaking(FaultPoint(clock=true), clock, identity)
    breaking.run("clock-skew", {"seconds": -90.0})
    assert clock.wall() == true.wall() - 90
    assert clock.monotonic() == true.monotonic()
    assert breaking.show()["clock_skew"] == -90
    breaking.run("clock-skew", {"seconds": 0})
    assert clock.wall() == true.wall()


def test_what_is_no_fault_is_refused(identity: TlsIdentity) -> None:
    breaking = Breaking(FaultPoint(clock=FakeClock()), SkewedClock(FakeClock()), identity)
    with pytest.raises(InputError):
        breaking.run("fault-remove", {"id": 7})
    for command, parameters in (("fault-add", {"rule": {"kind": "flood"}}), ("clock-skew", {}), ("fault-remove", {})):
        with pytest.raises(ValidationError):
            breaking.run(command, parameters)


def test_another_certificate_is_shown_and_connections_made_with_the_former_end(identity: TlsIdentity) -> None:
    breaking = Breaking(FaultPoint(clock=FakeClock()), SkewedClock(FakeClock()), identity)
    retired: list[str] = []
    identity.on_change(lambda: retired.append("retired"))
    authority = LabAuthority.create("lab", NOW)
    expired = authority.issue("aws", ["aws-coord"], [], NOW - 7200.0, 3600.0)
    breaking.run("credential", {"credential": expired.model_dump(mode="json", context={"reveal": True})})
    assert breaking.show()["certificate"] == (NOW - 7200.0 - 300.0, NOW - 3600.0)
    assert retired == ["retired"]
    mixed = authority.issue("aws", ["aws-coord"], [], NOW, 3600.0).model_copy(update={"key": expired.key})
    with pytest.raises(InputError):
        breaking.run("credential", {"credential": mixed.model_dump(mode="json", context={"reveal": True})})
    assert breaking.show()["certificate"] == (NOW - 7200.0 - 300.0, NOW - 3600.0)
