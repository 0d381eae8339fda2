"""A lab's faults seen from the host: begin, look again, list and end them over a connection to the lab."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from xcnet.engine.client import LabClient
from xcnet.model.faults import Fault


class StandingFault(BaseModel):
    """A fault as the lab tells of it.

    :param id: by which it is ended. :param kind: e.g. ``cut``. :param target: what it was put to.
    :param channels: those concerned. :param artifact: what was read back of the thing itself, in a sentence.
    :param monotonic: seconds on the lab kernel's clock, just before it was changed: for its begin, or its end.
    :param settings: all fields of the fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    target: str
    channels: tuple[str, ...]
    artifact: str
    monotonic: float
    settings: dict[str, Any]


def begin(client: LabClient, fault: Fault) -> StandingFault:
    """Put a fault in place, and see that it is.

    :raises InputError: it names something that there is not in the lab.
    :raises XcnetError: it could not be put in place; everything is as it was.
    """
    return StandingFault.model_validate(client.call("fault-begin", {"fault": fault.model_dump(mode="json")}))


def end(client: LabClient, identifier: str) -> StandingFault:
    """Take one away. :raises InputError: there is none of that id. :raises XcnetError: it could not be undone."""
    return StandingFault.model_validate(client.call("fault-end", {"id": identifier}))


def end_all(client: LabClient) -> list[StandingFault]:
    """Take all away, the last first; those that were. :raises XcnetError: one could not be undone."""
    return [StandingFault.model_validate(each) for each in client.call("fault-end-all", {})]


def check(client: LabClient, identifier: str) -> StandingFault:
    """With its artifact as it is now. :raises LabError: it is not in place any more."""
    return StandingFault.model_validate(client.call("fault-check", {"id": identifier}))


def standing(client: LabClient) -> list[StandingFault]:
    """Those that stand, in the order in which they began."""
    return [StandingFault.model_validate(each) for each in client.call("faults", {})]


__all__ = ["StandingFault", "begin", "check", "end", "end_all", "standing"]
