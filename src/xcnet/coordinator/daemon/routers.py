"""Keeps the own routers at what the core says the network should be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from xcnet.coordinator.core import Core
from xcnet.coordinator.view import NetworkView
from xcnet.errors import XcnetError
from xcnet.model.desired import RouterState
from xcnet.model.network import ProviderNetwork
from xcnet.model.routers import render
from xcnet.waiting import Deadline

APPLY_SECONDS = 120.0
"""For one router to take a state."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
"""Seconds until a router that could not take its state is asked again."""


class Router(Protocol):
    """A router's daemon (:class:`xcnet.edge.client.EdgeClient`)."""

    async def apply(self, state: RouterState, *, deadline: Deadline) -> list[str]:
        """Give it the whole truth. :raises XcnetError: it could not make it so, or does not answer."""
        ...


class RouterDriver:
    """:param routers: node -> its daemon. :param applied: told that all routers hold a generation.
    :param emit: told of what is done and what fails.
    """

    def __init__(
        self,
        core: Core,
        network: ProviderNetwork,
        routers: Mapping[str, Router],
        *,
        applied: Callable[[NetworkView], None],
        emit: Callable[[str, str, dict[str, Any]], None],
    ) -> None:
        self._core = core
        self._network = network
        self._routers = routers
        self._applied = applied
        self._emit = emit
        self._given: dict[str, RouterState] = {}
        self._reached = -1
        self._wanted = asyncio.Event()
        self.states: dict[str, RouterState] = {}
        """What each router is to hold, by the newest generation that was looked at."""
        self.view: NetworkView | None = None
        """That generation, once all routers hold it."""

    def look(self) -> None:
        """The core may have another network in mind."""
        if self._core.generation != self._reached:
            self._wanted.set()

    def given(self, states: Mapping[str, RouterState]) -> None:
        """The routers were started with these."""
        self._given.update(states)

    async def run(self) -> None:
        """Until it is cancelled. A router that fails is asked again and again; the others go on meanwhile."""
        pause = _FIRST_PAUSE
        self._wanted.set()
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            view = self._core.network()
            self.states = render(self._network, view.channels, view.attachments)
            changed = {node: state for node, state in self.states.items() if self._given.get(node) != state}
            done = await asyncio.gather(*(self._apply(node, state) for node, state in changed.items()))
            if not all(done):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                self._wanted.set()
                continue
            pause = _FIRST_PAUSE
            self._reached = view.generation
            self.view = view
            self._applied(view)
            self.look()

    async def _apply(self, node: str, state: RouterState) -> bool:
        # Whatever comes of it, the router may hold part of it.
        self._given.pop(node, None)
        try:
            changes = await self._routers[node].apply(state, deadline=Deadline(APPLY_SECONDS))
        except XcnetError as error:
            self._emit("router.failed", node, {"cause": error.cause, "where": error.where})
            return False
        self._given[node] = state
        self._emit("router.applied", node, {"changes": len(changes)})
        return True


__all__ = ["APPLY_SECONDS", "Router", "RouterDriver"]
