"""Coordinators that do wrong. Each of these changes the process that it is called in, for good."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from xcnet.coordinator.acts import activation, attachments, holds, keys, status
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.commands import operators
from xcnet.coordinator.commands.customers import CustomerCommands
from xcnet.coordinator.daemon import outbox
from xcnet.coordinator.engine.calls import NotSent, Outcome, Refused, Unknown
from xcnet.coordinator.policy import keys as key_policy
from xcnet.coordinator.policy import proposal
from xcnet.coordinator.policy.limits import LinkPolicy
from xcnet.coordinator.serve import connections as serving
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState
from xcnet.coordinator.workflows import maintenance
from xcnet.coordinator.workflows.admin import ADMIN, DisableChannel
from xcnet.coordinator.workflows.changes import Migrate
from xcnet.coordinator.workflows.maintenance import Maintenance, PeerWindow
from xcnet.coordinator.workflows.rotation import Rotate
from xcnet.coordinator.world import World
from xcnet.lab.sabotage import replaced
from xcnet.model.sabotage import Sabotage
from xcnet.spec.connections import L3BaseGuidance
from xcnet.spec.errors import ApiError, Reason


def _ignored(_original: Any) -> Any:
    """What would refuse, or act, does nothing."""
    return lambda *_arguments, **_more: None


def _no_drain() -> None:
    """The channel goes down when its window begins, at the side that works on it, and neither side moves its traffic before."""

    def drain(_original: Any) -> Any:
        def at_once(self: Maintenance) -> str:
            holds.place(self.world, self.subject, self._reason, holds.DOWN)
            holds.drain(self.world, self.subject)
            self.timer(self.world.rules.drain_timeout)
            return "draining"

        return at_once

    def drained(original: Any) -> Any:
        def unasked(self: Maintenance, payload: object) -> str:
            state: str = original(self, payload)
            self.data["until"] = self.world.now()
            self.timer(0.0)
            return state

        return unasked

    def follow(_original: Any) -> Any:
        def unmoved(self: PeerWindow, _payload: object) -> str:
            self.timer(self.world.rules.drain_timeout)
            return "draining"

        return unmoved

    def disable(original: Any) -> Any:
        def undrained(self: DisableChannel) -> None:
            original(self)
            holds.place(self.world, self.subject, ADMIN, holds.DOWN)
            holds.drain(self.world, self.subject)

        return undrained

    replaced(DisableChannel, "begin", disable)
    replaced(Maintenance, "_drain", drain)
    replaced(Maintenance, "draining_drained", drained)
    replaced(PeerWindow, "scheduled_timer", follow)


def _no_rollover() -> None:
    """The manager's router loses its old key when it gets the new one; the peer has only the old one then."""

    def begin(original: Any) -> Any:
        def alone(self: Rotate) -> None:
            old = records.keys(self.db, self.subject)
            original(self)
            keys.prefer(self.world, self.subject, self.data["key"])
            for each in old:
                keys.remove(self.world, each)
            self.data["generation"] = self.world.generation

        return alone

    replaced(Rotate, "begin", begin)


def _no_bake() -> None:
    replaced(key_policy, "_check_rotation", _ignored)


def _no_overlap_check() -> None:
    replaced(operators, "check_schedule", _ignored)
    replaced(maintenance, "check_schedule", _ignored)
    replaced(maintenance, "resolve_conflict", _ignored)


def _no_make_before_break() -> None:
    def begin(original: Any) -> Any:
        def broken(self: Migrate) -> None:
            original(self)
            old = self._row("old")
            if old is not None:
                connection_acts.set_state(self.world, old, ConnectionState.DELETING)

        return broken

    replaced(Migrate, "begin", begin)


def _no_retry() -> None:
    def attempt(original: Any) -> Any:
        async def once(*arguments: Any, **more: Any) -> Outcome:
            outcome: Outcome = await original(*arguments, **more)
            if isinstance(outcome, Unknown | NotSent):
                return Refused(ApiError(Reason.INVALID_ARGUMENT, f"given up: {outcome.why}"))
            return outcome

        return once

    replaced(outbox, "attempt", attempt)


def _no_status() -> None:
    """What has been seen to work once works for ever."""

    def features(original: Any) -> Any:
        def unseen(world: World, row: ConnectionRow) -> None:
            if not row.own_final:
                original(world, row)

        return unseen

    replaced(status, "_note_features", features)
    replaced(status, "_note_connection", features)


def _no_mtu() -> None:
    def mtu(_original: Any) -> Any:
        def lowest(policy: LinkPolicy, theirs: L3BaseGuidance) -> int:
            return max(policy.mtu[0], min((each.start or 0 for each in theirs.mtu_ranges or []), default=0))

        return lowest

    replaced(proposal, "_mtu", mtu)


def _no_resize() -> None:
    replaced(serving, "updated_fields", lambda _original: lambda *_: frozenset())


def _no_conflict_check() -> None:
    replaced(serving, "check_update", _ignored)


def _no_key_check() -> None:
    """Whatever key is brought, used or altered, it stands for the connection that it names, or for any that waits."""

    def by_fingerprint(original: Any) -> Any:
        def any_of(world: World, fingerprint: str) -> activation.Activation | None:
            found: activation.Activation | None = original(world, fingerprint)
            row = world.db.one("SELECT * FROM activations ORDER BY created DESC")
            return found or (activation.Activation.of(row) if row is not None else None)

        return any_of

    def redeem(original: Any) -> Any:
        def again(world: World, environment: Any, caller: str, uuid: str, body: Any) -> activation.Activation:
            found: activation.Activation = original(world, environment, caller, uuid, body)
            if attachments.attachment(world.db, uuid) is None:
                attachments.create(world, uuid, account=found.own_account, name=None, port=None, networks=())
            return found

        return again

    replaced(activation, "redeem", redeem)
    replaced(activation, "_usable", lambda _original: lambda *_: True)
    replaced(activation, "_by_fingerprint", by_fingerprint)


def _no_quota() -> None:
    replaced(CustomerCommands, "_quota", _ignored)


def _no_delete() -> None:
    replaced(serving, "remove_by_peer", _ignored)


SPOILERS: dict[Sabotage, Callable[[], None]] = {
    Sabotage.NO_DRAIN: _no_drain,
    Sabotage.NO_ROLLOVER: _no_rollover,
    Sabotage.NO_BAKE: _no_bake,
    Sabotage.NO_OVERLAP_CHECK: _no_overlap_check,
    Sabotage.NO_MAKE_BEFORE_BREAK: _no_make_before_break,
    Sabotage.NO_RETRY: _no_retry,
    Sabotage.NO_STATUS: _no_status,
    Sabotage.NO_MTU: _no_mtu,
    Sabotage.NO_RESIZE: _no_resize,
    Sabotage.NO_CONFLICT_CHECK: _no_conflict_check,
    Sabotage.NO_KEY_CHECK: _no_key_check,
    Sabotage.NO_QUOTA: _no_quota,
    Sabotage.NO_DELETE: _no_delete,
}


__all__ = ["SPOILERS"]
