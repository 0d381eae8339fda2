"""Faults as a sabotaged lab meets them: the same deed, without what would tell of it."""

from __future__ import annotations

from xcnet.model.faults import Blackhole, Cut, Fault, Flap, PrefixOverflow
from xcnet.model.plan import Plan
from xcnet.model.sabotage import Sabotage


def met(fault: Fault, plan: Plan) -> Fault:
    """A fibre that is cut, or flaps, behind equipment that does not pass the loss of light on is silent. What overflows a limit is
    counted by the limit that the providers promise, also where the lab has none.
    """
    if plan.sabotage is Sabotage.NO_CARRIER and isinstance(fault, Cut | Flap):
        return Blackhole(fault="blackhole", on=fault.on)
    if plan.sabotage is Sabotage.NO_LIMIT and isinstance(fault, PrefixOverflow) and fault.count is None:
        limits = [profile.prefix_limit for provider, profile in plan.profiles.items() if provider != fault.side]
        most = max(max(each.ipv4, each.ipv6) for each in limits)
        return fault.model_copy(update={"count": most + 1})
    return fault


__all__ = ["met"]
