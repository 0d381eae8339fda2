from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterable, Sequence
from ipaddress import ip_network
from typing import Any

import pytest

from xcnet.coordinator.daemon.observer import RouterObserver
from xcnet.coordinator.view import NetworkView
from xcnet.coordinator.world import ChannelFact
from xcnet.model import naming
from xcnet.model.attachments import Attachment
from xcnet.model.load import load_topology
from xcnet.model.observed import (
    ChannelObservation,
    RouteObservation,
    RouterObservation,
    SessionObservation,
    VrfObservation,
)
from xcnet.model.planner import make_plan
from xcnet.model.routers import ChannelState

UUID = "4bd0e6f2-0000-4000-8000-000000000001"
TO = {4: ip_network("10.20.0.0/24"), 6: ip_network("fd00:10:20::/64")}


class Told:
    """What the core is told, and what it then knows."""

    def __init__(self) -> None:
        self.channels: dict[str, ChannelFact] = {}
        self.up: dict[tuple[str, str], bool] = {}
        self.carrying: dict[tuple[str, str], bool] = {}

    def observe(self, channels: dict[str, ChannelFact] | None, up: dict[Any, bool], carrying: dict[Any, bool]) -> None:
        self.channels |= channels or {}
        self.up |= up
        self.carrying |= carrying

    def forget(self, gone: Iterable[tuple[str, str]]) -> None:
        for key in gone:
            self.up.pop(key, None)
            self.carrying.pop(key, None)


class Shown:
    """A router's daemon that shows what it is told to."""

    def __init__(self, *observations: RouterObservation) -> None:
        self._observations = observations

    async def watch(self) -> AsyncGenerator[RouterObservation]:
        for each in self._observations:
            yield each


class World:
    """aws of the default lab, with its one connection.

    :param together: channels that end on one edge, which there have one each.
    """

    def __init__(self, together: Sequence[str] = ()) -> None:
        planned = make_plan(load_topology("aws-google"), bare=False).networks["aws"]
        channels = tuple(
            each.model_copy(update={"edge": planned.network.channel(together[0]).edge})
            if each.name in together
            else each
            for each in planned.network.channels
        )
        self.network = planned.network.model_copy(update={"channels": channels})
        (self.attachment,) = planned.attachments
        self.told = Told()
        self.turns = 0
        self.observer = RouterObserver(self.told, self.network, self._turn)  # type: ignore[arg-type]
        self.hold(self.attachment)

    def _turn(self) -> None:
        self.turns += 1

    def hold(self, *attachments: Attachment, drained: Iterable[str] = ()) -> None:
        channels = tuple(ChannelState(name=each.name, drained=each.name in drained) for each in self.network.channels)
        self.observer.applied(NetworkView(1, channels, attachments, {each.vrf: UUID for each in attachments}))

    def show(
        self,
        channel: str,
        *,
        down: Iterable[int] = (),
        without_bfd: Iterable[int] = (),
        routes: Iterable[int] = (4, 6),
        through: str | None = None,
        gateway: Iterable[int] = (4, 6),
    ) -> None:
        """The edge of a channel and the gateway.

        :param down: families whose session is not established. :param routes: families that the edge has a route of.
        :param through: another channel that they lead over. :param gateway: families that the gateway sends to the edge.
        """
        port = self.network.channel(channel)
        end = next(each for each in self.attachment.features if each.channel == channel)
        own = naming.vlan_interface(port.port, end.vlan)
        way = next(each for each in self.attachment.features if each.channel == (through or channel))
        out = naming.vlan_interface(self.network.channel(way.channel).port, way.vlan)
        sessions = tuple(
            SessionObservation(
                peer=peer,
                interface=own,
                established=peer.version not in down,
                bfd=peer.version not in down and peer.version not in without_bfd,
            )
            for peer in end.peers
        )
        seen = tuple(RouteObservation(prefix=TO[each], interfaces=(out,)) for each in routes)
        edge = self.network.edges[port.edge]
        inside = naming.vlan_interface(port.edge, self.attachment.internal_vlan)
        sent = tuple(RouteObservation(prefix=TO[each], interfaces=(inside,)) for each in gateway)
        vrf = self.attachment.vrf
        node = self.network.gateway
        self.watch(RouterObservation(node=node, vrfs={vrf: VrfObservation(name=vrf, routes=sent)}))
        channels = (ChannelObservation(name=channel, carrier=True, ready=True, ckn="ab", settled=False),)
        vrfs = {vrf: VrfObservation(name=vrf, sessions=sessions, routes=seen)}
        self.watch(RouterObservation(node=edge, channels=channels, vrfs=vrfs))

    def watch(self, observation: RouterObservation) -> None:
        asyncio.run(self.observer.watch(observation.node, Shown(observation)))

    def seen(self, channel: str) -> tuple[bool | None, bool | None]:
        return self.told.up.get((UUID, channel)), self.told.carrying.get((UUID, channel))


def test_a_feature_works_with_its_sessions_and_routes_of_both_families() -> None:
    world = World()
    assert world.seen("ch1") == (False, False)
    world.show("ch1")
    assert world.seen("ch1") == (True, True)
    assert world.turns > 0


def test_the_association_in_use_is_told_with_whether_it_has_settled() -> None:
    world = World()
    world.show("ch1")
    assert world.told.channels == {"ch1": ChannelFact("ab", False)}


@pytest.mark.parametrize("family", [4, 6])
def test_a_family_that_is_down_or_not_watched_or_without_routes_is_not_working(family: int) -> None:
    other = 10 - family
    for shown in ({"down": [family]}, {"without_bfd": [family]}, {"routes": [other]}):
        world = World()
        world.show("ch1", **shown)  # type: ignore[arg-type]
        assert world.seen("ch1")[0] is False, shown


@pytest.mark.parametrize("family", [4, 6])
def test_a_family_that_the_customer_has_no_network_of_needs_no_routes(family: int) -> None:
    world = World()
    networks = tuple(each for each in world.attachment.networks if each.version == family)
    world.attachment = world.attachment.model_copy(update={"networks": networks})
    world.hold(world.attachment)
    world.show("ch1", routes=[family])
    assert world.seen("ch1")[0] is True
    world.show("ch1", routes=[10 - family])
    assert world.seen("ch1")[0] is False


def test_a_customer_without_networks_needs_routes_of_any_family() -> None:
    world = World()
    world.attachment = world.attachment.model_copy(update={"networks": ()})
    world.hold(world.attachment)
    world.show("ch1", routes=[])
    assert world.seen("ch1")[0] is False
    world.show("ch1", routes=[6])
    assert world.seen("ch1")[0] is True


def test_a_drained_channel_works_while_another_of_its_edge_is_the_better_way() -> None:
    world = World(together=("ch1", "ch2"))
    world.show("ch1", through="ch2")
    assert world.seen("ch1") == (False, False)
    world.hold(world.attachment, drained=["ch1"])
    assert world.seen("ch1")[0] is True
    apart = World()
    apart.hold(apart.attachment, drained=["ch1"])
    apart.show("ch1", through="ch2")
    assert apart.seen("ch1")[0] is False


def test_a_drained_channel_does_not_work_while_its_edge_has_no_way_at_all() -> None:
    """Were its routes to count again, the gateway would send to where nobody knows them."""
    world = World()
    world.hold(world.attachment, drained=["ch1"])
    world.show("ch1", routes=[], gateway=[])
    assert world.seen("ch1") == (False, False)
    world.show("ch1")
    assert world.seen("ch1")[0] is True


def test_a_channel_carries_only_what_both_gateway_and_edge_send_over_it() -> None:
    world = World()
    world.show("ch1", gateway=[])
    assert world.seen("ch1") == (True, False)
    world.show("ch1", routes=[4], gateway=[6])
    assert world.seen("ch1") == (False, False)
    world.show("ch1", routes=[4], gateway=[4])
    assert world.seen("ch1") == (False, True)


def test_what_is_not_configured_any_more_is_forgotten() -> None:
    world = World()
    world.show("ch1")
    world.hold()
    assert world.told.up == {}
    assert world.told.carrying == {}


def test_a_router_that_does_not_run_shows_nothing() -> None:
    world = World()
    world.show("ch1")
    edge = world.network.edges[world.network.channel("ch1").edge]
    world.watch(RouterObservation(node=edge, running=False))
    assert world.seen("ch1") == (True, True)
