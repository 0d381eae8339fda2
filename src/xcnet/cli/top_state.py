"""What ``xcnet top`` shows, reckoned from two pictures of a lab: rates from what its counters gained between them."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict

from xcnet.cli.mood import Mood, mood, worth_showing
from xcnet.cli.show import refused
from xcnet.coordinator.daemon.views import ChannelView, ConnectionView
from xcnet.events import Event
from xcnet.lab.picture import Picture
from xcnet.lab.status import ChannelEndStatus, ChannelStatus, Health, LabStatus, SessionStatus

_SENT = "OutPktsEncrypted"
_ANSWERED, _LOST = "ProbesAnswered", "ProbesLost"
_ADMIN, _MONITOR = "admin", "monitor"
"""The reasons of holds that an operator, and that a monitor has placed; any other is maintenance."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class EndFigures(_Model):
    """One end of a channel.

    :param frames_per_second: that it sends; None: not known yet, or its counters began anew.
    :param refused: frames that it has not let in, since they are counted.
    :param lost: percent of the monitor's probes that were lost meanwhile; None: not known.
    :param bfd: its sessions to the other provider over this channel: up, and all that there should be.
    """

    node: str
    secured: bool
    key_number: int | None
    frames_per_second: float | None
    lost: float | None
    refused: int
    bfd_up: int
    bfd_all: int


class ChannelFigures(_Model):
    """:param use: ``in use``, or what became of it and why, as far as any coordinator says."""

    name: str
    facility: str
    health: Health
    ends: tuple[EndFigures, ...]
    use: str


class ConnectionFigures(_Model):
    """One connection as all its sides have it.

    :param states: provider -> its state there. :param mbps: None while nothing is agreed on yet.
    :param features_up: provider -> features that are seen to work there, and all. :param next_hops: at all gateways, in all
        tables; :param expected_next_hops: as many as there should be.
    """

    name: str
    uuid: str
    states: dict[str, str]
    mbps: int | None
    features_up: dict[str, tuple[int, int]]
    next_hops: int
    expected_next_hops: int

    @property
    def whole(self) -> bool:
        """It works with all that it should have."""
        return (
            set(self.states.values()) == {"verified"}
            and all(up == total for up, total in self.features_up.values())
            and self.next_hops >= self.expected_next_hops
        )


class EventFigures(_Model):
    """:param seconds: since the lab's kernel began."""

    seconds: float
    source: str
    kind: str
    subject: str
    details: dict[str, str]
    mood: Mood


class TopState(_Model):
    """:param missing: processes that should run and do not, and coordinators that do not answer, in words.
    :param ahead: what policy time is before the wall clock by, in seconds, at whom it is most.
    :param events: those that are worth a line, the newest at the end.
    """

    lab: str
    topology: str
    engine: str
    uptime_seconds: float
    wall: float
    ahead: float
    health: Health
    missing: tuple[str, ...]
    channels: tuple[ChannelFigures, ...]
    connections: tuple[ConnectionFigures, ...]
    events: tuple[EventFigures, ...]


def top_state(now: Picture, before: Picture | None = None) -> TopState:
    """:param before: an earlier picture of the same lab; without one there are no rates."""
    status = now.status
    return TopState(
        lab=status.name,
        topology=status.topology,
        engine=status.engine,
        uptime_seconds=status.uptime_seconds,
        wall=now.wall,
        ahead=max((each.ahead for each in now.providers.values()), key=abs, default=0.0),
        health=status.health,
        missing=tuple(_missing(now)),
        channels=tuple(_channel(each, now, before) for each in status.channels),
        connections=tuple(_connections(now)),
        events=tuple(_event(each) for each in now.events if worth_showing(each)),
    )


def _missing(now: Picture) -> Iterator[str]:
    for node in now.status.nodes:
        gone = [name for name, state in node.processes.items() if state != "running"]
        if gone:
            yield f"{node.name} {', '.join(gone)}"
    for provider in now.providers.values():
        if not provider.answers:
            yield f"{provider.name}'s coordinator does not answer"


def _channel(channel: ChannelStatus, now: Picture, before: Picture | None) -> ChannelFigures:
    earlier: dict[tuple[str, str], ChannelEndStatus] = {}
    seconds = 0.0
    if before is not None:
        seconds = now.status.uptime_seconds - before.status.uptime_seconds
        earlier = {(each.name, end.node): end for each in before.status.channels for end in each.ends}
    return ChannelFigures(
        name=channel.name,
        facility=channel.facility,
        health=channel.health,
        ends=tuple(
            _end(end, earlier.get((channel.name, end.node)), seconds, _over(channel.name, end.node, now.status))
            for end in channel.ends
        ),
        use=_use(channel.name, now),
    )


def _over(channel: str, node: str, status: LabStatus) -> list[SessionStatus]:
    """A router's sessions to the other provider on a channel: their descriptions begin with its name."""
    return [
        each
        for each in status.sessions
        if each.external and each.node == node and each.description.partition(" ")[0] == channel
    ]


def _end(
    end: ChannelEndStatus, earlier: ChannelEndStatus | None, seconds: float, sessions: list[SessionStatus]
) -> EndFigures:
    watched = [each for each in sessions if each.bfd is not None]
    return EndFigures(
        node=end.node,
        secured=end.secured,
        key_number=end.key_number,
        frames_per_second=_rate(end, earlier, seconds),
        lost=_lost(end, earlier),
        refused=refused(end),
        bfd_up=sum(each.bfd == "up" for each in watched),
        bfd_all=len(watched),
    )


def _rate(end: ChannelEndStatus, earlier: ChannelEndStatus | None, seconds: float) -> float | None:
    if earlier is None or seconds <= 0 or _SENT not in end.counters or _SENT not in earlier.counters:
        return None
    gained = end.counters[_SENT] - earlier.counters[_SENT]
    return round(gained / seconds, 1) if gained >= 0 else None


def _lost(end: ChannelEndStatus, earlier: ChannelEndStatus | None) -> float | None:
    if earlier is None or any(each not in held.counters for held in (end, earlier) for each in (_ANSWERED, _LOST)):
        return None
    answered, lost = (end.counters[each] - earlier.counters[each] for each in (_ANSWERED, _LOST))
    return round(100 * lost / (answered + lost), 1) if answered >= 0 and lost >= 0 and answered + lost else None


def _use(channel: str, now: Picture) -> str:
    held = [each for each in _views(channel, now) if not each.enabled]
    if not held:
        return "in use"
    reasons = {reason for each in held for reason in each.holds}
    reason = "disabled" if _ADMIN in reasons else "maintenance" if reasons - {_MONITOR} else "monitor"
    if any(each.down for each in held):
        return f"down, {reason}"
    return f"drained, {reason}" if all(each.drained for each in held) else f"draining, {reason}"


def _views(channel: str, now: Picture) -> Iterator[ChannelView]:
    """As each of its coordinators has it."""
    for provider in now.providers.values():
        for environment in provider.environments:
            for interconnect in environment.interconnects:
                yield from (each for each in interconnect.channels if each.name == channel)


def _connections(now: Picture) -> Iterator[ConnectionFigures]:
    held: dict[str, dict[str, ConnectionView]] = {}
    for key, provider in now.providers.items():
        for view in provider.connections:
            held.setdefault(view.uuid, {})[key] = view
    for uuid, sides in held.items():
        views = list(sides.values())
        names = {view.name for view in views}
        routes = [each for each in now.status.routes if each.connection in names]
        sizes = [view.legs[-1].bandwidth_mbps for view in views if view.legs]
        yield ConnectionFigures(
            name=views[0].name,
            uuid=uuid,
            states={key: view.state for key, view in sides.items()},
            mbps=sizes[0] if sizes else None,
            features_up={key: _features(view) for key, view in sides.items()},
            next_hops=sum(len(each.next_hops) for each in routes),
            expected_next_hops=sum(each.expected_next_hops for each in routes),
        )


def _features(view: ConnectionView) -> tuple[int, int]:
    features = view.legs[-1].features if view.legs else ()
    return sum(each.up is True for each in features), len(features)


def _event(event: Event) -> EventFigures:
    return EventFigures(
        seconds=event.monotonic,
        source=event.source,
        kind=event.kind,
        subject=event.subject,
        details={key: str(value) for key, value in event.data.items()},
        mood=mood(event),
    )


__all__ = ["ChannelFigures", "ConnectionFigures", "EndFigures", "EventFigures", "TopState", "top_state"]
