"""Providers, environments, interconnects, channels: what was agreed out of band, for looking up."""

from __future__ import annotations

from xcnet.coordinator.acts import activation, holds, maintenance
from xcnet.coordinator.config import ChannelConfig, EnvironmentConfig, InterconnectConfig
from xcnet.coordinator.serve.context import Handler, Serving
from xcnet.coordinator.service import ApiResponse
from xcnet.coordinator.workflows.connect import ACCOUNT_HEADER
from xcnet.coordinator.workflows.maintenance import as_events
from xcnet.spec import names
from xcnet.spec.base import WireModel
from xcnet.spec.connections import ConfirmActivationKeyRequest, ConfirmActivationKeyResponse
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.resources import (
    Channel,
    Empty,
    Environment,
    EnvironmentVisibility,
    FeatureType,
    Interconnect,
    InterconnectState,
    ListChannelsResponse,
    ListEnvironmentsResponse,
    ListInterconnectsResponse,
    ListProvidersResponse,
    MacSecKeyRotationRequest,
    Provider,
    ProviderSites,
)


def _provider(serving: Serving, identifier: str) -> Provider:
    config = serving.world.config
    known = {config.provider: config.display_name} | {
        serving.caller: config.peers[serving.caller].display_name if serving.caller in config.peers else serving.caller
    }
    if identifier not in known:
        raise ApiError(Reason.NOT_FOUND, f"there is no provider {identifier!r}", field="provider")
    return Provider(name=f"providers/{identifier}", display_name=known[identifier])


def list_providers(serving: Serving) -> WireModel:
    both = sorted({serving.world.me, serving.caller})
    return ListProvidersResponse(environments=[_provider(serving, each) for each in both])


def get_provider(serving: Serving) -> WireModel:
    return _provider(serving, serving.request.ids["provider"])


# -- environments


def _environment(serving: Serving, config: EnvironmentConfig) -> Environment:
    visibility = EnvironmentVisibility.PUBLIC if config.public else EnvironmentVisibility.PRIVATE
    return Environment(
        name=str(names.environment(serving.caller, config.name)),
        provider_sites=[
            ProviderSites(provider_id=f"providers/{site.provider}", site=site.site, display_name=site.display_name)
            for site in config.sites
        ],
        api_uri=serving.world.config.api_uri,
        supported_connection_size_mbps=list(config.sizes_mbps),
        supported_features=[FeatureType.L3_BASE],
        environment_visibility=visibility,
        deferral_timeout_hours=config.deferral_timeout_hours,
        defer_connection_provisioning=config.defer,
    )


def list_environments(serving: Serving) -> WireModel:
    shared = [each for each in serving.world.config.environments if each.peer == serving.caller]
    rows = list(enumerate(shared, 1))
    page, more = serving.page(lambda after, limit: [row for row in rows if row[0] > after][:limit])
    return ListEnvironmentsResponse(environments=[_environment(serving, each) for each in page], next_page_token=more)


def get_environment(serving: Serving) -> WireModel:
    return _environment(serving, serving.environment())


def get_activation_key_parameters(serving: Serving) -> WireModel:
    return activation.parameters(serving.world, serving.environment())


def confirm_activation_key(serving: Serving) -> WireModel | ApiResponse:
    """Valid only for the environment that it was made for, unused, unexpired, and unaltered."""
    environment = serving.environment()
    body = serving.body(ConfirmActivationKeyRequest)
    found = activation.confirm(serving.world, environment, serving.caller, body)
    if found is None:
        return ConfirmActivationKeyResponse(key_valid=False)
    # The customer's account here, so that the caller can tell later whose proofs to accept.
    return ApiResponse(ConfirmActivationKeyResponse(key_valid=True), {ACCOUNT_HEADER: found.own_account})


# -- interconnects


def _interconnect(serving: Serving, config: InterconnectConfig) -> Interconnect:
    environment = serving.request.ids["environment"]
    return Interconnect(
        name=str(names.interconnect(serving.caller, environment, config.name)),
        supported_connection_size_mbps=list(config.sizes_mbps),
        supported_features=[FeatureType.L3_BASE],
        state=InterconnectState.CLOSED if config.closed else InterconnectState.ACTIVE,
        max_bandwidth_mbps=config.capacity_mbps,
    )


def list_interconnects(serving: Serving) -> WireModel:
    rows = list(enumerate(serving.environment().interconnects, 1))
    page, more = serving.page(lambda after, limit: [row for row in rows if row[0] > after][:limit])
    return ListInterconnectsResponse(
        interconnects=[_interconnect(serving, each) for each in page], next_page_token=more
    )


def get_interconnect(serving: Serving) -> WireModel:
    return _interconnect(serving, serving.interconnect())


# -- channels


def _channel(serving: Serving, config: ChannelConfig) -> Channel:
    ids = serving.request.ids
    within = names.interconnect(serving.caller, ids["environment"], ids["interconnect"])
    return Channel(
        name=str(within.child("channels", config.name)),
        macsec_manager_provider=f"providers/{config.macsec_manager}",
        cross_connect_manager_provider=f"providers/{config.cross_connect_manager}",
        aggregate_channel_size_gbps=config.size_gbps,
        channel_member_size_gbps=config.member_gbps,
        obfuscated_device_id=config.device_id,
        demarc=config.demarc,
        admin_state=holds.admin_state(serving.world, config.name),
    )


def list_channels(serving: Serving) -> WireModel:
    rows = list(enumerate(serving.interconnect().channels, 1))
    page, more = serving.page(lambda after, limit: [row for row in rows if row[0] > after][:limit])
    return ListChannelsResponse(channels=[_channel(serving, each) for each in page], next_page_token=more)


def get_channel(serving: Serving) -> WireModel:
    return _channel(serving, serving.channel())


def get_maintenance_events(serving: Serving) -> WireModel:
    return as_events(maintenance.own(serving.world, serving.channel().name))


def notify_maintenance(serving: Serving) -> WireModel:
    """What the notification says is not looked at: the list is fetched."""
    channel = serving.channel().name
    running = serving.engine.running("fetch-windows", channel)
    if running:
        serving.world.db.execute(
            "UPDATE workflows SET data = json_set(data, '$.again', json('true')) WHERE id = ?", running[0].id
        )
    else:
        serving.engine.start("fetch-windows", channel, "getting")
    return Empty()


def request_mac_sec_key_rotation(serving: Serving) -> WireModel:
    """The rules decide whether it may be done now; if not, the caller is told."""
    from xcnet.coordinator.serve.keys import start_rotation

    channel = serving.channel()
    reason = serving.body(MacSecKeyRotationRequest).reason
    start_rotation(serving, channel, asked_by=serving.caller, reason=reason)
    return Empty()


HANDLERS: dict[str, Handler] = {
    "ListProviders": list_providers,
    "GetProvider": get_provider,
    "ListEnvironments": list_environments,
    "GetEnvironment": get_environment,
    "ConfirmActivationKey": confirm_activation_key,
    "GetActivationKeyParameters": get_activation_key_parameters,
    "ListInterconnects": list_interconnects,
    "GetInterconnect": get_interconnect,
    "ListChannels": list_channels,
    "GetChannel": get_channel,
    "NotifyMaintenance": notify_maintenance,
    "GetMaintenanceEvents": get_maintenance_events,
    "RequestMacSecKeyRotation": request_mac_sec_key_rotation,
}

__all__ = ["HANDLERS"]
