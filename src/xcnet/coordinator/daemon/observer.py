"""What the own routers show, told to the core: associations in use, connections that work, channels that carry them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Protocol

from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.backlog import Work
from xcnet.coordinator.view import NetworkView
from xcnet.coordinator.world import ChannelFact
from xcnet.model import naming
from xcnet.model.attachments import Attachment, FeatureEnd
from xcnet.model.network import ChannelPort, ProviderNetwork
from xcnet.model.observed import ChannelObservation, RouterObservation, VrfObservation

Pair = tuple[str, str]
"""(connection UUID, channel)"""


class Watched(Protocol):
    """A router's daemon (:class:`xcnet.edge.client.EdgeClient`)."""

    def watch(self) -> AsyncGenerator[RouterObservation]:
        """What it shows of itself: at once, and again whenever something of it changed."""
        ...


class RouterObserver:
    """:param turn: called when the core was told of something new.
    :param commit: does what it is given, at once or when the store takes it.
    :param changed: told of each change of a router: what it showed before, and what it shows now.
    """

    def __init__(
        self,
        core: Core,
        network: ProviderNetwork,
        turn: Callable[[], None],
        commit: Callable[[Work], object] = lambda work: work(),
        changed: Callable[[RouterObservation, RouterObservation], None] = lambda _before, _now: None,
    ) -> None:
        self._core = core
        self._commit = commit
        self._network = network
        self._turn = turn
        self._changed = changed
        self._ports: dict[str, ChannelPort] = {port.name: port for port in network.channels}
        self._seen: dict[str, RouterObservation] = {}
        self._silent: dict[str, RouterObservation] = {}
        self._attachments: dict[str, tuple[str, Attachment]] = {}
        self._drained: frozenset[str] = frozenset()
        self._pairs: set[Pair] = set()

    async def watch(self, node: str, router: Watched) -> None:
        """Until it is cancelled."""
        async with aclosing(router.watch()) as observations:
            async for observation in observations:
                if observation.running:
                    self._silent.pop(node, None)
                    self._note(node, observation)
                else:
                    self._silent[node] = observation

    def shown(self) -> Mapping[str, RouterObservation]:
        """What every router that was heard of shows now; of one whose daemon does not answer, that."""
        return {**self._seen, **self._silent}

    def applied(self, view: NetworkView) -> None:
        """The routers hold another network now: what is to be looked for is another."""
        self._attachments = {each.vrf: (view.uuids[each.vrf], each) for each in view.attachments}
        self._drained = frozenset(channel.name for channel in view.channels if channel.drained)
        pairs = {(uuid, end.channel) for uuid, each in self._attachments.values() for end in each.features}
        self._core.forget(self._pairs - pairs)
        self._pairs = pairs
        self._tell(self._attachments)

    def _note(self, node: str, observation: RouterObservation) -> None:
        before = self._seen.get(node) or RouterObservation(node=node)
        self._seen[node] = observation
        self._changed(before, observation)
        change = observation.since(before)
        facts = {each.name: _fact(each) for each in change.channels or ()}
        self._tell([*(vrf.name for vrf in change.vrfs), *change.gone], facts)

    def _tell(self, vrfs: Iterable[str], channels: dict[str, ChannelFact] | None = None) -> None:
        up: dict[Pair, bool] = {}
        carrying: dict[Pair, bool] = {}
        for vrf in vrfs:
            held = self._attachments.get(vrf)
            if held is None:
                continue
            uuid, attachment = held
            for end in attachment.features:
                port = self._ports[end.channel]
                edge = self._vrf(self._network.edges[port.edge], vrf)
                gateway = self._vrf(self._network.gateway, vrf)
                up[uuid, end.channel] = self._works(port, end, attachment, edge)
                carrying[uuid, end.channel] = self._carries(port, end, attachment, edge, gateway)
        self._commit(lambda: self._core.observe(channels, up, carrying))
        self._turn()

    def _vrf(self, node: str, vrf: str) -> VrfObservation:
        observation = self._seen.get(node)
        return (observation.vrfs.get(vrf) if observation is not None else None) or VrfObservation(name=vrf)

    def _works(self, port: ChannelPort, end: FeatureEnd, attachment: Attachment, edge: VrfObservation) -> bool:
        """Sessions of all families up, and the peer's routes in the edge's table: of every family that the customer has
        networks of at this side, of any where it has none.

        While it is drained, the edge need not use it: its routes may lead over another channel of the same device.
        """
        for peer in end.peers:
            session = edge.session(peer)
            if session is None or not session.up:
                return False
        ways = {end.channel: end}
        if end.drained or end.channel in self._drained:
            ways = {each.channel: each for each in attachment.features if self._ports[each.channel].edge == port.edge}
        interfaces = [naming.vlan_interface(self._ports[channel].port, each.vlan) for channel, each in ways.items()]
        present = {
            peer.version for peer in end.peers if any(edge.through(each, peer.version) > 0 for each in interfaces)
        }
        wanted = {peer.version for peer in end.peers} & {network.version for network in attachment.networks}
        return wanted <= present if wanted else bool(present)

    def _carries(
        self, port: ChannelPort, end: FeatureEnd, attachment: Attachment, edge: VrfObservation, gateway: VrfObservation
    ) -> bool:
        """The gateway sends to this edge, and the edge over this channel, in any family."""
        outside = naming.vlan_interface(port.port, end.vlan)
        inside = naming.vlan_interface(port.edge, attachment.internal_vlan)
        versions = {peer.version for peer in end.peers}
        return any(edge.through(outside, each) > 0 and gateway.through(inside, each) > 0 for each in versions)


def _fact(channel: ChannelObservation) -> ChannelFact:
    return ChannelFact(channel.ckn if channel.ready else None, channel.settled)


__all__ = ["RouterObserver", "Watched"]
