"""Either coordinator ends at any commit point of any workflow, before or after the commit: the end is as if it had not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from coordinator_sim import Simulation

from xcnet.coordinator.core import commit_points
from xcnet.coordinator.store.database import AFTER, BEFORE

Scenario = Callable[[Simulation], None]


def base(folder: Path | None) -> Simulation:
    """One connection that stands, which nobody touches, and one that the scenario is about."""
    sim = Simulation(folder, interconnects=2, bake_seconds=0.0)
    sim.run()
    sim.connect("aws", name="calm")
    sim.run()
    return sim


def uuid_of(sim: Simulation, name: str) -> str:
    return str(sim.providers["aws"].live.database.value("SELECT uuid FROM attachments WHERE name = ?", name))


def connect(sim: Simulation) -> None:
    sim.connect("gcp", name="busy")


def resize(sim: Simulation) -> None:
    sim.command("aws", "resize", connection="busy", mbps=2000)


def rotate(sim: Simulation) -> None:
    sim.command("aws", "rotate", channel="ch1")


def migrate(sim: Simulation) -> None:
    sim.command("gcp", "migrate", connection="busy")


def disconnect(sim: Simulation) -> None:
    sim.command("aws", "disconnect", connection="busy")


SCENARIOS: dict[str, tuple[Scenario | None, Scenario]] = {
    "connect": (None, connect),
    "resize": (connect, resize),
    "rotate": (connect, rotate),
    "migrate": (connect, migrate),
    "disconnect": (connect, disconnect),
}

_STATE = {
    "connections": "SELECT c.interconnect, c.role, c.driver, c.state, c.bandwidth_mbps, c.target_mbps, c.admin, c.own_final,"
    " c.acknowledged, c.peer_final, a.name FROM connections c LEFT JOIN attachments a USING (uuid)"
    " ORDER BY a.name, c.interconnect",
    "features": "SELECT a.name, f.interconnect, f.channel, f.state, f.maker, f.mtu, f.own_asn, f.peer_asn FROM features f"
    " LEFT JOIN attachments a USING (uuid) ORDER BY a.name, f.channel",
    "attachments": "SELECT name, account, port, networks FROM attachments ORDER BY name",
    "keys": "SELECT channel, active, preferred FROM keys ORDER BY channel, seq",
    "workflows": "SELECT kind, state FROM workflows",
    "calls": "SELECT operation FROM calls",
}


def state(sim: Simulation) -> dict[str, Any]:
    """Both stores, without what chance has chosen."""
    return {
        f"{name} {table}": [tuple(row) for row in provider.live.database.all(query)]
        for name, provider in sim.providers.items()
        for table, query in _STATE.items()
    }


def check(sim: Simulation) -> None:
    """What holds at rest, however it came about."""
    aws, gcp = (each.live.database for each in sim.providers.values())
    agreed = "SELECT uuid, interconnect, channel, id, vlan, mtu, ipv4, ipv6, md5 FROM features ORDER BY uuid, interconnect, channel"
    assert [tuple(each) for each in aws.all(agreed)] == [tuple(each) for each in gcp.all(agreed)]
    keys = "SELECT channel, ckn, cak, active FROM keys ORDER BY channel, ckn"
    assert [tuple(each) for each in aws.all(keys)] == [tuple(each) for each in gcp.all(keys)]
    for database in (aws, gcp):
        assert database.value("SELECT count(*) FROM connections WHERE uuid NOT IN (SELECT uuid FROM attachments)") == 0
        links = "SELECT count(*) FROM internal_links WHERE uuid NOT IN (SELECT uuid FROM connections)"
        assert database.value(links) == 0


def calm_of(sim: Simulation) -> list[Any]:
    """What both sides' routers are to hold for the connection that nobody touches."""
    return [
        each.model_copy(update={"features": tuple(end.model_copy(update={"drained": False}) for end in each.features)})
        for provider in sim.providers.values()
        for each in provider.live.network().attachments
        if each.name == "calm"
    ]


def play(
    folder: Path, scenario: str, crash: tuple[str, str, str] | None
) -> tuple[Simulation, list[tuple[str, str, str]]]:
    """:param crash: (provider, commit point, before or after). Returns the points that the scenario itself has passed."""
    prepare, act = SCENARIOS[scenario]
    folder.mkdir()
    sim = base(folder)
    if prepare is not None:
        prepare(sim)
        sim.run()
    calm = calm_of(sim)
    for provider in sim.providers.values():
        provider.seen_points.clear()
    if crash is not None:
        sim.providers[crash[0]].crash_at = (crash[1], crash[2])
    act(sim)
    sim.run()
    seen = [(name, *point) for name, each in sim.providers.items() for point in dict.fromkeys(each.seen_points)]
    assert calm_of(sim) == calm
    return sim, seen


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_crash_at_any_commit_point_changes_nothing_of_the_end(scenario: str, tmp_path: Path) -> None:
    whole, points = play(tmp_path / "whole", scenario, None)
    expected = state(whole)
    check(whole)
    assert {when for _name, _point, when in points} == {BEFORE, AFTER}
    for number, crash in enumerate(points):
        if crash[1].startswith("command."):
            continue  # the customer's own request: whether it was taken is what the answer tells
        sim, _seen = play(tmp_path / str(number), scenario, crash)
        assert sum(each.crashes for each in sim.providers.values()) == 1, f"{crash} was not reached"
        assert state(sim) == expected, crash
        check(sim)


def test_every_enumerated_point_is_one_that_transactions_have() -> None:
    """The list is made of the tables, the operations and the commands: a transaction of another name is refused."""
    points = commit_points()
    assert len(points) == len(set(points))
    with (
        pytest.raises(AssertionError, match="commit points"),
        base(None).providers["aws"].live.database.transaction("x"),
    ):
        pass
