"""The API between two coordinators loses, doubles, delays and reorders; workflows of both cross: what holds, holds."""

from __future__ import annotations

import contextlib
import os
import random
from typing import Any

import pytest
from coordinator_sim import Faults, NoKeyError, Simulation, channels_of
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st
from test_coordinator_crashes import check

from xcnet.coordinator.engine.calls import Call
from xcnet.errors import XcnetError

KINDS = ("request-lost", "answer-lost", "duplicated", "down")
EXAMPLES = int(os.environ.get("XCNET_EXAMPLES", "40"))


def each_once(kind: str) -> Faults:
    """Strikes every call of every workflow once: the first attempt."""
    struck: set[str] = set()

    def plan(_caller: str, call: Call, _rng: random.Random) -> str:
        if call.id in struck:
            return "ok"
        struck.add(call.id)
        return kind

    return Faults(plan)


def everything(sim: Simulation) -> None:
    sim.run()
    sim.connect("aws", name="one")
    sim.connect("gcp", name="two")
    sim.command("aws", "resize", connection="one", mbps=2000)
    sim.run()
    sim.command("gcp", "migrate", connection="two")
    sim.run()
    sim.command("aws", "rotate", channel="ch1")
    sim.run()
    sim.command("gcp", "disconnect", connection="one")
    sim.run()


@pytest.mark.parametrize("kind", KINDS)
def test_every_call_is_struck_once_and_all_comes_out_right(kind: str) -> None:
    sim = Simulation(interconnects=2, bake_seconds=0.0, faults=each_once(kind))
    everything(sim)
    assert sim.faults.fired[kind] > 40
    check(sim)
    invariants(sim)
    for provider in sim.providers.values():
        (row,) = provider.live.database.all("SELECT * FROM connections")
        assert (row["own_final"], row["acknowledged"], row["peer_final"]) == (1, 1, 1)


def test_answers_come_in_any_order() -> None:
    sim = Simulation(interconnects=2, bake_seconds=0.0, faults=Faults(delay=lambda rng: rng.choice([0.001, 0.5, 3.0])))
    everything(sim)
    check(sim)
    invariants(sim)


@pytest.mark.parametrize("down", ["aws", "gcp"])
def test_a_peer_that_is_down_for_an_hour_is_told_when_it_is_back(down: str) -> None:
    sim = Simulation()
    sim.run()
    uuid = sim.connect("aws")
    sim.run()
    sim.providers[down].down_until = sim.clock.monotonic() + 3600
    sim.broken_channels = {"ch1"}
    sim.observe()
    other = "gcp" if down == "aws" else "aws"
    gone = sim.command(other, "disconnect", connection=uuid)
    begin = sim.clock.monotonic()
    sim.run(lambda: sim.outcome(other, gone["workflow"]) is not None, seconds=8000, what="deleted")
    sim.run()
    assert sim.clock.monotonic() - begin > 3600
    for provider in sim.providers.values():
        assert provider.live.database.all("SELECT * FROM connections") == []
    check(sim)


def invariants(sim: Simulation) -> None:
    """At any moment, at either side."""
    for provider in sim.providers.values():
        database = provider.live.database
        for column in ("vlan", "ipv4"):
            twice = f"SELECT channel, {column}, count(*) FROM features GROUP BY channel, {column} HAVING count(*) > 1"
            assert [tuple(each) for each in database.all(twice)] == []
        reserved = "SELECT interconnect, sum(max(bandwidth_mbps, coalesce(target_mbps, 0))) FROM connections GROUP BY interconnect"
        for interconnect, megabits in database.all(reserved):
            config = provider.config.interconnect(interconnect)
            assert config is not None and megabits <= config.capacity_mbps
        active = "SELECT channel, count(*) FROM keys WHERE active GROUP BY channel HAVING count(*) > 1"
        assert [tuple(each) for each in database.all(active)] == []
        for number in (1, 2):
            held = [
                database.value("SELECT count(*) FROM keys WHERE channel = ?", channel)
                for channel in channels_of(number)
            ]
            assert max(held) <= 2
            assert sum(count > 1 for count in held) <= 1, held


def act(sim: Simulation, chance: random.Random) -> None:
    """What a customer or an operator may do now; refusals are part of it."""
    side = chance.choice(["aws", "gcp"])
    names = [
        row["name"] for row in sim.providers[side].live.database.all("SELECT name FROM attachments ORDER BY name")
    ] or ["none"]
    deeds: list[tuple[str, dict[str, Any]]] = [
        ("resize", {"connection": chance.choice(names), "mbps": chance.choice([100, 500, 2000, 5000])}),
        ("migrate", {"connection": chance.choice(names)}),
        ("disconnect", {"connection": chance.choice(names)}),
        ("rotate", {"channel": f"ch{chance.randint(1, 8)}"}),
        ("disable-channel", {"channel": f"ch{chance.randint(1, 8)}"}),
        ("enable-channel", {"channel": f"ch{chance.randint(1, 8)}"}),
        ("advance", {"seconds": chance.choice([60.0, 7200.0])}),
    ]
    command, parameters = chance.choice(deeds)
    with contextlib.suppress(XcnetError):
        sim.command(side, command, **parameters)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="XCNET_EXAMPLES" not in os.environ,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(seed=st.integers(0, 2**32 - 1))
def test_whatever_crosses_the_invariants_hold_and_both_stores_agree_at_rest(seed: int) -> None:
    note(f"seed {seed}")
    at_random(seed)


def at_random(seed: int) -> None:
    """A dozen deeds of both sides' people, whose calls meet faults; then calm."""
    chance = random.Random(seed)
    calm = chance.random()

    def plan(_caller: str, _call: Call, rng: random.Random) -> str:
        return "ok" if rng.random() < calm else rng.choice(KINDS)

    faults = Faults(plan, delay=lambda rng: rng.choice([0.002, 0.01, 0.2]))
    sim = Simulation(interconnects=2, seed=seed, bake_seconds=chance.choice([0.0, 7200.0]), faults=faults)
    for number in range(12):
        if chance.random() < 0.4:
            # No room, or the peer could not be asked for long enough.
            with contextlib.suppress(XcnetError, NoKeyError):
                sim.connect(
                    chance.choice(["aws", "gcp"]), name=f"c{number}", mbps=chance.choice([500, 5000]), wait=False
                )
        act(sim, chance)
        until = sim.clock.monotonic() + chance.choice([0.01, 0.1, 1.0, 30.0])
        sim.at(until - sim.clock.monotonic(), lambda: None)
        sim.run(lambda moment=until: sim.clock.monotonic() >= moment)
        invariants(sim)
    faults.plan = lambda _caller, _call, _rng: "ok"
    for provider in sim.providers:
        for channel in (f"ch{number}" for number in range(1, 9)):
            try:
                sim.command(provider, "enable-channel", channel=channel)
            except XcnetError:
                continue
    sim.run(seconds=20_000)
    invariants(sim)
    check(sim)
