"""Lines without light, and lines that swallow frames: cut, flap, blackhole, MTU clamp, and key agreement alone."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from xcnet.errors import InputError
from xcnet.lab.faults.base import Standing, absent, called_off
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.routing import renew_next_hops
from xcnet.lab.faults.targets import Line, Port
from xcnet.lab.processes import state_of
from xcnet.model.faults import Blackhole, Cut, DataDrop, Flap, MkaDrop, Mtu
from xcnet.model.overlay import Overlay
from xcnet.netlink.filters import ETHERTYPE_EAPOL, ETHERTYPE_MACSEC
from xcnet.netlink.obstacles import Obstacle

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


def _channels(lines: tuple[Line, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(channel for line in lines for channel in line.channels))


class _Darkness(Standing):
    """Both ends of lines without light, and with it again."""

    def __init__(self, target: str, lines: tuple[Line, ...], lab: RunningLab, ports: Ports, overlays: Overlays) -> None:
        super().__init__(target, _channels(lines))
        self._ends: list[Port] = [end for line in lines for end in line.ends]
        self._routers_own = [end for line in lines if not line.fibre for end in line.ends]
        self._lab = lab
        self._ports = ports
        self._overlays = overlays

    async def _hold(self) -> None:
        """No router's daemon puts its own port up again from now on."""
        for port in self._routers_own:
            await self._overlays.put(port.node, self.id, Overlay(dark=(port.name,)))

    async def _let_go(self) -> None:
        for port in self._routers_own:
            await self._overlays.take(port.node, self.id)
            bgpd = self._lab.supervisor.get(port.node, "bgpd")
            if bgpd is not None and state_of(bgpd.pid) != "T":
                await renew_next_hops(self._lab, port.node, port.name)

    def _darken(self) -> None:
        self.mark()
        self._ports.darken(self.id, self._ends)

    def _lighten(self) -> None:
        self.mark()
        self._ports.light(self.id, self._ends)

    def _seen_dark(self) -> str:
        lit = [str(port) for port in self._ends if not self._ports.dark(port)]
        if lit:
            raise absent("administratively up", ", ".join(lit))
        return f"administratively down: {', '.join(map(str, self._ends))}"


class Cutting(_Darkness):
    """Of a channel the facility's ports go down, so that the routers lose carrier; of an internal link both ends."""

    def __init__(self, fault: Cut, lines: tuple[Line, ...], lab: RunningLab, ports: Ports, overlays: Overlays) -> None:
        super().__init__(fault.on, lines, lab, ports, overlays)

    async def begin(self) -> None:
        async with self.undone():
            await self._hold()
            self._darken()

    async def end(self) -> None:
        self._lighten()
        await self._let_go()

    async def artifact(self) -> str:
        return self._seen_dark()


class Flapping(_Darkness):
    """Dark for the first ``down`` seconds of every ``period``. Turns are counted from the begin: lateness does not add up."""

    def __init__(self, fault: Flap, lines: tuple[Line, ...], lab: RunningLab, ports: Ports, overlays: Overlays) -> None:
        """:raises InputError: it would never have light."""
        super().__init__(fault.on, lines, lab, ports, overlays)
        if fault.down >= fault.period:
            raise InputError(
                f"down for {fault.down:g} s of every {fault.period:g} s is a cut, no flap",
                where="down",
                remedy="give a down shorter than the period, or use the fault 'cut'",
            )
        self._period, self._down = fault.period, fault.down
        self._task: asyncio.Task[None] | None = None
        self._dark = False
        self._turns = 0

    async def begin(self) -> None:
        async with self.undone():
            await self._hold()
            self._go(True)
        self._task = asyncio.ensure_future(self._flap(self.changed))

    async def end(self) -> None:
        await self.forget()
        self._go(False)
        await self._let_go()

    async def forget(self) -> None:
        await called_off(self._task)
        self._task = None

    async def artifact(self) -> str:
        if self._task is not None and self._task.done():
            raise absent(f"flapping ended by itself: {self._task.exception()}", self.target)
        state = self._seen_dark() if self._dark else f"lit: {', '.join(map(str, self._ends))}"
        return f"{self._turns} turns so far; {state}"

    def _go(self, dark: bool) -> None:
        self._dark = dark
        if dark:
            self._turns += 1
            self._darken()
        else:
            self._lighten()

    async def _flap(self, start: float) -> None:
        turn = 0
        while True:
            for dark, due in ((False, turn * self._period + self._down), (True, (turn + 1) * self._period)):
                await asyncio.sleep(max(start + due - time.monotonic(), 0.0))
                self._go(dark)
            turn += 1


class Obstruction(Standing):
    """Drops some frames, or all, on their way out: a blackhole, an MTU clamp, or of one kind alone."""

    def __init__(self, fault: Blackhole | Mtu | MkaDrop | DataDrop, lines: tuple[Line, ...], ports: Ports) -> None:
        """:raises InputError: key agreement on a link that has none."""
        super().__init__(fault.on, _channels(lines))
        match fault:
            case Blackhole():
                self._what, self._words = Obstacle(), "every frame"
            case Mtu():
                self._what, self._words = Obstacle(longer_than=fault.bytes), f"frames of more than {fault.bytes} bytes"
            case MkaDrop():
                self._what, self._words = Obstacle(ethertype=ETHERTYPE_EAPOL), "key agreement frames"
            case DataDrop():
                self._what, self._words = Obstacle(ethertype=ETHERTYPE_MACSEC), "protected frames"
        if isinstance(fault, MkaDrop | DataDrop) and not all(line.fibre for line in lines):
            what = "key agreement" if isinstance(fault, MkaDrop) else "encryption"
            raise InputError(f"there is no {what} on {fault.on}", where="on", remedy="name a channel, or a facility")
        self._outlets: list[Port] = [port for line in lines for port in line.ways(fault.direction)]
        self._ports = ports

    async def begin(self) -> None:
        self.mark()
        try:
            self._ports.obstruct(self.id, self._outlets, self._what)
        except BaseException:
            self._ports.clear(self.id, self._outlets)
            raise

    async def end(self) -> None:
        self.mark()
        self._ports.clear(self.id, self._outlets)

    async def artifact(self) -> str:
        dropped = [f"{port} ({self._ports.obstructed(self.id, port)} so far)" for port in self._outlets]
        return f"a filter drops {self._words} leaving by {', '.join(dropped)}"


__all__ = ["Cutting", "Flapping", "Obstruction"]
