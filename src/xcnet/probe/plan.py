"""What to probe with: how many datagrams of what kind, from where to where, for how long, and what makes the result unfit."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from xcnet.probe.packets import HEADER

SENDER_PRIORITY = 10
"""SCHED_RR priority of senders: before everything that makes no promises about time, and behind the routers' own daemons
that do (BFD, key agreement)."""

LATE_MS = 10.0
"""A packet that is sent this much after its time counts as late."""

SETTLE_SECONDS = 1.0
"""What is still under way when sending ends may arrive within this time: nothing announces that nothing more will."""

_LONGEST = 86_400
_RAW_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}\.csv")

_MOST_BUCKETS = 600
_LEAST_BUCKET = 0.1


class Directions(StrEnum):
    BOTH = "both"
    FORTH = "forth"
    BACK = "back"


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Limits(_Settings):
    """Beyond any of these a run is unfit to judge.

    :param late_share: of packets sent more than 10 ms late. :param worst_lateness_ms: of any packet: what was lost meanwhile
        nobody could see. :param steal_share: of the host's processor time. :param run_queue: mean number of the host's runnable
        tasks for each processor; beyond 1 somebody always waits.
    """

    late_share: Annotated[float, Field(ge=0, le=1)] = 0.01
    worst_lateness_ms: Annotated[float, Field(gt=0)] = 100.0
    steal_share: Annotated[float, Field(ge=0, le=1)] = 0.1
    run_queue: Annotated[float, Field(gt=0)] = 1.0


class TransferPlan(_Settings):
    """One TCP transfer by iperf3 from the plan's source to its target.

    :param mbps: paced to this: unpaced it would take the processor that everything else needs too.
    """

    version: Annotated[int, Field(ge=4, le=6, multiple_of=2)] = 4
    mbps: Annotated[float, Field(gt=0, le=400_000)] = 10.0


class RequestsPlan(_Settings):
    """HTTP requests from the plan's source to its target.

    :param pace: seconds from the beginning of one request to the next; a slower answer delays the next.
    :param timeout: seconds for a whole request.
    """

    version: Annotated[int, Field(ge=4, le=6, multiple_of=2)] = 4
    pace: Annotated[float, Field(ge=0.02, le=60)] = 0.1
    timeout: Annotated[float, Field(ge=0.05, le=60)] = 1.0


class ProbePlan(_Settings):
    """:param flows: in all, spread evenly over the streams (direction and IP version). :param rate: packets per second in all.
    :param versions: of IP. :param payload: bytes of each datagram's payload.
    :param warm_up: seconds of sending that do not count. :param duration: seconds; None until told to stop.
    :param source: host, :param target: host; by default the first two of a connection that the topology asks for.
    :param raw: name of a file in the lab's run folder for every packet's record; None for none.
    """

    flows: Annotated[int, Field(ge=1, le=4096)] = 64
    rate: Annotated[int, Field(ge=1, le=20_000)] = 1000
    directions: Directions = Directions.BOTH
    versions: tuple[Annotated[int, Field(ge=4, le=6, multiple_of=2)], ...] = (4, 6)
    payload: Annotated[int, Field(ge=HEADER.size, le=9000)] = 64
    warm_up: Annotated[float, Field(ge=0, le=600)] = 2.0
    duration: float | None = None
    limits: Limits = Limits()
    transfers: tuple[TransferPlan, ...] = ()
    requests: tuple[RequestsPlan, ...] = ()
    source: str | None = None
    target: str | None = None
    raw: str | None = None

    @field_validator("duration")
    @classmethod
    def _check_duration(cls, seconds: float | None) -> float | None:
        if seconds is not None and not 0 < seconds <= _LONGEST:
            raise ValueError("a probe takes more than no time, and a day at most")
        return seconds

    @field_validator("raw")
    @classmethod
    def _check_raw(cls, name: str | None) -> str | None:
        if name is not None and not _RAW_NAME.fullmatch(name):
            raise ValueError("the file is given by its name alone, letters, digits, '.', '_' and '-', ending in .csv")
        return name

    @model_validator(mode="after")
    def _check(self) -> ProbePlan:
        if not self.versions or len(set(self.versions)) != len(self.versions):
            raise ValueError("versions are 4, 6 or both, each once")
        if self.flows < self.streams:
            raise ValueError(
                f"{self.flows} flows for {self.streams} streams (direction and IP version): each needs one at least"
            )
        if (self.source is None) != (self.target is None):
            raise ValueError("both hosts are named, or neither is")
        if self.source is not None and self.source == self.target:
            raise ValueError("the two hosts are one")
        return self

    @property
    def streams(self) -> int:
        """How many: directions times versions."""
        return len(self.versions) * (2 if self.directions is Directions.BOTH else 1)

    def flows_of(self, stream: int) -> range:
        """The numbers of a stream's flows; the first streams have one more where they cannot all have as many."""
        each, over = divmod(self.flows, self.streams)
        first = stream * each + min(stream, over)
        return range(first, first + each + (stream < over))


def bucket_seconds(seconds: float) -> float:
    """How long the spans of a result over so many seconds are: a tenth of a second, more where they would be too many."""
    tenths = max(1, -(-int(seconds * 10) // _MOST_BUCKETS))
    return tenths * _LEAST_BUCKET


__all__ = [
    "LATE_MS",
    "SENDER_PRIORITY",
    "SETTLE_SECONDS",
    "Directions",
    "Limits",
    "ProbePlan",
    "RequestsPlan",
    "TransferPlan",
    "bucket_seconds",
]
