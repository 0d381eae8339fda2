"""``provision`` and ``feature``: the driver of a connection proposes a feature on each of its channels, all at once."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import features as acts
from xcnet.coordinator.acts import holds, status, wire
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.policy.proposal import NoProposalError, propose
from xcnet.coordinator.policy.retry import Backoff
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import OWN, ConnectionRow, ConnectionState, FeatureState
from xcnet.spec.connections import FeatureGuidance, GenerateFeatureGuidanceRequest, GenerateFeatureGuidanceResponse
from xcnet.spec.resources import AdminState

_MOST_REFUSALS = 3


class OfConnection(Machine):
    """Subject: the UUID. Data: interconnect."""

    @property
    def interconnect(self) -> str:
        return str(self.data["interconnect"])

    def connection(self) -> ConnectionRow | None:
        return records.connection(self.db, self.interconnect, self.subject)

    @property
    def environment(self) -> str:
        return self.world.config.environment_of(self.interconnect).name

    @property
    def peer(self) -> str:
        return self.world.config.environment_of(self.interconnect).peer

    def ids(self, **more: str) -> dict[str, str]:
        """Path parameters of the connection at the peer."""
        return {
            "environment": self.environment,
            "interconnect": self.interconnect,
            "connection": self.subject,
            **more,
        }

    def ask_guidance(self) -> None:
        self.call("GenerateFeatureGuidance", self.peer, self.ids(), GenerateFeatureGuidanceRequest())


class Provision(OfConnection):
    """Asks for guidance once, and starts a ``feature`` workflow for each channel that both sides have enabled."""

    TABLE: ClassVar = StateTable(
        "provision",
        "The driver's part of making a connection's features.",
        ("guiding",),
        {
            "guiding": "the peer's guidance for all channels",
            "proposing": "the features of all channels (workflows feature)",
        },
        (
            Transition("guiding", ANSWERED, ("proposing",), "a proposal for each channel is reserved here and made"),
            Transition("guiding", REFUSED, (FAILED,), "there is nothing to propose"),
            Transition("guiding", GAVE_UP, (FAILED,), "the peer cannot be asked"),
            Transition("proposing", "finished", (DONE, FAILED), "enough of them, or not"),
        ),
    )

    def begin(self) -> None:
        self.ask_guidance()

    def guard(self) -> str | None:
        return "finished" if self.row.state == "proposing" and not self.children() else None

    def guiding_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, GenerateFeatureGuidanceResponse)
        config = self.world.config.interconnect(self.interconnect)
        assert config is not None
        for guidance in body.feature_guidance or []:
            channel = (guidance.channel or "").rpartition("/")[2]
            if not any(each.name == channel for each in config.channels):
                continue
            if guidance.channel_admin_state is AdminState.DISABLED or holds.held(self.world, channel):
                continue
            if records.feature_on(self.db, self.subject, channel) is not None:
                continue
            self.engine.start(
                "feature",
                self.subject,
                "creating",
                {
                    "interconnect": self.interconnect,
                    "channel": channel,
                    "guidance": guidance.to_wire(),
                    "until": self.world.now() + self.world.rules.retry_total,
                },
                parent=self.row.id,
            )
        return "proposing"

    def guiding_refused(self, payload: object) -> str:
        return self.fail(f"the peer gives no guidance: {self.error(payload).message}")

    def guiding_gave_up(self, _payload: object) -> str:
        return self.fail("the peer could not be asked for guidance")

    def proposing_finished(self, _payload: object) -> str:
        agreed = [
            each
            for each in records.features(self.db, self.interconnect, self.subject)
            if each.state in (FeatureState.PENDING, FeatureState.FINAL)
        ]
        needed = status.required(self.world, self.interconnect)
        if len(agreed) >= needed:
            return self.done()
        why = self.db.value(
            "SELECT message FROM outcomes WHERE kind = 'feature' AND subject = ? AND state = ? ORDER BY seq DESC",
            self.subject,
            FAILED,
        )
        reason = f": {why}" if why else ""
        return self.fail(f"{len(agreed)} features of at least {needed} could be agreed on{reason}")


class FeatureWorkflow(OfConnection):
    """Data: interconnect, channel, guidance, until (policy time of the last attempt), feature (its id)."""

    TABLE: ClassVar = StateTable(
        "feature",
        "One feature on one channel: reserved here first, then proposed to the peer.",
        ("creating", "guiding"),
        {
            "creating": "the peer takes the proposal, or refuses it as a whole",
            "waiting": "a moment after a lost race",
            "guiding": "fresh guidance",
            "undoing": "the peer deletes what it may have made",
        },
        (
            Transition("creating", ANSWERED, (DONE,), "agreed on: it is configured"),
            Transition("creating", REFUSED, ("waiting", FAILED), "what was reserved for it is free again"),
            Transition("creating", GAVE_UP, ("undoing",), "whether the peer has it is not known: it is deleted there"),
            Transition("creating", "impossible", (FAILED,), "nothing that both sides accept is free"),
            Transition("waiting", TIMER, ("guiding", FAILED), "tried again, for as long as the provider's rules say"),
            Transition("guiding", ANSWERED, ("creating", FAILED), "a new proposal is reserved here and made"),
            Transition("guiding", REFUSED, (FAILED,), "the connection is gone at the peer"),
            Transition("guiding", GAVE_UP, (FAILED,), "the peer cannot be asked"),
            Transition("undoing", ANSWERED, (FAILED,), "what was reserved for it is free again"),
            Transition("undoing", REFUSED, (FAILED,), "what was reserved for it is free again"),
        ),
    )

    def begin(self) -> None:
        if self.row.state == "guiding":
            self.ask_guidance()
        else:
            self._propose(FeatureGuidance.model_validate(self.data["guidance"]))

    def guard(self) -> str | None:
        if self.row.state == "creating" and "impossible" in self.data:
            return "impossible"
        return None

    def _propose(self, guidance: FeatureGuidance) -> bool:
        """Reserve what suits both, and call the peer. Notes in the data why that is impossible."""
        world = self.world
        self.data.pop("guidance", None)
        row = self.connection()
        try:
            if row is None or row.state is ConnectionState.DELETING:
                raise NoProposalError("the connection is being deleted")
            config = propose(
                world.config.link,
                world.me,
                self.peer,
                guidance,
                acts.reservations(world),
                self.channel,
                key_source=world.key_source,
            )
        except NoProposalError as error:
            self.data["impossible"] = str(error)
            return False
        identifier = world.new_id()
        self.data["feature"] = identifier
        feature = acts.reserve(world, row, self.channel, identifier, config, state=FeatureState.PROPOSED, maker=OWN)
        self.call(
            "CreateFeature",
            self.peer,
            self.ids(),
            wire.feature(world.me, self.environment, world.me, self.peer, feature),
            query={"featureId": identifier},
        )
        return True

    @property
    def channel(self) -> str:
        return str(self.data["channel"])

    def _release(self) -> None:
        feature = records.feature(self.db, self.interconnect, self.subject, self.data.get("feature", ""))
        if feature is not None:
            acts.release(self.world, feature)

    def creating_answered(self, _payload: object) -> str:
        feature = records.feature(self.db, self.interconnect, self.subject, self.data["feature"])
        if feature is not None:
            acts.set_state(self.world, feature, FeatureState.PENDING)
        return self.done()

    def creating_refused(self, payload: object) -> str:
        error = self.error(payload)
        self._release()
        refusals = self.data["refusals"] = self.data.get("refusals", 0) + 1
        lost_race = error.status == 409
        if (not lost_race and refusals >= _MOST_REFUSALS) or error.status in (401, 403, 404):
            return self.fail(f"{self.channel}: the peer refuses the feature: {error.message}")
        self.data["why"] = error.message
        rules = self.world.rules
        backoff = Backoff(rules.retry_initial, rules.retry_maximum, rules.retry_total)
        self.timer(backoff.delay(refusals, self.world.rng, error.retry_after))
        return "waiting"

    def creating_gave_up(self, _payload: object) -> str:
        self.call("DeleteFeature", self.peer, self.ids(feature=self.data["feature"]), forever=True)
        return "undoing"

    def creating_impossible(self, _payload: object) -> str:
        return self.fail(f"{self.channel}: {self.data['impossible']}")

    def waiting_timer(self, _payload: object) -> str:
        if self.world.now() >= self.data["until"]:
            return self.fail(f"{self.channel}: {self.data['why']}")
        self.ask_guidance()
        return "guiding"

    def guiding_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, GenerateFeatureGuidanceResponse)
        if records.feature_on(self.db, self.subject, self.channel) is not None:
            return self.fail(f"{self.channel}: the peer has made the feature meanwhile")
        for guidance in body.feature_guidance or []:
            if (guidance.channel or "").rpartition("/")[2] == self.channel:
                if guidance.channel_admin_state is AdminState.DISABLED or holds.held(self.world, self.channel):
                    return self.fail(f"{self.channel}: the channel is disabled")
                if not self._propose(guidance):
                    return self.fail(f"{self.channel}: {self.data['impossible']}")
                return "creating"
        return self.fail(f"{self.channel}: the peer gives no guidance for this channel")

    def guiding_refused(self, payload: object) -> str:
        return self.fail(f"{self.channel}: the peer gives no guidance: {self.error(payload).message}")

    def guiding_gave_up(self, _payload: object) -> str:
        return self.fail(f"{self.channel}: the peer could not be asked for guidance")

    def undoing_answered(self, _payload: object) -> str:
        self._release()
        return self.fail(f"{self.channel}: the peer did not answer whether it has taken the feature")

    def undoing_refused(self, payload: object) -> str:
        return self.undoing_answered(payload)


class Withdraw(OfConnection):
    """Data: interconnect, feature. The channel's owner makes a new one in time."""

    TABLE: ClassVar = StateTable(
        "withdraw",
        "Deletes one feature without loss: its routes leave first.",
        ("draining",),
        {
            "draining": "no traffic over the feature any more, at this side",
            "settling": "the peer's routers have had their time to move too",
            "deleting": "the peer deletes the feature",
        },
        (
            Transition("draining", "drained", ("settling",), "the peer's routers know by BGP"),
            Transition("draining", TIMER, ("settling",), "it had its time"),
            Transition("settling", TIMER, ("deleting",), "the peer is asked"),
            Transition("deleting", ANSWERED, (DONE,), "what it reserved is free again"),
            Transition("deleting", REFUSED, (DONE,), "what it reserved is free again"),
        ),
    )

    def begin(self) -> None:
        feature = records.feature(self.db, self.interconnect, self.subject, self.data["feature"])
        assert feature is not None
        acts.set_state(self.world, feature, FeatureState.WITHDRAWING)
        self.data["generation"] = self.world.generation
        self.data["since"] = self.world.now()
        self.timer(self.world.rules.drain_timeout)

    def guard(self) -> str | None:
        feature = records.feature(self.db, self.interconnect, self.subject, self.data["feature"])
        if self.row.state != "draining" or self.world.facts.applied < self.data["generation"]:
            return None
        carrying = feature is not None and self.world.facts.carrying.get((self.subject, feature.channel), False)
        return None if carrying else "drained"

    def draining_drained(self, _payload: object) -> str:
        self.timer(holds.peer_seconds(self.world, self.data["since"]))
        return "settling"

    def draining_timer(self, payload: object) -> str:
        return self.draining_drained(payload)

    def settling_timer(self, _payload: object) -> str:
        self.call("DeleteFeature", self.peer, self.ids(feature=self.data["feature"]), forever=True)
        return "deleting"

    def deleting_answered(self, _payload: object) -> str:
        feature = records.feature(self.db, self.interconnect, self.subject, self.data["feature"])
        if feature is not None:
            acts.release(self.world, feature)
            self.db.execute(
                "UPDATE connections SET complete_after = ? WHERE interconnect = ? AND uuid = ?",
                self.world.now() + status.COMPLETE_AFTER,
                self.interconnect,
                self.subject,
            )
        return self.done()

    def deleting_refused(self, payload: object) -> str:
        return self.deleting_answered(payload)


__all__ = ["FeatureWorkflow", "OfConnection", "Provision", "Withdraw"]
