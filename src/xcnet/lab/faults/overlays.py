"""What faults lay over routers' states: each fault's part kept apart, all of them given to the router's daemon together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from xcnet.edge.client import EdgeClient
from xcnet.errors import LabError
from xcnet.model.overlay import Overlay
from xcnet.waiting import Deadline

_SECONDS, _SECONDS_EACH = 60.0, 0.02
"""For a router to hold an overlay, and more for each prefix that is announced."""
_ONE_EACH = ("caks", "passwords", "pn_exhaustion")
"""Fields that only one fault at a time can have a say in, for each channel."""


class Overlays:
    """:param edge: a router's daemon. :param listens: whether it runs, and is not stopped: one that does not is given its
    overlay when it is started again, or goes on.
    """

    def __init__(self, edge: Callable[[str], EdgeClient], listens: Callable[[str], bool]) -> None:
        self._edge = edge
        self._listens = listens
        self._parts: dict[str, dict[str, Overlay]] = {}
        self._most: dict[str, int] = {}
        """Node -> most prefixes that it was ever asked to announce."""

    async def put(self, node: str, fault: str, part: Overlay) -> list[str]:
        """Lay a fault's part over the router's state.

        :returns: what the router changed.
        :raises LabError: another fault has its hand on the same thing. :raises XcnetError: the router could not make it so.
        """
        parts = self._parts.setdefault(node, {})
        check(part, {name: each for name, each in parts.items() if name != fault}, node)
        parts[fault] = part
        return await self.give(node)

    async def take(self, node: str, fault: str) -> list[str]:
        """Undo :meth:`put` of this fault. :raises XcnetError: the router could not make it so; it may be asked again."""
        part = self._parts.get(node, {}).pop(fault, None)
        if part is None:
            return []
        try:
            return await self.give(node)
        except BaseException:
            self._parts[node][fault] = part
            raise

    def of(self, node: str) -> Overlay:
        """All parts together."""
        return merged(self._parts.get(node, {}).values())

    async def give(self, node: str) -> list[str]:
        """Have the router's daemon hold what there is to hold."""
        if not self._listens(node):
            return []
        overlay = self.of(node)
        # What was announced before, and is to go, counts too.
        prefixes = max(self._most.get(node, 0), sum(map(len, overlay.announced.values())))
        self._most[node] = prefixes
        return await self._edge(node).overlay(overlay, deadline=Deadline(_SECONDS + _SECONDS_EACH * prefixes))


def check(part: Overlay, others: Mapping[str, Overlay], where: str) -> None:
    """:raises LabError: another fault has its hand on the same thing."""
    for name, other in others.items():
        for field in _ONE_EACH:
            for channel in getattr(part, field).keys() & getattr(other, field).keys():
                raise LabError(
                    f"fault {name} has its hand on that already",
                    where=f"{where}: {channel}",
                    remedy=f"end it first: xcnet fault end {name}",
                )


def merged(parts: Iterable[Overlay]) -> Overlay:
    """Several parts, of which no two have their hand on the same thing, as one."""
    fields: dict[str, Any] = {"dark": (), "shut": (), "announced": {}, "caks": {}, "passwords": {}, "pn_exhaustion": {}}
    for part in parts:
        for name in ("dark", "shut"):
            fields[name] = tuple(dict.fromkeys((*fields[name], *getattr(part, name))))
        for name in _ONE_EACH:
            fields[name] = {**fields[name], **getattr(part, name)}
        for connection, prefixes in part.announced.items():
            known = fields["announced"].get(connection, ())
            fields["announced"] = {**fields["announced"], connection: tuple(dict.fromkeys((*known, *prefixes)))}
    return Overlay(**fields)


__all__ = ["Overlays", "check", "merged"]
