"""A scenario as people write it: a lab, traffic, steps, and what is expected of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, model_validator

from xcnet.lab.capture_mode import Capture
from xcnet.model.faults import Fault
from xcnet.model.fields import InputModel, Size, Span, TopologyName, wrong
from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.topology import Timers

Event = Annotated[str, Field(min_length=1, pattern=r"^[a-z_*]+(\.[a-z_*]+)?$")]
"""A kind of event, e.g. ``bgp.down``; ``*`` stands for any letters."""

Formula = Annotated[str | int | float, Field(union_mode="left_to_right")]
"""A number, or a formula with the lab's timers in it: ``detection(ch2) + 0.2``. Seconds, where it is a time."""


class Traffic(InputModel):
    """Datagrams between the first hosts of both providers, both ways."""

    rate: Annotated[int, Field(ge=10, le=20_000)] = Field(default=1000, description="Packets per second in all.")
    flows: Annotated[int, Field(ge=4, le=1024)] = Field(default=64, description="Flows in all.")
    payload: Annotated[int, Field(ge=64, le=8400)] = Field(default=64, description="Bytes of each datagram.")
    warm_up: Span = Field(default=2.0, description="Sent before measuring begins, and not counted.")
    tcp: bool = Field(default=False, description="Also a TCP transfer, by iperf3.")
    http: bool = Field(default=False, description="Also an application's requests over HTTP.")


class When(InputModel):
    """A moment that is not known beforehand: an event of the lab, after the run began."""

    event: Event = Field(description="Its kind, e.g. bgp.down.")
    on: str | None = Field(default=None, description="A channel or node that it must concern.")
    within: Span = Field(default=60.0, description="It must come so soon; the run fails if it does not.")


class Action(InputModel):
    """Something that an operator or customer does."""

    refused: str | None = Field(
        default=None, description="It must be refused, with these words in the refusal; without: it must succeed."
    )


class Rotate(Action):
    do: Literal["rotate"]
    channel: str = Field(description="Whose CAK is replaced.")


class Resize(Action):
    do: Literal["resize"]
    connection: str | None = Field(default=None, description="Its name; the first by default.")
    bandwidth: Size = Field(description="The new one, e.g. 500Mbps.")


class Migrate(Action):
    do: Literal["migrate"]
    connection: str | None = None


class Connect(Action):
    do: Literal["connect"]
    order: str | None = Field(default=None, description="Which of the topology's connections; the first by default.")


class Disconnect(Action):
    do: Literal["disconnect"]
    connection: str | None = None


class Maintenance(Action):
    do: Literal["maintenance"]
    channel: str
    by: str = Field(description="The provider that works on it.")
    start: Span = Field(default=0.0, description="From now, policy time.")
    duration: Span = Field(default=4 * 3600.0, description="Policy time.")
    emergency: bool = False


class Advance(Action):
    do: Literal["advance"]
    by: Span = Field(description="How far policy time goes, at every coordinator.")


class DisableChannel(Action):
    do: Literal["disable-channel"]
    channel: str
    by: str


class EnableChannel(Action):
    do: Literal["enable-channel"]
    channel: str
    by: str


Doing = Annotated[
    Rotate | Resize | Migrate | Connect | Disconnect | Maintenance | Advance | DisableChannel | EnableChannel,
    Field(discriminator="do"),
]


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


class Expectation(InputModel):
    """:param name: as the report calls it; made of its fields where absent."""

    name: str | None = None


class _Bounded(Expectation):
    at_most: Formula | None = Field(default=None, description="A number, or a formula such as 'detection(ch2) + 0.2'.")
    at_least: Formula | None = Field(default=None, description="Likewise.")

    @model_validator(mode="after")
    def _some_bound(self) -> _Bounded:
        if self.at_most is None and self.at_least is None:
            raise wrong("nothing is expected here", "write 'at_most' or 'at_least' or both")
        return self


class LongestLoss(_Bounded):
    """The longest loss window of any one flow, seconds."""

    check: Literal["longest-loss"]


class Lost(_Bounded):
    """Packets lost in all."""

    check: Literal["lost"]


class LostShare(_Bounded):
    """Packets lost of those sent, percent."""

    check: Literal["lost-share"]


class FlowsHit(_Bounded):
    """Flows that lost anything, percent of all."""

    check: Literal["flows-hit"]


class Duplicated(_Bounded):
    """Packets that arrived once more, in all."""

    check: Literal["duplicated"]


class Happens(Expectation):
    """An event comes. :param after: a step; the beginning of the run where absent. :param at_least: seconds it must not come before."""

    check: Literal["event"]
    event: Event
    on: str | None = Field(default=None, description="A channel or node that it must concern.")
    after: str | None = Field(default=None, description="The step that it follows.")
    within: Formula | None = Field(default=None, description="Seconds, or a formula.")
    at_least: Formula | None = Field(default=None, description="Seconds that it must not come before.")
    times: Annotated[int, Field(ge=1)] = Field(default=1, description="How often at the least.")


class Never(Expectation):
    """An event does not come, between the beginning (or ``after``) and the end."""

    check: Literal["no-event"]
    event: Event
    on: str | None = None
    after: str | None = None


class Detection(Expectation):
    """The time from a step's fault to the first BFD session down is as computed; else the run is inconclusive."""

    check: Literal["detection"]
    of: str = Field(description="The step.")
    computed: Formula = Field(description="The longest it may take, e.g. detection(ch2).")
    earliest: Formula = Field(default=0, description="The shortest.")
    tolerance: Annotated[float, Field(ge=0, le=100)] = Field(default=10, description="Percent beyond these.")


class Restored(Expectation):
    """After a fault's end every BGP and BFD session and route is as it was before."""

    check: Literal["restored"]
    of: str = Field(description="The step.")
    within: Formula = Field(description="Seconds after the fault's end.")


class Verified(Expectation):
    """At the end every connection is seen to work at both sides."""

    check: Literal["verified"]


class OnChannel(_Bounded):
    """The share of traffic that crossed a channel while a step's fault was in place, percent."""

    check: Literal["channel-share"]
    channel: str
    during: str = Field(description="The step.")
    settled: Span = Field(default=1.0, description="Left out at the fault's beginning.")


class Refused(Expectation):
    """The actions that a scenario says are refused were, and all others were done. Always checked; may be named here."""

    check: Literal["actions"]


Check = Annotated[
    LongestLoss
    | Lost
    | LostShare
    | FlowsHit
    | Duplicated
    | Happens
    | Never
    | Detection
    | Restored
    | Verified
    | OnChannel
    | Refused,
    Field(discriminator="check"),
]


class Scenario(InputModel):
    """:param title: one line; the scenario's name in words.

    :param settle: the run's measuring goes on so long after the last step or fault's end.
    """

    scenario: TopologyName = Field(description="Its name: lower-case letters, digits, hyphens.")
    title: str = Field(min_length=1, max_length=100, description="One line.")
    description: str = Field(default="", description="What is done, what is expected, and why.")
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
    steps: Annotated[tuple[Step, ...], Field(min_length=1, strict=False)]
    expect: Annotated[tuple[SerializeAsAny[Check], ...], Field(min_length=1, strict=False)]

    def step(self, name: str) -> Step:
        """:raises KeyError: there is none of that name."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def settings(self) -> dict[str, Any]:
        """For the report: what the file said."""
        return self.model_dump(mode="json", exclude_none=True, exclude={"description"})


__all__ = [
    "Action",
    "Check",
    "Detection",
    "Expectation",
    "Happens",
    "Never",
    "OnChannel",
    "Restored",
    "Scenario",
    "Step",
    "Traffic",
    "Verified",
    "When",
]
