"""Which routes of a VRF are shown one by one, and which are a crowd of which only the number counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from xcnet.edge.fib import Key, prefix_of, version_of
from xcnet.model.observed import CrowdObservation, RouteObservation

_MOST = 256
"""Prefixes of a VRF that are ever shown one by one."""

_FLOOD = 32
"""So many that are new at once are a crowd."""


@dataclass(slots=True)
class Crowds:
    """Of one VRF. A prefix that was shown by itself is so for good; one that came with a crowd belongs to it until it goes.

    So thousands of routes cost no more to tell, and to compare, than a few.
    """

    _known: set[Key] = field(default_factory=set)
    _crowd: set[Key] = field(default_factory=set)

    def shown(
        self, held: Mapping[Key, tuple[str, ...]]
    ) -> tuple[tuple[RouteObservation, ...], tuple[CrowdObservation, ...]]:
        """:param held: each route's interfaces."""
        new = held.keys() - self._known - self._crowd
        if len(self._known) + len(new) <= _MOST and (not self._known or len(new) <= _FLOOD):
            self._known |= new
            new = set()
        self._crowd = (self._crowd & held.keys()) | new
        single = sorted((version_of(key), key[1], key[2], key) for key in (self._known & held.keys()))
        routes = tuple(RouteObservation(prefix=prefix_of(key), interfaces=held[key]) for *_order, key in single)
        numbers = Counter((version_of(key), held[key]) for key in self._crowd)
        crowd = tuple(
            CrowdObservation(version=version, interfaces=interfaces, count=count)
            for (version, interfaces), count in sorted(numbers.items())
        )
        return routes, crowd


__all__ = ["Crowds"]
