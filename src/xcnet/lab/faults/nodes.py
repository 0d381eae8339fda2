"""A whole router: without power, and booted again with the state that it had."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from xcnet.errors import InputError
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.lab.faults.daemons import ROUTER_DAEMONS, child_of, gone, start_again
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.targets import Port
from xcnet.model.faults import PowerOff
from xcnet.model.plan import NodeKind

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


class PoweringOff(Standing):
    """All daemons end at once and all ports go down, so that every neighbour loses carrier."""

    def __init__(self, fault: PowerOff, lab: RunningLab, ports: Ports, overlays: Overlays) -> None:
        """:raises InputError: there is no such router, or it is a gateway."""
        self._node = targets.router(lab.plan, fault.on)
        if lab.plan.node(self._node).kind is not NodeKind.EDGE:
            raise InputError(
                f"{fault.on} is a gateway, whose return from power loss is not known to leave the lab as it was",
                where="on",
                remedy="name an edge, or cut the links of the gateway",
            )
        super().__init__(fault.on, targets.channels_of(lab.plan, fault.on))
        self._lab = lab
        self._ports = ports
        self._overlays = overlays
        ends = [Port(*end) for link in lab.plan.links for end in (link.a, link.b)]
        self._own = [port for port in ends if port.node == self._node]

    async def begin(self) -> None:
        children = [child_of(self._lab, self._node, daemon) for daemon in ROUTER_DAEMONS]
        self.mark()
        for child in children:
            self._lab.supervisor.kill(child)
        self._ports.darken(self.id, self._own)
        await asyncio.gather(*map(gone, children))

    async def end(self) -> None:
        self.mark()
        self._ports.light(self.id, self._own)
        await start_again(self._lab, self._overlays, self._node, ROUTER_DAEMONS)

    async def artifact(self) -> str:
        running = [daemon for daemon in ROUTER_DAEMONS if self._lab.supervisor.get(self._node, daemon) is not None]
        if running:
            raise absent(f"{', '.join(running)} runs", self._node)
        lit = [str(port) for port in self._own if not self._ports.dark(port)]
        if lit:
            raise absent("administratively up", ", ".join(lit))
        ports = ", ".join(port.name for port in self._own)
        return f"no daemon runs on {self._node}, and its ports are administratively down: {ports}"


__all__ = ["PoweringOff"]
