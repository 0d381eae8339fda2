"""What operators and customers do in a scenario, as its file says it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from xcnet.model.fields import InputModel, Size, Span


class Action(InputModel):
    """Something that an operator or customer does."""

    refused: str | None = Field(
        default=None, description="It must be refused, with these words in the refusal; without: it must succeed."
    )


class _OfConnection(Action):
    """:param by: the provider whose customer does it; the first that has the connection by default."""

    connection: str | None = Field(default=None, description="Its name; the first by default.")
    by: str | None = Field(default=None, description="The provider at which it is done; the first by default.")


class Rotate(Action):
    do: Literal["rotate"]
    channel: str = Field(description="Whose CAK is replaced.")


class Resize(_OfConnection):
    do: Literal["resize"]
    bandwidth: Size = Field(description="The new one, e.g. 500Mbps.")


class Migrate(_OfConnection):
    do: Literal["migrate"]


class Connect(Action):
    do: Literal["connect"]
    order: str | None = Field(default=None, description="Which of the topology's connections; the first by default.")


class Disconnect(_OfConnection):
    do: Literal["disconnect"]


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


class MisuseKey(Action):
    """A customer brings an activation key that stands for nothing, or asks for too many; whatever is left of it afterwards is taken
    away again, so that a scenario can look for what the coordinators kept."""

    do: Literal["misuse-key"]
    how: Literal["used", "other-account", "altered", "too-many"] = Field(
        description="Its connection was made and deleted; another customer brings it; it says more bandwidth than it was made for; "
        "keys are asked for until no more are given."
    )


Doing = Annotated[
    Rotate
    | Resize
    | Migrate
    | Connect
    | Disconnect
    | Maintenance
    | Advance
    | DisableChannel
    | EnableChannel
    | MisuseKey,
    Field(discriminator="do"),
]


__all__ = [
    "Action",
    "Advance",
    "Connect",
    "DisableChannel",
    "Disconnect",
    "Doing",
    "EnableChannel",
    "Maintenance",
    "Migrate",
    "MisuseKey",
    "Resize",
    "Rotate",
]
