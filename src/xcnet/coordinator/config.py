"""What a coordinator is born with: the resources that were agreed out of band, and its provider's rules. It never changes."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.policy.limits import LinkPolicy
from xcnet.model.monitoring import MonitorPolicy


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class ChannelConfig(_Model):
    """:param macsec_manager: the provider that makes and deletes its MACsec keys, and that adds features missing on it.
    :param device_id: equal for channels of one device, telling no more. :param edge: the own router that it ends in.
    :param rolls_over: False where an end's key agreement cannot change keys under traffic.
    """

    name: str
    macsec_manager: str
    cross_connect_manager: str
    size_gbps: int
    member_gbps: int
    device_id: str
    demarc: str
    edge: str
    key_bytes: int = 32
    rolls_over: bool = True


class InterconnectConfig(_Model):
    """:param capacity_mbps: what the bandwidths of its connections may sum to."""

    name: str
    capacity_mbps: int
    sizes_mbps: tuple[int, ...]
    closed: bool = False
    channels: tuple[ChannelConfig, ...]


class Site(_Model):
    provider: str
    site: str
    display_name: str


class EnvironmentConfig(_Model):
    """:param peer: the other provider. :param defer: who accepts a key always hands the driving over."""

    name: str
    peer: str
    sites: tuple[Site, ...]
    sizes_mbps: tuple[int, ...]
    public: bool = True
    defer: bool = False
    deferral_timeout_hours: int = 24
    interconnects: tuple[InterconnectConfig, ...]


class PeerConfig(_Model):
    """:param url: base of its API. :param address: where that is found, as nothing resolves names in a lab."""

    provider: str
    display_name: str
    url: str
    address: str = ""


class AttachPoint(_Model):
    """A customer's network at this provider: what a connection can be attached to.

    :param port: the gateway's port to the customer's host; None for a network without a host.
    :param networks: CIDR, IPv4 and IPv6.
    """

    name: str
    port: str | None = None
    networks: tuple[str, ...] = ()


class InternalPools(_Model):
    """Where the addresses between edges and gateway are taken from."""

    ipv4: str
    ipv4_length: int
    ipv6: str
    ipv6_length: int


class Rules(_Model):
    """The provider's numbers. Times in seconds of policy time, unless said otherwise.

    :param monitor: its times are real.
    """

    activation_lifetime: float = 7 * 86400
    activation_versions: tuple[int, ...] = (1, 2)
    key_pair_lifetime: float = 7 * 86400
    key_pairs_accepted: int = 4
    connections_per_account: int = 10
    pending_per_account: int = 4
    bake_seconds: float = 7200
    key_activation_timeout: float = 60
    cleanup_after: float = 7 * 86400
    maintenance_notice: float = 0
    required_share: Annotated[float, Field(gt=0, le=1)] = 0.75
    accepts_deferral: bool = True
    retry_initial: float = 0.1
    retry_maximum: float = 10.0
    retry_total: float = 60.0
    drain_timeout: float = 30.0
    settle_timeout: float = 20.0
    monitor: MonitorPolicy = MonitorPolicy()


class CoordinatorConfig(_Model):
    """One provider's coordinator."""

    provider: str
    display_name: str
    api_uri: str
    peers: dict[str, PeerConfig]
    environments: tuple[EnvironmentConfig, ...]
    link: LinkPolicy
    internal: InternalPools
    edges: tuple[str, ...]
    attach_points: tuple[AttachPoint, ...] = ()
    accounts: tuple[str, ...] = ()
    rules: Rules = Rules()

    def environment(self, name: str) -> EnvironmentConfig | None:
        return next((each for each in self.environments if each.name == name), None)

    def interconnect(self, name: str) -> InterconnectConfig | None:
        for environment in self.environments:
            for each in environment.interconnects:
                if each.name == name:
                    return each
        return None

    def environment_of(self, interconnect: str) -> EnvironmentConfig:
        """:raises KeyError: there is no such interconnect."""
        for environment in self.environments:
            if any(each.name == interconnect for each in environment.interconnects):
                return environment
        raise KeyError(interconnect)

    def channel(self, name: str) -> tuple[InterconnectConfig, ChannelConfig] | None:
        for environment in self.environments:
            for interconnect in environment.interconnects:
                for channel in interconnect.channels:
                    if channel.name == name:
                        return interconnect, channel
        return None


__all__ = [
    "AttachPoint",
    "ChannelConfig",
    "CoordinatorConfig",
    "EnvironmentConfig",
    "InterconnectConfig",
    "InternalPools",
    "PeerConfig",
    "Rules",
    "Site",
]
