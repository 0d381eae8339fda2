"""``rotate``: the manager of a channel's MACsec keys gives both ends a new one, and takes the old one away."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import keys as acts
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import KeyRow
from xcnet.secret import Secret
from xcnet.spec.connections import MacSecKey
from xcnet.spec.names import interconnect as interconnect_name

_CKN_BYTES = 32
_ASK_AGAIN = 0.1


class Rotate(Machine):
    """Subject: the channel. Data: key (the new one's id), interconnect, environment, peer, tries."""

    TABLE: ClassVar = StateTable(
        "rotate",
        "The manager's side of a channel's MACsec key: the first one, or a new one beside the old.",
        ("installing",),
        {
            "installing": "the own router holds the new key as standby",
            "creating": "the peer takes the new key",
            "activating": "the own router protects the traffic under the new key",
            "confirming": "the peer says that its router does too",
            "retiring": "the peer deletes the old key",
            "reverting": "the peer deletes the new key",
        },
        (
            Transition("installing", "applied", ("creating",), "the peer is given the key"),
            Transition("creating", ANSWERED, ("activating",), "the own router prefers the new key"),
            Transition("creating", REFUSED, (FAILED,), "the new key is removed here"),
            Transition(
                "creating", GAVE_UP, ("reverting",), "whether the peer has it is not known: it is deleted there"
            ),
            Transition("activating", "active", ("confirming",), "the new key is active here, no other is"),
            Transition("activating", TIMER, ("reverting",), "it does not come into use: the old key goes on"),
            Transition(
                "confirming", ANSWERED, ("confirming", "retiring", DONE), "active there too: the old key can go"
            ),
            Transition("confirming", REFUSED, (FAILED,), "the peer has lost the key"),
            Transition("confirming", TIMER, (FAILED,), "the peer's router does not use it"),
            Transition("retiring", ANSWERED, ("retiring", DONE), "it is removed here too; the bake time begins"),
            Transition(
                "retiring",
                REFUSED,
                ("retiring", "confirming", DONE),
                "gone already; or still active there: asked again",
            ),
            Transition("reverting", ANSWERED, (FAILED,), "the new key is removed here too"),
            Transition(
                "reverting",
                REFUSED,
                ("activating", FAILED),
                "the peer uses it: on with it; else it is removed here too",
            ),
        ),
    )

    def begin(self) -> None:
        world = self.world
        found = world.config.channel(self.subject)
        assert found is not None
        interconnect, channel = found
        environment = world.config.environment_of(interconnect.name)
        self.data.update(interconnect=interconnect.name, environment=environment.name, peer=environment.peer)
        first = not records.keys(self.db, self.subject)
        key = acts.add(
            world,
            self.subject,
            world.new_id(),
            world.key_source(_CKN_BYTES).reveal().hex(),
            Secret.from_text(world.key_source(channel.key_bytes).reveal().hex()),
            preferred=first,
        )
        self.data["key"] = key.id
        self.data["generation"] = world.generation

    def guard(self) -> str | None:
        if self.row.state == "installing":
            return "applied" if self.world.facts.applied >= self.data["generation"] else None
        if self.row.state == "activating":
            key = self._key()
            return "active" if key is not None and key.active else None
        return None

    def installing_applied(self, _payload: object) -> str:
        key = self._key()
        assert key is not None
        name = (
            interconnect_name(self.world.me, self.data["environment"], self.data["interconnect"])
            .child("channels", self.subject)
            .child("macSecKeys", key.id)
        )
        body = MacSecKey(name=str(name), cak=key.cak, ckn=key.ckn)
        self.call("CreateMacSecKey", self.data["peer"], self._ids(), body, query={"macSecKeyId": key.id})
        return "creating"

    def creating_answered(self, _payload: object) -> str:
        acts.prefer(self.world, self.subject, self.data["key"])
        self.timer(self.world.rules.key_activation_timeout)
        return "activating"

    def creating_refused(self, payload: object) -> str:
        error = self.error(payload)
        self._remove_new()
        return self.fail(f"{self.subject}: the peer does not take the key: {error.message}")

    def creating_gave_up(self, _payload: object) -> str:
        return self._revert("the peer did not answer whether it has taken the key")

    def activating_active(self, _payload: object) -> str:
        self._ask_peer(0.0)
        self.timer(self.world.rules.key_activation_timeout)
        return "confirming"

    def activating_timer(self, _payload: object) -> str:
        return self._revert(
            f"the new key did not come into use within {self.world.rules.key_activation_timeout:g} s; the old one goes on"
        )

    def confirming_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, MacSecKey)
        if not body.active:
            self._ask_peer(_ASK_AGAIN)
            self.timer(self.data["until"] - self.world.now() if "until" in self.data else self._until())
            return "confirming"
        self.data.pop("until", None)
        return self._retire()

    def _until(self) -> float:
        timeout = self.world.rules.key_activation_timeout
        self.data["until"] = self.world.now() + timeout
        return timeout

    def confirming_refused(self, payload: object) -> str:
        return self.fail(f"{self.subject}: the peer does not show the key: {self.error(payload).message}")

    def confirming_timer(self, _payload: object) -> str:
        self.db.execute("DELETE FROM calls WHERE workflow = ?", self.row.id)
        return self.fail(f"{self.subject}: the peer's router does not use the new key; both keys stay installed")

    def _retire(self) -> str:
        old = self._old()
        if old is None:
            return self.done()
        self.call("DeleteMacSecKey", self.data["peer"], self._ids(macSecKey=old.id), forever=True)
        return "retiring"

    def retiring_answered(self, _payload: object) -> str:
        old = self._old()
        if old is not None:
            acts.remove(self.world, old)
        acts.rotation_ended(self.world, self.subject)
        return self._retire()

    def retiring_refused(self, payload: object) -> str:
        if self.error(payload).status == 409:
            self._ask_peer(_ASK_AGAIN)
            self.timer(self._until())
            return "confirming"
        return self.retiring_answered(payload)

    def reverting_answered(self, _payload: object) -> str:
        self._remove_new()
        return self.fail(f"{self.subject}: {self.data['message']}")

    def reverting_refused(self, payload: object) -> str:
        if self.error(payload).status == 409 and self._key() is not None:
            # The key in use cannot be deleted: it came into use there after all.
            return self.creating_answered(payload)
        return self.reverting_answered(payload)

    # -- helpers

    def _ids(self, **more: str) -> dict[str, str]:
        return {
            "environment": self.data["environment"],
            "interconnect": self.data["interconnect"],
            "channel": self.subject,
            **more,
        }

    def _key(self) -> KeyRow | None:
        return records.key(self.db, self.subject, self.data["key"])

    def _old(self) -> KeyRow | None:
        return next((each for each in records.keys(self.db, self.subject) if each.id != self.data["key"]), None)

    def _ask_peer(self, after: float) -> None:
        self.call("GetMacSecKey", self.data["peer"], self._ids(macSecKey=self.data["key"]), forever=True, after=after)

    def _revert(self, message: str) -> str:
        self.data["message"] = message
        old = self._old()
        if old is not None:
            acts.prefer(self.world, self.subject, old.id)
        self.call("DeleteMacSecKey", self.data["peer"], self._ids(macSecKey=self.data["key"]), forever=True)
        return "reverting"

    def _remove_new(self) -> None:
        key = self._key()
        if key is not None:
            old = self._old()
            acts.remove(self.world, key)
            if old is not None:
                acts.prefer(self.world, self.subject, old.id)


__all__ = ["Rotate"]
