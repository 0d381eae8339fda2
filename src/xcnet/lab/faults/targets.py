"""What a fault's ``on`` names: lines (channels, or links between a provider's routers) with their ports and their two ways."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.errors import InputError
from xcnet.lab.directory import pick
from xcnet.model.faults import Direction
from xcnet.model.plan import NodeKind, Plan, PlannedChannel
from xcnet.model.problems import did_you_mean

ALL = "all"
INTERNAL = "internal"


@dataclass(frozen=True, order=True, slots=True)
class Port:
    """An interface of a node."""

    node: str
    name: str

    def __str__(self) -> str:
        return f"{self.node}:{self.name}"


@dataclass(frozen=True, slots=True)
class Line:
    """A channel or an internal link.

    :param name: of the channel, or ``EDGE/GATEWAY``. :param channels: concerned when it fails.
    :param ends: which, taken down, darken the line: of a channel the facility's ports, towards its first and its second
        provider; of an internal link the edge's and the gateway's.
    :param outlets: where frames leave on their way to the second side, and on their way to the first.
    :param fibre: a channel. An internal link's ends are the routers' own.
    """

    name: str
    channels: tuple[str, ...]
    ends: tuple[Port, Port]
    outlets: tuple[Port, Port]
    fibre: bool

    def ways(self, direction: Direction) -> tuple[Port, ...]:
        """The ports by which frames of that direction leave."""
        match direction:
            case Direction.FIRST:
                return self.outlets[:1]
            case Direction.SECOND:
                return self.outlets[1:]
            case Direction.BOTH:
                return self.outlets


def lines(plan: Plan, on: str) -> tuple[Line, ...]:
    """What ``on`` names: a channel, a facility, ``all``, a provider, or ``NODE/NODE``.

    :raises InputError: nothing of that name.
    """
    if "/" in on:
        return (_internal(plan, on),)
    return tuple(_channel(plan, channel) for channel in channels(plan, on))


def channels(plan: Plan, on: str) -> tuple[PlannedChannel, ...]:
    """The channels that ``on`` names: a channel, a facility, ``all`` or a provider. :raises InputError: nothing of that name."""
    facilities = [node.name for node in plan.nodes if node.kind is NodeKind.FACILITY]
    found: tuple[PlannedChannel, ...]
    if on == ALL:
        found = plan.channels
    elif any(channel.name == on for channel in plan.channels):
        found = (plan.channel(on),)
    elif on in facilities:
        found = tuple(channel for channel in plan.channels if channel.facility == on)
    elif on in plan.providers:
        found = tuple(channel for channel in plan.channels if on in {end.provider for end in channel.ends})
    else:
        names = (*(channel.name for channel in plan.channels), *facilities, *plan.providers, ALL)
        remedy = did_you_mean(on, names) + "; a link inside a provider is written NODE/NODE"
        raise InputError(f"nothing in this lab is called {on!r}", where="on", remedy=remedy)
    if not found:
        raise InputError(f"there is no channel at {on!r}", where="on", remedy="name a channel that there is")
    return found


def one_channel(plan: Plan, on: str) -> PlannedChannel:
    """For faults of a single channel. :raises InputError: there is none of that name."""
    return plan.channel(pick("channel", on, tuple(channel.name for channel in plan.channels)))


def provider(plan: Plan, side: str) -> str:
    """:raises InputError: there is none of that name."""
    return pick("provider", side, tuple(plan.providers))


def router(plan: Plan, on: str) -> str:
    """:raises InputError: there is none of that name."""
    return pick("router", on, tuple(plan.routers))


def node(plan: Plan, on: str, others: tuple[str, ...]) -> str:
    """A router; named with other nodes that would do too. :raises InputError: there is none of that name."""
    return pick("node with daemons", on, (*plan.routers, *others))


def channels_of(plan: Plan, node: str) -> tuple[str, ...]:
    """The channels that pass a router or facility; of a gateway all of its provider's."""
    planned = plan.node(node)
    if planned.kind is NodeKind.FACILITY:
        return tuple(channel.name for channel in plan.channels if channel.facility == node)
    if planned.kind is NodeKind.EDGE:
        return tuple(channel.name for channel in plan.channels if node in {end.node for end in channel.ends})
    here = planned.provider
    return tuple(channel.name for channel in plan.channels if here in {end.provider for end in channel.ends})


def _channel(plan: Plan, channel: PlannedChannel) -> Line:
    order = _providers(plan, channel)
    first, second = sorted(channel.ends, key=lambda end: order.index(end.provider))
    towards = (Port(channel.facility, first.facility_port), Port(channel.facility, second.facility_port))
    return Line(channel.name, (channel.name,), towards, (towards[1], towards[0]), fibre=True)


def _providers(plan: Plan, channel: PlannedChannel) -> list[str]:
    """The two in the order of their environment."""
    environment = next((each.environment for each in plan.interconnects if each.name == channel.interconnect), None)
    for each in plan.environments:
        if each.name == environment:
            return list(each.sites)
    return [end.provider for end in channel.ends]


def _internal(plan: Plan, on: str) -> Line:
    known: dict[str, tuple[Port, Port]] = {}
    for link in plan.links:
        if link.kind == INTERNAL:
            edge, gateway = sorted((Port(*link.a), Port(*link.b)), key=lambda port: plan.node(port.node).kind)
            known[f"{edge.node}/{gateway.node}"] = (edge, gateway)
    left, _, right = on.partition("/")
    ends = known.get(on) or known.get(f"{right}/{left}")
    if ends is None:
        raise InputError(
            f"there is no link {on!r} between two routers of a provider", where="on", remedy=did_you_mean(on, known)
        )
    name = f"{ends[0].node}/{ends[1].node}"
    return Line(name, channels_of(plan, ends[0].node), ends, ends, fibre=False)


__all__ = ["ALL", "Line", "Port", "channels", "channels_of", "lines", "node", "one_channel", "provider", "router"]
