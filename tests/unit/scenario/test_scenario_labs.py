"""Which lab a run gets: the one that stands, if nothing is left in it; a fresh one otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from xcnet.lab.inventory import Inventory
from xcnet.lab.manager import BringUp
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.sabotage import Sabotage
from xcnet.scenario import reuse
from xcnet.scenario.reuse import Labs, Wanted, sweep

PLAIN = Wanted("aws-google", False, "auto")
FRESH: Inventory = {"aws-gw": ("link vrf-prod", "route")}


class World:
    """Labs that come up at once, and what they hold. :param holds: of each lab, look by look; the last stays."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[str] = []
        self.holds: dict[str, list[Inventory]] = {}
        self.now = 0.0
        monkeypatch.setattr(reuse, "bring_up", self._up)
        monkeypatch.setattr(reuse, "take_down", lambda name: self.log.append(f"down {name}"))
        monkeypatch.setattr(Labs, "_look", staticmethod(lambda held: self._look(held.name)))
        monkeypatch.setattr(reuse, "LabClient", lambda _folder: self)
        monkeypatch.setattr(reuse.faulting, "standing", lambda _client: [])
        monkeypatch.setattr(reuse, "_SETTLE_SECONDS", 0.05)
        monkeypatch.setattr(reuse, "_LOOK_SECONDS", 0.01)

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is connected."""

    def _up(self, topology: str, *, name: str, sabotage: Sabotage | None, **_: Any) -> BringUp:
        self.log.append(f"up {name}" + (f" {sabotage}" if sabotage else ""))
        self.holds[name] = [FRESH]
        return BringUp(name=name, topology=topology, engine="uml", kernel="6", seconds=1, build_seconds=1)

    def _look(self, name: str) -> Inventory:
        held = self.holds[name]
        return held.pop(0) if len(held) > 1 else held[0]


class Nobody:
    def step(self, text: str) -> None:
        """Nobody watches."""

    def detail(self, text: str) -> None:
        """Nobody watches."""


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def run(labs: Labs, wanted: Wanted = PLAIN) -> str:
    held = labs.get(wanted, Nobody())
    labs.settled()
    return held.name


def test_a_lab_in_which_nothing_is_left_is_used_again(world: World) -> None:
    labs = Labs("run-1-")
    assert [run(labs), run(labs), run(labs)] == ["run-1-1"] * 3
    assert world.log == ["up run-1-1"]
    labs.drop()
    assert world.log == ["up run-1-1", "down run-1-1"]


def test_what_goes_by_itself_is_waited_for(world: World) -> None:
    labs = Labs("run-1-")
    run(labs)
    old = {**FRESH, "aws-edge1": ("secy 2",)}
    world.holds["run-1-1"] = [old, old, FRESH]
    assert run(labs) == "run-1-1"


def test_a_lab_in_which_something_is_left_is_not_used_again(world: World) -> None:
    labs = Labs("run-1-")
    run(labs)
    world.holds["run-1-1"] = [{"aws-gw": ("link vrf-prod",)}]
    assert run(labs) == "run-1-2"
    assert world.log == ["up run-1-1", "down run-1-1", "up run-1-2"]


def test_what_was_agreed_on_anew_does_not_go_by_itself(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reuse, "_SETTLE_SECONDS", 3600.0)
    labs = Labs("run-1-")
    run(labs)
    world.holds["run-1-1"] = [{**FRESH, "coordinator of aws": ("connections[prod].legs[].bandwidth_mbps 2000",)}]
    assert run(labs) == "run-1-2"


def test_a_lab_of_another_kind_is_not_used(world: World) -> None:
    labs = Labs("run-1-")
    run(labs)
    run(labs, Wanted("aws-google", True, "auto"))
    run(labs, Wanted("aws-google", True, "auto", sabotage=Sabotage.BFD_OFF))
    run(labs, Wanted("aws-google", True, "auto", MonitorPolicy(enabled=False), Sabotage.BFD_OFF))
    ups = [each for each in world.log if each.startswith("up")]
    assert ups == ["up run-1-1", "up run-1-2", "up run-1-3 bfd-off", "up run-1-4 bfd-off"]


def test_a_lab_that_is_left_to_be_looked_at_is_nobodys(world: World) -> None:
    labs = Labs("run-1-")
    run(labs)
    labs.leave()
    assert run(labs) == "run-1-2"
    assert "down run-1-1" not in world.log


def test_labs_of_whoever_did_not_live_to_take_them_down_are_taken_down(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reuse, "recorded_labs", lambda: ["mine", "run-1-1", "run-1-2", "run-12-1"])
    sweep("run-1-", {"run-1-2"})
    assert world.log == ["down run-1-1"]
