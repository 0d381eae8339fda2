"""On which interconnect a connection goes: the one with most free bandwidth."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from xcnet.spec.resources import InterconnectState


@dataclass(frozen=True, slots=True)
class Candidate:
    """:param own_free_mbps: as this provider reckons. :param peer_free_mbps: as the peer's figures say."""

    name: str
    own_state: InterconnectState
    peer_state: InterconnectState
    own_free_mbps: int
    peer_free_mbps: int
    sizes: tuple[int, ...]

    @property
    def free_mbps(self) -> int:
        return min(self.own_free_mbps, self.peer_free_mbps)


def rank(candidates: Iterable[Candidate], mbps: int) -> list[str]:
    """Names of the interconnects that take the connection, the best first; equals in order of their names."""
    fitting = [
        each
        for each in candidates
        if each.own_state is InterconnectState.ACTIVE
        and each.peer_state is InterconnectState.ACTIVE
        and mbps in each.sizes
        and each.free_mbps >= mbps
    ]
    return [each.name for each in sorted(fitting, key=lambda each: (-each.free_mbps, each.name))]


__all__ = ["Candidate", "rank"]
