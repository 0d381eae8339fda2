"""What a sabotaged lab does wrong (:mod:`xcnet.model.sabotage`): the doubles of a broken product, all of them in this package.

Nothing in here is imported by a lab that is whole: each process of a sabotaged one is spoiled after it was forked, before it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from xcnet.model.plan import Plan
    from xcnet.model.sabotage import Sabotage
    from xcnet.netlink.netns import Netns


def spoil(part: str, sabotage: Sabotage | None) -> None:
    """Take the mechanism out of this process, for good, if it is this part's: ``edges`` or ``coordinators``."""
    if sabotage is None or sabotage.about.where != part:
        return
    if part == "edges":
        from xcnet.lab.sabotage.edges import SPOILERS

        SPOILERS[sabotage]()
    elif part == "coordinators":
        from xcnet.lab.sabotage.coordinators import SPOILERS as COORDINATORS

        COORDINATORS[sabotage]()


def spoil_routes(plan: Plan, netns: Callable[[str], Netns]) -> None:
    """Put what it does wrong into the kernels of a lab whose path stands. :param netns: node -> its namespace."""
    if plan.sabotage is not None and plan.sabotage.about.where == "routes":
        from xcnet.lab.sabotage.routes import one_way

        one_way(plan, netns)


def replaced(owner: Any, name: str, make: Callable[[Any], Any]) -> None:
    """Put what ``make`` makes of a function or method in its place. :raises AttributeError: there is none of that name."""
    setattr(owner, name, make(getattr(owner, name)))


__all__ = ["replaced", "spoil", "spoil_routes"]
