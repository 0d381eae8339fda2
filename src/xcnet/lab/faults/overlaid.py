"""Faults that are a part of a router's state: laid over it, and looked for in what the router's daemons hold."""

from __future__ import annotations

from collections.abc import Mapping

from xcnet.lab.faults.base import Standing
from xcnet.lab.faults.overlays import Overlays
from xcnet.model.overlay import Overlay


class Overlaid(Standing):
    """:param parts: node -> what is laid over its state."""

    def __init__(
        self, target: str, channels: tuple[str, ...], parts: Mapping[str, Overlay], overlays: Overlays
    ) -> None:
        super().__init__(target, channels)
        self.parts = dict(parts)
        self._overlays = overlays

    async def begin(self) -> None:
        self.mark()
        async with self.undone():
            for node, part in self.parts.items():
                await self._overlays.put(node, self.id, part)

    async def end(self) -> None:
        self.mark()
        for node in self.parts:
            await self._overlays.take(node, self.id)


__all__ = ["Overlaid"]
