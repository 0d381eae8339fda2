"""Loss, delay, reordering, corruption, duplication and rate: what netem does to frames on their way out of a port."""

from __future__ import annotations

from xcnet.lab.faults.base import Standing
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.targets import Line, Port
from xcnet.model.faults import Corrupt, Delay, Duplicate, Loss, Rate, Reorder
from xcnet.netlink.qdisc import Netem

Impairing = Loss | Delay | Reorder | Corrupt | Duplicate | Rate


def netem_of(fault: Impairing) -> Netem:
    """The fault alone, as netem takes it."""
    match fault:
        case Loss():
            return Netem(loss=fault.percent / 100)
        case Delay():
            return Netem(delay=fault.ms / 1000, jitter=fault.jitter_ms / 1000)
        case Reorder():
            return Netem(delay=fault.ms / 1000, reorder=fault.percent / 100)
        case Corrupt():
            return Netem(corrupt=fault.percent / 100)
        case Duplicate():
            return Netem(duplicate=fault.percent / 100)
        case Rate():
            return Netem(rate=round(fault.mbps * 1e6))


class Impairment(Standing):
    """Adds to what happens at the ports already; several faults and the topology's own impairment go together."""

    def __init__(self, fault: Impairing, lines: tuple[Line, ...], ports: Ports) -> None:
        super().__init__(fault.on, tuple(dict.fromkeys(each for line in lines for each in line.channels)))
        self._netem = netem_of(fault)
        self._outlets: list[Port] = [port for line in lines for port in line.ways(fault.direction)]
        self._ports = ports

    async def begin(self) -> None:
        self.mark()
        try:
            self._ports.impair(self.id, self._outlets, self._netem)
        except BaseException:
            self._ports.restore(self.id, self._outlets)
            raise

    async def end(self) -> None:
        self.mark()
        self._ports.restore(self.id, self._outlets)

    async def artifact(self) -> str:
        return "; ".join(f"netem at {port}: {self._ports.impaired(port)}" for port in self._outlets)


__all__ = ["Impairing", "Impairment", "netem_of"]
