"""Keeps a lab's standing faults: begins them, looks at them, ends them, and tells the event stream."""

from __future__ import annotations

import asyncio
import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xcnet.errors import InputError, XcnetError
from xcnet.lab.faults.base import Standing
from xcnet.lab.faults.history import ASKED, TIME, History
from xcnet.lab.faults.overlays import Overlays
from xcnet.lab.faults.ports import Ports
from xcnet.lab.faults.registry import Bench, standing_of
from xcnet.lab.live import live_plan
from xcnet.lab.processes import state_of
from xcnet.model.faults import Fault
from xcnet.model.problems import did_you_mean

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab


@dataclass(slots=True)
class _Held:
    """:param told: what was said of it when it began. :param timer: ends it when its time is up."""

    standing: Standing
    told: dict[str, Any]
    timer: asyncio.Task[None] | None = None


class Faults:
    """One at a time begins or ends. What is said of a fault, here and on the event stream:

    ``id``; ``kind``; ``target``: what it was put to; ``channels`` concerned; ``artifact``: what was read back of the thing itself;
    ``monotonic``: the lab kernel's clock just before it was changed; ``until``: when, on that clock, the lab ends it by itself, None for
    never; ``settings``: all fields of the fault.
    """

    def __init__(self, lab: RunningLab) -> None:
        self._lab = lab
        self._bench = Bench(lab, Ports(lab.fabric), Overlays(lab.edge, self._listens))
        self._held: dict[str, _Held] = {}
        self._numbers: dict[str, itertools.count[int]] = {}
        self._history = History()
        self._lock = asyncio.Lock()

    async def begin(self, fault: Fault, lasts: float | None = None) -> dict[str, Any]:
        """Put it in place, and see that it is. Goes on to its end even if whoever asked goes away meanwhile.

        :param lasts: seconds after which the lab ends it, whoever is there then; None: it stands until somebody ends it.
        :raises InputError: it names something that there is not.
        :raises XcnetError: it could not be put in place; everything is as it was.
        """
        return await asyncio.shield(asyncio.ensure_future(self._begin(fault, lasts)))

    async def _begin(self, fault: Fault, lasts: float | None) -> dict[str, Any]:
        async with self._lock:
            # Connections may have been made, or changed, since the lab last asked the coordinators.
            await live_plan(self._lab)
            standing = standing_of(fault, self._bench)
            number = next(self._numbers.setdefault(fault.fault, itertools.count(1)))
            standing.id = f"{fault.fault}-{number}"
            await standing.begin()
            changed = standing.changed
            async with standing.undone():
                artifact = await standing.artifact()
            told = {
                "kind": fault.fault,
                "target": standing.target,
                "channels": list(standing.channels),
                "artifact": artifact,
                "until": changed + lasts if lasts is not None else None,
                "settings": fault.model_dump(mode="json"),
            }
            event = self._lab.events.emit_at(changed, "fault.begun", standing.id, **told)
            held = _Held(standing, {"id": standing.id, "monotonic": changed, **told})
            if lasts is not None:
                held.timer = asyncio.ensure_future(self._expire(standing.id, changed + lasts))
            self._held[standing.id] = held
            self._history.begun(held.told, event.wall, lasts)
            return held.told

    async def _expire(self, identifier: str, until: float) -> None:
        """End it when its time is up; where that fails it stands, and says why."""
        await asyncio.sleep(until - time.monotonic())
        self._held[identifier].timer = None
        try:
            await self.end(identifier, by=TIME)
        except XcnetError as error:
            self._history.stuck(identifier, error.cause)
            self._lab.events.emit("fault.stuck", identifier, cause=error.cause, where=error.where)

    async def end(self, identifier: str, by: str = ASKED) -> dict[str, Any]:
        """Take it away; what was said of it, with the time of its end. :param by: who ends it, for its history.

        :raises InputError: there is none of that id. :raises XcnetError: something could not be undone: it still stands.
        """
        return await asyncio.shield(asyncio.ensure_future(self._end_one(identifier, by)))

    async def end_all(self) -> list[dict[str, Any]]:
        """Take all away, the last first; what could not end as another stood in its way is tried again.

        :raises XcnetError: of the first that could not be; the others are ended.
        """
        return await asyncio.shield(asyncio.ensure_future(self._end_every()))

    async def _end_one(self, identifier: str, by: str) -> dict[str, Any]:
        async with self._lock:
            return await self._end(identifier, by)

    async def _end_every(self) -> list[dict[str, Any]]:
        ended: list[dict[str, Any]] = []
        failure: XcnetError | None = None
        async with self._lock:
            progress = True
            while self._held and progress:
                progress, failure = False, None
                for identifier in reversed(list(self._held)):
                    try:
                        ended.append(await self._end(identifier))
                        progress = True
                    except XcnetError as error:
                        failure = failure or error
        if failure is not None:
            raise failure
        return ended

    async def check(self, identifier: str) -> dict[str, Any]:
        """Look at the thing itself again. :raises LabError: the fault is not in place any more."""
        held = self._get(identifier)
        return {**held.told, "artifact": await held.standing.artifact()}

    def standing(self) -> list[dict[str, Any]]:
        """Those that stand, in the order in which they began."""
        return [held.told for held in self._held.values()]

    def history(self) -> list[dict[str, Any]]:
        """All that there were, those that stand included, in the order in which they began; see :class:`Past`."""
        return self._history.shown()

    async def forget(self) -> None:
        """The lab is taken down, and all that the faults changed with it."""
        for held in self._held.values():
            if held.timer is not None:
                held.timer.cancel()
            await held.standing.forget()
        self._held.clear()

    async def _end(self, identifier: str, by: str = ASKED) -> dict[str, Any]:
        held = self._get(identifier)
        await held.standing.end()
        del self._held[identifier]
        if held.timer is not None:
            held.timer.cancel()
        told = {key: value for key, value in held.told.items() if key not in ("id", "monotonic")}
        self._lab.events.emit_at(held.standing.changed, "fault.ended", identifier, **told, by=by)
        self._history.ended(identifier, held.standing.changed, by)
        return {"id": identifier, "monotonic": held.standing.changed, **told}

    def _get(self, identifier: str) -> _Held:
        held = self._held.get(identifier)
        if held is None:
            raise InputError(
                f"there is no standing fault {identifier!r}",
                where="fault",
                remedy=did_you_mean(identifier, self._held, "none stands"),
            )
        return held

    def _listens(self, node: str) -> bool:
        child = self._lab.supervisor.get(node, "edged")
        return child is not None and state_of(child.pid) not in ("", "T", "Z")


__all__ = ["Faults"]
