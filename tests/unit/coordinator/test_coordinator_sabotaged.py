"""Coordinators that were robbed of a mechanism really are without it: each of these holds of whole ones in the tests of workflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from coordinator_sim import ACCOUNTS, ENVIRONMENT, Simulation

from xcnet.errors import LabError
from xcnet.lab import sabotage as package
from xcnet.lab.sabotage import coordinators
from xcnet.model.sabotage import Sabotage

Rob = Callable[[Sabotage], None]


@pytest.fixture
def rob(monkeypatch: pytest.MonkeyPatch) -> Rob:
    """As in a coordinator's own process, but for this test alone."""

    def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
        monkeypatch.setattr(owner, name, make(getattr(owner, name)))

    monkeypatch.setattr(coordinators, "replaced", replaced)
    return lambda sabotage: coordinators.SPOILERS[sabotage]()


def connected(**config: Any) -> tuple[Simulation, str]:
    sim = Simulation(**config)
    sim.run()
    uuid = sim.connect("aws")
    sim.run()
    return sim, uuid


def rows(sim: Simulation, statement: str) -> list[list[tuple[Any, ...]]]:
    """aws before gcp"""
    return [[tuple(row) for row in each.live.database.all(statement)] for each in sim.providers.values()]


def test_each_part_has_its_own_sabotages_and_a_whole_lab_has_none() -> None:
    mine = {each for each in Sabotage if each.about.where == "coordinators"}
    assert set(coordinators.SPOILERS) == mine
    package.spoil("coordinators", None)
    package.spoil("coordinators", Sabotage.FAIL_OPEN)
    package.spoil("edges", Sabotage.NO_DRAIN)
    # Nothing was touched.
    sim, uuid = connected()
    assert sim.verified(uuid)


def test_without_a_drain_the_channel_goes_down_with_its_traffic(rob: Rob) -> None:
    rob(Sabotage.NO_DRAIN)
    sim, _uuid = connected()
    started = sim.command("aws", "schedule", channel="ch1", start=600, duration=600)
    sim.run(lambda: rows(sim, "SELECT level FROM holds")[0] == [("down",)], seconds=700, what="the window has begun")
    channel = sim.providers["aws"].live.network().channels[0]
    assert not channel.enabled
    assert rows(sim, "SELECT * FROM holds")[1] == [], "the peer does not move its traffic"
    sim.run(lambda: sim.outcome("aws", started["workflow"]) is not None, seconds=2000, what="the window is over")
    sim.run()
    assert rows(sim, "SELECT * FROM holds") == [[], []]


def test_without_a_rollover_the_old_key_is_gone_before_the_peer_has_the_new_one(rob: Rob) -> None:
    rob(Sabotage.NO_ROLLOVER)
    sim, _uuid = connected()
    before = sim.associations["ch1"]
    sim.command("aws", "rotate", channel="ch1")
    assert before not in [ckn for (ckn,) in rows(sim, "SELECT ckn FROM keys WHERE channel = 'ch1'")[0]]
    assert rows(sim, "SELECT ckn FROM keys WHERE channel = 'ch1'")[1] == [(before,)]


def test_without_a_bake_time_keys_are_rotated_one_after_the_other(rob: Rob) -> None:
    rob(Sabotage.NO_BAKE)
    sim, _uuid = connected()
    for channel in ("ch1", "ch3"):
        started = sim.command("aws", "rotate", channel=channel)
        sim.run()
        assert sim.outcome("aws", started["workflow"]) == ("done", "")


def test_without_the_check_windows_overlap(rob: Rob) -> None:
    rob(Sabotage.NO_OVERLAP_CHECK)
    sim, _uuid = connected()
    sim.command("aws", "schedule", channel="ch1", start=600, duration=600)
    sim.run()
    sim.command("gcp", "schedule", channel="ch3", start=900, duration=600)


def test_without_make_before_break_the_old_leg_carries_nothing_at_once(rob: Rob) -> None:
    rob(Sabotage.NO_MAKE_BEFORE_BREAK)
    sim, uuid = connected(interconnects=2)
    sim.command("aws", "migrate", connection=uuid)
    assert all(not each.features for each in sim.providers["aws"].live.network().attachments)
    sim.run()
    assert sim.verified(uuid)


def test_without_eyes_what_is_lost_is_not_told(rob: Rob) -> None:
    rob(Sabotage.NO_STATUS)
    sim, _uuid = connected()
    sim.broken_channels = {"ch1", "ch2", "ch3", "ch4"}
    sim.observe()
    sim.run()
    assert rows(sim, "SELECT own_final, peer_final FROM connections") == [[(1, 1)]] * 2


def test_without_negotiation_the_mtu_is_the_lowest(rob: Rob) -> None:
    whole, _uuid = connected()
    (highest,) = {mtu for side in rows(whole, "SELECT mtu FROM features") for (mtu,) in side}
    rob(Sabotage.NO_MTU)
    sim, uuid = connected()
    (lowest,) = {mtu for side in rows(sim, "SELECT mtu FROM features") for (mtu,) in side}
    assert lowest < highest
    assert sim.verified(uuid)


def test_without_a_resize_one_side_has_another_bandwidth(rob: Rob) -> None:
    rob(Sabotage.NO_RESIZE)
    sim, uuid = connected()
    sim.command("aws", "resize", connection=uuid, mbps=5000)
    sim.run()
    assert rows(sim, "SELECT bandwidth_mbps FROM connections") == [[(5000,)], [(1000,)]]


def test_without_a_deletion_the_peer_keeps_the_connection(rob: Rob) -> None:
    rob(Sabotage.NO_DELETE)
    sim, uuid = connected()
    sim.command("aws", "disconnect", connection=uuid)
    sim.run(seconds=60.0, until=lambda: rows(sim, "SELECT uuid FROM connections")[0] == [], what="it is deleted")
    assert rows(sim, "SELECT uuid FROM connections")[1] == [(uuid,)]


def test_without_quotas_an_account_gets_as_many_keys_as_it_asks_for(rob: Rob) -> None:
    def ask(sim: Simulation) -> None:
        sim.command(
            "aws",
            "intent",
            environment=ENVIRONMENT,
            mbps=1000,
            account=ACCOUNTS["aws"],
            peer_account=ACCOUNTS["gcp"],
            attach={"networks": ["10.1.0.0/24"]},
        )
        sim.run()

    whole = Simulation()
    whole.run()
    with pytest.raises(LabError, match="are allowed"):
        for _ in range(20):
            ask(whole)
    rob(Sabotage.NO_QUOTA)
    sim = Simulation()
    sim.run()
    for _ in range(20):
        ask(sim)


def test_without_a_check_a_used_key_is_good_again(rob: Rob) -> None:
    rob(Sabotage.NO_KEY_CHECK)
    sim = Simulation()
    sim.run()
    keys: list[str] = []
    run = sim.run

    def noting(until: Any = None, **more: Any) -> None:
        run(until, **more)
        keys.extend(each for (each,) in rows(sim, "SELECT encoded FROM activations WHERE encoded IS NOT NULL")[0])

    sim.run = noting  # type: ignore[method-assign]
    uuid = sim.connect("aws")
    sim.run()
    sim.command("gcp", "disconnect", connection=uuid)
    sim.run()
    accept = {"key": keys[0], "account": ACCOUNTS["gcp"], "attach": {"networks": []}}
    again = sim.command("gcp", "accept", **accept)
    sim.run()
    outcome = sim.outcome("gcp", again["workflow"])
    assert outcome is None or "used, expired or altered" not in outcome[1]
