"""Faults of a coordinator: of its calls to its peers, its idea of the time, its certificate, and its store."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from xcnet.errors import InputError, LabError
from xcnet.lab import stores
from xcnet.lab.faults import targets
from xcnet.lab.faults.base import Standing, absent
from xcnet.model.faults import ApiFault, CertificateExpiry, ClockSkew, FullDisk
from xcnet.model.problems import did_you_mean
from xcnet.waiting import Deadline, wait_until_async

if TYPE_CHECKING:
    from xcnet.coordinator.auth.pki import Credential
    from xcnet.lab.running import RunningLab

_LOG_SECONDS = 10.0

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

    def __init__(self, fault: ApiFault | ClockSkew | CertificateExpiry, lab: RunningLab) -> None:
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


class Expiring(_AtCoordinator):
    """The coordinator shows a certificate whose time is over, to those that it calls and to those that call it."""

    def __init__(self, fault: CertificateExpiry, lab: RunningLab) -> None:
        """:raises InputError: there is no such provider."""
        super().__init__(fault, lab)

    async def begin(self) -> None:
        if (over := await self._over()) < time.time():
            raise LabError(
                f"its certificate ended at {_moment(over)}", where=self.target, remedy="end that fault first"
            )
        await self._show(self._lab.coordinators.expired_credential(self._side))

    async def end(self) -> None:
        await self._show(self._lab.coordinators.credential(self._side))

    async def artifact(self) -> str:
        if (over := await self._over()) >= time.time():
            raise absent(f"its certificate is good until {_moment(over)}", self.target)
        return f"the coordinator of {self._side} shows a certificate that ended at {_moment(over)}"

    async def _over(self) -> float:
        """When the certificate that it shows ends, or ended."""
        return float((await self._held())["certificate"][1])

    async def _show(self, credential: Credential) -> None:
        self.mark()
        await self._command("credential", credential=credential.model_dump(mode="json", context={"reveal": True}))


class Filling(Standing):
    """The file system of the coordinator's store gets smaller, to what is on it: the next commit finds no room."""

    def __init__(self, fault: FullDisk, lab: RunningLab) -> None:
        """:raises InputError: there is no such provider."""
        self._side = targets.provider(lab.plan, fault.side)
        super().__init__(f"coordinator of {self._side}", ())
        self._lab = lab
        self._store = lab.coordinators.store(self._side)
        self._folder = self._store.parent

    async def begin(self) -> None:
        if not stores.is_apart(self._folder):
            raise LabError(
                "the store is on no file system of its own here, as this user may not mount one",
                where=str(self._folder),
                remedy="use --engine uml, whose kernel is the lab's own",
            )
        if stores.free(self._folder) == 0:
            raise LabError("the store is full already", where=self.target, remedy="end that fault first")

        async def in_use() -> str | None:
            done = stores.put_away_log(self._store)
            return None if done else "the coordinator is reading it"

        await wait_until_async(
            "the store's log to be put away", in_use, Deadline(_LOG_SECONDS), where=self.target, remedy="try again"
        )
        self.mark()
        stores.resize(self._folder, max(stores.used(self._folder), 1))

    async def end(self) -> None:
        self.mark()
        stores.resize(self._folder, stores.ROOM)

    async def artifact(self) -> str:
        if free := stores.free(self._folder):
            raise absent(f"there is room for {free} bytes", str(self._folder))
        return f"the file system of {self._store} holds {stores.used(self._folder)} bytes and has room for none"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _operations(document: dict[str, Any]) -> list[str]:
    """The operationIds of an OpenAPI document."""
    return [
        operation["operationId"]
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict) and "operationId" in operation
    ]


__all__ = ["Calling", "Expiring", "Filling", "Skewing"]
