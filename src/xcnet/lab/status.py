"""The state of a lab as one typed picture; what ``xcnet status --json`` prints is this model."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Health(StrEnum):
    """``up``: as it should be; ``degraded``: it works with less than it should; ``down``: it does not."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"


class NodeStatus(_Model):
    """:param processes: name -> ``running`` or what became of it."""

    name: str
    kind: str
    provider: str | None
    processes: dict[str, str]
    health: Health


class ChannelEndStatus(_Model):
    """One end of a channel, as its router sees it.

    :param association: CKN of the principal connectivity association; it names the key, it is not the key.
    :param associations: CKNs of all that it takes part in; more than one while a key rolls over.
    :param key_number: KN of the SAK in use. :param association_number: its AN, 0 to 3.
    :param next_packet_number: of the transmit SA.
    :param counters: the kernel's own counters of the SecY and its SCs, by their names in IEEE 802.1AE, 10.7; those of
        the gate on the bare port; ``ProbesAnswered`` and ``ProbesLost`` where the provider's monitor probes it.
    """

    node: str
    device: str
    key_agreement: str
    secured: bool
    cipher_suite: str | None
    association: str | None
    associations: tuple[str, ...]
    key_server: bool | None
    association_number: int | None
    key_number: int | None
    next_packet_number: int | None
    live_peers: int
    counters: dict[str, int]


class ChannelStatus(_Model):
    name: str
    interconnect: str
    facility: str
    health: Health
    ends: tuple[ChannelEndStatus, ...]


class SessionStatus(_Model):
    """One BGP session as one of its routers sees it, with the BFD session that watches it.

    :param established_seconds: how long it has been up; None where it is not.
    :param bfd_detection_ms: the detection time in force at this end (RFC 5880, 6.8.4).
    """

    node: str
    connection: str
    peer: str
    description: str
    external: bool
    state: str
    established_seconds: float | None
    prefixes_received: int | None
    last_reset: str | None
    md5: bool
    bfd: str | None
    bfd_detection_ms: int | None


class RouteStatus(_Model):
    """A prefix of the other side at a gateway, in its forwarding table."""

    node: str
    connection: str
    prefix: str
    next_hops: tuple[str, ...]
    expected_next_hops: int


class LabStatus(_Model):
    name: str
    topology: str
    engine: str
    kernel: str
    uptime_seconds: float
    health: Health
    nodes: tuple[NodeStatus, ...]
    channels: tuple[ChannelStatus, ...]
    sessions: tuple[SessionStatus, ...]
    routes: tuple[RouteStatus, ...]


def worst(parts: list[Health]) -> Health:
    """Up when all are, down when all are, degraded in between."""
    if all(part is Health.UP for part in parts):
        return Health.UP
    if all(part is Health.DOWN for part in parts):
        return Health.DOWN
    return Health.DEGRADED


__all__ = [
    "ChannelEndStatus",
    "ChannelStatus",
    "Health",
    "LabStatus",
    "NodeStatus",
    "RouteStatus",
    "SessionStatus",
    "worst",
]
