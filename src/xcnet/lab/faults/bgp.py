"""BGP at odds: sessions shut, passwords that differ, and prefixes that are not the customer's."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING

from xcnet.errors import InputError
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import absent
from xcnet.lab.faults.overlaid import Overlaid
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.routing import instance, networks, passwords
from xcnet.model.desired import BgpNeighbor, RouterState, Vrf
from xcnet.model.faults import BgpShut, Md5Mismatch, RouteLeak
from xcnet.model.overlay import Overlay
from xcnet.model.plan import PlannedChannel
from xcnet.model.problems import did_you_mean
from xcnet.secret import Secret

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


def node_of(channel: PlannedChannel, side: str) -> str:
    """The router of one side of a channel. :raises InputError: that provider is at neither end."""
    for end in channel.ends:
        if end.provider == side:
            return end.node
    raise InputError(
        f"provider {side!r} is at neither end of {channel.name}",
        where="side",
        remedy=f"its ends are at: {', '.join(end.provider for end in channel.ends)}",
    )


def sessions(state: RouterState, channel: str) -> Iterator[tuple[Vrf, BgpNeighbor]]:
    """The BGP sessions that run over a channel."""
    devices = {each.device for each in state.channels if each.name == channel}
    for vrf in state.vrfs:
        interfaces = {each.name for each in vrf.interfaces if each.parent in devices}
        for neighbor in vrf.neighbors:
            if neighbor.interface in interfaces:
                yield vrf, neighbor


class Shutting(Overlaid):
    """``neighbor shutdown`` in bgpd for every session over the channels."""

    def __init__(self, fault: BgpShut, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: nothing of that name."""
        channels = targets.channels(lab.plan, fault.on)
        side = targets.provider(lab.plan, fault.side)
        at: dict[str, list[str]] = {}
        for channel in channels:
            at.setdefault(node_of(channel, side), []).append(channel.name)
        parts = {node: Overlay(shut=tuple(names)) for node, names in at.items()}
        super().__init__(f"{fault.on} at {side}", tuple(each.name for each in channels), parts, overlays)
        self._lab = lab

    async def artifact(self) -> str:
        found = []
        for node, part in self.parts.items():
            state = self._lab.states[node]
            for vrf, neighbor in (each for name in part.shut for each in sessions(state, name)):
                if f"neighbor {neighbor.address} shutdown" not in await instance(self._lab, node, vrf.name):
                    raise absent(f"neighbour {neighbor.address} is not shut", f"{node}: {vrf.name}")
                found.append(f"{neighbor.address} ({node})")
        if not found:
            raise absent("there is no session over the channel", self.target)
        return f"shut administratively in bgpd: {', '.join(found)}"


class Mismatching(Overlaid):
    """Another MD5 password at one side of a channel's sessions."""

    def __init__(self, fault: Md5Mismatch, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: nothing of that name."""
        self._channel = targets.one_channel(lab.plan, fault.on)
        self._node = node_of(self._channel, targets.provider(lab.plan, fault.side))
        self._password = secrets.token_hex(12)
        part = Overlay(passwords={fault.on: Secret.from_text(self._password)})
        super().__init__(f"{fault.on} at {fault.side}", (fault.on,), {self._node: part}, overlays)
        self._lab = lab

    async def artifact(self) -> str:
        (far,) = (end.node for end in self._channel.ends if end.node != self._node)
        found = []
        for vrf, neighbor in sessions(self._lab.states[self._node], self._channel.name):
            held = passwords(await instance(self._lab, self._node, vrf.name)).get(str(neighbor.address))
            if held != self._password:
                raise absent(f"the password of {neighbor.address} is not the fault's", f"{self._node}: {vrf.name}")
            found.append(str(neighbor.address))
        theirs: set[str] = set()
        for vrf in self._lab.states[far].vrfs:
            theirs |= set(passwords(await instance(self._lab, far, vrf.name)).values())
        if not found or self._password in theirs:
            raise absent("both sides have the same password", self.target)
        return f"bgpd of {self._node} has another password for {', '.join(found)} than {far} has"


class Leaking(Overlaid):
    """A gateway announces a prefix that is not its customer's."""

    def __init__(self, fault: RouteLeak, lab: RunningLab, overlays: Overlays) -> None:
        """:raises InputError: nothing of that name, or no prefix."""
        side = targets.provider(lab.plan, fault.side)
        self._node = lab.plan.networks[side].network.gateway
        self._vrf = vrf_of(lab.states[self._node], fault.connection)
        self._announced = _prefix(fault.prefix)
        part = Overlay(announced={self._vrf.connection: (self._announced,)})
        target = f"{self._vrf.connection} at {side}"
        super().__init__(target, targets.channels_of(lab.plan, self._node), {self._node: part}, overlays)
        self._lab = lab

    async def artifact(self) -> str:
        if str(self._announced) not in networks(await instance(self._lab, self._node, self._vrf.name)):
            raise absent(f"{self._announced} is not announced", self._node)
        return f"bgpd of {self._node} announces {self._announced} in {self._vrf.name}"


def vrf_of(state: RouterState, connection: str | None) -> Vrf:
    """The VRF of a connection on a router. :param connection: None for the only one.

    :raises InputError: there is none of that name, or a choice to make.
    """
    by_name = {vrf.connection: vrf for vrf in state.vrfs}
    if connection is None:
        if len(by_name) == 1:
            return next(iter(by_name.values()))
        cause = "there is more than one connection" if by_name else "there is no connection"
        raise InputError(cause, where="connection", remedy=f"name one of: {', '.join(by_name) or 'none is there'}")
    if connection not in by_name:
        remedy = did_you_mean(connection, by_name, "there is none")
        raise InputError(f"there is no connection {connection!r} in this lab", where="connection", remedy=remedy)
    return by_name[connection]


def _prefix(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise InputError(
            f"{text!r} is no prefix: {error}", where="prefix", remedy="write e.g. 203.0.113.0/24"
        ) from None


__all__ = ["Leaking", "Mismatching", "Shutting", "node_of", "sessions", "vrf_of"]
