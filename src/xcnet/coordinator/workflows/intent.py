"""``intent``: a customer wants a connection; the key to carry to the other provider is made in a form that it can read."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import activation
from xcnet.coordinator.acts import connections as acts
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, StateTable, Transition
from xcnet.spec.connections import ActivationKeyParameters
from xcnet.spec.errors import ApiError


class Intent(Machine):
    """Subject: the UUID. Data: environment, peer, mbps, account (here), peer_account."""

    TABLE: ClassVar = StateTable(
        "intent",
        "Makes an activation key. Nothing is reserved by it.",
        ("asking",),
        {"asking": "which versions of keys the other provider reads, and its public key"},
        (
            Transition("asking", ANSWERED, (DONE, FAILED), "the key is made, in the highest version in common"),
            Transition("asking", REFUSED, (DONE, FAILED), "a provider that does not say reads version 1"),
            Transition("asking", GAVE_UP, (FAILED,), "no key"),
        ),
    )

    def begin(self) -> None:
        self.call("GetActivationKeyParameters", self.data["peer"], {"environment": self.data["environment"]})

    def asking_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, ActivationKeyParameters)
        return self._issue(body)

    def asking_refused(self, _payload: object) -> str:
        return self._issue(ActivationKeyParameters(supported_versions=[1]))

    def asking_gave_up(self, _payload: object) -> str:
        acts.forget(self.world, self.subject)
        return self.fail(f"{self.world.config.peers[self.data['peer']].display_name} could not be asked")

    def _issue(self, theirs: ActivationKeyParameters) -> str:
        environment = self.world.config.environment(self.data["environment"])
        assert environment is not None
        try:
            activation.issue(
                self.world,
                environment,
                self.subject,
                mbps=self.data["mbps"],
                own_account=self.data["account"],
                peer_account=self.data["peer_account"],
                theirs=theirs,
            )
        except ApiError as error:
            acts.forget(self.world, self.subject)
            return self.fail(error.message)
        return self.done()


__all__ = ["Intent"]
