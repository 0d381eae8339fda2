"""What every kind of fault is: something that begins, can be looked at while it stands, and ends without a trace."""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator

from xcnet.errors import LabError


class Standing(ABC):
    """One fault put to one target. Made by the registry; begun and ended once each.

    :param target: what ``on`` or ``side`` named, in the fault's own words.
    :param channels: those concerned, in the lab's order.
    """

    def __init__(self, target: str, channels: tuple[str, ...]) -> None:
        self.target = target
        self.channels = channels
        self.id = ""
        """Given by whoever keeps the faults, before :meth:`begin`."""
        self.changed = 0.0
        """Monotonic seconds, just before the last thing that :meth:`begin` or :meth:`end` changed."""

    def mark(self) -> None:
        """Called just before something is changed: what comes after is the fault's doing."""
        self.changed = time.monotonic()

    @abstractmethod
    async def begin(self) -> None:
        """Put it in place. :raises XcnetError: it cannot be; whatever was changed is as it was."""

    @abstractmethod
    async def end(self) -> None:
        """Take it away; all that it changed is as it would be without it. :raises XcnetError: something could not be undone."""

    async def forget(self) -> None:  # noqa: B027
        """The lab is taken down: let go of what runs by itself. Most faults have nothing of that kind."""

    @contextlib.asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """For :meth:`begin`: where what is done within fails the fault is ended, and :attr:`changed` is of the beginning all the same."""
        try:
            yield
        except BaseException:
            changed = self.changed
            await self.end()
            self.changed = changed
            raise

    @abstractmethod
    async def artifact(self) -> str:
        """What was read back of the thing itself, in a sentence. :raises LabError: it is not in place."""


async def called_off(task: asyncio.Task[None] | None) -> None:
    """End what runs by itself, and return when it has. How it ended, if by itself, is the artifact's to tell."""
    if task is not None:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # taken note of


def absent(what: str, where: str) -> LabError:
    """The error of :meth:`Standing.artifact`. :param what: was found instead."""
    return LabError(
        f"the fault is not in place: {what}",
        where=where,
        remedy="something else changed it; end the fault and begin it again",
    )


__all__ = ["Standing", "absent", "called_off"]
