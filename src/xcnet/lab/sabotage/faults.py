"""Faults as a sabotaged lab meets them: the same deed, without what would tell of it."""

from __future__ import annotations

from xcnet.model.faults import Blackhole, Cut, Fault, Flap
from xcnet.model.sabotage import Sabotage


def met(fault: Fault, sabotage: Sabotage | None) -> Fault:
    """A fibre that is cut, or flaps, behind equipment that does not pass the loss of light on is silent."""
    if sabotage is Sabotage.NO_CARRIER and isinstance(fault, Cut | Flap):
        return Blackhole(fault="blackhole", on=fault.on)
    return fault


__all__ = ["met"]
