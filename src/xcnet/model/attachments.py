"""A customer's connection at one provider, and the state of its channels: what routers are configured from.

Whoever decides (a topology file, a coordinator that has negotiated) says it in these terms; :mod:`xcnet.model.routers`
makes the routers' desired state of it.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.model.desired import Cak, IfName
from xcnet.secret import Secret

Interface = IPv4Interface | IPv6Interface


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class FeatureEnd(_Model):
    """A connection on one channel, as one side configures it.

    :param addresses: its own on the channel, IPv4 first. :param peers: the other side's, in the same order.
    :param drained: its routes are avoided at both sides, as long as there are others.
    :param rate: bits per second that it may send over this channel; None for no limit.
    """

    channel: str
    vlan: Annotated[int, Field(ge=1, le=4094)]
    mtu: Annotated[int, Field(ge=1280, le=65535)]
    addresses: tuple[Interface, ...]
    peers: tuple[IPv4Address | IPv6Address, ...]
    peer_asn: int
    md5: Secret | None = None
    drained: bool = False
    rate: int | None = None


class Attachment(_Model):
    """One customer connection at one provider. While it is migrated its features lie on channels of two interconnects.

    :param port: the gateway's port to the customer's host; None puts the customer's first addresses on the VRF itself.
    :param networks: the customer's subnets at this side.
    :param internal: edge -> for each address family (the edge's end, the gateway's end) of the link between them.
    """

    name: str
    vrf: IfName
    table: int
    internal_vlan: Annotated[int, Field(ge=1, le=4094)]
    mtu: int
    port: IfName | None = None
    networks: tuple[IPv4Network | IPv6Network, ...] = ()
    internal: dict[str, tuple[tuple[Interface, Interface], ...]]
    features: tuple[FeatureEnd, ...]


class ChannelState(_Model):
    """What changes of a channel's end while the lab lives.

    :param keys: none leaves it closed. :param enabled: False takes it down. :param drained: its routes are avoided.
    """

    name: str
    keys: tuple[Cak, ...] = ()
    enabled: bool = True
    drained: bool = False


def channel_rate(bandwidth_bps: int, channels: int) -> int:
    """What a connection may send over each of its channels, in bits per second.

    One channel may fail without loss of what was sold: each of N carries a share of N-1.
    """
    carriers = max(1, channels - 1)
    return -(-bandwidth_bps // carriers)


__all__ = ["Attachment", "ChannelState", "FeatureEnd", "channel_rate"]
