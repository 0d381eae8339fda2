"""A lab as it will be built: nodes, links, splices, addresses, and the desired state of each router. Names are final here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Interface, IPv6Interface

from xcnet.model.attachments import FeatureTerms
from xcnet.model.desired import RouterState
from xcnet.model.plan_agreed import (
    PlannedCoordinator,
    PlannedCustomer,
    PlannedEnvironment,
    PlannedInterconnect,
    PlannedNetwork,
    PlannedOrder,
)
from xcnet.model.profile import Profile
from xcnet.model.sabotage import Sabotage


class NodeKind(StrEnum):
    EDGE = "edge"
    GATEWAY = "gateway"
    HOST = "host"
    FACILITY = "facility"
    COORDINATOR = "coordinator"


@dataclass(frozen=True, slots=True)
class PlannedNode:
    """:param provider: the provider's key in the topology; None for a facility."""

    name: str
    kind: NodeKind
    provider: str | None = None


@dataclass(frozen=True, slots=True)
class Impairment:
    """What a fibre does to frames, in each direction by itself (netem).

    :param delay: seconds. :param jitter: seconds. :param loss: share, 0 to 1. :param rate: bits per second; 0 for none.
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    rate: int = 0


@dataclass(frozen=True, slots=True)
class PlannedLink:
    """A veth pair: ``(node, interface)`` at each end.

    :param kind: ``fibre`` (edge port to facility port), ``internal`` (edge to gateway), ``access`` (gateway to host) or
        ``management`` (coordinator to coordinator).
    :param channel: the channel whose half this fibre is.
    :param impairment: applied to frames leaving the *facility's* end, towards the edge.
    :param mac: (a, b) hardware addresses: fixed by name, so that SCIs and captures can be compared between runs.
    """

    a: tuple[str, str]
    b: tuple[str, str]
    kind: str
    mtu: int
    mac: tuple[str, str]
    channel: str | None = None
    impairment: Impairment = Impairment()


@dataclass(frozen=True, slots=True)
class Splice:
    """Two ports of a facility joined with tc mirred in both directions: one channel's cross-connect."""

    facility: str
    channel: str
    ports: tuple[str, str]


@dataclass(frozen=True, slots=True)
class HostAddressing:
    """A host's one interface, its addresses and default routes."""

    node: str
    interface: str
    connection: str
    addresses: tuple[IPv4Interface | IPv6Interface, ...]
    gateways: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChannelEnd:
    """One end of a channel: which router's which port, and the facility port its fibre ends in."""

    provider: str
    node: str
    port: str
    device: str
    facility_port: str


@dataclass(frozen=True, slots=True)
class PlannedChannel:
    """:param macsec_manager: the provider that makes its keys; the other one looks after the cross-connect.
    :param demarc: where the cross-connect ends, in the building's words.
    :param member_bps: bits per second of each member of its LAG; it has one.
    """

    name: str
    interconnect: str
    facility: str
    ends: tuple[ChannelEnd, ChannelEnd]
    macsec_manager: str
    demarc: str
    member_bps: int

    @property
    def cross_connect_manager(self) -> str:
        """The provider that looks after the cross-connect."""
        return next(end.provider for end in self.ends if end.provider != self.macsec_manager)


@dataclass(frozen=True, slots=True)
class PlannedConnection:
    """A customer connection for those who prove or show it: where it runs and between which hosts.

    :param hosts: provider -> host node; a side without a host is absent.
    :param mtu: the negotiated MTU, the highest both profiles allow.
    :param features: what both sides share, for each channel.
    """

    name: str
    vlan: int
    vrf: str
    mtu: int
    bandwidth_bps: int
    channels: tuple[str, ...]
    hosts: dict[str, str] = field(default_factory=dict)
    features: tuple[FeatureTerms, ...] = ()


@dataclass(frozen=True, slots=True)
class PlannedProvider:
    """One side, for those who show it: its name, its AS number, and what its routers are called by the provider."""

    display_name: str
    asn: int
    gateway: str
    edge: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The whole lab. Iteration order is the order of building.

    :param connections: those that stand from the start; none in a bare lab.
    :param providers: the provider's key in the topology -> what to show of it.
    :param profiles: provider -> its profile. :param coordinators: provider -> its coordinator.
    :param networks: provider -> what its routers' states are rendered from.
    :param orders: the topology's connections, whether they stand or are to be made.
    :param sabotage: what the lab is robbed of on purpose; None for one that is whole.
    """

    topology: str
    nodes: tuple[PlannedNode, ...]
    links: tuple[PlannedLink, ...]
    splices: tuple[Splice, ...]
    hosts: tuple[HostAddressing, ...]
    channels: tuple[PlannedChannel, ...]
    connections: tuple[PlannedConnection, ...]
    routers: dict[str, RouterState]
    providers: dict[str, PlannedProvider] = field(default_factory=dict)
    profiles: dict[str, Profile] = field(default_factory=dict)
    coordinators: dict[str, PlannedCoordinator] = field(default_factory=dict)
    networks: dict[str, PlannedNetwork] = field(default_factory=dict)
    environments: tuple[PlannedEnvironment, ...] = ()
    interconnects: tuple[PlannedInterconnect, ...] = ()
    customers: tuple[PlannedCustomer, ...] = ()
    orders: tuple[PlannedOrder, ...] = ()
    sabotage: Sabotage | None = None

    def node(self, name: str) -> PlannedNode:
        """:raises KeyError: there is none of that name."""
        return next(n for n in self.nodes if n.name == name)

    def channel(self, name: str) -> PlannedChannel:
        """:raises KeyError: there is none of that name."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        raise KeyError(name)


__all__ = [
    "ChannelEnd",
    "HostAddressing",
    "Impairment",
    "NodeKind",
    "Plan",
    "PlannedChannel",
    "PlannedConnection",
    "PlannedLink",
    "PlannedNode",
    "PlannedProvider",
    "Splice",
]
