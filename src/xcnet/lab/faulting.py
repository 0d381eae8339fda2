"""A lab's faults seen from the host: begin, look again, list and end them over a connection to the lab."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from xcnet.engine.client import LabClient
from xcnet.errors import LabError
from xcnet.model.faults import Fault
from xcnet.waiting import Deadline, wait_until

_END_SECONDS = 60.0
"""For a fault to be over once its time is up: some routers are slow to take their state back."""

_LOOK = 0.2


class StandingFault(BaseModel):
    """A fault as the lab tells of it.

    :param id: by which it is ended. :param kind: e.g. ``cut``. :param target: what it was put to.
    :param channels: those concerned. :param artifact: what was read back of the thing itself, in a sentence.
    :param monotonic: seconds on the lab kernel's clock, just before it was changed: for its begin, or its end.
    :param until: when the lab ends it by itself, on that clock; None for never.
    :param settings: all fields of the fault.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    target: str
    channels: tuple[str, ...]
    artifact: str
    monotonic: float
    until: float | None = None
    settings: dict[str, Any]


class PastFault(BaseModel):
    """A fault that there was, or is.

    :param wall: when it began, seconds since the epoch. :param began: and :param ended: on the lab kernel's monotonic clock; None
        while it stands. :param lasts: seconds that it was given; None where it was to stand until somebody ends it.
    :param by: what ended it: ``asked`` or ``time``. :param stuck: why it could not be ended when its time was up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: str
    target: str
    channels: tuple[str, ...]
    settings: dict[str, Any]
    wall: float
    began: float
    lasts: float | None
    ended: float | None
    by: str | None
    stuck: str | None


def begin(client: LabClient, fault: Fault, lasts: float | None = None) -> StandingFault:
    """Put a fault in place, and see that it is.

    :param lasts: seconds after which the lab ends it by itself; None: it stands until it is ended.
    :raises InputError: it names something that there is not in the lab.
    :raises XcnetError: it could not be put in place; everything is as it was.
    """
    return StandingFault.model_validate(
        client.call("fault-begin", {"fault": fault.model_dump(mode="json"), "lasts": lasts})
    )


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


def wait_for_end(client: LabClient, begun: StandingFault) -> PastFault:
    """Until a fault with a time of its own is over.

    :raises LabError: it could not be ended, and stands. :raises DeadlineError: nothing became of it.
    """
    assert begun.until is not None

    def look() -> PastFault:
        return next(each for each in history(client) if each.id == begun.id)

    def seen() -> str | None:
        past = look()
        return "it stands" if past.ended is None and past.stuck is None else None

    wait_until(
        f"the end of {begun.id}",
        seen,
        Deadline(begun.until - begun.monotonic + _END_SECONDS),
        where=begun.target,
        remedy="see 'xcnet fault history'; 'xcnet down' ends everything",
        interval=_LOOK,
    )
    past = look()
    if past.stuck is not None:
        raise LabError(
            f"{begun.id} could not be ended when its time was up: {past.stuck}",
            where=begun.target,
            remedy=f"'xcnet fault end {begun.id}' tries again; 'xcnet down' ends everything",
        )
    return past


def history(client: LabClient) -> list[PastFault]:
    """All that the lab has had, in the order in which they began."""
    return [PastFault.model_validate(each) for each in client.call("fault-history", {})]


__all__ = ["PastFault", "StandingFault", "begin", "check", "end", "end_all", "history", "standing", "wait_for_end"]
