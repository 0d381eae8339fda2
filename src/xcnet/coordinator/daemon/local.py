"""Coordinators of a whole plan in this process, speaking HTTPS with each other over the loopback, with doubles for routers.

For conformance tests and for measuring the control plane alone: nothing here needs a lab or privileges.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xcnet.clock import Clock
from xcnet.coordinator.daemon.assemble import Place, assemble
from xcnet.coordinator.daemon.client import AdminClient
from xcnet.coordinator.daemon.double import DoubleNetwork
from xcnet.coordinator.daemon.follow import DONE_ONLY, VERIFIED
from xcnet.coordinator.daemon.process import Coordinator, Router
from xcnet.coordinator.daemon.settings import DaemonSettings
from xcnet.errors import LabError
from xcnet.model.plan import Plan
from xcnet.waiting import Deadline

PORT = 8443
_SERVE_SECONDS = 30.0

Adjust = Callable[[DaemonSettings], DaemonSettings]


def local_settings(
    plan: Plan, folder: Path, *, adjust: Adjust = lambda settings: settings
) -> dict[str, DaemonSettings]:
    """Settings for serving at loopback addresses of their own, drawn so that nobody else has them.

    :param folder: for stores and sockets: a short path. :param adjust: changes each one's settings.
    """
    places = {
        provider: Place(
            folder=folder / provider,
            transcript=folder / f"{provider}.api.jsonl",
            events=folder / f"{provider}.events.jsonl",
            address=f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(1, 254)}",
            port=PORT,
        )
        for provider in plan.coordinators
    }
    return {name: adjust(each) for name, each in assemble(plan, "local", places, time.time()).items()}


@dataclass
class LocalCoordinators:
    """While they run. :param network: their routers."""

    settings: Mapping[str, DaemonSettings]
    network: DoubleNetwork
    running: dict[str, Coordinator] = field(default_factory=dict)

    def admin(self, provider: str) -> AdminClient:
        return AdminClient(self.settings[provider].folder)

    async def command(
        self, provider: str, name: str, *, follow: str | None = None, **parameters: Any
    ) -> dict[str, Any]:
        """An operator's command, and what it is followed to. :raises LabError: refused, or it came to nothing."""
        answer: dict[str, Any] = {}
        end: dict[str, Any] = {}
        request = {"command": name, "parameters": parameters, "follow": follow}
        async for line in self.admin(provider).lines(request):
            message = json.loads(line)
            if "error" in message:
                raise LabError(message["error"]["cause"], where=f"{name} at {provider}")
            answer.update(message.get("answer", {}))
            end = message.get("end", end)
        if end.get("state") == "failed":
            raise LabError(end["message"], where=f"{name} at {provider}")
        return answer

    async def query(self, provider: str, name: str, **parameters: Any) -> Any:
        return await self.admin(provider).ask({"query": name, "parameters": parameters})

    async def connect(self, here: str, there: str, mbps: int, networks: Mapping[str, str], *, name: str) -> str:
        """A whole handshake to a connection that both sides see to work. Returns its UUID.

        :param here: where the activation key is made. :param networks: provider -> the customer's prefix there.
        :raises LabError: it came to nothing.
        """
        environment = self.settings[here].config.environments[0].name
        accounts = {each: next(iter(self.settings[each].config.accounts)) for each in (here, there)}
        attach = {each: {"name": name, "networks": [networks[each]]} for each in (here, there)}
        made = await self.command(
            here,
            "intent",
            follow=DONE_ONLY,
            environment=environment,
            mbps=mbps,
            account=accounts[here],
            peer_account=accounts[there],
            attach=attach[here],
        )
        key = (await self.query(here, "activation-key", connection=made["uuid"]))["key"]
        done = await self.command(
            there, "accept", follow=VERIFIED, key=key, account=accounts[there], attach=attach[there]
        )
        return str(done["uuid"])


@contextlib.asynccontextmanager
async def serving(
    settings: Mapping[str, DaemonSettings],
    network: DoubleNetwork | None = None,
    *,
    clock: Clock | None = None,
    routers: bool = True,
) -> AsyncIterator[LocalCoordinators]:
    """All of them, until the context is left.

    :param routers: False leaves them without: they serve what is in their stores, and nothing becomes of it.
    :raises XcnetError: one does not come up.
    """
    network = network or DoubleNetwork()
    local = LocalCoordinators(settings, network)

    def doubles(of: DaemonSettings) -> dict[str, Router]:
        if not routers:
            return {}
        return {node: network.router(node) for node in (of.network.gateway, *of.network.edges.values())}

    stop = asyncio.Event()
    tasks = []
    try:
        for provider, each in settings.items():
            # Doubles hold nothing yet: whatever is wanted is to be given to them.
            coordinator = Coordinator(replace(each, given={}), clock=clock, network=doubles)
            local.running[provider] = coordinator
            ready = asyncio.Event()
            task = asyncio.ensure_future(coordinator.run(stop, ready.set))
            tasks.append(task)
            await _until(ready, task, Deadline(_SERVE_SECONDS), each.node)
        yield local
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def _until(ready: asyncio.Event, task: asyncio.Task[None], deadline: Deadline, where: str) -> None:
    waiting = asyncio.ensure_future(ready.wait())
    try:
        await asyncio.wait((waiting, task), timeout=deadline.remaining, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
    if task.done():
        task.result()
    if not ready.is_set():
        raise LabError(f"the coordinator does not serve after {_SERVE_SECONDS:.0f} s", where=where)


__all__ = ["PORT", "LocalCoordinators", "local_settings", "serving"]
