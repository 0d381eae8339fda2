"""Runs workflows: each transition is checked against its table and is one transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable

from xcnet.coordinator.engine.calls import Answered, Call, Outcome, Refused, Unknown
from xcnet.coordinator.engine.machine import Machine, WorkflowRow
from xcnet.coordinator.engine.tables import ANSWERED, ENDS, FAILED, GAVE_UP, REFUSED, TIMER
from xcnet.coordinator.policy.retry import Backoff
from xcnet.coordinator.world import World

CALL_POINTS = ("outbox.retry",)
"""Commit points of the outbox itself."""

_TRY_LATER = frozenset({408, 429, 500, 502, 503, 504})
_FOREVER_MAXIMUM = 30.0


class Engine:
    """:param machines: the kinds of workflows there are."""

    def __init__(self, world: World, machines: Iterable[type[Machine]]) -> None:
        self._world = world
        self._db = world.db
        self._machines = {machine.TABLE.kind: machine for machine in machines}
        rules = world.rules
        self._backoff = Backoff(rules.retry_initial, rules.retry_maximum, rules.retry_total)
        self._backoff_forever = Backoff(rules.retry_initial, _FOREVER_MAXIMUM, float("inf"))

    # -- starting

    def start(
        self,
        kind: str,
        subject: str,
        state: str,
        data: dict[str, object] | None = None,
        *,
        parent: str | None = None,
    ) -> str:
        """Begin a workflow, in the transaction that is under way. Returns its id."""
        world = self._world
        table = self._machines[kind].TABLE
        if state not in table.initial:
            raise AssertionError(f"{kind} does not begin in {state}")
        row = WorkflowRow(world.new_id(), kind, subject, state, dict(data or {}), None, world.now(), parent)
        self._db.insert(
            "workflows",
            id=row.id,
            kind=kind,
            subject=subject,
            state=state,
            data=json.dumps(row.data),
            due=None,
            started=row.started,
            parent=parent,
        )
        self._machines[kind](world, row, self).begin()
        self._save(row)
        world.wake(subject)
        world.emit(f"workflow.{kind}", subject, workflow=row.id, state=state)
        return row.id

    def running(self, kind: str, subject: str, **data: object) -> list[WorkflowRow]:
        """Workflows of that kind about that subject which have not ended. :param data: that hold these."""
        rows = self._db.all("SELECT * FROM workflows WHERE kind = ? AND subject = ?", kind, subject)
        found = [WorkflowRow.of(row) for row in rows]
        return [each for each in found if all(each.data.get(name) == value for name, value in data.items())]

    def cancel(self, workflow: WorkflowRow, message: str) -> None:
        """End it where it stands, in the transaction that is under way: what it was about is gone."""
        workflow.data["message"] = message
        self._end(workflow, FAILED)
        self._world.emit(
            f"workflow.{workflow.kind}", workflow.subject, workflow=workflow.id, state=FAILED, after=workflow.state,
            event="cancelled", message=message,
        )  # fmt: skip

    # -- running

    def pump(self) -> bool:
        """Take every transition whose event has come. Returns whether there was any."""
        moved = False
        while True:
            rows = self._due() + self._woken()
            if not rows:
                return moved
            for identifier, timed in rows:
                moved |= self._look(identifier, timed)

    def _due(self) -> list[tuple[str, bool]]:
        rows = self._db.all("SELECT id FROM workflows WHERE due IS NOT NULL AND due <= ?", self._world.now())
        return [(row["id"], True) for row in rows]

    def _woken(self) -> list[tuple[str, bool]]:
        found = []
        for subject in sorted(self._world.woken()):
            rows = self._db.all("SELECT id FROM workflows WHERE subject = ? OR id = ?", subject, subject)
            found += [(row["id"], False) for row in rows]
        return found

    def _look(self, identifier: str, timed: bool) -> bool:
        row = self._db.one("SELECT * FROM workflows WHERE id = ?", identifier)
        if row is None:
            return False
        workflow = WorkflowRow.of(row)
        machine = self._machines[workflow.kind](self._world, workflow, self)
        event = machine.guard()
        if event is None and timed and workflow.due is not None and workflow.due <= self._world.now():
            event = TIMER
        if event is None:
            return False
        self._take(machine, event, None)
        return True

    def wake_all(self) -> None:
        """After a start: whatever came about while nobody looked."""
        self._world.wake(*(row["subject"] for row in self._db.all("SELECT DISTINCT subject FROM workflows")))

    def next_timer(self) -> float | None:
        """Policy time of the next workflow's timer; None if there is none."""
        due: float | None = self._db.value("SELECT min(due) FROM workflows WHERE due IS NOT NULL")
        return due

    def next_due(self) -> float | None:
        """Policy time of the next timer or call; None if there is neither."""
        moments = [
            self._db.value("SELECT min(due) FROM workflows WHERE due IS NOT NULL"),
            self._db.value("SELECT min(due) FROM calls"),
        ]
        known = [float(each) for each in moments if each is not None]
        return min(known, default=None)

    def _take(self, machine: Machine, event: str, payload: object) -> None:
        row = machine.row
        table = machine.TABLE
        transition = table.find(row.state, event)
        if transition is None:
            raise AssertionError(f"{row.kind} has no answer to {event} in {row.state}")
        before = row.state
        with self._db.transaction(f"{row.kind}.{before}.{event}"):
            row.due = None
            after = getattr(machine, f"{before}_{event}".replace("-", "_"))(payload)
            if after not in transition.to:
                raise AssertionError(f"{row.kind}: {before} --{event}--> {after} is not in its table")
            row.state = after
            if after in ENDS:
                self._end(row, after)
            else:
                self._save(row)
        self._world.wake(row.subject)
        more = {"message": row.data["message"]} if after in ENDS and row.data.get("message") else {}
        self._world.emit(
            f"workflow.{row.kind}", row.subject, workflow=row.id, state=after, after=before, event=event, **more
        )

    def _save(self, row: WorkflowRow) -> None:
        self._db.execute(
            "UPDATE workflows SET state = ?, data = ?, due = ? WHERE id = ?",
            row.state,
            json.dumps(row.data),
            row.due,
            row.id,
        )

    def _end(self, row: WorkflowRow, state: str) -> None:
        self._db.execute("DELETE FROM workflows WHERE id = ?", row.id)
        self._db.insert(
            "outcomes",
            id=row.id,
            kind=row.kind,
            subject=row.subject,
            state=state,
            message=row.data.get("message", ""),
            started=row.started,
            ended=self._world.now(),
        )
        if row.parent is not None:
            self._world.wake(row.parent)

    # -- the outbox

    def calls(self) -> list[Call]:
        """Every call that is still to be answered, those that are due first."""
        return [Call.of(row) for row in self._db.all("SELECT * FROM calls ORDER BY due")]

    def outbox(self) -> list[tuple[str, str, float]]:
        """(id, peer, due) of the same, in that order."""
        return [
            (row["id"], row["peer"], row["due"]) for row in self._db.all("SELECT id, peer, due FROM calls ORDER BY due")
        ]

    def call(self, identifier: str) -> Call:
        """:raises KeyError: there is none of that id any more."""
        row = self._db.one("SELECT * FROM calls WHERE id = ?", identifier)
        if row is None:
            raise KeyError(identifier)
        return Call.of(row)

    def call_ended(self, call: Call, outcome: Outcome) -> None:
        """One attempt is over: its workflow hears of it, or it is put off."""
        row = self._db.one("SELECT w.* FROM workflows w JOIN calls c ON c.workflow = w.id WHERE c.id = ?", call.id)
        if row is None:
            return  # what it was for has ended meanwhile
        later = self._later(call, outcome)
        if later is not None:
            delay, unsettled = later
            with self._db.transaction("outbox.retry"):
                self._db.execute(
                    "UPDATE calls SET attempt = attempt + 1, due = ?, unsettled = ? WHERE id = ?",
                    self._world.now() + delay,
                    int(unsettled),
                    call.id,
                )
            return
        workflow = WorkflowRow.of(row)
        machine = self._machines[workflow.kind](self._world, workflow, self)
        if isinstance(outcome, Answered):
            event = ANSWERED
        elif isinstance(outcome, Refused) and outcome.error.status not in _TRY_LATER:
            event = REFUSED
        else:
            event = GAVE_UP
        with self._db.transaction(f"{workflow.kind}.{workflow.state}.{event}"):
            self._db.execute("DELETE FROM calls WHERE id = ?", call.id)
            self._take(machine, event, outcome)

    def _later(self, call: Call, outcome: Outcome) -> tuple[float, bool] | None:
        """Seconds until the next attempt, and whether it must begin by settling; None if there is to be none."""
        if isinstance(outcome, Answered):
            return None
        retry_after: float | None = None
        if isinstance(outcome, Refused):
            if outcome.error.status not in _TRY_LATER:
                return None
            retry_after = outcome.error.retry_after
        # 5xx may have come after the deed.
        unsettled = (
            call.unsettled
            or isinstance(outcome, Unknown)
            or (isinstance(outcome, Refused) and outcome.error.status >= 500)
        )
        backoff = self._backoff_forever if call.forever else self._backoff
        if not call.forever and self._world.now() - call.first >= self._world.rules.retry_total:
            return None
        return backoff.delay(call.attempt, self._world.rng, retry_after), unsettled


__all__ = ["CALL_POINTS", "Engine"]
