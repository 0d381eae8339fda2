"""``update``, ``migrate`` and ``delete``: what a customer can do with a connection that is there."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import connections as acts
from xcnet.coordinator.acts import status, wire
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import OWN, ConnectionRow, ConnectionState
from xcnet.coordinator.workflows.provision import OfConnection
from xcnet.spec.connections import Connection
from xcnet.spec.resources import AdminState

MIGRATION_SECONDS = 120.0
"""How long the new connection of a migration may take to be verified before it is withdrawn."""


class Update(OfConnection):
    """Subject: the UUID. Data: interconnect, mbps. The larger of both bandwidths is reserved meanwhile."""

    TABLE: ClassVar = StateTable(
        "update",
        "Changes a connection's bandwidth at both sides, or at none.",
        ("calling",),
        {"calling": "the peer changes its side"},
        (
            Transition("calling", ANSWERED, (DONE,), "changed here too: the edges shape to the new bandwidth"),
            Transition("calling", REFUSED, (FAILED,), "as it was; what was reserved for it is free again"),
        ),
    )

    def begin(self) -> None:
        row = self.connection()
        assert row is not None
        self.db.execute(
            "UPDATE connections SET target_mbps = ?, update_by = ? WHERE seq = ?", self.data["mbps"], OWN, row.seq
        )
        body = Connection(
            name=str(wire.connection_name(self.world.me, self.environment, row)), bandwidth_mbps=self.data["mbps"]
        )
        self.call(
            "UpdateConnection",
            self.peer,
            self.ids(),
            body,
            query={"updateMask": "bandwidthMbps"},
            account=row.own_account,
            forever=True,
        )

    def calling_answered(self, _payload: object) -> str:
        row = self.connection()
        if row is None:
            return self.fail("the connection was deleted meanwhile")
        self.db.execute(
            "UPDATE connections SET bandwidth_mbps = ?, target_mbps = NULL, update_by = NULL WHERE seq = ?",
            self.data["mbps"],
            row.seq,
        )
        self.data["generation"] = self.world.network_changed()
        self.world.emit("connection.resized", self.subject, mbps=self.data["mbps"])
        return self.done()

    def calling_refused(self, payload: object) -> str:
        self.db.execute(
            "UPDATE connections SET target_mbps = NULL, update_by = NULL WHERE interconnect = ? AND uuid = ?",
            self.interconnect,
            self.subject,
        )
        return self.fail(f"the peer refuses: {self.error(payload).message}")


class Delete(OfConnection):
    """Subject: the UUID. Data: interconnect, before (the state to go back to)."""

    TABLE: ClassVar = StateTable(
        "delete",
        "Deletes a connection at both sides. Its routes and VLANs here go first; what it reserves, last.",
        ("calling",),
        {"calling": "the peer deletes its side"},
        (
            Transition("calling", ANSWERED, (DONE,), "what it reserved is free again, its key material gone"),
            Transition(
                "calling",
                REFUSED,
                (DONE, FAILED),
                "not there any more: as if answered; not proven to be wanted: as it was",
            ),
        ),
    )

    def begin(self) -> None:
        row = self.connection()
        assert row is not None
        self.data["before"] = row.state
        acts.set_state(self.world, row, ConnectionState.DELETING)
        self.call("DeleteConnection", self.peer, self.ids(), account=row.own_account, forever=True)

    def calling_answered(self, _payload: object) -> str:
        row = self.connection()
        if row is not None:
            acts.remove(self.world, row)
        return self.done()

    def calling_refused(self, payload: object) -> str:
        error = self.error(payload)
        if error.status not in (401, 403):
            return self.calling_answered(payload)
        row = self.connection()
        if row is not None:
            acts.set_state(self.world, row, ConnectionState(self.data["before"]))
        return self.fail(f"the peer does not delete the connection: {error.message}")


class Migrate(Machine):
    """Subject: the UUID. Data: old and new (interconnects)."""

    TABLE: ClassVar = StateTable(
        "migrate",
        "Moves a connection to another interconnect: the new one is made before the old one is broken.",
        ("creating",),
        {
            "creating": "the peer creates the connection on the new interconnect",
            "proposing": "features are agreed on (workflow provision)",
            "verifying": "both sides see the new connection work",
            "shifting": "no traffic over the old one any more, at either side",
            "deleting": "the peer deletes the old one",
            "withdrawing": "the peer deletes the new one",
        },
        (
            Transition("creating", ANSWERED, ("proposing",), "agreed on; features are next"),
            Transition("creating", REFUSED, (FAILED,), "the new one is removed here; nothing else has happened"),
            Transition("creating", GAVE_UP, ("withdrawing",), "whether the peer made it is not known"),
            Transition("proposing", "finished", ("verifying", "withdrawing"), "enough features, or not"),
            Transition("verifying", "verified", ("shifting",), "both sides avoid the old one's routes"),
            Transition("verifying", TIMER, ("withdrawing",), "the new one does not come up"),
            Transition("shifting", "shifted", ("deleting",), "nothing is lost by deleting it"),
            Transition("shifting", TIMER, ("deleting",), "the peer does not say that it has moved: it had its time"),
            Transition("deleting", ANSWERED, (DONE,), "the old one is removed here too"),
            Transition("deleting", REFUSED, (DONE,), "the old one is removed here too"),
            Transition("withdrawing", ANSWERED, (FAILED,), "the new one is removed here too"),
            Transition("withdrawing", REFUSED, (FAILED,), "the new one is removed here too"),
        ),
    )

    def begin(self) -> None:
        old = self._row("old")
        assert old is not None
        new = acts.create(
            self.world,
            self.data["new"],
            self.subject,
            peer=old.peer,
            role=old.role,
            driver=OWN,
            state=ConnectionState.TENTATIVE,
            bandwidth_mbps=old.bandwidth_mbps,
            own_account=old.own_account,
            peer_account=old.peer_account,
            fingerprint=old.fingerprint,
        )
        body = Connection(
            name=str(wire.connection_name(self.world.me, self._environment, new)), bandwidth_mbps=new.bandwidth_mbps
        )
        self.call(
            "CreateConnection",
            old.peer,
            {"environment": self._environment, "interconnect": new.interconnect},
            body,
            query={"connectionId": self.subject},
            account=old.own_account,
        )

    def guard(self) -> str | None:
        if self.row.state == "proposing" and not self.children():
            return "finished"
        if self.row.state == "verifying":
            new = self._row("new")
            return "verified" if new is not None and new.verified else None
        if self.row.state == "shifting":
            old = self._row("old")
            if old is None:
                return "shifted"
            moved = old.admin is AdminState.DISABLED and old.peer_admin is AdminState.DISABLED
            return "shifted" if moved else None
        return None

    def creating_answered(self, _payload: object) -> str:
        new = self._row("new")
        assert new is not None
        acts.set_state(self.world, new, ConnectionState.PROVISIONING)
        self.engine.start("provision", self.subject, "guiding", {"interconnect": new.interconnect}, parent=self.row.id)
        return "proposing"

    def creating_refused(self, payload: object) -> str:
        self._remove("new")
        return self.fail(f"the peer does not take the connection there: {self.error(payload).message}")

    def creating_gave_up(self, _payload: object) -> str:
        return self._withdraw("the peer did not answer whether it has created the connection")

    def proposing_finished(self, _payload: object) -> str:
        new = self._row("new")
        if new is None:
            return self._withdraw("the connection was deleted meanwhile")
        if len(records.features(self.db, new.interconnect, self.subject)) < status.required(
            self.world, new.interconnect
        ):
            return self._withdraw("not enough features could be agreed on")
        self.timer(MIGRATION_SECONDS)
        return "verifying"

    def verifying_verified(self, _payload: object) -> str:
        status.note(self.world, self.engine, self.subject)
        self.timer(self.world.rules.drain_timeout)
        return "shifting"

    def verifying_timer(self, _payload: object) -> str:
        return self._withdraw(f"the new connection was not verified within {MIGRATION_SECONDS:g} s")

    def shifting_shifted(self, _payload: object) -> str:
        old = self._row("old")
        if old is not None:
            acts.set_state(self.world, old, ConnectionState.DELETING)
        self._delete("old")
        return "deleting"

    def shifting_timer(self, payload: object) -> str:
        return self.shifting_shifted(payload)

    def deleting_answered(self, _payload: object) -> str:
        self._remove("old")
        return self.done()

    def deleting_refused(self, payload: object) -> str:
        return self.deleting_answered(payload)

    def withdrawing_answered(self, _payload: object) -> str:
        self._remove("new")
        return self.fail(self.data["message"])

    def withdrawing_refused(self, payload: object) -> str:
        return self.withdrawing_answered(payload)

    # -- helpers

    @property
    def _environment(self) -> str:
        return self.world.config.environment_of(self.data["old"]).name

    def _row(self, which: str) -> ConnectionRow | None:
        return records.connection(self.db, self.data[which], self.subject)

    def _withdraw(self, message: str) -> str:
        self.data["message"] = message
        new = self._row("new")
        if new is not None:
            acts.set_state(self.world, new, ConnectionState.DELETING)
        self.db.execute(
            "UPDATE connections SET deprefer = 0, admin = ? WHERE interconnect = ? AND uuid = ?",
            AdminState.ENABLED,
            self.data["old"],
            self.subject,
        )
        self._delete("new")
        return "withdrawing"

    def _delete(self, which: str) -> None:
        interconnect = self.data[which]
        row = self._row(which)
        self.call(
            "DeleteConnection",
            self.world.config.environment_of(interconnect).peer,
            {"environment": self._environment, "interconnect": interconnect, "connection": self.subject},
            account=row.own_account if row is not None else self.data.get("account"),
            forever=True,
        )

    def _remove(self, which: str) -> None:
        row = self._row(which)
        if row is not None:
            acts.remove(self.world, row)


__all__ = ["Delete", "Migrate", "Update"]
