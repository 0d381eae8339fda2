"""Whole routers, one or all of a provider: without power, and booted again with the state that they had."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from xcnet.lab.coordinators import PROCESS
from xcnet.lab.directory import pick
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.lab.faults.daemons import ROUTER_DAEMONS, child_of, gone, start_again
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.targets import Port
from xcnet.model.faults import PowerOff

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


class PoweringOff(Standing):
    """All daemons end at once and all ports go down, so that every neighbour loses carrier."""

    def __init__(self, fault: PowerOff, lab: RunningLab, ports: Ports, overlays: Overlays) -> None:
        """:raises InputError: there is no such router or provider."""
        self._provider: str | None = None
        if fault.on in lab.plan.providers:
            network = lab.plan.networks[fault.on].network
            self._nodes: tuple[str, ...] = (network.gateway, *network.edges.values())
            self._provider = fault.on if fault.coordinator else None
            channels = tuple(each.name for each in targets.channels(lab.plan, fault.on))
        else:
            self._nodes = (pick("router or provider", fault.on, (*lab.plan.routers, *lab.plan.providers)),)
            channels = targets.channels_of(lab.plan, fault.on)
        super().__init__(fault.on, channels)
        self._lab = lab
        self._ports = ports
        self._overlays = overlays
        ends = [Port(*end) for link in lab.plan.links for end in (link.a, link.b)]
        self._own = [port for port in ends if port.node in self._nodes]

    async def begin(self) -> None:
        children = [child_of(self._lab, node, daemon) for node in self._nodes for daemon in ROUTER_DAEMONS]
        if self._provider is not None:
            children.append(child_of(self._lab, self._lab.coordinators.node(self._provider), PROCESS))
        self.mark()
        if self._provider is not None:
            self._lab.coordinators.halt(self._provider)
        for child in children:
            self._lab.supervisor.kill(child)
        self._ports.darken(self.id, self._own)
        await asyncio.gather(*map(gone, children))

    async def end(self) -> None:
        self.mark()
        self._ports.light(self.id, self._own)
        # All together: each waits for its sessions with the others.
        starting = [start_again(self._lab, self._overlays, node, ROUTER_DAEMONS) for node in self._nodes]
        failed = [each for each in await asyncio.gather(*starting, return_exceptions=True) if each is not None]
        if failed:
            raise failed[0]
        if self._provider is not None:
            self._lab.coordinators.resume(self._provider)
            await self._lab.coordinators.client(self._provider)

    async def artifact(self) -> str:
        running = [
            f"{daemon} of {node}"
            for node in self._nodes
            for daemon in ROUTER_DAEMONS
            if self._lab.supervisor.get(node, daemon) is not None
        ]
        words = ""
        if self._provider is not None:
            coordinator = self._lab.coordinators.node(self._provider)
            if self._lab.supervisor.get(coordinator, PROCESS) is not None:
                running.append(f"the coordinator on {coordinator}")
            words = f", nor the coordinator on {coordinator}"
        if running:
            raise absent(f"{', '.join(running)} runs", self.target)
        lit = [str(port) for port in self._own if not self._ports.dark(port)]
        if lit:
            raise absent("administratively up", ", ".join(lit))
        named = self._own if len(self._nodes) > 1 else [port.name for port in self._own]
        ports = ", ".join(map(str, named))
        return f"no daemon runs on {', '.join(self._nodes)}{words}, and all ports are administratively down: {ports}"


__all__ = ["PoweringOff"]
