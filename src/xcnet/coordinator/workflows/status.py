"""``notify``, ``refresh`` and ``audit``: what the two providers tell each other of a connection, and what they look up."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import status
from xcnet.coordinator.engine.tables import ANSWERED, DONE, REFUSED, StateTable, Transition
from xcnet.coordinator.store import records
from xcnet.coordinator.workflows.provision import OfConnection
from xcnet.spec.connections import (
    Connection,
    ListFeaturesResponse,
    NotifyConnectionStatusRequest,
    ProvisioningState,
)
from xcnet.spec.resources import AdminState


class Notify(OfConnection):
    """Subject: the UUID. Data: interconnect, version (that the peer is being told of)."""

    TABLE: ClassVar = StateTable(
        "notify",
        "Tells the peer that a connection's state here has changed, until it has heard.",
        ("calling",),
        {"calling": "the peer acknowledges the notification"},
        (
            Transition("calling", ANSWERED, (DONE, "calling"), "acknowledged; told again if it has changed meanwhile"),
            Transition("calling", REFUSED, (DONE,), "the peer knows no such connection"),
        ),
    )

    def begin(self) -> None:
        row = self.connection()
        self.data["version"] = row.version if row is not None else 0
        self.call("NotifyConnectionStatus", self.peer, self.ids(), NotifyConnectionStatusRequest(), forever=True)

    def calling_answered(self, _payload: object) -> str:
        self._told()
        row = self.connection()
        if row is None:
            return self.done()
        if row.version > self.data["version"]:
            self.begin()
            return "calling"
        self.db.execute("UPDATE connections SET acknowledged = own_final WHERE seq = ?", row.seq)
        status.settle(self.world, self.interconnect, self.subject)
        return self.done()

    def calling_refused(self, _payload: object) -> str:
        # Nobody to be told: an audit finds out whether the connection is still there.
        self._told()
        return self.done()

    def _told(self) -> None:
        self.db.execute(
            "UPDATE connections SET told = max(told, ?) WHERE interconnect = ? AND uuid = ?",
            self.data["version"],
            self.interconnect,
            self.subject,
        )


class Refresh(OfConnection):
    """Subject: the UUID. Data: interconnect, notices (counted when it began), final (so far)."""

    TABLE: ClassVar = StateTable(
        "refresh",
        "Looks up a connection at the peer after a notification.",
        ("getting",),
        {"getting": "the peer's connection", "listing": "the peer's features of it"},
        (
            Transition("getting", ANSWERED, ("listing",), "its administrative state is noted"),
            Transition("getting", REFUSED, (DONE,), "not there: noted since when"),
            Transition("listing", ANSWERED, ("listing", "getting", DONE), "whether it works there is noted"),
            Transition("listing", REFUSED, (DONE,), "not there: noted since when"),
        ),
    )

    def begin(self) -> None:
        row = self.connection()
        self.data["notices"] = row.notices if row is not None else 0
        self.data["states"] = []
        self.call("GetConnection", self.peer, self.ids(), forever=True)

    def getting_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, Connection)
        self.db.execute(
            "UPDATE connections SET peer_admin = ?, missing_since = NULL, audited = ? WHERE interconnect = ? AND uuid = ?",
            body.admin_state or AdminState.ENABLED,
            self.world.now(),
            self.interconnect,
            self.subject,
        )
        self.data["states"] = []
        self.call("ListFeatures", self.peer, self.ids(), forever=True)
        return "listing"

    def getting_refused(self, _payload: object) -> str:
        missing(self)
        return self.done()

    def listing_refused(self, payload: object) -> str:
        return self.getting_refused(payload)

    def listing_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, ListFeaturesResponse)
        for feature in body.features or []:
            self.data["states"].append(feature.provisioning_state is ProvisioningState.FINAL)
            self.db.execute(
                "UPDATE features SET peer_state = ? WHERE interconnect = ? AND uuid = ? AND id = ?",
                feature.provisioning_state,
                self.interconnect,
                self.subject,
                (feature.name or "").rpartition("/")[2],
            )
        if body.next_page_token:
            self.call("ListFeatures", self.peer, self.ids(), query={"pageToken": body.next_page_token}, forever=True)
            return "listing"
        row = self.connection()
        if row is None:
            return self.done()
        # A channel that is put back to use waits for both sides.
        self.world.wake(*(each.channel for each in records.features(self.db, self.interconnect, self.subject)))
        if row.notices > self.data["notices"]:
            self.begin()
            return "getting"
        # The peer says that it works by notifying; what it then shows says whether it still does.
        final = sum(self.data["states"]) >= (1 if row.peer_final else status.required(self.world, self.interconnect))
        if final is not row.peer_final:
            self.db.execute("UPDATE connections SET peer_final = ? WHERE seq = ?", int(final), row.seq)
            self.world.emit(
                "connection.peer_final" if final else "connection.peer_lost",
                self.subject,
                interconnect=self.interconnect,
            )
        status.note(self.world, self.engine, self.subject)
        return self.done()


class Audit(OfConnection):
    """Subject: the UUID. Data: interconnect."""

    TABLE: ClassVar = StateTable(
        "audit",
        "Asks now and then whether the peer still has a connection.",
        ("getting",),
        {"getting": "the peer's connection"},
        (
            Transition("getting", ANSWERED, (DONE,), "it is there"),
            Transition("getting", REFUSED, (DONE,), "not there: noted since when"),
        ),
    )

    def begin(self) -> None:
        self.call("GetConnection", self.peer, self.ids(), forever=True)

    def getting_answered(self, _payload: object) -> str:
        self.db.execute(
            "UPDATE connections SET missing_since = NULL, audited = ? WHERE interconnect = ? AND uuid = ?",
            self.world.now(),
            self.interconnect,
            self.subject,
        )
        return self.done()

    def getting_refused(self, _payload: object) -> str:
        missing(self)
        return self.done()


def missing(machine: OfConnection) -> None:
    """The peer does not have the connection: it is kept, for a while, in case that is a mistake."""
    now = machine.world.now()
    machine.db.execute(
        "UPDATE connections SET missing_since = coalesce(missing_since, ?), audited = ?, peer_final = 0"
        " WHERE interconnect = ? AND uuid = ?",
        now,
        now,
        machine.interconnect,
        machine.subject,
    )
    machine.world.emit("connection.one_sided", machine.subject, interconnect=machine.interconnect)


__all__ = ["Audit", "Notify", "Refresh"]
