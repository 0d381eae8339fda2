"""TCP sockets that listen, and the interface each is bound to (sock_diag(7)).

FRR loses MD5 passwords that it is given before bgpd has opened the listener of the VRF; this shows when it has.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

from pyroute2.netlink.diag import SOCK_DIAG_BY_FAMILY, SS_LISTEN, inet_diag_msg, inet_diag_req

from xcnet.netlink.netns import Netns
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NETLINK_SOCK_DIAG, NetlinkSocket, decoder

_AF = {4: 2, 6: 10}
_IPPROTO_TCP = 6


@dataclass(frozen=True, slots=True)
class Listener:
    """:param index: of the interface (a VRF device) that it is bound to, 0 for none."""

    address: IPv4Address | IPv6Address
    port: int
    index: int


def listeners(netns: Netns | None = None, port: int | None = None) -> list[Listener]:
    """The listening TCP sockets of a namespace, of both families.

    :raises KernelError: the kernel has no ``inet_diag``/``tcp_diag``.
    """
    with NetlinkSocket(NETLINK_SOCK_DIAG, netns) as netlink:
        found = []
        for version in (4, 6):
            for message in netlink.dump(_request(version), decoder(inet_diag_msg)):
                listener = Listener(ip_address(message["idiag_src"]), message["idiag_sport"], message["idiag_if"])
                if port is None or listener.port == port:
                    found.append(listener)
        return found


def _request(version: int) -> Request:
    message: Any = inet_diag_req()
    message["sdiag_family"] = _AF[version]
    message["sdiag_protocol"] = _IPPROTO_TCP
    message["idiag_states"] = 1 << SS_LISTEN
    for name in ("idiag_ext", "__pad", "idiag_sport", "idiag_dport", "idiag_src", "idiag_dst", "idiag_if"):
        message[name] = 0
    message["idiag_cookie"] = 0
    remedy = "load the kernel modules inet_diag and tcp_diag"
    return Request(message, SOCK_DIAG_BY_FAMILY, "list the listening sockets", remedy=remedy)


__all__ = ["Listener", "listeners"]
