"""The ports that link faults act on: what each fault asks of them is kept apart, so that faults end in any order."""

from __future__ import annotations

from collections.abc import Iterable

from xcnet.errors import LabError
from xcnet.fabric.network import Fabric
from xcnet.lab.faults.base import absent
from xcnet.lab.faults.effects import alike, described, together
from xcnet.lab.faults.targets import Port
from xcnet.model.plan import NodeKind
from xcnet.netlink import links, obstacles, qdisc
from xcnet.netlink.obstacles import Obstacle
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.socket import NetlinkSocket

_FIRST_PRIORITY, _LAST_PRIORITY = 100, 60_000
_ROOT_KINDS = frozenset({"noqueue", "netem"})


class Ports:
    """What all standing faults together ask of the lab's ports."""

    def __init__(self, fabric: Fabric) -> None:
        self._fabric = fabric
        self._dark: dict[Port, set[str]] = {}
        self._bases: dict[Port, Netem] = {}
        self._effects: dict[Port, dict[str, Netem]] = {}
        self._obstacles: dict[Port, dict[str, tuple[int, Obstacle]]] = {}

    def _netlink(self, port: Port) -> NetlinkSocket:
        return self._fabric.node(port.node).route

    def _index(self, port: Port) -> int:
        return int(self._fabric.node(port.node).nameToIntf[port.name].index)

    # -- light

    def darken(self, fault: str, ports: Iterable[Port]) -> None:
        """Take them down administratively; they stay so until nobody wants them dark."""
        for port in ports:
            self._dark.setdefault(port, set()).add(fault)
            self._netlink(port).submit([links.change(self._index(port), up=False)])

    def light(self, fault: str, ports: Iterable[Port]) -> None:
        """Undo :meth:`darken` of this fault."""
        for port in ports:
            holders = self._dark.get(port)
            if holders is None or fault not in holders:
                continue
            if holders == {fault}:
                self._netlink(port).submit([links.change(self._index(port), up=True)])
                del self._dark[port]
            else:
                holders.discard(fault)

    def dark(self, port: Port) -> bool:
        """Whether the kernel holds it administratively down."""
        return not links.get(self._netlink(port), self._index(port)).up

    # -- what the fibre does to frames

    def impair(self, fault: str, ports: Iterable[Port], what: Netem) -> None:
        """From now on this happens too to frames that leave there."""
        for port in ports:
            if port not in self._bases:
                self._bases[port] = self._held(port)
            self._effects.setdefault(port, {})[fault] = what
            self._queue(port)

    def restore(self, fault: str, ports: Iterable[Port]) -> None:
        """Undo :meth:`impair` of this fault; what the topology and other faults want stays."""
        for port in ports:
            effects = self._effects.get(port, {})
            if effects.pop(fault, None) is None:
                continue
            self._queue(port)
            if not effects:
                self._effects.pop(port, None)
                self._bases.pop(port, None)

    def impaired(self, port: Port) -> str:
        """What happens there as the kernel says. :raises LabError: it is not what all faults together want."""
        wanted = together(self._bases.get(port, Netem()), self._effects.get(port, {}).values())
        held = self._held(port)
        if not alike(wanted, held):
            raise absent(f"netem does {described(held)} instead of {described(wanted)}", str(port))
        return described(held)

    def _queue(self, port: Port) -> None:
        wanted = together(self._bases[port], self._effects[port].values())
        index = self._index(port)
        self._netlink(port).submit([qdisc.delete_root(index) if wanted.idle else qdisc.netem(index, wanted)])

    def _held(self, port: Port) -> Netem:
        """:raises LabError: another qdisc is at the port's root, which a fault must not replace."""
        index = self._index(port)
        found = Netem()
        for each in qdisc.dump(self._netlink(port)):
            if each.index == index and each.kind in _ROOT_KINDS:
                found = each.netem or found
            elif each.index == index and each.kind != "clsact":
                raise LabError(
                    f"a qdisc of kind {each.kind} is at the port's root",
                    where=str(port),
                    remedy="take it away first: a fault must leave the port as it found it",
                )
        return found

    # -- filters

    def obstruct(self, fault: str, ports: Iterable[Port], what: Obstacle) -> None:
        """Drop such frames on their way out of these ports."""
        for port in ports:
            here = self._obstacles.setdefault(port, {})
            taken = {priority for priority, _ in here.values()}
            priority = next(each for each in range(_FIRST_PRIORITY, _LAST_PRIORITY) if each not in taken)
            here[fault] = (priority, what)
            self._netlink(port).submit(obstacles.put(self._index(port), priority, what))

    def clear(self, fault: str, ports: Iterable[Port]) -> None:
        """Undo :meth:`obstruct` of this fault."""
        for port in ports:
            here = self._obstacles.get(port, {})
            if fault not in here:
                continue
            priority, what = here.pop(fault)
            requests = [obstacles.take(self._index(port), priority, what)]
            if not here:
                del self._obstacles[port]
                if not self._has_own_filters(port):
                    requests.append(qdisc.delete_clsact(self._index(port)))
            self._netlink(port).submit(requests)

    def obstructed(self, fault: str, port: Port) -> int:
        """How many frames it has dropped there. :raises LabError: the filter is not there, or another one is."""
        priority, what = self._obstacles[port][fault]
        held = obstacles.standing(self._netlink(port), self._index(port)).get(priority)
        if held is None or held[0] != what:
            raise absent("the filter is gone" if held is None else f"the filter there is {held[0]}", str(port))
        return held[1]

    def _has_own_filters(self, port: Port) -> bool:
        """A facility's ports hold its cross-connects in the same place; a router's internal ports hold none."""
        return self._fabric.plan.node(port.node).kind is NodeKind.FACILITY


__all__ = ["Ports"]
