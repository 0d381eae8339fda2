"""What the monitor is shown of a channel, by what routers show and what is in the store."""

from __future__ import annotations

from typing import Any

import pytest
from coordinator_sim import Simulation

from xcnet.coordinator.acts import findings, holds
from xcnet.coordinator.daemon.counted import Counted
from xcnet.coordinator.daemon.sight import Sight
from xcnet.coordinator.monitor.seen import ChannelSeen, InterconnectSeen
from xcnet.model.load import load_topology
from xcnet.model.observed import ChannelObservation, RouteObservation, RouterObservation, VrfObservation
from xcnet.model.planner import make_plan

NETWORK = make_plan(load_topology("aws-google"), bare=True).networks["aws"].network


class Seen:
    """A core with a connection, and what its provider's monitor is shown."""

    def __init__(self) -> None:
        self.sim = Simulation()
        self.sim.run()
        self.uuid = self.sim.connect("aws", name="prod")
        self.sim.run()
        self.core = self.sim.providers["aws"].live
        self.facts = self.core.world.facts
        self.sight = Sight(self.core, NETWORK, started=0.0)
        self.ready = dict.fromkeys(("ch1", "ch2", "ch3", "ch4"), True)
        self.running = True
        self.now = 1.0

    def shown(self) -> dict[str, RouterObservation]:
        return {
            NETWORK.edges[port.edge]: RouterObservation(
                node=NETWORK.edges[port.edge],
                running=self.running,
                channels=(ChannelObservation(name=port.name, carrier=True, ready=self.ready[port.name]),),
            )
            for port in NETWORK.channels
        }

    def look(self, **counted: Counted) -> InterconnectSeen:
        (seen,) = self.sight.look(self.now, self.shown(), drops={}, probes={}, counted=counted, prefixes={})
        return seen

    def channel(self, name: str = "ch2", **counted: Counted) -> ChannelSeen:
        return next(each for each in self.look(**counted).channels if each.name == name)

    def sql(self, statement: str, *values: Any) -> None:
        with self.core.database.transaction("observe"):
            self.core.database.execute(statement, *values)


@pytest.fixture
def seen() -> Seen:
    return Seen()


def test_a_channel_that_works_with_the_connection_that_uses_it(seen: Seen) -> None:
    channel = seen.channel()
    assert channel.known and channel.expected and channel.works
    assert channel.connections == (seen.uuid,)
    assert not (channel.planned or channel.held or channel.idle or channel.one_way or channel.unanswered)
    assert seen.look().sold == (1000,)
    assert seen.look().peer == "gcp"


def test_a_connection_without_sessions_is_broken_there(seen: Seen) -> None:
    seen.look()
    seen.facts.up[seen.uuid, "ch2"] = False
    channel = seen.channel()
    assert channel.broken == (seen.uuid,)
    assert not channel.works
    assert seen.channel("ch1").works


def test_what_was_never_seen_to_work_is_expected_a_minute_after_the_start(seen: Seen) -> None:
    seen.ready["ch2"] = False
    assert not seen.channel().expected
    seen.now = 61.0
    assert seen.channel().expected


def test_a_channel_without_customers_is_not_expected_before_it_has_worked() -> None:
    empty = Seen()
    empty.sql("DELETE FROM features")
    empty.ready["ch2"] = False
    empty.now = 1000.0
    assert not empty.channel().expected
    empty.ready["ch2"] = True
    empty.look()
    empty.ready["ch2"] = False
    assert empty.channel().expected


def test_of_a_router_that_does_not_answer_nothing_is_known(seen: Seen) -> None:
    seen.running = False
    assert not seen.channel().known


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE connections SET state = 'provisioning'",
        "UPDATE connections SET state = 'deleting'",
        "UPDATE connections SET admin = 'ADMIN_STATE_DISABLED'",
        "UPDATE connections SET peer_admin = 'ADMIN_STATE_DISABLED'",
        "UPDATE connections SET deprefer = 1",
        "UPDATE features SET proven = 0 WHERE channel = 'ch2'",
        "UPDATE features SET state = 'withdrawing' WHERE channel = 'ch2'",
    ],
)
def test_a_connection_that_is_being_made_or_leaves_does_not_count(seen: Seen, change: str) -> None:
    seen.sql(change)
    assert seen.channel().connections == ()


def test_whoever_holds_a_channel_other_than_the_monitor_has_planned_it(seen: Seen) -> None:
    with seen.core.database.transaction("observe"):
        holds.place(seen.core.world, "ch2", findings.REASON, holds.DRAIN)
    assert (seen.channel().held, seen.channel().planned) == (True, False)
    with seen.core.database.transaction("observe"):
        holds.place(seen.core.world, "ch2", "admin", holds.DRAIN)
    assert (seen.channel().held, seen.channel().planned) == (True, True)
    assert not seen.channel("ch1").planned


def test_a_channel_that_works_and_is_not_sent_over_is_idle(seen: Seen) -> None:
    seen.facts.carrying[seen.uuid, "ch2"] = False
    assert seen.channel().idle
    assert seen.channel().unanswered == ()
    # Traffic that arrives there all the same.
    assert seen.channel(ch2=Counted(arriving=True)).unanswered == (seen.uuid,)


def test_what_works_here_and_does_not_at_the_peer_is_one_way(seen: Seen) -> None:
    assert seen.channel().one_way == ()
    seen.sql("UPDATE features SET peer_state = 'PROVISIONING_STATE_PENDING' WHERE channel = 'ch2'")
    assert seen.channel().one_way == (seen.uuid,)
    assert seen.channel("ch1").one_way == ()


def test_the_session_that_is_nearest_to_its_limit_is_shown() -> None:
    seen = Seen()
    port = NETWORK.channel("ch2")
    vlan = seen.core.database.value("SELECT vlan FROM features WHERE channel = 'ch2'")
    routes = tuple(
        RouteObservation(prefix=f"10.{number}.0.0/16", interfaces=(f"{port.port}.{vlan}",)) for number in range(9)
    )
    node = NETWORK.edges[port.edge]
    shown = {node: RouterObservation(node=node, vrfs={"vrf-prod": VrfObservation(name="vrf-prod", routes=routes)})}
    nearest = seen.sight.prefixes(shown)
    assert nearest.keys() == {"ch2"}
    assert (nearest["ch2"].held, nearest["ch2"].family) == (9, 4)
    assert nearest["ch2"].limit == NETWORK.prefix_limit.ipv4
