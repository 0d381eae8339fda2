"""What a provider's monitor looks for on its channels, from when on it counts as trouble, and what is done about it, as data."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from xcnet.model.fields import InputModel, Share, wrong


class Action(StrEnum):
    """``none``: not looked for. ``report``: an issue is opened at the peer. ``deprefer``: also, the channel is used last
    meanwhile, if the others can carry what is sold."""

    NONE = "none"
    REPORT = "report"
    DEPREFER = "deprefer"


def _report_at_most(action: Action) -> Action:
    if action is Action.DEPREFER:
        raise wrong("to use a channel last is no remedy for this", "write none or report")
    return action


Acts = Annotated[Action, Field(strict=False, description="none, report or deprefer.")]
Reports = Annotated[
    Action,
    Field(strict=False, description="none or report."),
    AfterValidator(_report_at_most),
    WithJsonSchema({"type": "string", "enum": ["none", "report"], "description": "none or report."}),
]
"""Of what carries nothing anyway, or where no channel is to blame."""

Seconds = Annotated[float, Field(ge=1, le=86_400)]


class ChannelDownPolicy(InputModel):
    """A channel whose keys, or sessions of connections in use, are gone."""

    action: Reports = Action.REPORT
    after_seconds: Seconds = Field(default=3.0, description="It must last so long.")


class GreyLossPolicy(InputModel):
    """A channel that loses some of what it carries, by probes between the two edges."""

    action: Acts = Action.DEPREFER
    probes: int = Field(default=10, ge=1, le=100, description="Probes a second on each channel.")
    window_seconds: Annotated[float, Field(ge=2, le=600)] = Field(default=30.0, description="Looked back over.")
    lossy_seconds: int = Field(
        default=4,
        ge=1,
        le=600,
        description="So many seconds of the window have lost some, but not all, of their probes.",
    )

    @model_validator(mode="after")
    def _within(self) -> GreyLossPolicy:
        if self.lossy_seconds > self.window_seconds:
            raise wrong(
                f"a window of {self.window_seconds:g} s has no {self.lossy_seconds} lossy seconds",
                "write lossy_seconds <= window_seconds",
            )
        return self


class FlapPolicy(InputModel):
    """A channel that goes down again and again."""

    action: Acts = Action.DEPREFER
    count: int = Field(default=5, ge=2, le=1000, description="So many times down.")
    window_seconds: Seconds = Field(default=60.0, description="Within so long.")


class MacsecErrorsPolicy(InputModel):
    """Frames that MACsec has not let in, on a channel that is secured."""

    action: Acts = Action.REPORT
    frames: int = Field(default=20, ge=1, description="So many.")
    window_seconds: Seconds = Field(default=20.0, description="Within so long.")


class AsymmetryPolicy(InputModel):
    """A channel that one side uses for a connection and the other does not."""

    action: Acts = Action.REPORT
    after_seconds: Seconds = Field(default=15.0, description="It must last so long.")


class PrefixLimitPolicy(InputModel):
    """A session that has nearly as many prefixes as it may have."""

    action: Reports = Action.REPORT
    share: Share = Field(default=0.8, description="Of the limit, e.g. 80%.")


class CapacityPolicy(InputModel):
    """An interconnect that has lost channels, so that the next failure would congest it."""

    action: Reports = Action.REPORT
    after_seconds: Seconds = Field(default=6.0, description="It must last so long.")


class MonitorPolicy(InputModel):
    """A provider's monitor."""

    enabled: bool = Field(default=True, description="false: nothing is probed, reported or moved.")
    hold_seconds: Seconds = Field(
        default=60.0, description="Healthy for so long before an issue is closed and a channel used as before."
    )
    channel_down: ChannelDownPolicy = ChannelDownPolicy()
    grey_loss: GreyLossPolicy = GreyLossPolicy()
    flap: FlapPolicy = FlapPolicy()
    macsec_errors: MacsecErrorsPolicy = MacsecErrorsPolicy()
    asymmetry: AsymmetryPolicy = AsymmetryPolicy()
    prefix_limit: PrefixLimitPolicy = PrefixLimitPolicy()
    capacity: CapacityPolicy = CapacityPolicy()


__all__ = [
    "Action",
    "AsymmetryPolicy",
    "CapacityPolicy",
    "ChannelDownPolicy",
    "FlapPolicy",
    "GreyLossPolicy",
    "MacsecErrorsPolicy",
    "MonitorPolicy",
    "PrefixLimitPolicy",
]
