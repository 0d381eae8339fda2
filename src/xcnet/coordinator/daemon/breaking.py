"""Faults of a coordinator itself, put in place by operators: of its calls to peers, its idea of the time, its certificate."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from xcnet.clock import SkewedClock
from xcnet.coordinator.auth.pki import Credential
from xcnet.coordinator.daemon.identity import TlsIdentity
from xcnet.coordinator.http.faults import Fault, FaultPoint, FaultRule

COMMANDS = ("fault-add", "fault-remove", "clock-skew", "credential")
QUERY = "faults"


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Add(_Model):
    rule: FaultRule


class _Remove(_Model):
    id: int


class _Skew(_Model):
    seconds: float


class _Shown(_Model):
    credential: Credential


class FaultView(_Model):
    """A fault of calls to peers. :param standing: it strikes yet. :param fired: how many calls it struck."""

    id: int
    rule: FaultRule
    standing: bool
    fired: int


class FaultsView(_Model):
    """:param calls: all there were since the process began. :param clock_skew: seconds that its clock is ahead.
    :param certificate: from when to when the certificate that it shows is good, seconds since the epoch.
    """

    calls: tuple[FaultView, ...]
    clock_skew: float
    certificate: tuple[float, float]


class Breaking:
    """:param calls: faults of this coordinator's calls to its peers. :param clock: its idea of the time.
    :param identity: what it shows in TLS.
    """

    def __init__(self, calls: FaultPoint, clock: SkewedClock, identity: TlsIdentity) -> None:
        self._calls = calls
        self._clock = clock
        self._identity = identity

    def run(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """One of :data:`COMMANDS`. :raises InputError: no such fault. :raises pydantic.ValidationError: malformed."""
        match command:
            case "fault-add":
                return self._view(self._calls.add(_Add.model_validate(parameters).rule))
            case "fault-remove":
                return self._view(self._calls.remove(_Remove.model_validate(parameters).id))
            case "credential":
                self._identity.replace(_Shown.model_validate(parameters).credential)
                return {"certificate": self._identity.validity}
            case _:
                self._clock.skew = _Skew.model_validate(parameters).seconds
                return {"clock_skew": self._clock.skew}

    def show(self) -> dict[str, Any]:
        """A :class:`FaultsView`."""
        calls = [self._view(fault) for fault in self._calls.report()]
        return {"calls": calls, "clock_skew": self._clock.skew, "certificate": self._identity.validity}

    @staticmethod
    def _view(fault: Fault) -> dict[str, Any]:
        view = FaultView(id=fault.id, rule=fault.rule, standing=fault.until is None, fired=fault.fired)
        return view.model_dump(mode="json")


__all__ = ["COMMANDS", "QUERY", "Breaking", "FaultView", "FaultsView"]
