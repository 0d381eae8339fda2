"""Links: what interfaces there are, and requests that change or delete one. New ones: :mod:`xcnet.netlink.link_kinds`."""

from __future__ import annotations

import errno as errnos
import struct
from dataclasses import dataclass
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.errors import KernelError
from xcnet.netlink import batch
from xcnet.netlink.macsec_types import MacsecLink, parse_link
from xcnet.netlink.request import Request
from xcnet.netlink.socket import NetlinkSocket

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK = 16, 17, 18, 19

IFF_UP = 0x1
_IFF_LOWER_UP = 0x10000
_RTEXT_FILTER_SKIP_STATS = 8
_ADDR_GEN_NONE, _ADDR_GEN_EUI64 = 1, 0

_HEADER = struct.Struct("=BxHiII")
"""``ifinfomsg``: family, type of hardware, index, flags, which of them changed."""
_BODY, _ATTRIBUTES = 16, 32

_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_LINK, _IFLA_MASTER = 1, 3, 4, 5, 10
_IFLA_OPERSTATE, _IFLA_LINKINFO, _IFLA_IFALIAS = 16, 18, 20
_INFO_KIND, _INFO_DATA = 1, 2
_VLAN_ID, _VRF_TABLE = 1, 1
_OPERSTATES = ("UNKNOWN", "NOTPRESENT", "DOWN", "LOWERLAYERDOWN", "TESTING", "DORMANT", "UP")

LinkRef = int | str
"""An interface by index or by name."""


@dataclass(frozen=True, slots=True)
class Link:
    """An interface.

    :param kind: ``veth``, ``vlan``, ``vrf``, ``macsec``, ``dummy``, ...; empty for ``lo`` and hardware.
    :param up: administratively up. :param carrier: the layer below is up.
    :param operstate: RFC 2863: UP, DOWN, LOWERLAYERDOWN, UNKNOWN ...
    :param master: index of the VRF or bridge that it belongs to, 0 for none.
    :param parent: index of the device below (VLAN, MACsec) or of the other end (veth, perhaps in another namespace), or 0.
    :param vrf_table: of a VRF. :param macsec: of a MACsec device.
    """

    index: int
    name: str
    kind: str
    up: bool
    carrier: bool
    operstate: str
    mtu: int
    mac: str
    master: int = 0
    parent: int = 0
    vlan: int | None = None
    vrf_table: int | None = None
    macsec: MacsecLink | None = None
    alias: str = ""


def dump(netlink: NetlinkSocket) -> list[Link]:
    """Every interface of the namespace, by index."""
    message = ifinfmsg()
    message["attrs"] = [("IFLA_EXT_MASK", _RTEXT_FILTER_SKIP_STATS)]
    found = netlink.dump(Request(message, RTM_GETLINK, "list the interfaces"), parse)
    return sorted(found, key=lambda link: link.index)


def by_name(netlink: NetlinkSocket) -> dict[str, Link]:
    """Every interface of the namespace, by its name."""
    return {link.name: link for link in dump(netlink)}


def find(netlink: NetlinkSocket, link: LinkRef) -> Link | None:
    """One interface; None if there is none."""
    message = addressed(link)
    message["attrs"].append(("IFLA_EXT_MASK", _RTEXT_FILTER_SKIP_STATS))
    request = Request(message, RTM_GETLINK, f"look at {describe(link)}", tolerate=frozenset({errnos.ENODEV}))
    return netlink.ask(request, parse)


def get(netlink: NetlinkSocket, link: LinkRef) -> Link:
    """:raises KernelError: there is none of that name or index (errno ENODEV)."""
    found = find(netlink, link)
    if found is None:
        raise KernelError(
            f"there is no {describe(link)}",
            where=netlink.where,
            remedy="check the name; `ip link` in that namespace lists those that are there",
            errno=errnos.ENODEV,
        )
    return found


def change(
    link: LinkRef,
    *,
    up: bool | None = None,
    mtu: int | None = None,
    master: int | None = None,
    mac: str | None = None,
    alias: str | None = None,
    name: str | None = None,
    ipv6_link_local: bool | None = None,
) -> Request:
    """Set what is given and leave the rest.

    :param master: index of a VRF; 0 takes it out.
    :param name: a new name; the interface has to be given by index then, and to be down on kernels before 6.2.
    :param ipv6_link_local: False keeps the kernel from making a link-local address by itself.
    """
    message = addressed(link)
    attributes = message["attrs"]
    said = []
    if up is not None:
        message["flags"] = IFF_UP if up else 0
        message["change"] = IFF_UP
        said.append("up" if up else "down")
    for value, attribute, text in (
        (mtu, "IFLA_MTU", f"MTU {mtu}"),
        (master, "IFLA_MASTER", f"master {master}"),
        (mac, "IFLA_ADDRESS", f"address {mac}"),
        (alias, "IFLA_IFALIAS", f"alias {alias!r}"),
        (name, "IFLA_IFNAME", f"name {name!r}"),
    ):
        if value is not None:
            attributes.append((attribute, value))
            said.append(text)
    if ipv6_link_local is not None:
        mode = _ADDR_GEN_EUI64 if ipv6_link_local else _ADDR_GEN_NONE
        attributes.append(("IFLA_AF_SPEC", {"attrs": [("AF_INET6", {"attrs": [("IFLA_INET6_ADDR_GEN_MODE", mode)]})]}))
        said.append("link-local addresses" if ipv6_link_local else "no link-local addresses")
    return Request(message, RTM_SETLINK, f"set {describe(link)}: {', '.join(said)}")


def delete(link: LinkRef) -> Request:
    """Delete an interface; of a veth pair both ends go, whatever namespace they are in."""
    return Request(addressed(link), RTM_DELLINK, f"delete {describe(link)}")


def describe(link: LinkRef) -> str:
    return f"interface {link}" if isinstance(link, str) else f"interface number {link}"


def addressed(link: LinkRef) -> Any:
    """An ``ifinfmsg`` that is about this interface."""
    message = ifinfmsg()
    if isinstance(link, int):
        message["index"] = link
        message["attrs"] = []
    else:
        message["attrs"] = [("IFLA_IFNAME", link)]
    return message


def parse(message: bytes) -> Link:
    """From a whole RTM_NEWLINK or RTM_DELLINK."""
    _family, _hardware, index, flags, _change = _HEADER.unpack_from(message, _BODY)
    held = batch.attributes(message, _ATTRIBUTES)
    info = batch.attributes(held.get(_IFLA_LINKINFO, b""))
    kind = batch.text(info.get(_INFO_KIND))
    data = batch.attributes(info.get(_INFO_DATA, b""))
    operstate = batch.number(held.get(_IFLA_OPERSTATE))
    return Link(
        index=index,
        name=batch.text(held.get(_IFLA_IFNAME)),
        kind=kind,
        up=bool(flags & IFF_UP),
        carrier=bool(flags & _IFF_LOWER_UP),
        operstate=_OPERSTATES[operstate] if operstate < len(_OPERSTATES) else str(operstate),
        mtu=batch.number(held.get(_IFLA_MTU)),
        mac=held.get(_IFLA_ADDRESS, b"").hex(":"),
        master=batch.number(held.get(_IFLA_MASTER)),
        parent=batch.number(held.get(_IFLA_LINK)),
        vlan=batch.number(data.get(_VLAN_ID)) if kind == "vlan" else None,
        vrf_table=batch.number(data.get(_VRF_TABLE)) if kind == "vrf" else None,
        macsec=parse_link(data) if kind == "macsec" else None,
        alias=batch.text(held.get(_IFLA_IFALIAS)),
    )


__all__ = [
    "Link",
    "LinkRef",
    "addressed",
    "by_name",
    "change",
    "delete",
    "describe",
    "dump",
    "find",
    "get",
    "parse",
]
