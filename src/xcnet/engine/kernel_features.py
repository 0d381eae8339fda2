"""What this kernel can do, found by doing it in a network namespace that is thrown away; never by its version."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from xcnet.errors import KernelError, XcnetError
from xcnet.model.desired import CipherSuite
from xcnet.netlink import filters, link_kinds, links, qdisc
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_types import sci_of
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket

_CLONE_NEWNET = 0x40000000
_SECONDS = 30.0
_ETH_P_ALL = 0x0003
_KERNEL_SAYS = "the kernel says "


@dataclass(frozen=True, slots=True)
class Feature:
    """Something a lab asks of its kernel. :param attempt: does it; raises if it cannot be done."""

    name: str
    purpose: str
    attempt: Callable[[NetlinkSocket], None]


def _index(netlink: NetlinkSocket, name: str) -> int:
    return links.get(netlink, name).index


def _pair(netlink: NetlinkSocket) -> tuple[int, int]:
    """A link to try the others on: every lab has those, and where they are missing nothing else matters."""
    if links.find(netlink, "one") is None:
        netlink.submit([link_kinds.veth(VethEnd("one"), VethEnd("other"))])
    return _index(netlink, "one"), _index(netlink, "other")


def _veth(netlink: NetlinkSocket) -> None:
    _pair(netlink)


def _vlan(netlink: NetlinkSocket) -> None:
    netlink.submit([link_kinds.vlan("one.1100", _pair(netlink)[0], 1100)])


def _vrf(netlink: NetlinkSocket) -> None:
    netlink.submit([link_kinds.vrf("table", 1100)])


def _macsec(netlink: NetlinkSocket) -> None:
    parent, _ = _pair(netlink)
    # The device comes first: making it is what has the kernel load the module, if it is one.
    sci = sci_of(links.get(netlink, parent).mac)
    netlink.submit([link_kinds.macsec("secure", parent, sci, CipherSuite.GCM_AES_XPN_256)])
    with Macsec() as macsec:
        if _index(netlink, "secure") not in macsec.dump():
            raise KernelError("the macsec family does not show the device that was made")


def _gate(netlink: NetlinkSocket) -> None:
    netlink.submit(filters.gate(_pair(netlink)[0]))


def _splice(netlink: NetlinkSocket) -> None:
    netlink.submit(filters.splice(*_pair(netlink)))


def _netem(netlink: NetlinkSocket) -> None:
    netlink.submit([qdisc.netem(_pair(netlink)[0], qdisc.Netem(delay=0.01))])


def _packet(_netlink: NetlinkSocket) -> None:
    socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL)).close()


FEATURES = (
    Feature("veth", "links between nodes", _veth),
    Feature("vlan", "one VLAN for each connection", _vlan),
    Feature("vrf", "one routing table for each connection", _vrf),
    Feature("macsec", "encryption of the channels", _macsec),
    Feature("tc filter", "ports that pass nothing in clear", _gate),
    Feature("tc mirred", "facilities that splice two ports", _splice),
    Feature("netem", "delay, loss and faults on a fibre", _netem),
    Feature("packet socket", "key agreement frames, captures", _packet),
)

NETNS = "netns"


def kernel_shortcomings() -> dict[str, str]:
    """Try every feature of :data:`FEATURES`, in a child process with a network namespace of its own.

    :returns: why each feature that is missing is; ``netns`` if even the namespace is refused. Empty if all is there.
    """
    reader, writer = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        _report(writer)
    os.close(writer)
    try:
        watch = select.poll()
        watch.register(reader, select.POLLIN)
        answered = bool(watch.poll(int(_SECONDS * 1000)))
        text = os.read(reader, 65536) if answered else b""
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    if not text:
        return {NETNS: "the trial ended without an answer" if answered else f"no answer within {_SECONDS:g} s"}
    found: dict[str, str] = json.loads(text)
    return found


def _report(writer: int) -> NoReturn:
    """In the child: try, and tell. What was made goes with the namespace."""
    try:
        os.write(writer, json.dumps(_try_all()).encode())
    finally:
        os._exit(0)


def _try_all() -> dict[str, str]:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        return {NETNS: os.strerror(ctypes.get_errno())}
    missing: dict[str, str] = {}
    with NetlinkSocket(netns=Netns.current()) as netlink:
        for feature in FEATURES:
            try:
                feature.attempt(netlink)
            except XcnetError as error:
                missing[feature.name] = error.cause.rpartition(_KERNEL_SAYS)[2]
            except OSError as error:
                missing[feature.name] = error.strerror or str(error)
    return missing


__all__ = ["FEATURES", "NETNS", "Feature", "kernel_shortcomings"]
