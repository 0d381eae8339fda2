"""What a lab's faults were: when each began and ended, and what ended it. Lives as long as the lab."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

ASKED, TIME = "asked", "time"
"""What ended a fault: somebody, or its own time."""


@dataclass(slots=True)
class Past:
    """:param wall: when it began, seconds since the epoch. :param began: and :param ended: on the lab kernel's monotonic clock; None
    while it stands. :param lasts: seconds that it was given; None where it was to stand until somebody ends it.
    :param by: what ended it, ``asked`` or ``time``. :param stuck: why it could not be ended when its time was up; else None.
    """

    id: str
    kind: str
    target: str
    channels: list[str]
    settings: dict[str, Any]
    wall: float
    began: float
    lasts: float | None
    ended: float | None = None
    by: str | None = None
    stuck: str | None = None


class History:
    """In the order in which they began."""

    def __init__(self) -> None:
        self._all: dict[str, Past] = {}

    def begun(self, told: dict[str, Any], wall: float, lasts: float | None) -> None:
        """:param told: what the keeper says of it."""
        fields = {key: told[key] for key in ("id", "kind", "target", "channels", "settings")}
        self._all[told["id"]] = Past(**fields, wall=wall, began=told["monotonic"], lasts=lasts)

    def ended(self, identifier: str, monotonic: float, by: str) -> None:
        past = self._all[identifier]
        past.ended, past.by, past.stuck = monotonic, by, None

    def stuck(self, identifier: str, why: str) -> None:
        """Its time was up, and it could not be ended."""
        self._all[identifier].stuck = why

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(past) for past in self._all.values()]


__all__ = ["ASKED", "TIME", "History", "Past"]
