"""IP addresses of interfaces."""

from __future__ import annotations

import errno as errnos
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv6Interface, ip_interface
from typing import Any

from pyroute2.netlink.rtnl.ifaddrmsg import ifaddrmsg

from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request
from xcnet.netlink.socket import NetlinkSocket

RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22

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
    found = netlink.dump(Request(message, RTM_GETADDR, "list the addresses"), ifaddrmsg)
    addresses = (parse(each) for each in found)
    return [address for address in addresses if index is None or address.index == index]


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


def parse(message: Any) -> Address:
    """From a decoded ``ifaddrmsg``."""
    ip = message.get_attr("IFA_LOCAL") or message.get_attr("IFA_ADDRESS")
    flags = message.get_attr("IFA_FLAGS") or message["flags"]
    return Address(
        index=message["index"],
        interface=ip_interface(f"{ip}/{message['prefixlen']}"),
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
