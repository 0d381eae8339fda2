"""Wire types of what the providers agree out of band: providers, environments, interconnects, channels."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import ConfigDict, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from xcnet.spec.base import DEPRECATED, Int32, Timestamp, WireModel, read_only


class AdminState(StrEnum):
    """What a provider has decided about a resource, whatever its operational state."""

    ENABLED = "ADMIN_STATE_ENABLED"
    DISABLED = "ADMIN_STATE_DISABLED"


class FeatureType(StrEnum):
    L3_BASE = "FEATURE_TYPE_L3_BASE"


class Empty(WireModel):
    """An answer that says nothing but success."""


class Provider(WireModel):
    """A cloud."""

    name: str | None = Field(default=None, description="providers/{provider}")
    display_name: str | None = read_only("As people know the provider.")


def _with_both_names(schema: dict[str, Any]) -> None:
    properties = schema["properties"]
    properties["providers"] = {**properties["environments"], "description": "The same list under its other name."}


class ListProvidersResponse(WireModel):
    """Providers that the caller may see. The specification calls the list ``environments``, its example ``providers``."""

    model_config = ConfigDict(json_schema_extra=_with_both_names)

    environments: list[Provider] | None = Field(default=None, description="The providers.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")

    @model_validator(mode="before")
    @classmethod
    def _either_name(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("environments") is None and "providers" in value:
            return {**value, "environments": value["providers"]}
        return value

    @model_serializer(mode="wrap")
    def _both_names(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        if written.get("environments") is not None:
            written["providers"] = written["environments"]
        return written


class EnvironmentVisibility(StrEnum):
    PRIVATE = "ENVIRONMENT_VISIBILITY_PRIVATE"
    PUBLIC = "ENVIRONMENT_VISIBILITY_PUBLIC"


class ProviderSites(WireModel):
    """Where one of the two providers of an environment is."""

    provider_id: str | None = Field(default=None, description="providers/{provider}")
    site: str | None = Field(default=None, description="The provider's own word for the place, e.g. us-east4.")
    display_name: str | None = Field(default=None, description="For people.")


class Environment(WireModel):
    """A pair of places in which two providers meet."""

    name: str | None = Field(default=None, description="providers/{provider}/environments/{environment}")
    provider_sites: list[ProviderSites] | None = read_only("The place at each side.")
    api_uri: str | None = Field(default=None, description="Where this environment's API is served.")
    supported_connection_size_mbps: list[Int32] | None = read_only("Bandwidths that can be ordered, in Mbit/s.")
    supported_features: list[FeatureType] | None = read_only("Features of every interconnect in it.")
    environment_visibility: EnvironmentVisibility | None = read_only("Who gets to see it.")
    deferral_timeout_hours: Int32 | None = Field(
        default=None, description="How long a provider that defers waits for the other."
    )
    defer_connection_provisioning: bool | None = Field(
        default=None, description="Whether the accepting provider always hands the driving over."
    )


class ListEnvironmentsResponse(WireModel):
    environments: list[Environment] | None = Field(default=None, description="The environments.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class InterconnectState(StrEnum):
    PENDING = "INTERCONNECT_STATE_PENDING"
    ACTIVE = "INTERCONNECT_STATE_ACTIVE"
    CLOSED = "INTERCONNECT_STATE_CLOSED"


class Interconnect(WireModel):
    """A redundancy group of channels."""

    name: str | None = Field(default=None, description=".../interconnects/{interconnect}")
    supported_connection_size_mbps: list[Int32] | None = read_only("Bandwidths that can be ordered, in Mbit/s.")
    supported_features: list[FeatureType] | None = read_only("Features that its connections can have.")
    state: InterconnectState | None = read_only("Whether it takes connections.")
    max_bandwidth_mbps: Int32 | None = read_only("What the bandwidths of its connections may sum to, in Mbit/s.")


class ListInterconnectsResponse(WireModel):
    interconnects: list[Interconnect] | None = Field(default=None, description="The interconnects.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class Channel(WireModel):
    """One link between a router of each side."""

    name: str | None = Field(default=None, description=".../interconnects/{interconnect}/channels/{channel}")
    macsec_manager_provider: str | None = read_only("providers/{provider} that makes and deletes its MACsec keys.")
    cross_connect_manager_provider: str | None = read_only("providers/{provider} that answers for the cross-connect.")
    aggregate_channel_size_gbps: Int32 | None = read_only("Capacity of all members, in Gbit/s.")
    channel_member_size_gbps: Int32 | None = read_only("Capacity of one member, in Gbit/s.")
    obfuscated_device_id: str | None = read_only("Equal for channels on the same device, and telling no more.")
    demarc: str | None = Field(default=None, description="Where the cross-connect ends, in the building's words.")
    admin_state: AdminState | None = read_only("Disabled: the server's provider has taken it out of use.")


class ListChannelsResponse(WireModel):
    channels: list[Channel] | None = Field(default=None, description="The channels.")
    next_page_token: str | None = Field(default=None, description="Absent on the last page.")


class MaintenanceEvent(WireModel):
    """Work on a channel, planned or under way."""

    start_time: Timestamp | None = Field(default=None, description="When it begins.")
    end_time: Timestamp | None = Field(default=None, description="When it ends.")
    maintenance_id: str | None = Field(default=None, description="Its name at the provider that does it.")


class NotifyMaintenanceRequest(WireModel):
    """Says that the caller's list of maintenance events has changed; the list itself is to be fetched."""

    events: list[MaintenanceEvent] | None = Field(
        default=None, description="No longer used.", json_schema_extra=DEPRECATED
    )


class GetMaintenanceEventsResponse(WireModel):
    events: list[MaintenanceEvent] | None = Field(default=None, description="The channel's events.")


class MacSecKeyRotationRequest(WireModel):
    """From the provider that does not manage the channel's keys to the one that does."""

    reason: str | None = Field(default=None, description="Why, for people.")


__all__ = [
    "AdminState",
    "Channel",
    "Empty",
    "Environment",
    "EnvironmentVisibility",
    "FeatureType",
    "GetMaintenanceEventsResponse",
    "Interconnect",
    "InterconnectState",
    "ListChannelsResponse",
    "ListEnvironmentsResponse",
    "ListInterconnectsResponse",
    "ListProvidersResponse",
    "MacSecKeyRotationRequest",
    "MaintenanceEvent",
    "NotifyMaintenanceRequest",
    "Provider",
    "ProviderSites",
]
