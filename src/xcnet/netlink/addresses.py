"""IP addresses of interfaces."""

from __future__ import annotations

import errno as errnos
import struct
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from xcnet.netlink import batch
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request
from xcnet.netlink.socket import NetlinkSocket

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

_HEADER = struct.Struct("=BBBBI")
"""``ifaddrmsg``: family, prefix length, flags, scope, index of the interface."""
_BODY, _ATTRIBUTES = 16, 24
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8

_IFA_F_NODAD = 0x02
_IFA_F_DADFAILED = 0x08
_IFA_F_TENTATIVE = 0x40
_IFA_F_PERMANENT = 0x80
_SCOPE_HOST = 254
_AF = {4: 2, 6: 10}


@dataclass(frozen=True, slots=True)
class Address:
    """An address with its prefix length.

    :param tentative: IPv6: duplicate detection still runs, or found a duplicate: it cannot be used.
    :param permanent: given by someone, not learned from router advertisements.
    """

    index: int
    interface: IPv4Interface | IPv6Interface
    tentative: bool = False
    permanent: bool = True

    @property
    def link_local(self) -> bool:
        """IPv6 fe80::/10. (169.254.0.0/16 counts as an ordinary address: BGP sessions run on it.)"""
        return self.interface.version == 6 and self.interface.ip.is_link_local


def dump(netlink: NetlinkSocket, index: int | None = None) -> list[Address]:
    """The addresses of one interface, or of all."""
    message = ifaddrmsg()
    message["attrs"] = []
    if index is not None:
        message["index"] = index
    found = netlink.dump(Request(message, RTM_GETADDR, "list the addresses"), parse)
    return [address for address in found if index is None or address.index == index]


def add(index: int, interface: IPv4Interface | IPv6Interface) -> Request:
    """Give an interface an address. IPv6: without duplicate detection, usable at once. There already: accepted."""
    message = _about(index, interface)
    if interface.version == 6:
        message["flags"] = _IFA_F_NODAD
        message["attrs"].append(("IFA_FLAGS", _IFA_F_NODAD))
    what = f"give interface number {index} the address {interface}"
    return Request(message, RTM_NEWADDR, what, NLM_F_CREATE | NLM_F_EXCL, frozenset({errnos.EEXIST}))


def delete(index: int, interface: IPv4Interface | IPv6Interface) -> Request:
    """Take an address away. Not there: accepted."""
    what = f"take the address {interface} from interface number {index}"
    return Request(_about(index, interface), RTM_DELADDR, what, tolerate=frozenset({errnos.EADDRNOTAVAIL}))


def parse(message: bytes) -> Address:
    """From a whole RTM_NEWADDR or RTM_DELADDR."""
    _family, length, short_flags, _scope, index = _HEADER.unpack_from(message, _BODY)
    held = batch.attributes(message, _ATTRIBUTES)
    flags = batch.number(held[_IFA_FLAGS]) if _IFA_FLAGS in held else short_flags
    return Address(
        index=index,
        # Where a peer's address is given, that stands in IFA_ADDRESS.
        interface=ip_interface((held.get(_IFA_LOCAL) or held[_IFA_ADDRESS], length)),
        tentative=bool(flags & (_IFA_F_TENTATIVE | _IFA_F_DADFAILED)),
        permanent=bool(flags & _IFA_F_PERMANENT),
    )


def _about(index: int, interface: IPv4Interface | IPv6Interface) -> Any:
    message = ifaddrmsg()
    message["family"] = _AF[interface.version]
    message["prefixlen"] = interface.network.prefixlen
    message["index"] = index
    if interface.ip.is_loopback:
        message["scope"] = _SCOPE_HOST
    message["attrs"] = [("IFA_LOCAL", str(interface.ip)), ("IFA_ADDRESS", str(interface.ip))]
    return message


__all__ = ["RTM_DELADDR", "RTM_NEWADDR", "Address", "add", "delete", "dump", "parse"]
