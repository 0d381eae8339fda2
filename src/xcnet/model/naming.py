"""Names of nodes and interfaces and the hardware addresses made of them: the one place that decides them."""

from __future__ import annotations

import hashlib
from collections.abc import Collection

IFNAMSIZ = 15
"""Characters of an interface name; the kernel's constant counts the closing zero too."""

EDGE_PORT = "gw0"
HOST_PORT = "eth0"
FIRST_TABLE = 1001


def edge_node(provider: str, edge: str) -> str:
    return f"{provider}-{edge}"


def host_node(provider: str, host: str) -> str:
    return f"{provider}-{host}"


def coordinator_node(provider: str) -> str:
    return f"{provider}-coord"


def management_port(peer: str) -> str:
    """A coordinator's interface to the coordinator of another provider."""
    return f"to-{peer}"


def macsec_device(channel: str) -> str:
    return f"{channel}.sec"


def vlan_interface(parent: str, vlan: int) -> str:
    """Of a channel (on its MACsec device) or of an internal port."""
    return f"{parent}.{vlan}"


def vrf_device(connection: str) -> str:
    return f"vrf-{connection}"


def facility_port(channel: str, provider: str) -> str:
    return f"{channel}-{provider}"


def host_side_port(host: str, taken: Collection[str]) -> str:
    """The gateway's port to a host: the host's node name, cut and marked where it is too long or taken."""
    if len(host) <= IFNAMSIZ and host not in taken:
        return host
    return f"{host[: IFNAMSIZ - 5]}-{hashlib.sha256(host.encode()).hexdigest()[:4]}"


def hardware_address(node: str, interface: str) -> str:
    """A locally administered unicast address, the same in every run: captures and SCIs can be compared."""
    digest = hashlib.sha256(f"{node}/{interface}".encode()).digest()[:6]
    octets = bytes([(digest[0] & 0xFC) | 0x02]) + digest[1:]
    return octets.hex(":")


__all__ = [
    "EDGE_PORT",
    "FIRST_TABLE",
    "HOST_PORT",
    "IFNAMSIZ",
    "coordinator_node",
    "edge_node",
    "facility_port",
    "hardware_address",
    "host_node",
    "host_side_port",
    "macsec_device",
    "management_port",
    "vlan_interface",
    "vrf_device",
]
