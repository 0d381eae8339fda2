"""Connections and features at a peer: one method for each operation."""

from __future__ import annotations

from collections.abc import AsyncIterator

from xcnet.coordinator.http.client_base import ClientBase, Target, pages
from xcnet.secret import Secret
from xcnet.spec.connections import (
    Connection,
    Feature,
    GenerateFeatureGuidanceRequest,
    GenerateFeatureGuidanceResponse,
    ListConnectionsResponse,
    ListFeaturesResponse,
    NotifyConnectionStatusRequest,
)
from xcnet.spec.resources import Empty


class ConnectionMethods(ClientBase):
    """Errors are those of :meth:`xcnet.coordinator.http.caller.Caller.call`."""

    async def list_connections(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListConnectionsResponse:
        """The connections on an interconnect."""
        return await self._call(
            ListConnectionsResponse,
            "ListConnections",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_connections(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Connection]:
        """The connections on an interconnect, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Connection] | None, str | None]:
            page = await self.list_connections(parent, page_size=page_size, page_token=token)
            return page.connections, page.next_page_token

        return pages(fetch)

    async def create_connection(
        self,
        parent: Target,
        connection_id: str,
        connection: Connection,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
    ) -> Connection:
        """Creates a connection, which reserves its bandwidth. The caller has created its own before."""
        return await self._call(
            Connection,
            "CreateConnection",
            parent,
            {"connectionId": connection_id},
            connection,
            request_id=request_id,
            proof=proof,
        )

    async def get_connection(self, name: Target, *, request_id: str | None = None) -> Connection:
        """One connection."""
        return await self._call(Connection, "GetConnection", name, request_id=request_id)

    async def update_connection(
        self,
        name: Target,
        connection: Connection,
        *,
        update_mask: str | None = None,
        request_id: str | None = None,
        proof: Secret | None = None,
    ) -> Connection:
        """Changes a connection's bandwidth."""
        return await self._call(
            Connection,
            "UpdateConnection",
            name,
            {"updateMask": update_mask},
            connection,
            request_id=request_id,
            proof=proof,
        )

    async def delete_connection(
        self, name: Target, *, request_id: str | None = None, proof: Secret | None = None
    ) -> Empty:
        """Deletes a connection and all its features; cannot be declined."""
        return await self._call(Empty, "DeleteConnection", name, request_id=request_id, proof=proof)

    async def generate_feature_guidance(
        self,
        connection: Target,
        request: GenerateFeatureGuidanceRequest | None = None,
        *,
        request_id: str | None = None,
    ) -> GenerateFeatureGuidanceResponse:
        """What the server accepts for features, on each channel."""
        return await self._call(
            GenerateFeatureGuidanceResponse, "GenerateFeatureGuidance", connection, None, request, request_id=request_id
        )

    async def notify_connection_status(
        self, connection: Target, request: NotifyConnectionStatusRequest | None = None, *, request_id: str | None = None
    ) -> Empty:
        """Says that the connection's state at the caller has changed."""
        return await self._call(Empty, "NotifyConnectionStatus", connection, None, request, request_id=request_id)

    async def list_features(
        self,
        parent: Target,
        *,
        page_size: int | None = None,
        page_token: str | None = None,
        request_id: str | None = None,
    ) -> ListFeaturesResponse:
        """A connection's features."""
        return await self._call(
            ListFeaturesResponse,
            "ListFeatures",
            parent,
            {"pageSize": page_size, "pageToken": page_token},
            request_id=request_id,
        )

    def iterate_features(self, parent: Target, *, page_size: int | None = None) -> AsyncIterator[Feature]:
        """A connection's features, of all pages."""

        async def fetch(token: str | None) -> tuple[list[Feature] | None, str | None]:
            page = await self.list_features(parent, page_size=page_size, page_token=token)
            return page.features, page.next_page_token

        return pages(fetch)

    async def create_feature(
        self, parent: Target, feature_id: str, feature: Feature, *, request_id: str | None = None
    ) -> Feature:
        """Proposes a feature on one channel: taken or refused as a whole."""
        return await self._call(
            Feature, "CreateFeature", parent, {"featureId": feature_id}, feature, request_id=request_id
        )

    async def get_feature(self, name: Target, *, request_id: str | None = None) -> Feature:
        """One feature."""
        return await self._call(Feature, "GetFeature", name, request_id=request_id)

    async def update_feature(
        self, name: Target, feature: Feature, *, update_mask: str | None = None, request_id: str | None = None
    ) -> Feature:
        """Changes a feature of an updatable type."""
        return await self._call(
            Feature, "UpdateFeature", name, {"updateMask": update_mask}, feature, request_id=request_id
        )

    async def delete_feature(self, name: Target, *, request_id: str | None = None) -> Empty:
        """Deletes one feature; its channel's routes leave first."""
        return await self._call(Empty, "DeleteFeature", name, request_id=request_id)


__all__ = ["ConnectionMethods"]
