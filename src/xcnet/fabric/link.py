"""Mininet links and interfaces over veth pairs that netlink has made already; their verbs use netlink too, not a shell."""

from __future__ import annotations

from ipaddress import ip_interface
from typing import Any

from mininet.link import Intf, Link

from xcnet.errors import KernelError
from xcnet.fabric.node import LabNode
from xcnet.netlink import addresses, links


class LabIntf(Intf):  # type: ignore[misc]
    """One end of a link, by its name in the node's namespace.

    :param index: its interface number, known since it was chosen when the link was made.
    """

    name: str
    ip: str | None
    prefixLen: int | None

    def __init__(self, name: str, node: LabNode, index: int, **params: Any) -> None:
        self.index = index
        super().__init__(name, node=node, **params)

    def config(self, **_params: Any) -> dict[str, Any]:
        """Everything has been set when the interface was made."""
        return {}

    def setIP(self, ipstr: str, prefixLen: int | None = None) -> str:
        """Give the interface an address: ``10.0.0.1/24``, or the address and ``prefixLen``."""
        text = ipstr if "/" in ipstr else f"{ipstr}/{prefixLen}"
        self.node.route.submit([addresses.add(self.index, ip_interface(text)), links.change(self.index, up=True)])
        given = ip_interface(text)
        self.ip, self.prefixLen = str(given.ip), given.network.prefixlen
        return ""

    def setMAC(self, macstr: str) -> str:
        self.mac = macstr
        self.node.route.submit([links.change(self.index, mac=macstr)])
        return ""

    def updateIP(self) -> str | None:
        """The first IPv4 address that the kernel holds."""
        held = (a.interface for a in addresses.dump(self.node.route, self.index) if a.interface.version == 4)
        first = next(held, None)
        self.ip = str(first.ip) if first else None
        if first is not None:
            self.prefixLen = first.network.prefixlen
        return self.ip

    def updateMAC(self) -> str | None:
        self.mac = links.get(self.node.route, self.index).mac
        return self.mac

    def updateAddr(self) -> tuple[str | None, str | None]:
        return self.updateIP(), self.updateMAC()

    def isUp(self, setUp: bool = False) -> bool:
        if setUp:
            self.node.route.submit([links.change(self.index, up=True)])
            return True
        return links.get(self.node.route, self.index).up

    def rename(self, newname: str) -> str:
        up = self.isUp()
        self.node.route.submit(
            [
                links.change(self.index, up=False),
                links.change(self.index, name=newname),
                links.change(self.index, up=up),
            ]
        )
        self.node.nameToIntf[newname] = self.node.nameToIntf.pop(self.name)
        self.name = newname
        return ""

    def delete(self) -> None:
        """Delete the interface and with it the link's other end."""
        if links.find(self.node.route, self.index) is not None:
            self.node.route.submit([links.delete(self.index)])
        self.node.delIntf(self)
        self.link = None

    def status(self) -> str:
        return "MISSING" if links.find(self.node.route, self.index) is None else "OK"


class LabLink(Link):  # type: ignore[misc]
    """A link whose veth pair stands already.

    :param index1: interface number of ``intfName1`` in the first node's namespace; :param index2: of the other.
    """

    intf1: Any
    intf2: Any

    def __init__(self, node1: LabNode, node2: LabNode, *, index1: int, index2: int, **params: Any) -> None:
        params.pop("intf", None)
        super().__init__(node1, node2, intf=LabIntf, params1={"index": index1}, params2={"index": index2}, **params)

    @classmethod
    def makeIntfPair(cls, *_args: Any, **_params: Any) -> None:
        """Made already, with all others, in one batch."""

    def set_up(self, up: bool) -> None:
        """Both ends, administratively."""
        for end in (self.intf1, self.intf2):
            end.node.route.submit([links.change(end.index, up=up)])

    def delete(self) -> None:
        for end in (self.intf1, self.intf2):
            try:
                end.delete()
            except KernelError:
                # Deleting one end takes the other away a moment before it is asked for.
                if end.status() == "OK":
                    raise
        self.intf1 = self.intf2 = None


__all__ = ["LabIntf", "LabLink"]
