"""What follows of what the monitor finds: issues at the peer and channels that are used last, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coordinator_sim import CrashError, Faults, Provider, Simulation

from xcnet.coordinator.acts import findings
from xcnet.coordinator.monitor.findings import Finding, Kind
from xcnet.coordinator.monitor.machine import Outcome
from xcnet.coordinator.store.database import AFTER, BEFORE
from xcnet.spec.issues import Priority


def standing(folder: Path | None = None, faults: Faults | None = None) -> tuple[Simulation, str]:
    """Two coordinators with a connection, and its UUID."""
    sim = Simulation(folder, faults=faults)
    sim.run()
    uuid = sim.connect("aws", name="prod")
    sim.run()
    return sim, uuid


def grey(uuid: str, channel: str = "ch2", priority: Priority = Priority.P2) -> Finding:
    return Finding(Kind.GREY_LOSS, "ic1", channel, priority, (uuid,), "9 of 200 probes were lost")


def capacity(uuid: str, priority: Priority) -> Finding:
    return Finding(Kind.CAPACITY, "ic1", None, priority, (uuid,), "3 of 4 channels work")


def down(uuid: str, channel: str = "ch2", priority: Priority = Priority.P2) -> Finding:
    return Finding(Kind.CHANNEL_DOWN, "ic1", channel, priority, (uuid,), "it has lost its light")


def look(sim: Simulation, outcome: Outcome, provider: str = "aws") -> None:
    """As the process does once a second: again, if it ended meanwhile."""
    while True:
        try:
            sim.providers[provider].guarded(lambda core: core.monitored(outcome))
            return
        except CrashError:
            continue


def rest(sim: Simulation) -> None:
    """Until nothing moves: issues that are open rest."""
    sim.run(lambda: _quiet(sim), seconds=300.0, what="nothing moves")


def _quiet(sim: Simulation) -> bool:
    for provider in sim.providers.values():
        core = provider.live
        states = {row["state"] for row in core.database.all("SELECT state FROM workflows")}
        if core.calls() or not states <= {"open", "excused"} or core.world.facts.applied != core.generation:
            return False
        if core.database.value("SELECT count(*) FROM notes"):
            return False
        if core.database.value("SELECT count(*) FROM holds WHERE drained = 0"):
            return False
    return True


def issues(provider: Provider, direction: str = "in") -> list[dict[str, Any]]:
    from xcnet.coordinator.acts import issues as acts

    found = []
    for row in provider.live.database.all("SELECT * FROM issues WHERE direction = ? ORDER BY seq", direction):
        shown = acts.shown(row)
        found.append(
            {
                "id": row["id"],
                "state": str(row["state"]),
                "priority": str(shown.priority),
                "title": shown.title,
                "body": shown.body,
                "channels": [each.name.rpartition("/")[2] for each in shown.channel_contexts or ()],
                "connections": [each.name.rpartition("/")[2] for each in shown.connection_contexts or ()],
                "comments": [each.body for each in reversed(acts.comments(provider.live.world, row))],
            }
        )
    return found


def holds(provider: Provider) -> list[tuple[str, str, str, int]]:
    rows = provider.live.database.all("SELECT channel, reason, level, drained FROM holds")
    return [tuple(row) for row in rows]  # type: ignore[misc]


def kinds(provider: Provider) -> list[str]:
    return [kind for kind, _subject, _data, _when in provider.events if kind.startswith("monitor.")]


def test_the_peer_has_an_issue_with_the_channel_and_its_connections() -> None:
    sim, uuid = standing()
    aws, gcp = sim.providers["aws"], sim.providers["gcp"]
    look(sim, Outcome((grey(uuid),), frozenset({"ch2"})))
    rest(sim)
    (issue,) = issues(gcp)
    assert issue["state"] == "STATE_OPEN"
    assert issue["priority"] == "PRIORITY_P2"
    assert issue["channels"] == ["ch2"]
    assert issue["connections"] == [uuid]
    assert "ch2" in issue["title"]
    assert "9 of 200 probes" in issue["body"]
    assert holds(aws) == [("ch2", "monitor", "drain", 1)]
    assert findings.opened(aws.live.world) == 1
    assert issues(aws) == [], "what the peer is told of is not told back"
    look(sim, Outcome((grey(uuid),), frozenset({"ch2"})))
    rest(sim)
    assert len(issues(gcp)) == 1

    look(sim, Outcome())
    rest(sim)
    (issue,) = issues(gcp)
    assert issue["state"] == "STATE_CLOSED"
    assert "well" in issue["comments"][-1]
    assert holds(aws) == []
    assert issues(aws, "out")[0]["state"] == "STATE_CLOSED"
    assert kinds(aws) == ["monitor.held", "monitor.found", "monitor.cleared", "monitor.released"]
    assert sim.verified(uuid)


def test_what_gets_worse_on_an_interconnect_is_a_more_urgent_issue_instead() -> None:
    sim, uuid = standing()
    gcp = sim.providers["gcp"]
    look(sim, Outcome((capacity(uuid, Priority.P3), grey(uuid))))
    rest(sim)
    assert {each["priority"] for each in issues(gcp)} == {"PRIORITY_P3", "PRIORITY_P2"}
    look(sim, Outcome((capacity(uuid, Priority.P1), grey(uuid))))
    rest(sim)
    open_now = {each["priority"]: each for each in issues(gcp) if each["state"] == "STATE_OPEN"}
    assert open_now.keys() == {"PRIORITY_P1", "PRIORITY_P2"}
    (closed,) = [each for each in issues(gcp) if each["state"] == "STATE_CLOSED"]
    assert closed["priority"] == "PRIORITY_P3"
    assert "P1" in closed["comments"][0]
    assert closed["id"] in open_now["PRIORITY_P1"]["body"]
    # Less bad is not told: it is the issue of what was worst until it is over.
    look(sim, Outcome((capacity(uuid, Priority.P3), grey(uuid))))
    rest(sim)
    assert {each["priority"] for each in issues(gcp) if each["state"] == "STATE_OPEN"} == open_now.keys()


def test_an_issue_about_a_channel_that_gets_urgent_has_a_comment() -> None:
    sim, uuid = standing()
    gcp = sim.providers["gcp"]
    look(sim, Outcome((grey(uuid),)))
    rest(sim)
    look(sim, Outcome((grey(uuid, priority=Priority.P1),)))
    rest(sim)
    (issue,) = issues(gcp)
    assert issue["state"] == "STATE_OPEN"
    assert "P1" in issue["comments"][0]
    assert "monitor.worse" in kinds(sim.providers["aws"])


def test_no_issue_about_a_channel_that_the_peer_has_taken_out_of_use() -> None:
    sim, uuid = standing()
    aws, gcp = sim.providers["aws"], sim.providers["gcp"]
    sim.command("gcp", "disable-channel", channel="ch2")
    sim.run()
    look(sim, Outcome((down(uuid),)))
    rest(sim)
    assert issues(gcp) == []
    assert findings.excused(aws.live.database) == {"ch2"}
    look(sim, Outcome())
    rest(sim)
    assert issues(gcp) == []
    assert findings.excused(aws.live.database) == frozenset()


def test_an_issue_after_all_where_the_channel_stays_down_though_the_peer_wants_it_up() -> None:
    sim, uuid = standing()
    gcp = sim.providers["gcp"]
    sim.command("gcp", "disable-channel", channel="ch2")
    sim.run()
    look(sim, Outcome((down(uuid),)))
    rest(sim)
    sim.broken_channels.add("ch2")
    sim.command("gcp", "enable-channel", channel="ch2")
    sim.run(lambda: bool(issues(gcp)), seconds=300.0, what="the peer is told")
    assert issues(gcp)[0]["channels"] == ["ch2"]


def test_a_channel_that_works_by_the_time_that_the_peer_was_asked_is_not_told_of() -> None:
    sim, uuid = standing()
    look(sim, Outcome((down(uuid),)))
    rest(sim)
    assert issues(sim.providers["gcp"]) == []


def test_a_connection_that_the_peer_does_not_have_any_more_does_not_keep_the_issue_from_it() -> None:
    sim, _uuid = standing()
    gcp = sim.providers["gcp"]
    look(sim, Outcome((grey("4bd0e6f2-0000-4000-8000-0000000000ff"),)))
    rest(sim)
    (issue,) = issues(gcp)
    assert issue["channels"] == ["ch2"]
    assert issue["connections"] == []


def test_a_peer_that_cannot_be_reached_meanwhile_has_it_opened_and_closed_in_that_order() -> None:
    sim, uuid = standing()
    gcp = sim.providers["gcp"]
    gcp.down_until = sim.clock.monotonic() + 100.0
    look(sim, Outcome((grey(uuid),)))
    sim.at(20.0, lambda: look(sim, Outcome()))
    sim.run(lambda: sim.clock.monotonic() >= gcp.down_until, seconds=200.0)
    rest(sim)
    (issue,) = issues(gcp)
    assert issue["state"] == "STATE_CLOSED"
    order = [operation for _caller, operation, status in sim.requests if status == 200 and "Issue" in operation]
    assert order == ["CreateIssue", "CloseIssue"]


def test_maintenance_and_the_monitor_hold_a_channel_apart() -> None:
    sim, uuid = standing()
    aws = sim.providers["aws"]
    look(sim, Outcome((grey(uuid),), frozenset({"ch2"})))
    rest(sim)
    sim.command("aws", "disable-channel", channel="ch2")
    sim.run(lambda: ("ch2", "admin", "down", 1) in holds(aws), what="disabled")
    look(sim, Outcome((grey(uuid),)))
    rest(sim)
    assert holds(aws) == [("ch2", "admin", "down", 1)]


_STATE = {
    "issues": "SELECT direction, state, json_extract(content, '$.priority') FROM issues ORDER BY direction, 3, state",
    "comments": "SELECT body FROM comments ORDER BY body",
    "findings": "SELECT kind, subject, priority FROM findings ORDER BY kind",
    "notes": "SELECT body FROM notes",
    "holds": "SELECT channel, reason, level, drained FROM holds",
    "workflows": "SELECT kind, state FROM workflows",
    "calls": "SELECT operation FROM calls",
}

Story = Callable[[Simulation, str], None]


def story(sim: Simulation, uuid: str) -> None:
    look(sim, Outcome((capacity(uuid, Priority.P3), grey(uuid)), frozenset({"ch2"})))
    rest(sim)
    look(sim, Outcome((capacity(uuid, Priority.P1), grey(uuid, priority=Priority.P1)), frozenset()))
    rest(sim)
    look(sim, Outcome())
    rest(sim)


def excuse(sim: Simulation, uuid: str) -> None:
    sim.command("gcp", "disable-channel", channel="ch3")
    sim.run()
    look(sim, Outcome((down(uuid, "ch3"),)))
    rest(sim)
    look(sim, Outcome())
    rest(sim)


def play(
    folder: Path, act: Story, crash: tuple[str, str, str] | None
) -> tuple[dict[str, Any], list[tuple[str, str, str]], int]:
    folder.mkdir()
    sim, uuid = standing(folder)
    for provider in sim.providers.values():
        provider.seen_points.clear()
    if crash is not None:
        sim.providers[crash[0]].crash_at = (crash[1], crash[2])
    act(sim, uuid)
    seen = [(name, *point) for name, each in sim.providers.items() for point in dict.fromkeys(each.seen_points)]
    state = {
        f"{name} {what}": [_plain(row) for row in provider.live.database.all(query)]
        for name, provider in sim.providers.items()
        for what, query in _STATE.items()
    }
    return state, seen, sum(each.crashes for each in sim.providers.values())


def _plain(row: Any) -> tuple[Any, ...]:
    """Without ids, which chance has chosen."""
    return tuple(each.partition(" issue ")[0] if isinstance(each, str) else each for each in row)


@pytest.mark.parametrize("act", [story, excuse])
def test_a_crash_at_any_commit_point_neither_repeats_nor_forgets(act: Story, tmp_path: Path) -> None:
    expected, points, _crashes = play(tmp_path / "whole", act, None)
    assert {when for _name, _point, when in points} == {BEFORE, AFTER}
    assert any(point == "monitor" for _name, point, _when in points)
    for number, crash in enumerate(points):
        if crash[1].startswith("command."):
            continue
        state, _seen, crashes = play(tmp_path / str(number), act, crash)
        assert crashes == 1, f"{crash} was not reached"
        assert state == expected, crash


def test_lost_answers_open_no_second_issue() -> None:
    lost = {"CreateIssue": 2, "AddComment": 0, "CloseIssue": 2}

    def plan(_caller: str, call: Any, _rng: Any) -> str:
        if lost.get(call.operation.id, 0):
            lost[call.operation.id] -= 1
            return "answer-lost"
        return "ok"

    sim, uuid = standing(faults=Faults(plan=plan))
    look(sim, Outcome((grey(uuid),)))
    rest(sim)
    look(sim, Outcome())
    rest(sim)
    (issue,) = issues(sim.providers["gcp"])
    assert issue["state"] == "STATE_CLOSED"
    assert lost == {"CreateIssue": 0, "AddComment": 0, "CloseIssue": 0}
