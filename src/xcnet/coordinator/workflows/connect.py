"""``connect``: a customer has brought an activation key; the connection is made with the provider that the key came from."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import connections as acts
from xcnet.coordinator.acts import status, wire
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.policy.placement import Candidate, rank
from xcnet.coordinator.policy.retry import Backoff
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import OWN, PEER, ConnectionRow, ConnectionState
from xcnet.secret import Secret
from xcnet.spec.connections import ConfirmActivationKeyRequest, ConfirmActivationKeyResponse, Connection
from xcnet.spec.errors import Reason
from xcnet.spec.resources import Interconnect, InterconnectState, ListInterconnectsResponse

ACCOUNT_HEADER = "x-customer-account"
"""In the answer to ConfirmActivationKey: the customer's account at the provider that made the key."""


class Connect(Machine):
    """Subject: the UUID. Data: environment, peer, mbps, account, encoded (the key), fingerprint, defer, interconnect."""

    TABLE: ClassVar = StateTable(
        "connect",
        "The negotiator's side of a new connection, from the accepted activation key to a verified connection.",
        ("confirming",),
        {
            "confirming": "the peer says whether it made the key and it is unused",
            "refreshing": "the peer's interconnects, fresh",
            "creating": "the peer creates the connection on the chosen interconnect",
            "backoff": "a moment after a lost race",
            "proposing": "features are agreed on (workflow provision)",
            "deferred": "the peer drives; both sides see it work",
            "provisioning": "both sides see it work, and know it of each other",
            "withdrawing": "the peer deletes what it may have made",
        },
        (
            Transition(
                "confirming", ANSWERED, ("refreshing", FAILED), "valid: on; else everything made here is removed"
            ),
            Transition("confirming", REFUSED, (FAILED,), "everything made here is removed"),
            Transition("confirming", GAVE_UP, (FAILED,), "everything made here is removed"),
            Transition(
                "refreshing",
                ANSWERED,
                ("creating", "backoff", FAILED),
                "the interconnect with most free bandwidth is chosen and the connection created here",
            ),
            Transition("refreshing", REFUSED, (FAILED,), "everything made here is removed"),
            Transition("refreshing", GAVE_UP, (FAILED,), "everything made here is removed"),
            Transition("creating", ANSWERED, ("proposing", "deferred"), "agreed on; features are next"),
            Transition(
                "creating",
                REFUSED,
                ("backoff", "creating", FAILED),
                "conflict: it is removed here and placed anew; deferral refused: asked again without",
            ),
            Transition(
                "creating", GAVE_UP, ("withdrawing",), "whether the peer made it is not known: it is deleted there"
            ),
            Transition(
                "backoff", TIMER, ("refreshing", FAILED), "tried again, for as long as the provider's rules say"
            ),
            Transition("proposing", "finished", ("provisioning", "withdrawing"), "enough features, or not"),
            Transition("deferred", "verified", (DONE,), "the customer has it"),
            Transition("deferred", TIMER, ("withdrawing",), "the peer took too long: the connection is deleted"),
            Transition("provisioning", "verified", (DONE,), "the customer has it"),
            Transition("withdrawing", ANSWERED, (FAILED,), "everything made here is removed"),
            Transition("withdrawing", REFUSED, (FAILED,), "everything made here is removed"),
        ),
    )

    def begin(self) -> None:
        request = ConfirmActivationKeyRequest(encoded_key=Secret.from_text(self.data["encoded"]))
        self.call("ConfirmActivationKey", self._peer, {"environment": self.data["environment"]}, request)

    def guard(self) -> str | None:
        if self.row.state == "proposing" and not self.children():
            return "finished"
        if self.row.state in ("deferred", "provisioning"):
            connection = self._connection()
            if connection is not None and connection.verified:
                return "verified"
        return None

    # -- is the key good?

    def confirming_answered(self, payload: object) -> str:
        answer = self.answer(payload)
        body = answer.body
        assert isinstance(body, ConfirmActivationKeyResponse)
        if body.key_valid is not True:
            return self._drop(f"{self._peer_name} does not accept this activation key: it is used, expired or altered")
        self.data["peer_account"] = answer.headers.get(ACCOUNT_HEADER)
        self.data["until"] = self.world.now() + self.world.rules.retry_total
        return self._refresh()

    def confirming_refused(self, payload: object) -> str:
        return self._drop(f"{self._peer_name} does not confirm the activation key: {self.error(payload).message}")

    def confirming_gave_up(self, _payload: object) -> str:
        return self._drop(f"{self._peer_name} could not be asked to confirm the activation key")

    # -- where does it go?

    def _refresh(self) -> str:
        self.call("ListInterconnects", self._peer, {"environment": self.data["environment"]})
        return "refreshing"

    def refreshing_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, ListInterconnectsResponse)
        theirs = {(each.name or "").rpartition("/")[2]: each for each in body.interconnects or []}
        lost = self.data.get("lost", [])
        ranked = rank([self._candidate(name, each) for name, each in theirs.items()], self.data["mbps"])
        chosen = next((name for name in ranked if name not in lost), ranked[0] if ranked else None)
        if chosen is None:
            return self._drop(f"no interconnect of {self.data['environment']} has {self.data['mbps']} Mbit/s free")
        self.data["interconnect"] = chosen
        self._create(chosen)
        return "creating"

    def refreshing_refused(self, payload: object) -> str:
        return self._drop(f"{self._peer_name} does not list its interconnects: {self.error(payload).message}")

    def refreshing_gave_up(self, _payload: object) -> str:
        return self._drop(f"{self._peer_name} could not be asked for its interconnects")

    def _candidate(self, name: str, theirs: Interconnect) -> Candidate:
        own = self.world.config.interconnect(name)
        reserved = records.reserved_mbps(self.db, name)
        return Candidate(
            name=name,
            own_state=(
                InterconnectState.PENDING
                if own is None
                else InterconnectState.CLOSED
                if own.closed
                else InterconnectState.ACTIVE
            ),
            peer_state=theirs.state or InterconnectState.ACTIVE,
            own_free_mbps=own.capacity_mbps - reserved if own is not None else 0,
            # The peer's connections on it are ours: it does not say what is left.
            peer_free_mbps=(theirs.max_bandwidth_mbps or 0) - reserved,
            sizes=tuple(own.sizes_mbps if own is not None else ()),
        )

    def _create(self, interconnect: str) -> None:
        environment = self.world.config.environment(self.data["environment"])
        assert environment is not None
        defer = bool(self.data["defer"] or environment.defer) and not self.data.get("deferral_refused")
        row = acts.create(
            self.world,
            interconnect,
            self.subject,
            peer=self._peer,
            role="negotiator",
            driver=PEER if defer else OWN,
            state=ConnectionState.TENTATIVE,
            bandwidth_mbps=self.data["mbps"],
            own_account=self.data["account"],
            peer_account=self.data.get("peer_account"),
            fingerprint=self.data["fingerprint"],
        )
        self._ask(row, defer)

    def _ask(self, row: ConnectionRow, defer: bool) -> None:
        body = Connection(
            name=str(wire.connection_name(self.world.me, self.data["environment"], row)),
            activation_key=Secret.from_text(self.data["encoded"]),
            bandwidth_mbps=row.bandwidth_mbps,
            defer_provisioning=defer or None,
        )
        self.call(
            "CreateConnection",
            self._peer,
            {"environment": self.data["environment"], "interconnect": row.interconnect},
            body,
            query={"connectionId": self.subject},
            account=row.own_account,
        )

    # -- does the peer have it too?

    def creating_answered(self, _payload: object) -> str:
        row = self._connection()
        assert row is not None
        acts.set_state(self.world, row, ConnectionState.PROVISIONING)
        if row.driver == PEER:
            environment = self.world.config.environment(self.data["environment"])
            assert environment is not None
            self.timer(environment.deferral_timeout_hours * 3600.0)
            return "deferred"
        self.engine.start("provision", self.subject, "guiding", {"interconnect": row.interconnect}, parent=self.row.id)
        return "proposing"

    def creating_refused(self, payload: object) -> str:
        error = self.error(payload)
        row = self._connection()
        assert row is not None
        if error.status == 400 and error.reason is Reason.DEFERRAL_REFUSED and row.driver == PEER:
            self.db.execute("UPDATE connections SET driver = ? WHERE seq = ?", OWN, row.seq)
            self.data["deferral_refused"] = True
            self._ask(row, defer=False)
            return "creating"
        if error.status != 409:
            return self._drop(f"{self._peer_name} does not create the connection: {error.message}")
        self._keep_attachment(row)
        self.data.setdefault("lost", []).append(row.interconnect)
        attempt = self.data["attempt"] = self.data.get("attempt", 0) + 1
        rules = self.world.rules
        if self.world.now() >= self.data["until"]:
            return self._drop(f"{self._peer_name} has no room for the connection: {error.message}")
        self.data["why"] = error.message
        self.timer(
            Backoff(rules.retry_initial, rules.retry_maximum, rules.retry_total).delay(attempt, self.world.rng, None)
        )
        return "backoff"

    def _keep_attachment(self, row: ConnectionRow) -> None:
        """Take the connection off this interconnect; it will be placed on another."""
        self.db.execute("DELETE FROM connections WHERE seq = ?", row.seq)
        self.world.network_changed()

    def backoff_timer(self, _payload: object) -> str:
        if self.world.now() >= self.data["until"]:
            return self._drop(f"{self._peer_name} has no room for the connection: {self.data['why']}")
        return self._refresh()

    def creating_gave_up(self, _payload: object) -> str:
        return self._withdraw(f"{self._peer_name} did not answer whether it has created the connection")

    # -- features, and the end

    def proposing_finished(self, _payload: object) -> str:
        row = self._connection()
        if row is not None and len(records.features(self.db, row.interconnect, self.subject)) >= status.required(
            self.world, row.interconnect
        ):
            return "provisioning"
        why = self.db.value(
            "SELECT message FROM outcomes WHERE kind = 'provision' AND subject = ? ORDER BY seq DESC", self.subject
        )
        return self._withdraw(why or "not enough features could be agreed on")

    def deferred_verified(self, _payload: object) -> str:
        return self.done()

    def deferred_timer(self, _payload: object) -> str:
        return self._withdraw(f"{self._peer_name} did not finish the connection within the deferral's time")

    def provisioning_verified(self, _payload: object) -> str:
        return self.done()

    def _withdraw(self, message: str) -> str:
        self.data["message"] = message
        row = self._connection()
        assert row is not None
        acts.set_state(self.world, row, ConnectionState.DELETING)
        self.call(
            "DeleteConnection",
            self._peer,
            {
                "environment": self.data["environment"],
                "interconnect": row.interconnect,
                "connection": self.subject,
            },
            account=row.own_account,
            forever=True,
        )
        return "withdrawing"

    def withdrawing_answered(self, _payload: object) -> str:
        return self._drop(self.data["message"])

    def withdrawing_refused(self, _payload: object) -> str:
        return self._drop(self.data["message"])

    # -- helpers

    @property
    def _peer(self) -> str:
        return str(self.data["peer"])

    @property
    def _peer_name(self) -> str:
        return self.world.config.peers[self._peer].display_name

    def _connection(self) -> ConnectionRow | None:
        interconnect = self.data.get("interconnect")
        return records.connection(self.db, interconnect, self.subject) if interconnect else None

    def _drop(self, message: str) -> str:
        """Remove whatever was made here."""
        row = self._connection()
        if row is not None:
            acts.remove(self.world, row)
        else:
            acts.forget(self.world, self.subject)
        self.data.pop("encoded", None)
        return self.fail(message)


__all__ = ["ACCOUNT_HEADER", "Connect"]
