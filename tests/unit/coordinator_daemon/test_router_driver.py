from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from xcnet.coordinator.daemon.routers import RouterDriver
from xcnet.coordinator.view import NetworkView
from xcnet.errors import LabError
from xcnet.model.desired import RouterState
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.model.routers import render
from xcnet.waiting import Deadline

PLANNED = make_plan(load_topology("aws-google"), bare=False).networks["aws"]
EMPTY = NetworkView(1, PLANNED.channels, (), {})
WHOLE = NetworkView(2, PLANNED.channels, PLANNED.attachments, {})


def states(view: NetworkView) -> dict[str, RouterState]:
    return render(PLANNED.network, view.channels, view.attachments)


@dataclass
class FakeCore:
    view: NetworkView

    @property
    def generation(self) -> int:
        return self.view.generation

    def network(self) -> NetworkView:
        return self.view


@dataclass
class FakeRouter:
    """:param held: what it was given, oldest first. :param failures: how many more times it fails. :param gate: until when it
    takes its time."""

    held: list[RouterState] = field(default_factory=list)
    failures: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def apply(self, state: RouterState, *, deadline: Deadline) -> list[str]:
        del deadline
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise LabError("vtysh says no", where=state.node, remedy="look at its log")
        self.held.append(state)
        return ["changed"]


class World:
    def __init__(self) -> None:
        self.core = FakeCore(EMPTY)
        self.routers = {node: FakeRouter() for node in states(EMPTY)}
        self.told: list[int] = []
        self.events: list[tuple[str, str, dict[str, Any]]] = []
        self.driver = RouterDriver(
            self.core,  # type: ignore[arg-type]
            PLANNED.network,
            self.routers,
            applied=lambda view: self.told.append(view.generation),
            emit=lambda kind, subject, data: self.events.append((kind, subject, data)),
        )

    def want(self, view: NetworkView) -> None:
        self.core.view = view
        self.driver.look()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        task = asyncio.ensure_future(self.driver.run())
        try:
            yield self
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def until(self, holds: Callable[[], bool]) -> None:
        """:raises TimeoutError: it never held."""
        async with asyncio.timeout(20):
            while not holds():  # noqa: ASYNC110 - it is looked at from outside
                await asyncio.sleep(0.001)


def test_every_router_is_given_its_state_and_then_it_is_told() -> None:
    async def go() -> None:
        async with World().running() as world:
            await world.until(lambda: world.told == [1])
            assert {node: each.held for node, each in world.routers.items()} == {
                node: [state] for node, state in states(EMPTY).items()
            }
            world.want(WHOLE)
            await world.until(lambda: world.told == [1, 2])
            assert {node: each.held[-1] for node, each in world.routers.items()} == states(WHOLE)

    asyncio.run(go())


def test_a_router_that_has_its_state_is_left_alone() -> None:
    async def go() -> None:
        world = World()
        world.driver.given(states(EMPTY))
        async with world.running():
            await world.until(lambda: world.told == [1])
            assert all(each.held == [] for each in world.routers.values())
            # A generation that changes nothing at the routers is told all the same.
            world.want(NetworkView(2, PLANNED.channels, (), {}))
            await world.until(lambda: world.told == [1, 2])
            assert all(each.held == [] for each in world.routers.values())

    asyncio.run(go())


def test_a_router_that_fails_is_asked_again_and_the_others_do_not_wait_for_it() -> None:
    async def go() -> None:
        world = World()
        node = PLANNED.network.gateway
        world.routers[node].failures = 2
        async with world.running():
            await world.until(lambda: all(each.held for name, each in world.routers.items() if name != node))
            assert world.told == []
            await world.until(lambda: world.told == [1])
        failed = [event for event in world.events if event[0] == "router.failed"]
        assert failed == [("router.failed", node, {"cause": "vtysh says no", "where": node})] * 2
        assert world.routers[node].held == [states(EMPTY)[node]]

    asyncio.run(go())


def test_a_slow_router_gets_the_newest_state_and_nothing_older_after_it() -> None:
    async def go() -> None:
        world = World()
        node = PLANNED.network.gateway
        slow = world.routers[node]
        slow.gate.clear()
        async with world.running():
            fast = [each for name, each in world.routers.items() if name != node]
            await world.until(lambda: all(each.held for each in fast))
            for generation in range(2, 12):
                world.want(NetworkView(generation, PLANNED.channels, PLANNED.attachments[: generation % 2], {}))
                await asyncio.sleep(0)
            world.want(NetworkView(12, PLANNED.channels, PLANNED.attachments, {}))
            assert world.told == []
            slow.gate.set()
            await world.until(lambda: world.told == [12])
            assert slow.held[-1] == states(WHOLE)[node]
            assert len(slow.held) < 12

    asyncio.run(go())


def test_what_a_router_holds_counts_for_nothing_while_another_state_is_on_its_way() -> None:
    """Back to an older network before the newer one has arrived: told when the routers hold the older one again."""

    async def go() -> None:
        world = World()
        world.driver.given(states(EMPTY))
        node = PLANNED.network.gateway
        async with world.running():
            await world.until(lambda: world.told == [1])
            world.routers[node].gate.clear()
            world.want(WHOLE)
            await world.until(
                lambda: all(each.held == [states(WHOLE)[name]] for name, each in world.routers.items() if name != node)
            )
            world.want(NetworkView(3, PLANNED.channels, (), {}))
            await world.until(lambda: all(len(each.held) == 2 for name, each in world.routers.items() if name != node))
            assert world.told == [1]
            world.routers[node].gate.set()
            await world.until(lambda: world.told == [1, 3])
            assert world.routers[node].held[-1] == states(EMPTY)[node]

    asyncio.run(go())
