"""Routers that record what they are given and show what real ones would, for where there is no network to configure.

What they show follows from all of them together: an association where both ends hold a key, a session where both ends
agree about it, routes where a session is up. An end that is not among them is taken to hold what its peer does.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass
from ipaddress import ip_network

from xcnet.model.desired import BgpNeighbor, Channel, RouterState, Vrf
from xcnet.model.observed import (
    ChannelObservation,
    RouteObservation,
    RouterObservation,
    SessionObservation,
    VrfObservation,
)
from xcnet.waiting import Deadline

_DEFAULT_ROUTES = {4: ip_network("0.0.0.0/0"), 6: ip_network("::/0")}
"""Stand for whatever the neighbour would announce."""


@dataclass(frozen=True, slots=True)
class _Session:
    """One end of a session as configured: who it is of, and what both ends must agree about."""

    node: str
    vrf: str
    neighbor: BgpNeighbor
    own: frozenset[str]
    channel: str | None
    vlan: int | None
    mtu: int


class DoubleNetwork:
    """All routers that know of each other. A node's double is made when it is first asked for."""

    def __init__(self) -> None:
        self._routers: dict[str, RouterDouble] = {}
        self._associations: dict[str, str | None] = {}
        self.broken: set[str] = set()
        """Channels through which nothing passes; call :meth:`settle` after a change."""

    def router(self, node: str) -> RouterDouble:
        return self._routers.setdefault(node, RouterDouble(node, self))

    def settle(self) -> None:
        """Let every router show what it would by now."""
        ends: dict[str, list[Channel]] = {}
        for router in self._routers.values():
            for channel in router.state.channels if router.state is not None else ():
                ends.setdefault(channel.name, []).append(channel)
        for name, channels in ends.items():
            self._associations[name] = self._associate(name, channels)
        for router in self._routers.values():
            router.show(self._observe(router))

    def _associate(self, name: str, ends: list[Channel]) -> str | None:
        """The CKN in use: of the keys that all known ends hold the newest one that the key server prefers."""
        if name in self.broken or not all(end.enabled for end in ends):
            return None
        common = [
            key.ckn for key in ends[0].keys if all(any(key.ckn == each.ckn for each in end.keys) for end in ends[1:])
        ]
        if not common:
            return None
        server = min(ends, key=lambda end: end.macsec.key_server_priority)
        preferred = [key.ckn for key in server.keys if key.preferred and key.ckn in common]
        held = self._associations.get(name)
        if preferred:
            return preferred[-1]
        return held if held in common else common[-1]

    def _observe(self, router: RouterDouble) -> RouterObservation:
        state = router.state
        if state is None:
            return RouterObservation(node=router.node, running=False)
        channels = tuple(self._channel(channel) for channel in state.channels)
        return RouterObservation(
            node=router.node, channels=channels, vrfs={vrf.name: self._vrf(router, vrf) for vrf in state.vrfs}
        )

    def _channel(self, channel: Channel) -> ChannelObservation:
        ckn = self._associations.get(channel.name)
        live = (ckn,) if ckn is not None else ()
        return ChannelObservation(name=channel.name, carrier=True, ready=ckn is not None, ckn=ckn, live=live)

    def _vrf(self, router: RouterDouble, vrf: Vrf) -> VrfObservation:
        sessions = []
        paths: dict[int, dict[bool, set[str]]] = {4: {}, 6: {}}
        edge = any(session.channel is not None for session in router.sessions[vrf.name])
        for session in router.sessions[vrf.name]:
            up = self._is_up(session)
            neighbor = session.neighbor
            bfd = up if neighbor.bfd is not None else None
            sessions.append(
                SessionObservation(peer=neighbor.address, interface=neighbor.interface, established=up, bfd=bfd)
            )
            # A gateway has no routes of the neighbour's but those of its edges: it tells them none.
            if up and (session.channel is not None or not edge):
                last = self._is_last_resort(session, neighbor)
                paths[neighbor.address.version].setdefault(last, set()).add(neighbor.interface)
        routes = []
        for version, ways in paths.items():
            interfaces = ways.get(False) or ways.get(True)
            if interfaces:
                routes.append(RouteObservation(prefix=_DEFAULT_ROUTES[version], interfaces=tuple(sorted(interfaces))))
        return VrfObservation(name=vrf.name, sessions=tuple(sessions), routes=tuple(routes))

    def _is_up(self, session: _Session) -> bool:
        if session.channel is not None and self._associations.get(session.channel) is None:
            return False
        far = self._facing(session)
        if far is None:
            return session.channel is None or not self._is_known(session.channel, session.node)
        mine, theirs = session.neighbor, far.neighbor
        return (session.mtu, mine.md5) == (far.mtu, theirs.md5)

    def _is_known(self, channel: str, node: str) -> bool:
        """Another of these routers is at the channel's far end."""
        return any(
            other.node != node
            and other.state is not None
            and any(each.name == channel for each in other.state.channels)
            for other in self._routers.values()
        )

    def _facing(self, session: _Session) -> _Session | None:
        """The other end of the session."""
        for router in self._routers.values():
            if router.node == session.node:
                continue
            for far in router.facing(str(session.neighbor.address), session.vlan, session.channel):
                if str(far.neighbor.address) in session.own:
                    return far
        return None

    def _is_last_resort(self, session: _Session, neighbor: BgpNeighbor) -> bool:
        """The way through this session is drained: by either end, or all of what the edge that it leads to has is."""
        far = self._facing(session)
        if neighbor.drained or (far is not None and far.neighbor.drained):
            return True
        if session.channel is not None or far is None:
            return False
        beyond = [each for each in self._routers[far.node].sessions.get(far.vrf, ()) if each.channel is not None]
        return bool(beyond) and all(self._is_last_resort(each, each.neighbor) for each in beyond)


class RouterDouble:
    """One of them, as its coordinator sees it (:class:`xcnet.coordinator.daemon.process.Router`)."""

    def __init__(self, node: str, network: DoubleNetwork) -> None:
        self.node = node
        self._network = network
        self.state: RouterState | None = None
        self.given: Counter[str] = Counter()
        """What was recorded: how many states it was given, and how many of these made a VRF or took one away."""
        self.sessions: dict[str, tuple[_Session, ...]] = {}
        self._by_address: dict[tuple[str, int | None, str | None], list[_Session]] = {}
        self._shown = RouterObservation(node=node, running=False)
        self._news = asyncio.Event()

    async def apply(self, state: RouterState, *, deadline: Deadline) -> list[str]:
        """Hold the state. Returns the names of the VRFs that changed."""
        del deadline
        before = {vrf.name: vrf for vrf in self.state.vrfs} if self.state is not None else {}
        after = {vrf.name: vrf for vrf in state.vrfs}
        changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
        self.state = state
        self.given["states"] += 1
        self.given["made"] += len(after.keys() - before.keys())
        self.given["removed"] += len(before.keys() - after.keys())
        devices = {channel.device: channel.name for channel in state.channels}
        self.sessions = {vrf.name: tuple(_sessions(self.node, vrf, devices)) for vrf in state.vrfs}
        self._by_address = {}
        for sessions in self.sessions.values():
            for session in sessions:
                for address in session.own:
                    self._by_address.setdefault((address, session.vlan, session.channel), []).append(session)
        self._network.settle()
        return changed

    def facing(self, address: str, vlan: int | None, channel: str | None) -> Iterable[_Session]:
        """Sessions whose own end has an address on a VLAN of a channel, or on an internal link."""
        return self._by_address.get((address, vlan, channel), ())

    def show(self, observation: RouterObservation) -> None:
        if observation != self._shown:
            self._shown = observation
            self._news.set()

    async def watch(self) -> AsyncGenerator[RouterObservation]:
        """For one watcher."""
        while True:
            self._news.clear()
            yield self._shown
            await self._news.wait()


def _sessions(node: str, vrf: Vrf, devices: dict[str, str]) -> Iterable[_Session]:
    interfaces = {each.name: each for each in vrf.interfaces}
    for neighbor in vrf.neighbors:
        interface = interfaces[neighbor.interface]
        yield _Session(
            node=node,
            vrf=vrf.name,
            neighbor=neighbor,
            own=frozenset(str(each.ip) for each in interface.addresses),
            channel=devices.get(interface.parent),
            vlan=interface.vlan,
            mtu=interface.mtu,
        )


__all__ = ["DoubleNetwork", "RouterDouble"]
