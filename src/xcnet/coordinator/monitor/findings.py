"""What the monitor has found."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import StrEnum

from xcnet.model.monitoring import Action, MonitorPolicy
from xcnet.spec.issues import Priority


class Kind(StrEnum):
    """Of trouble; as in the policy, with hyphens."""

    CHANNEL_DOWN = "channel-down"
    GREY_LOSS = "grey-loss"
    FLAP = "flap"
    MACSEC_ERRORS = "macsec-errors"
    ASYMMETRY = "asymmetry"
    PREFIX_LIMIT = "prefix-limit"
    CAPACITY = "capacity"


PRIORITIES = {
    Kind.CHANNEL_DOWN: Priority.P2,
    Kind.GREY_LOSS: Priority.P2,
    Kind.FLAP: Priority.P2,
    Kind.ASYMMETRY: Priority.P2,
    Kind.MACSEC_ERRORS: Priority.P3,
    Kind.PREFIX_LIMIT: Priority.P3,
    Kind.CAPACITY: Priority.P3,
}
"""While the interconnect carries what is sold on it."""


def connections(which: Collection[str]) -> str:
    """So many of them, for people."""
    return f"{len(which)} connection" + ("s" if len(which) != 1 else "")


def action_of(policy: MonitorPolicy, kind: Kind) -> Action:
    """What is done about trouble of a kind."""
    action: Action = getattr(policy, kind.replace("-", "_")).action
    return action


@dataclass(frozen=True, slots=True)
class Reading:
    """What a detector makes of one moment.

    :param bad: it is as it should not be. :param healthy: nothing at all is wrong; neither is possible, both are not.
    :param known: False: nothing can be said at this moment, and it counts neither way.
    :param connections: UUIDs of those that suffer. :param words: what is wrong, for people.
    """

    bad: bool = False
    healthy: bool = True
    known: bool = True
    connections: tuple[str, ...] = ()
    words: str = ""
    figures: dict[str, float] = field(default_factory=dict)


UNKNOWN = Reading(healthy=False, known=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """Trouble that stands.

    :param channel: None where it is the interconnect's. :param words: as it was when it was found, or got worse.
    """

    kind: Kind
    interconnect: str
    channel: str | None
    priority: Priority
    connections: tuple[str, ...] = ()
    words: str = ""
    figures: dict[str, float] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """The channel, or else the interconnect."""
        return self.channel or self.interconnect


__all__ = ["PRIORITIES", "UNKNOWN", "Finding", "Kind", "Reading", "action_of", "connections"]
