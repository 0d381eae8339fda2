"""Keeps the own routers at what the core says the network should be, each as fast as it can."""

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

APPLY_SECONDS, APPLY_SECONDS_EACH = 120.0, 4.0
"""For one router to take a state, and more for each of its VRFs."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 8.0
"""Seconds until a router that could not take its state is asked again."""

_AT_ONCE = 2
"""States on their way to one router: it hurries with the one that another follows."""


class Router(Protocol):
    """A router's daemon (:class:`xcnet.edge.client.EdgeClient`)."""

    async def apply(self, state: RouterState, *, deadline: Deadline) -> list[str]:
        """Give it the whole truth; one call after the other. :raises XcnetError: it could not make it so."""
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
        self._held: dict[str, RouterState] = {}
        self._last: dict[str, RouterState] = {}
        self._wanted: dict[str, RouterState] = {}
        self._news = {node: asyncio.Event() for node in routers}
        self._changed = asyncio.Event()
        self._seen = -1
        self._view: NetworkView | None = None
        self._told = False

    def look(self) -> None:
        """The core may have another network in mind."""
        if self._core.generation != self._seen:
            self._changed.set()

    def given(self, states: Mapping[str, RouterState]) -> None:
        """The routers were started with these."""
        self._held.update(states)

    async def run(self) -> None:
        """Until it is cancelled. A router that fails is asked again and again; the others go on meanwhile."""
        keepers = [asyncio.ensure_future(self._keep(node)) for node in self._routers]
        try:
            self._changed.set()
            while True:
                changed = asyncio.ensure_future(self._changed.wait())
                done, _ = await asyncio.wait([changed, *keepers], return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()
                for keeper in done & set(keepers):
                    keeper.result()  # never ends but by a defect
                self._changed.clear()
                view = self._core.network()
                if self._view is None or view.generation != self._view.generation:
                    self._view, self._told = view, False
                    self._seen = view.generation
                    self._wanted = render(self._network, view.channels, view.attachments)
                    for news in self._news.values():
                        news.set()
                self._check()
        finally:
            for keeper in keepers:
                keeper.cancel()

    def _check(self) -> None:
        """Tell once that all routers hold the newest generation."""
        if self._view is None or self._told:
            return
        if all(self._held.get(node) == state for node, state in self._wanted.items()):
            self._told = True
            self._applied(self._view)

    async def _keep(self, node: str) -> None:
        """One router at what is wanted of it."""
        news, pause = self._news[node], _FIRST_PAUSE
        sent = self._held.get(node)
        running: set[asyncio.Future[bool]] = set()
        try:
            while True:
                news.clear()
                wanted = self._wanted.get(node)
                if wanted is not None and wanted != sent and len(running) < _AT_ONCE:
                    # Whatever comes of it, the router may hold part of it; what is on its way before it counts no more.
                    sent = self._last[node] = wanted
                    self._held.pop(node, None)
                    running.add(asyncio.ensure_future(self._apply(node, wanted)))
                woken = asyncio.ensure_future(news.wait())
                awaited: list[asyncio.Future[Any]] = [woken, *running]
                done, _ = await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                woken.cancel()
                failed = False
                for task in [task for task in running if task in done]:
                    running.discard(task)
                    failed |= not task.result()
                if failed:
                    sent = None
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, _LONGEST_PAUSE)
                elif len(running) < len(awaited) - 1:
                    pause = _FIRST_PAUSE
                    self._check()
        finally:
            for task in running:
                task.cancel()

    async def _apply(self, node: str, state: RouterState) -> bool:
        try:
            deadline = Deadline(APPLY_SECONDS + APPLY_SECONDS_EACH * len(state.vrfs))
            changes = await self._routers[node].apply(state, deadline=deadline)
        except XcnetError as error:
            self._emit("router.failed", node, {"cause": error.cause, "where": error.where})
            return False
        if self._last[node] is state:
            self._held[node] = state
        self._emit("router.applied", node, {"changes": len(changes)})
        return True


__all__ = ["APPLY_SECONDS", "APPLY_SECONDS_EACH", "Router", "RouterDriver"]
