"""What interfaces have counted: packets in and out."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.netlink import batch
from xcnet.netlink.links import RTM_GETLINK
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NetlinkSocket

_HEADER_AT, _ATTRIBUTES_AT = 16, 32
_INDEX = struct.Struct("=4xi")
_IFLA_STATS64 = 23
_PACKETS = struct.Struct("=QQ")
"""The first two of ``rtnl_link_stats64``: packets received and sent."""


@dataclass(frozen=True, slots=True)
class PacketCounters:
    """Since the interface was made."""

    received: int
    sent: int


def packets(netlink: NetlinkSocket) -> dict[int, PacketCounters]:
    """Of every interface of the namespace, by its number; one question to the kernel."""
    message = ifinfmsg()
    message["attrs"] = []
    return dict(netlink.dump(Request(message, RTM_GETLINK, "read the interfaces' counters"), _parse))


def _parse(message: bytes) -> tuple[int, PacketCounters]:
    (index,) = _INDEX.unpack_from(message, _HEADER_AT)
    held = batch.attributes(message, _ATTRIBUTES_AT)
    return index, PacketCounters(*_PACKETS.unpack_from(held.get(_IFLA_STATS64, bytes(_PACKETS.size))))


__all__ = ["PacketCounters", "packets"]
