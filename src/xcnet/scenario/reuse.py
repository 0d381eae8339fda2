"""Labs for runs one after the other: the one that stands is used again if nothing of the last run is left in it."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.engine.client import LabClient
from xcnet.errors import XcnetError
from xcnet.lab import faulting
from xcnet.lab.coordination import Coordination
from xcnet.lab.directory import Directory
from xcnet.lab.inventory import Inventory, differences, lasting
from xcnet.lab.manager import ProgressSink, bring_up, take_down
from xcnet.lab.paths import LabPaths
from xcnet.lab.record import recorded_labs
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.sabotage import Sabotage
from xcnet.scenario.stage import inventory
from xcnet.waiting import Deadline, wait_until

_SETTLE_SECONDS = 15.0
"""For a lab to be as it was before a run: what a scenario does not wait for, such as old keys, goes within it."""

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a run needs. :param topology: a shipped one's name, or a file."""

    topology: str
    fast: bool
    engine: str
    monitor: MonitorPolicy | None = None
    sabotage: Sabotage | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A lab that stands. :param before: what it held when nothing had been done to it. :param kernel: its kernel's version."""

    wanted: Wanted
    name: str
    kernel: str
    before: Inventory | None

    @property
    def paths(self) -> LabPaths:
        return LabPaths.of(self.name)


class Labs:
    """At most one lab at a time. :param prefix: of its labs' names, by which :func:`sweep` finds them.
    :param share: whether one is to be used more than once.
    """

    def __init__(self, prefix: str, *, share: bool = True) -> None:
        self._prefix = prefix
        self._share = share
        self._number = 0
        self._held: Held | None = None

    def get(self, wanted: Wanted, progress: ProgressSink) -> Held:
        """:raises XcnetError: it does not come up."""
        if self._held is not None and (self._held.wanted != wanted or not self._share or not self._clean(self._held)):
            self.drop()
        if self._held is None:
            self._number += 1
            name = f"{self._prefix}{self._number}"
            up = bring_up(
                wanted.topology,
                name=name,
                engine=wanted.engine,
                fast=wanted.fast,
                monitor=wanted.monitor,
                sabotage=wanted.sabotage,
                progress=progress,
            )
            self._held = Held(wanted, name, up.kernel, None)
        return self._held

    def settled(self) -> None:
        """Everything works in a fresh lab: what it holds now is what it must hold before any later run."""
        if self._held is not None and self._held.before is None and self._share:
            self._held = Held(self._held.wanted, self._held.name, self._held.kernel, self._look(self._held))

    def leave(self) -> None:
        """The lab stays up, and belongs to nobody here any more."""
        self._held = None

    def drop(self) -> None:
        if self._held is not None:
            take_down(self._held.name)
            self._held = None

    def _clean(self, held: Held) -> bool:
        before = held.before
        if before is None:
            return False
        try:
            with LabClient(held.paths.run_dir) as client:
                if faulting.standing(client):
                    return False
            if any(map(lasting, differences(before, self._look(held)))):
                return False
            wait_until(
                "the lab to be as it was before the last run",
                lambda: "; ".join(differences(before, self._look(held))) or None,
                Deadline(_SETTLE_SECONDS),
                where=held.name,
                interval=_LOOK_SECONDS,
            )
        except XcnetError:
            return False
        return True

    @staticmethod
    def _look(held: Held) -> Inventory:
        with LabClient(held.paths.run_dir) as client:
            return inventory(held.paths, Coordination(held.paths, client), Directory.read(held.paths))


def sweep(prefix: str, keep: set[str]) -> None:
    """Take down what is left of the labs of a prefix, whoever brought them up and did not live to take them down."""
    for name in recorded_labs():
        if name.startswith(prefix) and name not in keep:
            take_down(name)


__all__ = ["Held", "Labs", "Wanted", "sweep"]
