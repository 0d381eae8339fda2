"""Parts of a plan that coordinators work from: environments, interconnects, customers, orders, and who may speak to whom."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Interface
from uuid import UUID

from xcnet.model.attachments import Attachment
from xcnet.model.environments import Visibility
from xcnet.model.network import ChannelState, ProviderNetwork
from xcnet.model.subnets import Network


@dataclass(frozen=True, slots=True)
class PlannedSite:
    """Where an environment is, in one provider's terms: its code, and its name for people."""

    site: str
    display_name: str


@dataclass(frozen=True, slots=True)
class PlannedEnvironment:
    """A pair of sites, the same at both providers.

    :param sites: provider -> its site; two of them. :param sizes_bps: bandwidths to be had, the smallest first.
    :param defer_provisioning: who receives an activation key leaves the provisioning to the other side.
    """

    name: str
    sites: dict[str, PlannedSite]
    interconnects: tuple[str, ...]
    sizes_bps: tuple[int, ...]
    defer_provisioning: bool
    deferral_timeout_hours: int
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class PlannedInterconnect:
    """A redundancy group of channels.

    :param capacity_bps: all of its connections' bandwidths together. :param closed: gets no new connections.
    """

    name: str
    environment: str
    providers: tuple[str, str]
    channels: tuple[str, ...]
    capacity_bps: int
    closed: bool


@dataclass(frozen=True, slots=True)
class PlannedCustomer:
    """:param accounts: provider -> account, each the customer's alone at that provider."""

    name: str
    accounts: dict[str, str]


@dataclass(frozen=True, slots=True)
class OrderSide:
    """What the customer has at one provider.

    :param account: the account there. :param networks: own subnets, of the families that both sides have.
    :param host: the application host's node. :param port: the gateway's port to it; both None where there is none.
    :param mtu: the largest wanted, or what the provider takes at most.
    """

    account: str
    networks: tuple[Network, ...]
    host: str | None
    port: str | None
    mtu: int


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """A connection that the topology asks for, whether it stands from the start or is yet to be made.

    :param uuid: its shared identity, made of the topology's name and its own, so that it is the same in every run.
    :param interconnect: the one that the topology puts it on. :param vlan: its tag there, and inside either provider.
    """

    name: str
    uuid: UUID
    customer: str
    environment: str
    interconnect: str
    bandwidth_bps: int
    vlan: int
    sides: dict[str, OrderSide] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PlannedNetwork:
    """One provider's routers as :func:`xcnet.model.routers.render` takes them, at the start."""

    network: ProviderNetwork
    channels: tuple[ChannelState, ...]
    attachments: tuple[Attachment, ...]


@dataclass(frozen=True, slots=True)
class ManagementLink:
    """A coordinator's link to one peer: its own interface and address, and the peer's address."""

    interface: str
    address: IPv4Interface
    peer: IPv4Address


@dataclass(frozen=True, slots=True)
class PlannedCoordinator:
    """:param node: its node. :param peers: provider -> the link to that provider's coordinator."""

    node: str
    peers: dict[str, ManagementLink]


__all__ = [
    "ManagementLink",
    "OrderSide",
    "PlannedCoordinator",
    "PlannedCustomer",
    "PlannedEnvironment",
    "PlannedInterconnect",
    "PlannedNetwork",
    "PlannedOrder",
    "PlannedSite",
]
