"""Routers' daemons that say what their channels have counted."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from xcnet.edge.report import EdgeReport
from xcnet.waiting import Deadline


@runtime_checkable
class Reports(Protocol):
    """See :class:`xcnet.edge.client.EdgeClient`."""

    async def status(self, *, deadline: Deadline | None = None) -> EdgeReport:
        """:raises XcnetError: it does not answer in time, or refuses."""
        ...


__all__ = ["Reports"]
