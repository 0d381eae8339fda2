"""Whether attachments fit a network and each other, before routers are told: nothing unknown, nothing given twice."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator

from xcnet.model.attachments import Attachment
from xcnet.model.network import ProviderNetwork


def check_attachments(network: ProviderNetwork, channels: Iterable[str], attachments: Iterable[Attachment]) -> None:
    """:raises ValueError: says which attachment or channel, and what is the matter."""
    known = {channel.name: channel for channel in network.channels}
    unknown = [name for name in channels if name not in known]
    if unknown:
        raise ValueError(f"{network.provider} has no end of {', '.join(unknown)}")
    taken: dict[tuple[str, Hashable], Attachment] = {}
    for attachment in attachments:
        for edge in attachment.internal:
            if edge not in network.edges:
                raise ValueError(f"{attachment.name}: {network.provider} has no edge {edge}")
        for feature in attachment.features:
            channel = known.get(feature.channel)
            if channel is None:
                raise ValueError(f"{attachment.name}: {network.provider} has no end of {feature.channel}")
            if channel.edge not in attachment.internal:
                raise ValueError(
                    f"{attachment.name}: {feature.channel} ends on {channel.edge}, which has no internal link"
                )
        if attachment.port is not None and (attachment.port not in network.ports or attachment.port in network.edges):
            raise ValueError(f"{attachment.name}: {network.gateway} has no port {attachment.port} to a host")
        for what, key in _claims(attachment):
            other = taken.setdefault((what, key), attachment)
            if other is not attachment:
                raise ValueError(f"{attachment.name}: {what} {key} is {other.name}'s already")


def _claims(attachment: Attachment) -> Iterator[tuple[str, Hashable]]:
    """What no other attachment of the provider may have as well."""
    yield "name", attachment.name
    yield "table", attachment.table
    yield "VRF", attachment.vrf
    if attachment.port is not None:
        yield "port", attachment.port
    for edge in attachment.internal:
        yield f"internal VLAN at {edge}", attachment.internal_vlan
    for feature in attachment.features:
        yield f"VLAN on {feature.channel}", feature.vlan


__all__ = ["check_attachments"]
