"""Faults of a coordinator: of its calls to its peers, and of its idea of the time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xcnet.errors import InputError, LabError
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.model.faults import ApiFault, ClockSkew
from xcnet.model.problems import did_you_mean

if TYPE_CHECKING:
    from xcnet.lab.running import RunningLab

_EFFECTS = {
    "request-lost": "request-lost",
    "answer-lost": "answer-lost",
    "duplicate": "duplicated",
    "delay": "delayed",
    "unreachable": "peer-down",
}
"""A fault's effect -> what the coordinator's own faults call it."""


class _AtCoordinator(Standing):
    """Lives in the coordinator's process: one that is started again has it no more, and the artifact says so."""

    def __init__(self, fault: ApiFault | ClockSkew, lab: RunningLab) -> None:
        """:raises InputError: there is no such provider."""
        self._side = targets.provider(lab.plan, fault.side)
        super().__init__(f"coordinator of {self._side}", ())
        self._lab = lab

    async def _command(self, command: str, **parameters: Any) -> dict[str, Any]:
        request = {"command": command, "parameters": parameters}
        answer: dict[str, Any] = await self._lab.coordinators.ask(self._side, request)
        return answer

    async def _held(self) -> dict[str, Any]:
        """A ``FaultsView`` of the coordinator."""
        answer: dict[str, Any] = await self._lab.coordinators.ask(self._side, {"query": "faults"})
        return answer


class Calling(_AtCoordinator):
    """A rule in the coordinator's transport to its peers."""

    def __init__(self, fault: ApiFault, lab: RunningLab) -> None:
        """:raises InputError: there is no such provider, or operation."""
        super().__init__(fault, lab)
        if fault.operation is not None:
            from xcnet.spec.document import document

            known = _operations(document())
            if fault.operation not in known:
                remedy = did_you_mean(fault.operation, known)
                raise InputError(f"there is no operation {fault.operation!r}", where="operation", remedy=remedy)
        delay = fault.seconds if fault.effect == "delay" else 0.0
        self._rule = {
            "kind": _EFFECTS[fault.effect],
            "operations": fault.operation or "*",
            "count": fault.times,
            "delay": delay,
        }
        self._number: int | None = None

    async def begin(self) -> None:
        self.mark()
        self._number = (await self._command("fault-add", rule=self._rule))["id"]

    async def end(self) -> None:
        self.mark()
        if await self._mine() is not None:
            await self._command("fault-remove", id=self._number)

    async def artifact(self) -> str:
        held = await self._mine()
        if held is None:
            raise absent("the coordinator has no such fault", self.target)
        count = self._rule["count"]
        used_up = count is not None and held["fired"] >= count
        if not held["standing"] and not used_up:
            raise absent("the coordinator's fault was taken away", self.target)
        times = f"{held['fired']} of {count}" if count is not None else f"{held['fired']} so far"
        operations = "every operation" if self._rule["operations"] == "*" else self._rule["operations"]
        return f"fault {self._number} of the coordinator of {self._side}: {self._rule['kind']} in {operations}, {times}"

    async def _mine(self) -> dict[str, Any] | None:
        """What the coordinator holds under the number, if it is this fault: after a restart numbers begin anew."""
        for each in (await self._held())["calls"]:
            if each["id"] == self._number and all(each["rule"][key] == value for key, value in self._rule.items()):
                return dict(each)
        return None


class Skewing(_AtCoordinator):
    """The coordinator's clock is ahead, or behind."""

    def __init__(self, fault: ClockSkew, lab: RunningLab) -> None:
        """:raises InputError: there is no such provider."""
        super().__init__(fault, lab)
        self._seconds = fault.seconds

    async def begin(self) -> None:
        if (held := (await self._held())["clock_skew"]) != 0:
            raise LabError(
                f"the clock is wrong by {held:g} s already", where=self.target, remedy="end that fault first"
            )
        self.mark()
        await self._command("clock-skew", seconds=self._seconds)

    async def end(self) -> None:
        self.mark()
        await self._command("clock-skew", seconds=0.0)

    async def artifact(self) -> str:
        held = (await self._held())["clock_skew"]
        if held != self._seconds:
            raise absent(f"the clock is wrong by {held:g} s", self.target)
        return f"the clock of the coordinator of {self._side} is {abs(held):g} s {'ahead' if held > 0 else 'behind'}"


def _operations(document: dict[str, Any]) -> list[str]:
    """The operationIds of an OpenAPI document."""
    return [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]


__all__ = ["Calling", "Skewing"]
