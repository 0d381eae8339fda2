"""What a run needs of a lab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from xcnet.events import Event
from xcnet.lab.directory import Directory
from xcnet.lab.inventory import Inventory
from xcnet.model.desired import RouterState
from xcnet.probe.results import ProbeResult
from xcnet.scenario.document import Action, Traffic
from xcnet.scenario.voices import Said


@dataclass(frozen=True, slots=True)
class Standing:
    """A fault that is in place. :param at: when it was put there, on the lab's clock. :param artifact: what shows it."""

    id: str
    kind: str
    target: str
    channels: tuple[str, ...]
    at: float
    artifact: str


class Stage(Protocol):
    """A lab as a run needs it. All times are on the lab kernel's monotonic clock."""

    directory: Directory

    def clock(self) -> float: ...

    def begin_fault(self, fault: Any) -> Standing:
        """:raises XcnetError: it cannot be put in place, or its artifact is not seen."""
        ...

    def end_fault(self, standing: Standing) -> float:
        """:returns: when it was over. :raises XcnetError: it cannot be undone, or is there still."""
        ...

    def act(self, action: Action) -> Future[None]:
        """Do it beside everything else; the future raises the XcnetError of a refusal."""
        ...

    def start_traffic(self, traffic: Traffic) -> float:
        """:returns: when measuring began, warm-up behind it."""
        ...

    def stop_traffic(self) -> ProbeResult: ...

    def new_events(self) -> list[Event]:
        """What came since the last call."""
        ...

    def routers(self) -> Mapping[str, RouterState]:
        """Node -> the state that its coordinator wants it to have."""
        ...

    def unverified(self) -> Sequence[str]:
        """Connections that are not seen to work at both sides now."""
        ...

    def said(self, provider: str) -> Future[Mapping[str, Said]]:
        """What its customers are told now, connection by connection; the future raises XcnetError where nobody answers."""
        ...

    def inventory(self) -> Inventory:
        """Everything that routers' kernels and coordinators' stores hold now."""
        ...


__all__ = ["Stage", "Standing"]
