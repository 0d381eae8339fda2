"""``disable-channel``, ``enable-channel`` and ``disable-connection``: out of use by decision, drained first, and back.
``tell``: one call, and no more."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import holds, status
from xcnet.coordinator.acts.holds import Hold
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.store.database import Database
from xcnet.coordinator.workflows.maintenance import RESTORE_SECONDS, OfChannel
from xcnet.coordinator.workflows.provision import OfConnection
from xcnet.spec.operations import OPERATIONS
from xcnet.spec.resources import AdminState

ADMIN = "admin"


class DisableChannel(OfChannel):
    """Takes a channel out of use until it is enabled again."""

    TABLE: ClassVar = StateTable(
        "disable-channel",
        "An operator takes a channel out of use: drained first, then taken down.",
        ("draining",),
        {
            "draining": "no traffic over the channel any more, at this side",
            "settling": "the peer's routers have had their time to move too",
        },
        (
            Transition("draining", "drained", ("settling",), "disabled; the peer's routers know by BGP"),
            Transition("draining", TIMER, ("settling",), "it had its time: disabled"),
            Transition("draining", "cancelled", (FAILED,), "it was enabled again"),
            Transition("settling", TIMER, (DONE,), "taken down"),
            Transition("settling", "cancelled", (FAILED,), "it was enabled again"),
        ),
    )

    def begin(self) -> None:
        holds.place(self.world, self.subject, ADMIN, holds.CLOSE)
        self.timer(self.world.rules.drain_timeout)

    def guard(self) -> str | None:
        mine = admin_hold(self.db, self.subject)
        if mine is None or mine.level == holds.DRAIN:
            return "cancelled"
        return "drained" if mine.drained and self.row.state == "draining" else None

    def draining_drained(self, _payload: object) -> str:
        mine = admin_hold(self.db, self.subject)
        assert mine is not None
        self.timer(holds.peer_seconds(self.world, mine.since))
        return "settling"

    def draining_timer(self, payload: object) -> str:
        holds.drain(self.world, self.subject)
        return self.draining_drained(payload)

    def draining_cancelled(self, _payload: object) -> str:
        return self.fail("the channel was enabled again")

    def settling_timer(self, _payload: object) -> str:
        holds.take_down(self.world, self.subject, ADMIN)
        return self.done()

    def settling_cancelled(self, payload: object) -> str:
        return self.draining_cancelled(payload)


class EnableChannel(OfChannel):
    """Puts a channel back to use: up first, and into the routing once it works."""

    TABLE: ClassVar = StateTable(
        "enable-channel",
        "An operator puts a channel back to use: up first, and into the routing once it works.",
        ("restoring",),
        {"restoring": "the channel is secured, and works for its connections"},
        (
            Transition("restoring", "works", (DONE,), "its routes are used again"),
            Transition(
                "restoring", TIMER, (DONE,), "it does not come up; its routes are used as soon as they are there"
            ),
            Transition("restoring", "cancelled", (FAILED,), "it was disabled again"),
        ),
    )

    def begin(self) -> None:
        holds.restore(self.world, self.subject, ADMIN)
        self.timer(RESTORE_SECONDS)

    def guard(self) -> str | None:
        mine = admin_hold(self.db, self.subject)
        if mine is None or mine.level != holds.DRAIN:
            return "cancelled"
        return "works" if holds.restorable(self.world, self.subject) else None

    def restoring_works(self, _payload: object) -> str:
        holds.lift(self.world, self.subject, ADMIN)
        return self.done()

    def restoring_timer(self, payload: object) -> str:
        return self.restoring_works(payload)

    def restoring_cancelled(self, _payload: object) -> str:
        return self.fail("the channel was disabled again")


def admin_hold(db: Database, channel: str) -> Hold | None:
    """What an operator has placed there. Its level is ``drain`` while the channel is being enabled again."""
    return next((each for each in holds.of(db, channel) if each.reason == ADMIN), None)


class DisableConnection(OfConnection):
    """Subject: the UUID. Data: interconnect. Takes a connection out of use until it is enabled again."""

    TABLE: ClassVar = StateTable(
        "disable-connection",
        "An operator takes a connection out of use: its routes leave first, then its VLANs.",
        ("draining",),
        {"draining": "no traffic over the connection any more, at this side"},
        (
            Transition("draining", "drained", (DONE,), "disabled; the peer is told"),
            Transition("draining", TIMER, (DONE,), "it had its time: disabled; the peer is told"),
            Transition("draining", "cancelled", (FAILED,), "it was enabled again, or deleted"),
        ),
    )

    def begin(self) -> None:
        row = self.connection()
        assert row is not None
        self.db.execute("UPDATE connections SET deprefer = 1 WHERE seq = ?", row.seq)
        self.data["generation"] = self.world.network_changed()
        self.timer(self.world.rules.drain_timeout)

    def guard(self) -> str | None:
        row = self.connection()
        if row is None or not row.deprefer:
            return "cancelled"
        if self.world.facts.applied < self.data["generation"]:
            return None
        return "drained" if status.drained(self.world, row) else None

    def draining_drained(self, _payload: object) -> str:
        row = self.connection()
        assert row is not None
        self.db.execute("UPDATE connections SET admin = ? WHERE seq = ?", AdminState.DISABLED, row.seq)
        self.world.network_changed()
        self.world.emit("connection.disabled", self.subject, interconnect=self.interconnect)
        status.changed(self.world, self.engine, row)
        return self.done()

    def draining_timer(self, payload: object) -> str:
        return self.draining_drained(payload)

    def draining_cancelled(self, _payload: object) -> str:
        return self.fail("the connection was enabled again, or deleted")


class Tell(Machine):
    """Subject: what it is about. Data: peer, operation, ids, query, body (JSON), and ``note``: what the answer is for."""

    TABLE: ClassVar = StateTable(
        "tell",
        "One call that nothing else hangs on: an issue, a comment, a request for rotation.",
        ("calling",),
        {"calling": "the peer's answer"},
        (
            Transition("calling", ANSWERED, (DONE,), "noted"),
            Transition("calling", REFUSED, (FAILED,), "noted"),
            Transition("calling", GAVE_UP, (FAILED,), "the peer could not be reached"),
        ),
    )

    def begin(self) -> None:
        operation = OPERATIONS[self.data["operation"]]
        body = self.data.get("body")
        self.call(
            operation.id,
            self.data["peer"],
            self.data["ids"],
            operation.request.model_validate(body) if operation.request is not None and body is not None else None,
            query=self.data.get("query"),
            forever=bool(self.data.get("forever")),
        )

    def calling_answered(self, payload: object) -> str:
        if self.data["operation"] in ("CreateIssue", "CloseIssue", "GetIssue"):
            shown = self.answer(payload).body.to_wire()
            self.db.execute(
                "UPDATE issues SET state = ?, content = ? WHERE direction = 'out' AND peer = ? AND id = ?",
                shown.get("state", "STATE_OPEN"),
                self.answer(payload).body.model_dump_json(by_alias=True, exclude_none=True),
                self.data["peer"],
                self.subject,
            )
        return self.done()

    def calling_refused(self, payload: object) -> str:
        self._never_opened()
        return self.fail(f"the peer refuses: {self.error(payload).message}")

    def calling_gave_up(self, _payload: object) -> str:
        self._never_opened()
        return self.fail("the peer could not be reached")

    def _never_opened(self) -> None:
        if self.data["operation"] == "CreateIssue":
            self.db.execute(
                "DELETE FROM issues WHERE direction = 'out' AND peer = ? AND id = ?", self.data["peer"], self.subject
            )


__all__ = ["ADMIN", "DisableChannel", "DisableConnection", "EnableChannel", "Tell", "admin_hold"]
