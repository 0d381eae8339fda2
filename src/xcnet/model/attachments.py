"""Customer connections as planner and coordinators speak of them: what both sides agree on, and what one side makes of it."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from xcnet.model.desired import IfName
from xcnet.model.subnets import Address, Interface, LinkEnds, Network
from xcnet.secret import Secret

Vlan = Annotated[int, Field(ge=1, le=4094)]
Mtu = Annotated[int, Field(ge=1280, le=65535)]
Asn = Annotated[int, Field(ge=1, le=4294967295)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def channel_rate(bandwidth_bps: int, channels: int) -> int:
    """What each of a connection's channels is shaped to, in bits per second, rounded up.

    Any one channel may fail and the others still carry what was sold: the whole bandwidth is shared by all but one.
    A connection over a single channel has no other to rely on.

    :param channels: how many the connection's interconnect has, those included that have no feature at the moment.
    :raises ValueError: no bandwidth, or no channel.
    """
    if bandwidth_bps < 1 or channels < 1:
        raise ValueError(f"no share of {bandwidth_bps} bit/s over {channels} channels")
    return -(-bandwidth_bps // max(channels - 1, 1))


class FeatureEnd(_Model):
    """One side of a feature (FEATURE_TYPE_L3_BASE): a connection's layer 3 on one channel, as this side configures it.

    :param addresses: own address in each subnet, IPv4 before IPv6. :param peers: the other side's, in the same order.
    :param peer_asn: the other side's AS number.
    :param md5: TCP MD5 password of the sessions (RFC 2385); None for none.
    :param drained: its routes are the last to be used, in both directions.
    :param rate: bits per second that may leave through this channel; None for no limit.
    """

    channel: str
    vlan: Vlan
    mtu: Mtu
    addresses: tuple[Interface, ...]
    peers: tuple[Address, ...]
    peer_asn: Asn
    md5: Secret | None = None
    drained: bool = False
    rate: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _paired(self) -> Self:
        if len(self.addresses) != len(self.peers):
            raise ValueError("there are not as many peers as own addresses")
        for own, peer in zip(self.addresses, self.peers, strict=True):
            if peer not in own.network or peer == own.ip:
                raise ValueError(f"{peer} is no neighbour of {own}")
        return self


class FeatureTerms(_Model):
    """What both sides of a feature share: all that a channel's two routers must have alike for one connection.

    :param subnets: one of each address family in use, IPv4 before IPv6.
    :param hosts: provider -> its own address in each subnet, in the same order. :param asns: provider -> its AS number.
    """

    channel: str
    vlan: Vlan
    mtu: Mtu
    subnets: Annotated[tuple[Network, ...], Field(min_length=1, max_length=2)]
    hosts: dict[str, tuple[Address, ...]]
    asns: dict[str, Asn]
    md5: Secret | None = None

    @model_validator(mode="after")
    def _two_sides(self) -> Self:
        if len(self.hosts) != 2 or set(self.hosts) != set(self.asns):
            raise ValueError("addresses and AS numbers are not of the same two providers")
        for addresses in self.hosts.values():
            if len(addresses) != len(self.subnets):
                raise ValueError("a provider has no address in one of the subnets")
            for address, subnet in zip(addresses, self.subnets, strict=True):
                if address not in subnet:
                    raise ValueError(f"{address} is not in {subnet}")
        return self

    def peer(self, provider: str) -> str:
        """The other provider. :raises KeyError: this one is no side of it."""
        self.hosts[provider]
        return next(other for other in self.hosts if other != provider)

    def end(self, provider: str, *, rate: int | None = None, drained: bool = False) -> FeatureEnd:
        """One provider's side of it. :raises KeyError: the provider is no side of it."""
        peer = self.peer(provider)
        own = zip(self.hosts[provider], self.subnets, strict=True)
        return FeatureEnd(
            channel=self.channel,
            vlan=self.vlan,
            mtu=self.mtu,
            addresses=tuple(ip_interface((address, subnet.prefixlen)) for address, subnet in own),
            peers=self.hosts[peer],
            peer_asn=self.asns[peer],
            md5=self.md5,
            drained=drained,
            rate=rate,
        )


class Attachment(_Model):
    """One customer connection at one provider: a VRF on its gateway and on edges of it.

    A connection that migrates has one attachment too: its features then lie on channels of two interconnects.

    :param name: what the connection is called in the lab. :param vrf: the VRF's device on every router.
    :param table: kernel routing table, > 255; no two attachments of a provider have the same.
    :param internal_vlan: its tag between edges and gateway. :param mtu: of the VLANs between edges and gateway.
    :param port: the gateway's port to the customer's host; None: the gateway itself answers for the networks.
    :param networks: the customer's own subnets at this provider, announced to the other side.
    :param internal: edge -> (the edge's address, the gateway's) for each family. These edges have the VRF, whether one of
        the features ends on them or not.
    :param asn: this side's AS number in the VRF; the provider's where None.
    """

    name: str
    vrf: IfName
    table: Annotated[int, Field(gt=255, le=4294967294)]
    internal_vlan: Vlan
    mtu: Mtu
    port: IfName | None = None
    networks: tuple[Network, ...] = ()
    internal: dict[str, LinkEnds] = Field(default_factory=dict)
    features: tuple[FeatureEnd, ...] = ()
    asn: Asn | None = None

    @model_validator(mode="after")
    def _one_feature_a_channel(self) -> Self:
        channels = [feature.channel for feature in self.features]
        if len(set(channels)) < len(channels):
            raise ValueError("two features lie on one channel")
        return self


__all__ = ["Attachment", "FeatureEnd", "FeatureTerms", "channel_rate"]
