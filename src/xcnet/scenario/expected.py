"""What is expected of a scenario's run, as its file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from xcnet.model.fields import InputModel, Size, Span, wrong

Event = Annotated[str, Field(min_length=1, pattern=r"^[a-z_*]+(\.[a-z_*]+)?$")]
"""A kind of event, e.g. ``bgp.down``; ``*`` stands for any letters."""

Formula = Annotated[str | int | float, Field(union_mode="left_to_right")]
"""A number, or a formula with the lab's timers in it: ``detection(ch2) + 0.2``. Seconds, where it is a time."""


class Expectation(InputModel):
    """:param name: as the report calls it; made of its fields where absent."""

    name: str | None = None


class Bounded(Expectation):
    at_most: Formula | None = Field(default=None, description="A number, or a formula such as 'detection(ch2) + 0.2'.")
    at_least: Formula | None = Field(default=None, description="Likewise.")

    @model_validator(mode="after")
    def _some_bound(self) -> Bounded:
        if self.at_most is None and self.at_least is None:
            raise wrong("nothing is expected here", "write 'at_most' or 'at_least' or both")
        return self


class LongestLoss(Bounded):
    """The longest loss window of any one flow, seconds."""

    check: Literal["longest-loss"]


class Lost(Bounded):
    """Packets lost in all."""

    check: Literal["lost"]


class LostShare(Bounded):
    """Packets lost of those sent, percent."""

    check: Literal["lost-share"]


class FlowsHit(Bounded):
    """Flows that lost anything, percent of all."""

    check: Literal["flows-hit"]


class Duplicated(Bounded):
    """Packets that arrived once more, in all."""

    check: Literal["duplicated"]


class WorstDelay(Bounded):
    """The longest that any packet took one way, milliseconds."""

    check: Literal["worst-delay"]


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


class OnChannel(Bounded):
    """The share of traffic that crossed a channel while a step's fault was in place, percent."""

    check: Literal["channel-share"]
    channel: str
    during: str = Field(description="The step.")
    settled: Span = Field(default=1.0, description="Left out at the fault's beginning.")


class ApiSays(Expectation):
    """What the customers' side of a provider's API says of a connection.

    :param state: ``available``: both sides see it work; ``down``: it worked, and one of them does not; ``updating``,
        ``deleting``; ``pending``: it has not worked yet; ``deleted``: there is none of that name.
    """

    check: Literal["api-says"]
    by: str | None = Field(default=None, description="The provider that is asked; all of them by default.")
    connection: str | None = Field(default=None, description="Its name; the topology's first by default.")
    state: Literal["available", "down", "updating", "deleting", "pending", "deleted"] | None = None
    bandwidth: Size | None = Field(default=None, description="e.g. 500Mbps.")
    mtu: Formula | None = Field(default=None, description="Bytes, or a formula such as common_mtu.")
    after: str | None = Field(default=None, description="The step that it follows; absent: at the end of the run.")
    within: Formula | None = Field(default=None, description="Seconds after that step, or a formula.")

    @model_validator(mode="after")
    def _says_something(self) -> ApiSays:
        if self.state is None and self.bandwidth is None and self.mtu is None:
            raise wrong("nothing is expected here", "write 'state', 'bandwidth' or 'mtu'")
        if (self.after is None) != (self.within is None):
            raise wrong("'after' and 'within' belong together", "write both, or none: at the end of the run then")
        return self


class LeftNothing(Expectation):
    """At the end the coordinators' stores and the routers' kernels hold what they held before the first step, and no more."""

    check: Literal["left-nothing"]
    within: Formula = Field(default=10, description="Seconds after the run that it may take.")


class Refused(Expectation):
    """The actions that a scenario says are refused were, and all others were done. Always checked; may be named here."""

    check: Literal["actions"]


Check = Annotated[
    LongestLoss
    | Lost
    | LostShare
    | FlowsHit
    | Duplicated
    | WorstDelay
    | Happens
    | Never
    | Detection
    | Restored
    | Verified
    | OnChannel
    | ApiSays
    | LeftNothing
    | Refused,
    Field(discriminator="check"),
]


__all__ = [
    "ApiSays",
    "Bounded",
    "Check",
    "Detection",
    "Duplicated",
    "Event",
    "Expectation",
    "FlowsHit",
    "Formula",
    "Happens",
    "LeftNothing",
    "LongestLoss",
    "Lost",
    "LostShare",
    "Never",
    "OnChannel",
    "Refused",
    "Restored",
    "Verified",
    "WorstDelay",
]
