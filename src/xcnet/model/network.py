"""One provider's network: what does not change while the lab lives, and the state of its channels, which does."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.model.desired import Cak, GracefulRestart, IfName, KeyAgreement, Macsec
from xcnet.model.profile import PrefixLimit, SessionTimers


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ChannelState(_Model):
    """What may change about a channel at one of its ends.

    :param keys: its connectivity associations; none closes the channel.
    :param enabled: False takes its MACsec device down. :param drained: its routes are the last to be used.
    """

    name: str
    keys: tuple[Cak, ...] = ()
    enabled: bool = True
    drained: bool = False


class ChannelPort(_Model):
    """One channel's end at this provider.

    :param edge: the edge's name within the provider. :param peer: the provider at the other end.
    :param peer_node: the other end's node. :param port: the bare port. :param device: the MACsec device on it.
    """

    name: str
    interconnect: str
    edge: str
    peer: str
    peer_node: str
    port: IfName
    device: IfName
    port_mtu: Annotated[int, Field(ge=1280, le=65535)]
    macsec: Macsec
    key_agreement: KeyAgreement = KeyAgreement.XCNET


class ProviderNetwork(_Model):
    """A provider's routers, links and habits. The order of edges and channels is that in which everything is configured.

    :param provider: its key in the topology. :param asn: of its routers, unless an attachment says otherwise.
    :param edges: edge -> its node. :param gateway: the gateway's node.
    :param ports: the gateway's ports with their MTU: one named after each edge, then those to hosts.
    :param router_ids: node -> BGP identifier. :param channels: of all its interconnects.
    :param external: timers towards other providers, as the lab wants them (its own, or the fast ones).
    :param internal: timers between edges and gateway. :param prefix_limit: of each external session.
    """

    provider: str
    asn: int
    edges: dict[str, str]
    gateway: str
    ports: dict[IfName, int]
    router_ids: dict[str, IPv4Address]
    channels: tuple[ChannelPort, ...]
    external: SessionTimers
    internal: SessionTimers
    prefix_limit: PrefixLimit
    graceful_restart: GracefulRestart | None = None

    def channel(self, name: str) -> ChannelPort:
        """:raises KeyError: this provider has no end of such a channel."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)


__all__ = ["ChannelPort", "ChannelState", "ProviderNetwork"]
