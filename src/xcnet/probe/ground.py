"""Where a probe runs: its two hosts with their addresses and namespaces, and the channels between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from xcnet.errors import InputError, LabError
from xcnet.model.naming import HOST_PORT
from xcnet.model.plan import NodeKind, Plan, PlannedChannel
from xcnet.netlink import addresses, links
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.probe.plan import Directions, ProbePlan


@dataclass(frozen=True, slots=True)
class Host:
    """:param addresses: version of IP -> the one that is probed."""

    name: str
    netns: Netns
    addresses: dict[int, IPv4Address | IPv6Address]

    def address(self, version: int) -> IPv4Address | IPv6Address:
        """:raises LabError: it has none of that version."""
        if version not in self.addresses:
            raise LabError(
                f"{self.name} has no IPv{version} address",
                where=self.netns.name,
                remedy="probe the other version only, or give it one in the topology",
            )
        return self.addresses[version]


@dataclass(frozen=True, slots=True)
class Stream:
    """:param flows: their numbers."""

    source: Host
    target: Host
    version: int
    flows: tuple[int, ...]

    @property
    def name(self) -> str:
        return f"{self.source.name} > {self.target.name} IPv{self.version}"


@dataclass(frozen=True, slots=True)
class Ground:
    """:param facilities: facility -> its namespace."""

    source: Host
    target: Host
    channels: tuple[PlannedChannel, ...]
    facilities: dict[str, Netns]

    def streams(self, plan: ProbePlan) -> tuple[Stream, ...]:
        """:raises LabError: a host lacks an address of a version that is asked for."""
        pairs = []
        if plan.directions is not Directions.BACK:
            pairs.append((self.source, self.target))
        if plan.directions is not Directions.FORTH:
            pairs.append((self.target, self.source))
        wanted = [(source, target, version) for source, target in pairs for version in plan.versions]
        for source, target, version in wanted:
            source.address(version)
            target.address(version)
        return tuple(
            Stream(source, target, version, tuple(plan.flows_of(number)))
            for number, (source, target, version) in enumerate(wanted)
        )


def chosen_hosts(lab: Plan, source: str | None, target: str | None) -> tuple[str, str]:
    """The named hosts, or the first two that a connection of the topology joins, in its providers' order.

    :raises InputError: there is no such host, or nothing to choose from.
    """
    known = [node.name for node in lab.nodes if node.kind is NodeKind.HOST]
    if source is not None and target is not None:
        for name in (source, target):
            if name not in known:
                raise InputError(f"there is no host {name!r} in this lab", remedy=f"there are: {', '.join(known)}")
        return source, target
    for order in lab.orders:
        hosts = [side.host for side in order.sides.values() if side.host is not None]
        if len(hosts) >= 2:
            return hosts[0], hosts[1]
    raise InputError(
        "no connection of this lab's topology has a host at both of its ends",
        remedy="give two of the topology's providers a host each, in one connection",
    )


def ground(lab: Plan, namespaces: Mapping[str, Netns], source: str, target: str) -> Ground:
    """What there is of it in the kernel. :param namespaces: node -> its own.

    :raises KernelError: a host has no interface of that name.
    """
    return Ground(
        source=_host(source, namespaces[source]),
        target=_host(target, namespaces[target]),
        channels=lab.channels,
        facilities={channel.facility: namespaces[channel.facility] for channel in lab.channels},
    )


def _host(name: str, netns: Netns) -> Host:
    with NetlinkSocket(netns=netns) as netlink:
        index = links.get(netlink, HOST_PORT).index
        found = [each for each in addresses.dump(netlink, index) if not each.link_local]
    return Host(name, netns, {each.interface.version: each.interface.ip for each in reversed(found)})


__all__ = ["Ground", "Host", "Stream", "chosen_hosts", "ground"]
