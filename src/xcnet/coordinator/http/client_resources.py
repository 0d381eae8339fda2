"""Providers, environments, interconnects, channels and their keys at a peer: one method for each operation."""

from __future__ import annotations

from collections.abc import AsyncIterator

from xcnet.coordinator.http.client_base import ClientBase, Target, pages
from xcnet.spec.connections import (
    ActivationKeyParameters,
    ConfirmActivationKeyRequest,
    ConfirmActivationKeyResponse,
    ListMacSecKeysResponse,
    MacSecKey,
)
from xcnet.spec.resources import (
    Channel,
    Empty,
    Environment,
    GetMaintenanceEventsResponse,
    Interconnect,
    ListChannelsResponse,
    ListEnvironmentsResponse,
    ListInterconnectsResponse,
    ListProvidersResponse,
    MacSecKeyRotationRequest,
    NotifyMaintenanceRequest,
    Provider,
)


class ResourceMethods(ClientBase):
    """Errors are those of :meth:`xcnet.coordinator.http.caller.Caller.call`."""

    async def list_providers(self, *, request_id: str | None = None) -> ListProvidersResponse:
        """The caller and the server."""
        return await self._call(ListProvidersResponse, "ListProviders", {}, request_id=request_id)

    def iterate_providers(self) -> AsyncIterator[Provider]:
        """The caller and the server, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Provider] | None, str | None]:
            del token
            page = await self.list_providers()
            return page.environments, None

        return pages(fetch)

    async def get_provider(self, name: Target, *, request_id: str | None = None) -> Provider:
        """One provider."""
        return await self._call(Provider, "GetProvider", name, request_id=request_id)

    async def list_environments(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListEnvironmentsResponse:
        """The environments that the caller shares with the server."""
        return await self._call(
            ListEnvironmentsResponse,
            "ListEnvironments",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_environments(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Environment]:
        """The environments that the caller shares with the server, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Environment] | None, str | None]:
            page = await self.list_environments(parent, page_size=page_size, page_token=token)
            return page.environments, page.next_page_token

        return pages(fetch)

    async def get_environment(self, name: Target, *, request_id: str | None = None) -> Environment:
        """One environment."""
        return await self._call(Environment, "GetEnvironment", name, request_id=request_id)

    async def confirm_activation_key(
        self, environment: Target, request: ConfirmActivationKeyRequest, *, request_id: str | None = None
    ) -> ConfirmActivationKeyResponse:
        """Whether the server made this activation key and it may still be used."""
        return await self._call(
            ConfirmActivationKeyResponse, "ConfirmActivationKey", environment, None, request, request_id=request_id
        )

    async def get_activation_key_parameters(
        self, environment: Target, *, request_id: str | None = None
    ) -> ActivationKeyParameters:
        """Versions of activation keys that the server reads, and the public key for those that are encrypted."""
        return await self._call(
            ActivationKeyParameters, "GetActivationKeyParameters", environment, request_id=request_id
        )

    async def list_interconnects(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListInterconnectsResponse:
        """The interconnects of an environment."""
        return await self._call(
            ListInterconnectsResponse,
            "ListInterconnects",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_interconnects(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Interconnect]:
        """The interconnects of an environment, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Interconnect] | None, str | None]:
            page = await self.list_interconnects(parent, page_size=page_size, page_token=token)
            return page.interconnects, page.next_page_token

        return pages(fetch)

    async def get_interconnect(self, name: Target, *, request_id: str | None = None) -> Interconnect:
        """One interconnect."""
        return await self._call(Interconnect, "GetInterconnect", name, request_id=request_id)

    async def list_channels(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListChannelsResponse:
        """The channels of an interconnect."""
        return await self._call(
            ListChannelsResponse,
            "ListChannels",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_channels(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Channel]:
        """The channels of an interconnect, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Channel] | None, str | None]:
            page = await self.list_channels(parent, page_size=page_size, page_token=token)
            return page.channels, page.next_page_token

        return pages(fetch)

    async def get_channel(self, name: Target, *, request_id: str | None = None) -> Channel:
        """One channel."""
        return await self._call(Channel, "GetChannel", name, request_id=request_id)

    async def notify_maintenance(
        self, channel: Target, request: NotifyMaintenanceRequest | None = None, *, request_id: str | None = None
    ) -> Empty:
        """Says that the caller's maintenance events of this channel have changed."""
        return await self._call(Empty, "NotifyMaintenance", channel, None, request, request_id=request_id)

    async def get_maintenance_events(
        self, channel: Target, *, request_id: str | None = None
    ) -> GetMaintenanceEventsResponse:
        """The server's maintenance events of a channel."""
        return await self._call(GetMaintenanceEventsResponse, "GetMaintenanceEvents", channel, request_id=request_id)

    async def request_mac_sec_key_rotation(
        self, channel: Target, request: MacSecKeyRotationRequest | None = None, *, request_id: str | None = None
    ) -> Empty:
        """Asks the server, which manages the channel's keys, to rotate."""
        return await self._call(Empty, "RequestMacSecKeyRotation", channel, None, request, request_id=request_id)

    async def create_mac_sec_key(
        self, parent: Target, mac_sec_key_id: str, key: MacSecKey, *, request_id: str | None = None
    ) -> MacSecKey:
        """Gives the server a key for a channel."""
        return await self._call(
            MacSecKey, "CreateMacSecKey", parent, {"macSecKeyId": mac_sec_key_id}, key, request_id=request_id
        )

    async def list_mac_sec_keys(self, parent: Target, *, request_id: str | None = None) -> ListMacSecKeysResponse:
        """A channel's keys."""
        return await self._call(ListMacSecKeysResponse, "ListMacSecKeys", parent, request_id=request_id)

    def iterate_mac_sec_keys(self, parent: Target) -> AsyncIterator[MacSecKey]:
        """A channel's keys, of all pages."""

        async def fetch(token: str | None) -> tuple[list[MacSecKey] | None, str | None]:
            del token
            page = await self.list_mac_sec_keys(parent)
            return page.mac_sec_keys, None

        return pages(fetch)

    async def get_mac_sec_key(self, name: Target, *, request_id: str | None = None) -> MacSecKey:
        """One key."""
        return await self._call(MacSecKey, "GetMacSecKey", name, request_id=request_id)

    async def delete_mac_sec_key(self, name: Target, *, request_id: str | None = None) -> Empty:
        """Deletes a key that is not active."""
        return await self._call(Empty, "DeleteMacSecKey", name, request_id=request_id)


__all__ = ["ResourceMethods"]
