"""Requests that make interfaces: veth pairs across namespaces, VLANs, VRFs, dummies, MACsec devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pyroute2.netlink.rtnl.ifinfmsg import ifinfmsg

from xcnet.model.desired import CipherSuite
from xcnet.netlink import macsec_messages  # noqa: F401 - registers the kind
from xcnet.netlink.links import IFF_UP, RTM_NEWLINK, LinkRef, addressed, describe
from xcnet.netlink.macsec_types import Validation
from xcnet.netlink.netns import Netns
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request

_NEW = NLM_F_CREATE | NLM_F_EXCL


@dataclass(frozen=True, slots=True)
class VethEnd:
    """One end of a veth pair as it is to be made.

    :param netns: where it is to stand; None is the socket's own namespace.
    :param index: its interface index there, so that further requests can be prepared before it exists; None lets the
        kernel choose. Either both ends of a pair have one or neither.
    """

    name: str
    netns: Netns | None = None
    mac: str | None = None
    mtu: int | None = None
    index: int | None = None
    alias: str | None = None


def veth(one: VethEnd, other: VethEnd) -> Request:
    """A pair with each end made in its namespace: the ends never stand anywhere else, not for a moment.

    Both are down, as links are when they are new.
    """
    message = _end(one)
    message["attrs"].append(_info("veth", [("VETH_INFO_PEER", _end(other))]))
    return Request(message, RTM_NEWLINK, f"join {_place(one)} and {_place(other)}", _NEW)


def vlan(
    name: str, parent: int, vlan_id: int, *, mtu: int | None = None, master: int | None = None, up: bool = False
) -> Request:
    """An 802.1Q VLAN on ``parent`` (an index). :param vlan_id: 1 to 4094. :param master: index of the VRF it is to be in."""
    data = [("IFLA_VLAN_ID", vlan_id)]
    what = f"make VLAN {vlan_id} as {name}"
    return _new(name, "vlan", data, what, parent=parent, mtu=mtu, master=master, up=up)


def vrf(name: str, table: int, *, up: bool = True) -> Request:
    """A VRF device with its routing table."""
    return _new(name, "vrf", [("IFLA_VRF_TABLE", table)], f"make VRF {name} with table {table}", up=up)


def dummy(name: str, *, mtu: int | None = None, mac: str | None = None, up: bool = False) -> Request:
    """An interface that swallows what it is sent."""
    return _new(name, "dummy", [], f"make dummy interface {name}", mtu=mtu, mac=mac, up=up)


def macsec(
    name: str,
    parent: int,
    sci: int,
    cipher: CipherSuite,
    *,
    mac: str | None = None,
    encrypt: bool = True,
    replay_window: int | None = None,
    validation: Validation = Validation.STRICT,
    mtu: int | None = None,
    up: bool = False,
) -> Request:
    """A MACsec device on ``parent`` (an index), protecting, with the SCI in every frame and an ICV of 16 bytes.

    Every setting is given: the kernel's own defaults are "encrypt off, replay off". Make it through
    :meth:`xcnet.netlink.macsec.Macsec.create`, which reads back what the kernel made of it.

    :param replay_window: packets that may come late; 0 demands strict order; None accepts replays.
    :param mtu: None takes what the parent leaves (its MTU less 32).
    """
    data = [
        ("IFLA_MACSEC_SCI", sci),
        ("IFLA_MACSEC_ICV_LEN", 16),
        ("IFLA_MACSEC_CIPHER_SUITE", cipher.identifier),
        ("IFLA_MACSEC_ENCODING_SA", 0),
        ("IFLA_MACSEC_ENCRYPT", int(encrypt)),
        ("IFLA_MACSEC_PROTECT", 1),
        ("IFLA_MACSEC_INC_SCI", 1),
        ("IFLA_MACSEC_REPLAY_PROTECT", int(replay_window is not None)),
        ("IFLA_MACSEC_VALIDATION", int(validation)),
    ]
    if replay_window is not None:
        data.append(("IFLA_MACSEC_WINDOW", replay_window))
    what = f"make MACsec device {name} with {cipher.value}"
    return _new(name, "macsec", data, what, parent=parent, mtu=mtu, mac=mac, up=up)


def macsec_encoding_sa(link: LinkRef, an: int) -> Request:
    """Transmit with association ``an`` from now on. The link may be up."""
    return _macsec_change(
        link, [("IFLA_MACSEC_ENCODING_SA", an)], f"transmit with association {an} on {describe(link)}"
    )


def macsec_replay(link: LinkRef, window: int | None) -> Request:
    """Set the replay window; None accepts replays."""
    data = [("IFLA_MACSEC_REPLAY_PROTECT", int(window is not None))]
    if window is not None:
        # The kernel takes REPLAY_PROTECT=1 only with WINDOW beside it.
        data.append(("IFLA_MACSEC_WINDOW", window))
    return _macsec_change(link, data, f"set replay window {window} on {describe(link)}")


def macsec_protection(link: LinkRef, *, protected: bool) -> Request:
    """Protect what is sent and take only what is protected; or send and take frames in clear. The link may be up."""
    validation = Validation.STRICT if protected else Validation.DISABLED
    data = [("IFLA_MACSEC_PROTECT", int(protected)), ("IFLA_MACSEC_VALIDATION", int(validation))]
    return _macsec_change(link, data, f"{'protect' if protected else 'send in clear'} on {describe(link)}")


def _macsec_change(link: LinkRef, data: list[tuple[str, int]], what: str) -> Request:
    message = addressed(link)
    message["attrs"].append(_info("macsec", data))
    return Request(message, RTM_NEWLINK, what)


def _new(
    name: str,
    kind: str,
    data: list[tuple[str, int]],
    what: str,
    *,
    parent: int | None = None,
    mtu: int | None = None,
    mac: str | None = None,
    master: int | None = None,
    up: bool = False,
) -> Request:
    message = ifinfmsg()
    attributes: list[tuple[str, Any]] = [("IFLA_IFNAME", name)]
    if parent is not None:
        attributes.append(("IFLA_LINK", parent))
    if mtu is not None:
        attributes.append(("IFLA_MTU", mtu))
    if mac is not None:
        attributes.append(("IFLA_ADDRESS", mac))
    if master is not None:
        attributes.append(("IFLA_MASTER", master))
    attributes.append(_info(kind, data))
    message["attrs"] = attributes
    if up:
        message["flags"] = message["change"] = IFF_UP
    return Request(message, RTM_NEWLINK, what, _NEW)


def _info(kind: str, data: list[tuple[str, Any]]) -> tuple[str, dict[str, Any]]:
    attributes: list[tuple[str, Any]] = [("IFLA_INFO_KIND", kind)]
    if data:
        attributes.append(("IFLA_INFO_DATA", {"attrs": data}))
    return ("IFLA_LINKINFO", {"attrs": attributes})


def _end(end: VethEnd) -> Any:
    message = ifinfmsg()
    attributes: list[tuple[str, Any]] = [("IFLA_IFNAME", end.name)]
    if end.netns is not None:
        attributes.append(("IFLA_NET_NS_FD", end.netns.fd))
    if end.mac is not None:
        attributes.append(("IFLA_ADDRESS", end.mac))
    if end.mtu is not None:
        attributes.append(("IFLA_MTU", end.mtu))
    if end.alias is not None:
        attributes.append(("IFLA_IFALIAS", end.alias))
    if end.index is not None:
        message["index"] = end.index
    message["attrs"] = attributes
    return message


def _place(end: VethEnd) -> str:
    return f"{end.netns.name}:{end.name}" if end.netns else end.name


__all__ = [
    "VethEnd",
    "dummy",
    "macsec",
    "macsec_encoding_sa",
    "macsec_protection",
    "macsec_replay",
    "veth",
    "vlan",
    "vrf",
]
