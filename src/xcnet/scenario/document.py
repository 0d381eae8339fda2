"""A scenario as people write it: a lab, traffic, steps (:mod:`doing`, faults), and what is expected of it (:mod:`expected`)."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, SerializeAsAny, model_validator

from xcnet.lab.capture_mode import Capture
from xcnet.model.faults import Fault
from xcnet.model.fields import InputModel, Share, Span, TopologyName, wrong
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.sabotage import Sabotage
from xcnet.model.topology import Timers
from xcnet.scenario.doing import (
    Action,
    Advance,
    Connect,
    DisableChannel,
    Disconnect,
    Doing,
    EnableChannel,
    Maintenance,
    Migrate,
    MisuseKey,
    Resize,
    Rotate,
)
from xcnet.scenario.expected import (
    ApiSays,
    Bounded,
    Check,
    Detection,
    Duplicated,
    Event,
    Expectation,
    FlowsHit,
    Formula,
    Happens,
    LeftNothing,
    LongestLoss,
    Lost,
    LostShare,
    Never,
    OnChannel,
    Refused,
    Restored,
    Verified,
    WorstDelay,
)


class Traffic(InputModel):
    """Datagrams between the first hosts of both providers, both ways."""

    rate: Annotated[int, Field(ge=10, le=20_000)] = Field(default=1000, description="Packets per second in all.")
    flows: Annotated[int, Field(ge=4, le=1024)] = Field(default=64, description="Flows in all.")
    payload: Annotated[int, Field(ge=64, le=8400)] = Field(default=64, description="Bytes of each datagram.")
    warm_up: Span = Field(default=2.0, description="Sent before measuring begins, and not counted.")
    late: Share = Field(
        default=0.01,
        description="Of the datagrams so many may be sent more than 10 ms late; beyond, the run is inconclusive.",
    )
    tcp: bool = Field(default=False, description="Also a TCP transfer, by iperf3.")
    http: bool = Field(default=False, description="Also an application's requests over HTTP.")


class When(InputModel):
    """A moment that is not known beforehand: an event of the lab, after the run began."""

    event: Event = Field(description="Its kind, e.g. bgp.down.")
    on: str | None = Field(default=None, description="A channel or node that it must concern.")
    within: Span = Field(default=60.0, description="It must come so soon; the run fails if it does not.")


class Step(InputModel):
    """One thing that is done. Its fault's or action's own fields stand beside these in the file.

    :param lasts: a fault's; None: to the end of the run.
    """

    name: str = Field(min_length=1, max_length=40, description="What reports and expectations call it.")
    at: Span | None = Field(default=None, description="Seconds after measuring began.")
    when: When | None = None
    lasts: Span | None = Field(default=None, description="How long the fault stays; absent: to the end.")
    fault: SerializeAsAny[Fault] | None = None
    action: SerializeAsAny[Doing] | None = None

    @model_validator(mode="after")
    def _one_moment(self) -> Step:
        if (self.at is None) == (self.when is None):
            raise wrong("a step has one moment", "write either 'at: 5s' or 'when: {event: bgp.down}'")
        if (self.fault is None) == (self.action is None):
            raise wrong("a step does one thing", "write either 'fault: cut' or 'do: rotate', with its fields")
        if self.lasts is not None and self.fault is None:
            raise wrong("only a fault lasts", "take 'for' away, or write a fault")
        return self


class Group(StrEnum):
    """Where the catalogue shows it."""

    CHANNELS = "channels"
    SITES = "sites"
    ROUTING = "routing"
    MACSEC = "macsec"
    MAINTENANCE = "maintenance"
    HANDSHAKE = "handshake"
    CHANGES = "changes"
    OWN = "own"


class Spoiled(InputModel):
    """A mechanism without which the scenario must fail, and the kind of expectation that then does not hold."""

    without: Annotated[Sabotage, Field(strict=False)] = Field(description="What the lab is robbed of.")
    fails: str = Field(
        description="The check, e.g. longest-loss; 'actions' for a step that was to be refused, or done."
    )


class Scenario(InputModel):
    """:param title: one line; the scenario's name in words.

    :param settle: the run's measuring goes on so long after the last step or fault's end.
    """

    scenario: TopologyName = Field(description="Its name: lower-case letters, digits, hyphens.")
    title: str = Field(min_length=1, max_length=100, description="One line.")
    description: str = Field(default="", description="What is done, what is expected, and why.")
    group: Annotated[Group, Field(strict=False)] = Field(default=Group.OWN, description="Where the catalogue shows it.")
    number: Annotated[int, Field(ge=1, le=15)] | None = Field(
        default=None, description="Of the failures that the catalogue counts, the one that it shows."
    )
    topology: str = Field(default="aws-google", description="A shipped topology's name, or a file.")
    timers: Timers | None = Field(default=None, strict=False, description="fast or default; the topology's if absent.")
    monitor: MonitorPolicy | None = Field(
        default=None, description="Every provider's monitor, e.g. {enabled: false}; the topology's if absent."
    )
    traffic: Traffic | None = Field(default=Traffic(), description="Absent: the default probe; null: none.")
    capture: Annotated[Capture, Field(strict=False)] = Field(
        default=Capture.HEADERS, description="How much of the frames on the channels is kept: none, headers or full."
    )
    settle: Span = Field(default=3.0, description="How long measuring goes on after the last step.")
    kill_at: Span | None = Field(
        default=None,
        description="When 'xcnet run --kill-coordinator' kills it; absent: shortly after the first action.",
    )
    steps: Annotated[tuple[Step, ...], Field(min_length=1, strict=False)]
    expect: Annotated[tuple[SerializeAsAny[Check], ...], Field(min_length=1, strict=False)]
    sabotage: Annotated[tuple[Spoiled, ...], Field(strict=False)] = Field(
        default=(), description="What it relies on: without it the scenario must fail ('xcnet run --sabotage')."
    )

    def step(self, name: str) -> Step:
        """:raises KeyError: there is none of that name."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def settings(self) -> dict[str, Any]:
        """For the report: what the file said."""
        return self.model_dump(
            mode="json", exclude_none=True, exclude={"description", "group", "number", "sabotage", "kill_at"}
        )


__all__ = [
    "Action",
    "Advance",
    "ApiSays",
    "Bounded",
    "Check",
    "Connect",
    "Detection",
    "DisableChannel",
    "Disconnect",
    "Doing",
    "Duplicated",
    "EnableChannel",
    "Event",
    "Expectation",
    "FlowsHit",
    "Formula",
    "Group",
    "Happens",
    "LeftNothing",
    "LongestLoss",
    "Lost",
    "LostShare",
    "Maintenance",
    "Migrate",
    "MisuseKey",
    "Never",
    "OnChannel",
    "Refused",
    "Resize",
    "Restored",
    "Rotate",
    "Scenario",
    "Spoiled",
    "Step",
    "Traffic",
    "Verified",
    "When",
    "WorstDelay",
]
