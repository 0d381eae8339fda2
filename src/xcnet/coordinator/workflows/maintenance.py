"""``maintenance``: an own window on a channel. ``fetch-windows`` and ``peer-window``: the peer's."""

from __future__ import annotations

from typing import ClassVar

from xcnet.coordinator.acts import holds
from xcnet.coordinator.acts import maintenance as acts
from xcnet.coordinator.engine.machine import Machine
from xcnet.coordinator.engine.tables import ANSWERED, DONE, FAILED, GAVE_UP, REFUSED, TIMER, StateTable, Transition
from xcnet.coordinator.policy.maintenance import Window, check_schedule, resolve_conflict
from xcnet.spec.base import timestamp
from xcnet.spec.errors import ApiError
from xcnet.spec.resources import (
    AdminState,
    Channel,
    GetMaintenanceEventsResponse,
    MaintenanceEvent,
    NotifyMaintenanceRequest,
)

_ASK_AGAIN = 0.2
RESTORE_SECONDS = 60.0
"""For a channel that was down to be secured, and to work for its connections, before traffic comes back anyway."""


class OfChannel(Machine):
    """Subject: the channel."""

    @property
    def interconnect(self) -> str:
        found = self.world.config.channel(self.subject)
        assert found is not None
        return found[0].name

    @property
    def peer(self) -> str:
        return self.world.config.environment_of(self.interconnect).peer

    def ids(self, channel: str | None = None) -> dict[str, str]:
        return {
            "environment": self.world.config.environment_of(self.interconnect).name,
            "interconnect": self.interconnect,
            "channel": channel or self.subject,
        }

    def siblings(self) -> list[str]:
        """The channels of its interconnect."""
        config = self.world.config.interconnect(self.interconnect)
        assert config is not None
        return [each.name for each in config.channels]


class Maintenance(OfChannel):
    """Data: maintenance (its id), start, end, emergency, asked (channels whose windows the peer has shown), cancelled."""

    TABLE: ClassVar = StateTable(
        "maintenance",
        "Work on a channel: agreed on beforehand, drained before it begins, restored after it.",
        ("checking",),
        {
            "checking": "the peer's windows on all channels of the interconnect",
            "publishing": "the peer hears that the list has changed",
            "scheduled": "its time",
            "draining": "no traffic over the channel any more, at this side",
            "peer-draining": "nor at the peer's side",
            "working": "its end",
            "restoring": "the channel is secured, and works for its connections, again",
            "withdrawing": "the peer hears that the list has changed",
        },
        (
            Transition("checking", ANSWERED, ("checking", "publishing", FAILED), "no conflict: it is published"),
            Transition("checking", REFUSED, (FAILED,), "nothing was published"),
            Transition("checking", GAVE_UP, ("publishing", FAILED), "an emergency goes on, anything else does not"),
            Transition("publishing", ANSWERED, ("scheduled",), "both sides know"),
            Transition(
                "publishing", REFUSED, ("withdrawing",), "the peer has a window of its own: this one is withdrawn"
            ),
            Transition("publishing", TIMER, ("draining",), "an emergency does not wait for the peer"),
            Transition("scheduled", TIMER, ("draining",), "the channel's routes are avoided from now on"),
            Transition("scheduled", "cancelled", ("withdrawing",), "withdrawn"),
            Transition("draining", "drained", ("peer-draining",), "the peer is asked how far it is"),
            Transition("draining", TIMER, ("peer-draining",), "it had its time"),
            Transition("peer-draining", ANSWERED, ("peer-draining", "working"), "drained: the channel is taken down"),
            Transition("peer-draining", REFUSED, ("working",), "the peer does not say: the channel is taken down"),
            Transition("peer-draining", TIMER, ("working",), "it had its time: the channel is taken down"),
            Transition("working", TIMER, ("restoring",), "the channel is put up again"),
            Transition("working", "cancelled", ("restoring",), "the channel is put up again"),
            Transition("restoring", "works", ("withdrawing",), "its routes are used again"),
            Transition("restoring", TIMER, ("withdrawing",), "it does not come back; that is another matter"),
            Transition("withdrawing", ANSWERED, (DONE, FAILED), "both sides know"),
            Transition("withdrawing", REFUSED, (DONE, FAILED), "both sides know"),
        ),
    )

    @property
    def window(self) -> Window:
        return Window(
            channel=self.subject,
            id=self.data["maintenance"],
            start=self.data["start"],
            end=self.data["end"],
            owner=self.world.me,
            emergency=bool(self.data["emergency"]),
        )

    @property
    def _reason(self) -> str:
        return f"maintenance {self.data['maintenance']}"

    def begin(self) -> None:
        self.data["asked"] = []
        self._ask_next()

    def _ask_next(self) -> bool:
        left = [each for each in self.siblings() if each not in self.data["asked"]]
        if left:
            self.call("GetMaintenanceEvents", self.peer, self.ids(left[0]))
        return bool(left)

    def guard(self) -> str | None:
        state = self.row.state
        if state in ("scheduled", "working") and self.data.get("cancelled"):
            return "cancelled"
        if state == "draining":
            mine = [each for each in holds.of(self.db, self.subject) if each.reason == self._reason]
            return "drained" if mine and mine[0].drained else None
        if state == "restoring":
            return "works" if holds.restorable(self.world, self.subject) else None
        return None

    def checking_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, GetMaintenanceEventsResponse)
        channel = next(each for each in self.siblings() if each not in self.data["asked"])
        store_peer_windows(self, channel, body)
        self.data["asked"].append(channel)
        if self._ask_next():
            return "checking"
        return self._publish()

    def checking_refused(self, payload: object) -> str:
        return self.fail(f"the peer does not show its maintenance: {self.error(payload).message}")

    def checking_gave_up(self, _payload: object) -> str:
        if self.data["emergency"]:
            return self._publish()
        return self.fail("the peer could not be asked for its maintenance; an emergency would not wait for it")

    def _publish(self) -> str:
        known = [each for each in acts.windows(self.world, self.interconnect) if each.id != self.data["maintenance"]]
        siblings = self.siblings()
        try:
            check_schedule(
                self.window, known, {channel: frozenset({self.interconnect}) for channel in siblings}, self.world.now()
            )
        except ApiError as error:
            return self.fail(error.message)
        acts.add(self.world, self.window)
        self.call("NotifyMaintenance", self.peer, self.ids(), NotifyMaintenanceRequest(), forever=True)
        if self.data["emergency"]:
            self.timer(max(0.0, self.data["start"] - self.world.now()))
        return "publishing"

    def publishing_answered(self, _payload: object) -> str:
        self.timer(max(0.0, self.data["start"] - self.world.now()))
        return "scheduled"

    def publishing_refused(self, payload: object) -> str:
        self.data["failed"] = f"the peer refuses the window: {self.error(payload).message}"
        return self._withdraw()

    def publishing_timer(self, _payload: object) -> str:
        self.db.execute("DELETE FROM calls WHERE workflow = ?", self.row.id)
        return self._drain()

    def scheduled_timer(self, _payload: object) -> str:
        return self._drain()

    def scheduled_cancelled(self, _payload: object) -> str:
        return self._withdraw()

    def _drain(self) -> str:
        # Drained is not down: it goes down once the peer has moved too.
        holds.place(self.world, self.subject, self._reason, holds.DRAIN)
        self.timer(self.world.rules.drain_timeout)
        return "draining"

    def draining_drained(self, _payload: object) -> str:
        self.data["until"] = self.world.now() + self.world.rules.drain_timeout
        self._ask_channel(0.0)
        return "peer-draining"

    def draining_timer(self, payload: object) -> str:
        holds.drain(self.world, self.subject)
        return self.draining_drained(payload)

    def _ask_channel(self, after: float) -> None:
        self.call("GetChannel", self.peer, self.ids(), forever=True, after=after)
        self.timer(max(0.0, self.data["until"] - self.world.now()))

    def peer_draining_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, Channel)
        if body.admin_state is AdminState.DISABLED:
            return self._take_down()
        self._ask_channel(_ASK_AGAIN)
        return "peer-draining"

    def peer_draining_refused(self, _payload: object) -> str:
        return self._take_down()

    def peer_draining_timer(self, _payload: object) -> str:
        self.db.execute("DELETE FROM calls WHERE workflow = ?", self.row.id)
        return self._take_down()

    def _take_down(self) -> str:
        holds.take_down(self.world, self.subject, self._reason)
        self.timer(max(0.0, self.data["end"] - self.world.now()))
        return "working"

    def working_timer(self, _payload: object) -> str:
        holds.restore(self.world, self.subject, self._reason)
        self.timer(RESTORE_SECONDS)
        return "restoring"

    def working_cancelled(self, payload: object) -> str:
        return self.working_timer(payload)

    def restoring_works(self, _payload: object) -> str:
        return self._withdraw()

    def restoring_timer(self, _payload: object) -> str:
        self.data["failed"] = f"{self.subject} did not work again within {RESTORE_SECONDS:g} s after the work"
        return self._withdraw()

    def _withdraw(self) -> str:
        holds.lift(self.world, self.subject, self._reason)
        acts.remove(self.world, self.world.me, self.subject, self.data["maintenance"])
        self.call("NotifyMaintenance", self.peer, self.ids(), NotifyMaintenanceRequest(), forever=True)
        return "withdrawing"

    def withdrawing_answered(self, _payload: object) -> str:
        failed = self.data.get("failed")
        return self.fail(failed) if failed else self.done()

    def withdrawing_refused(self, payload: object) -> str:
        return self.withdrawing_answered(payload)


class FetchWindows(OfChannel):
    """Looks up the peer's windows after it has notified, and settles a conflict that came about meanwhile."""

    TABLE: ClassVar = StateTable(
        "fetch-windows",
        "Fetches the peer's maintenance windows of a channel.",
        ("getting",),
        {"getting": "the peer's windows"},
        (
            Transition("getting", ANSWERED, ("getting", DONE), "noted; the peer's own drain is followed"),
            Transition("getting", REFUSED, (DONE,), "the peer does not show them"),
        ),
    )

    def begin(self) -> None:
        self.data["again"] = False
        self.call("GetMaintenanceEvents", self.peer, self.ids(), forever=True)

    def getting_answered(self, payload: object) -> str:
        body = self.answer(payload).body
        assert isinstance(body, GetMaintenanceEventsResponse)
        store_peer_windows(self, self.subject, body)
        self._yield_to_peer()
        if self.data["again"]:
            self.begin()
            return "getting"
        return self.done()

    def getting_refused(self, _payload: object) -> str:
        return self.done()

    def _yield_to_peer(self) -> None:
        """Both sides have published at the same moment: one of the two windows goes."""
        for theirs in acts.of_peer(self.world, self.subject):
            for channel in self.siblings():
                for mine in acts.own(self.world, channel):
                    if resolve_conflict(mine, theirs) is not mine:
                        continue
                    for workflow in self.engine.running("maintenance", channel, maintenance=mine.id):
                        self.db.execute(
                            "UPDATE workflows SET data = json_set(data, '$.cancelled', json('true'), '$.failed', ?)"
                            " WHERE id = ?",
                            f"{self.peer} has published an overlapping window on {theirs.channel}",
                            workflow.id,
                        )
                        self.world.wake(channel)


class PeerWindow(OfChannel):
    """Data: maintenance, start, end. The peer works on the channel; traffic leaves it at this side too."""

    TABLE: ClassVar = StateTable(
        "peer-window",
        "Follows a window of the peer: drained at this side for as long as it lasts.",
        ("scheduled",),
        {
            "scheduled": "its time",
            "draining": "no traffic over the channel any more, at this side",
            "drained": "its end, or its withdrawal by the peer",
        },
        (
            Transition("scheduled", TIMER, ("draining",), "the channel's routes are avoided from now on"),
            Transition("scheduled", "withdrawn", (DONE,), "nothing has happened"),
            Transition("draining", "drained", ("drained",), "the channel is shown as disabled"),
            Transition("draining", TIMER, ("drained",), "it had its time: the channel is shown as disabled"),
            Transition("draining", "withdrawn", (DONE,), "its routes are used again"),
            Transition("drained", "withdrawn", (DONE,), "its routes are used again"),
        ),
    )

    @property
    def _reason(self) -> str:
        return f"maintenance {self.data['maintenance']} of {self.peer}"

    def begin(self) -> None:
        self.timer(max(0.0, self.data["start"] - self.world.now()))

    def guard(self) -> str | None:
        if not any(each.id == self.data["maintenance"] for each in acts.of_peer(self.world, self.subject)):
            return "withdrawn"
        if self.row.state == "draining":
            mine = [each for each in holds.of(self.db, self.subject) if each.reason == self._reason]
            return "drained" if mine and mine[0].drained else None
        return None

    def scheduled_timer(self, _payload: object) -> str:
        holds.place(self.world, self.subject, self._reason, holds.DRAIN)
        self.timer(self.world.rules.drain_timeout)
        return "draining"

    def scheduled_withdrawn(self, _payload: object) -> str:
        return self.done()

    def draining_drained(self, _payload: object) -> str:
        return "drained"

    def draining_timer(self, _payload: object) -> str:
        holds.drain(self.world, self.subject)
        return "drained"

    def draining_withdrawn(self, _payload: object) -> str:
        holds.lift(self.world, self.subject, self._reason)
        return self.done()

    def drained_withdrawn(self, payload: object) -> str:
        return self.draining_withdrawn(payload)


def store_peer_windows(machine: OfChannel, channel: str, body: GetMaintenanceEventsResponse) -> None:
    """Replace what is known of the peer's windows on a channel, and follow those that are new."""
    world = machine.world
    known = {each.id: each for each in acts.of_peer(world, channel)}
    shown: set[str] = set()
    for event in body.events or []:
        if event.maintenance_id is None or event.start_time is None or event.end_time is None:
            continue
        shown.add(event.maintenance_id)
        start, end = event.start_time.timestamp(), event.end_time.timestamp()
        old = known.get(event.maintenance_id)
        if old is not None and (old.start, old.end) == (start, end):
            continue
        if old is not None:
            acts.remove(world, machine.peer, channel, old.id)
        acts.add(world, Window(channel, event.maintenance_id, start, end, machine.peer, False))
        if not machine.engine.running("peer-window", channel, maintenance=event.maintenance_id):
            data = {"maintenance": event.maintenance_id, "start": start, "end": end}
            machine.engine.start("peer-window", channel, "scheduled", data)
    for identifier in set(known) - shown:
        acts.remove(world, machine.peer, channel, identifier)
    world.wake(channel)


def as_events(windows: list[Window]) -> GetMaintenanceEventsResponse:
    """Own windows as the API shows them."""
    return GetMaintenanceEventsResponse(
        events=[
            MaintenanceEvent(start_time=timestamp(each.start), end_time=timestamp(each.end), maintenance_id=each.id)
            for each in windows
        ]
    )


__all__ = [
    "RESTORE_SECONDS",
    "FetchWindows",
    "Maintenance",
    "OfChannel",
    "PeerWindow",
    "as_events",
    "store_peer_windows",
]
