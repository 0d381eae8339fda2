"""What the proof is about: a lab's channels and connections with everything needed to look at them, and nothing more."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface

from xcnet.model.plan import Plan, PlannedChannel
from xcnet.netlink.netns import Netns
from xcnet.proof.decrypt import SakMaterial

Address = IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Subject:
    """:param saks: channel -> its live SAKs, both directions. :param namespaces: node -> namespace."""

    plan: Plan
    namespaces: dict[str, Netns]
    saks: dict[str, tuple[SakMaterial, ...]]

    def vlan_on(self, channel: PlannedChannel, end: int) -> VlanEnd | None:
        """The first connection's interface on one end of a channel, whose addresses are reached over that channel only."""
        node, device = channel.ends[end].node, channel.ends[end].device
        for vrf in self.plan.routers[node].vrfs:
            for interface in vrf.interfaces:
                if interface.parent == device and interface.vlan is not None:
                    address = next((a for a in interface.addresses if a.version == 4), interface.addresses[0])
                    return VlanEnd(node, vrf.name, interface.name, interface.vlan, address)
        return None

    def hosts(self, connection: str) -> dict[str, tuple[IPv4Interface | IPv6Interface, ...]]:
        """Host node -> its addresses, for the hosts of a connection."""
        return {host.node: host.addresses for host in self.plan.hosts if host.connection == connection}


@dataclass(frozen=True, slots=True)
class VlanEnd:
    node: str
    vrf: str
    interface: str
    vlan: int
    address: IPv4Interface | IPv6Interface


def udp_socket(netns: Netns, address: Address, port: int = 0, *, device: str = "") -> socket.socket:
    """A UDP socket in a namespace. :param device: bound to this interface or VRF."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with netns.entered():
        opened = socket.socket(family, socket.SOCK_DGRAM)
    if device:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    opened.bind((str(address), port))
    return opened


__all__ = ["Subject", "VlanEnd", "udp_socket"]
