"""The monitor's findings in the store, and what follows of each: an issue at the peer, a channel that is used last."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass

from xcnet.coordinator.acts import holds
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.monitor.findings import Finding, Kind
from xcnet.coordinator.monitor.machine import Outcome
from xcnet.coordinator.store.database import Database
from xcnet.coordinator.world import World
from xcnet.spec.issues import Priority

REASON = "monitor"
"""Of the monitor's holds."""

_OPENED = "monitor_issues_opened"


@dataclass(frozen=True, slots=True)
class FindingRow:
    """:param subject: the channel, or the interconnect. :param issue: id of the one at the peer. :param since: policy time."""

    kind: Kind
    subject: str
    interconnect: str
    issue: str
    priority: Priority
    connections: tuple[str, ...]
    words: str
    since: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> FindingRow:
        values = dict(row)
        values["kind"] = Kind(row["kind"])
        values["priority"] = Priority(row["priority"])
        values["connections"] = tuple(json.loads(row["connections"]))
        return cls(**values)


def every(db: Database) -> list[FindingRow]:
    return [FindingRow.of(row) for row in db.all("SELECT * FROM findings ORDER BY since, kind, subject")]


def standing(db: Database, issue: str) -> bool:
    """Whether what an issue is about is still so."""
    return db.value("SELECT 1 FROM findings WHERE issue = ?", issue) is not None


def excused(db: Database) -> frozenset[str]:
    """Channels that the peer has out of use itself, or is being asked about."""
    rows = db.all(
        "SELECT json_extract(data, '$.channel') AS channel FROM workflows"
        " WHERE kind = 'report' AND state IN ('asking', 'excused')"
    )
    return frozenset(row["channel"] for row in rows)


def held(db: Database) -> frozenset[str]:
    """Channels that the monitor has out of use."""
    return frozenset(row["channel"] for row in db.all("SELECT channel FROM holds WHERE reason = ?", REASON))


def differs(world: World, outcome: Outcome) -> bool:
    """Whether :func:`follow` would change anything."""
    known = {(row.kind, row.subject): row.priority for row in every(world.db)}
    now = {(each.kind, each.subject): each.priority for each in outcome.findings}
    worse = any(now[key] < known[key] for key in now.keys() & known.keys())
    return worse or now.keys() != known.keys() or outcome.holds != held(world.db)


def follow(world: World, engine: Engine, outcome: Outcome) -> None:
    """Make the store so. Inside a transaction; may be repeated."""
    known = {(row.kind, row.subject): row for row in every(world.db)}
    now = {(each.kind, each.subject): each for each in outcome.findings}
    for key in known.keys() - now.keys():
        _clear(world, known[key])
    before = held(world.db)
    for channel in before - outcome.holds:
        holds.lift(world, channel, REASON)
        _note_all(world, channel, "The channel is used as before.")
        world.emit("monitor.released", channel)
    for channel in outcome.holds - before:
        holds.place(world, channel, REASON, holds.DRAIN)
        _note_all(world, channel, "The channel is used last from now on, until it is well.")
        world.emit("monitor.held", channel)
    for key, finding in now.items():
        if key not in known:
            _found(world, engine, finding, on_hold=finding.channel in outcome.holds)
        elif finding.priority < known[key].priority:
            _worse(world, engine, known[key], finding)


def _found(world: World, engine: Engine, finding: Finding, *, on_hold: bool, instead: str | None = None) -> None:
    """:param instead: the issue that this one takes over from."""
    issue = world.new_id()
    peer = world.config.environment_of(finding.interconnect).peer
    world.db.insert(
        "findings",
        kind=finding.kind,
        subject=finding.subject,
        interconnect=finding.interconnect,
        issue=issue,
        priority=finding.priority,
        connections=json.dumps(finding.connections),
        words=finding.words,
        since=world.now(),
    )
    _emit(world, "monitor.found", finding)
    body = [f"Seen by the monitor of {world.config.display_name}: {finding.words}."]
    if on_hold:
        body.append("The channel is used last until it is well.")
    if instead is not None:
        body.append(f"It takes the place of issue {instead}, which was less urgent.")
    engine.start(
        "report",
        issue,
        "asking" if finding.kind is Kind.CHANNEL_DOWN else "opening",
        {
            "peer": peer,
            "kind": finding.kind,
            "interconnect": finding.interconnect,
            "channel": finding.channel,
            "connections": list(finding.connections),
            "priority": finding.priority,
            "title": f"{_TITLES[finding.kind]} {finding.subject}",
            "body": " ".join(body),
        },
    )


def _worse(world: World, engine: Engine, row: FindingRow, finding: Finding) -> None:
    """No operation of the API changes an issue's priority. An interconnect's issue makes way for a more urgent one; those about its
    channels are told of it in a comment."""
    priority = finding.priority.removeprefix("PRIORITY_")
    if finding.channel is not None:
        _note(world, row.issue, f"More urgent from now on, {priority}: what is sold does not fit the other channels.")
        world.db.execute(
            "UPDATE findings SET priority = ? WHERE kind = ? AND subject = ?", finding.priority, row.kind, row.subject
        )
        _emit(world, "monitor.worse", finding)
        return
    world.db.execute("DELETE FROM findings WHERE kind = ? AND subject = ?", row.kind, row.subject)
    _found(world, engine, finding, on_hold=False, instead=row.issue)
    _note(world, row.issue, f"More urgent from now on, {priority}: {finding.words}. It goes on in another issue.")


def _clear(world: World, row: FindingRow) -> None:
    world.db.execute("DELETE FROM findings WHERE kind = ? AND subject = ?", row.kind, row.subject)
    _note(world, row.issue, "It is well, and was for long enough.")
    world.emit("monitor.cleared", row.subject, trouble=row.kind, interconnect=row.interconnect)


def _note_all(world: World, channel: str, body: str) -> None:
    for row in every(world.db):
        if row.subject == channel:
            _note(world, row.issue, body)


def _note(world: World, issue: str, body: str) -> None:
    """A comment that the peer is to be given, if it has the issue or is to have it."""
    if world.db.value("SELECT 1 FROM workflows WHERE kind = 'report' AND subject = ?", issue) is not None:
        world.db.insert("notes", issue=issue, body=body)
        world.wake(issue)


def _emit(world: World, event: str, finding: Finding) -> None:
    world.emit(
        event,
        finding.subject,
        trouble=finding.kind,
        interconnect=finding.interconnect,
        priority=finding.priority.removeprefix("PRIORITY_"),
        words=finding.words,
        **finding.figures,
    )


def notes(db: Database, issue: str) -> list[tuple[int, str]]:
    """(number, body) of comments that the peer has not been given yet, the oldest first."""
    return [
        (row["seq"], row["body"]) for row in db.all("SELECT seq, body FROM notes WHERE issue = ? ORDER BY seq", issue)
    ]


def opened(world: World) -> int:
    """How many issues the monitor has opened, ever."""
    return int(world.meta(_OPENED) or 0)


def count_opened(world: World) -> None:
    world.set_meta(_OPENED, str(opened(world) + 1))


_TITLES = {
    Kind.CHANNEL_DOWN: "Channel down:",
    Kind.GREY_LOSS: "Packets are lost on channel",
    Kind.FLAP: "Channel goes down again and again:",
    Kind.MACSEC_ERRORS: "MACsec refuses frames on channel",
    Kind.ASYMMETRY: "One side alone uses channel",
    Kind.PREFIX_LIMIT: "Prefix limit is near on channel",
    Kind.CAPACITY: "Capacity is at risk on interconnect",
}

__all__ = [
    "REASON",
    "FindingRow",
    "count_opened",
    "differs",
    "every",
    "excused",
    "follow",
    "held",
    "notes",
    "opened",
    "standing",
]
