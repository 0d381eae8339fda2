"""A plan built: namespaces, links, cross-connects and hosts, in a few netlink batches, around real Mininet objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from mininet.net import Mininet
from mininet.util import numCores

from xcnet.errors import LabError
from xcnet.fabric.batches import Blueprint
from xcnet.fabric.facility import Facility
from xcnet.fabric.link import LabIntf, LabLink
from xcnet.fabric.node import CoordinatorNode, FacilityNode, HostNode, LabNode, RouterNode
from xcnet.model.plan import NodeKind, Plan
from xcnet.netlink import netns as namespaces
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket

Progress = Callable[[str], None]
"""Told of each step as it begins."""

_CLASSES = {
    NodeKind.EDGE: RouterNode,
    NodeKind.GATEWAY: RouterNode,
    NodeKind.HOST: HostNode,
    NodeKind.FACILITY: FacilityNode,
    NodeKind.COORDINATOR: CoordinatorNode,
}


def namespace_prefix(lab: str) -> str:
    """How the names of a lab's namespaces begin. The dot cannot stand in a lab's name: no prefix begins another."""
    return f"xcnet.{lab}."


def namespace_name(lab: str, node: str) -> str:
    """The name of a node's namespace, as ``ip netns`` shows it."""
    return namespace_prefix(lab) + node


class LabMininet(Mininet):  # type: ignore[misc]
    """Mininet's network object for a fabric. :param ended: called by ``stop()``: the fabric takes everything down itself.

    Mininet's first instance raises limits of the whole machine (open files, socket buffers): a lab leaves those alone.
    """

    inited = True

    def __init__(self, ended: Callable[[], None]) -> None:
        # Stock counts the processors by starting grep; the number matters only where nodes are pinned to them.
        numCores.ncores = getattr(numCores, "ncores", 1)
        self._ended = ended
        super().__init__(topo=None, build=False, controller=None, link=LabLink, intf=LabIntf, host=HostNode)
        self.built = True

    def start(self) -> None:
        """The network is up since it was built."""

    def stop(self) -> None:
        """Take the whole fabric down."""
        self._ended()


class Fabric:
    """A built plan. Made by :func:`build`; :meth:`stop` leaves nothing of it.

    :param mininet: a real Mininet network of it, usable with ``mininet.cli.CLI`` and everything else that takes one.
    """

    def __init__(self, plan: Plan, lab: str) -> None:
        self.plan = plan
        self.lab = lab
        self.mininet = LabMininet(self.stop)
        self._netns: dict[str, Netns] = {}
        self._facilities: dict[str, Facility] = {}

    def netns(self, node: str) -> Netns:
        """The namespace of a node, held open until :meth:`stop`. :raises LabError: no such node."""
        try:
            return self._netns[node]
        except KeyError:
            raise _unknown(node, "node", self._netns) from None

    def node(self, name: str) -> LabNode:
        """A node as Mininet's object. :raises LabError: no such node."""
        try:
            node: LabNode = self.mininet[name]
        except KeyError:
            raise _unknown(name, "node", self._netns) from None
        return node

    def facility(self, name: str) -> Facility:
        """:raises LabError: no such facility."""
        try:
            return self._facilities[name]
        except KeyError:
            raise _unknown(name, "facility", self._facilities) from None

    def facility_of(self, channel: str) -> Facility:
        """The facility that a channel runs through. :raises LabError: no such channel."""
        for facility in self._facilities.values():
            if channel in facility.splices:
                return facility
        raise _unknown(channel, "channel", {c: None for f in self._facilities.values() for c in f.splices})

    def stop(self) -> None:
        """End the shells and delete the namespaces, their links with them. May be called again, and after half a build."""
        for facility in self._facilities.values():
            facility.close()
        for node in self.mininet.hosts:
            node.terminate()
        for held in self._netns.values():
            namespaces.delete(held.name)
            held.close()
        self._facilities.clear()
        self._netns.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    # -- building

    def _build(self, progress: Progress, environment: Mapping[str, str]) -> None:
        progress(f"{len(self.plan.nodes)} namespaces")
        for planned in self.plan.nodes:
            self._netns[planned.name] = namespaces.create(namespace_name(self.lab, planned.name))
        blueprint = Blueprint(self.plan, self._netns)
        self._facilities.update(blueprint.facilities)

        progress(f"{len(self.plan.links)} links")
        blueprint.set_defaults()
        with NetlinkSocket() as anywhere:
            anywhere.submit(blueprint.links())
        blueprint.silence_fibres()

        progress("addresses and cross-connects")
        sockets = {name: NetlinkSocket(netns=held) for name, held in self._netns.items()}
        try:
            for name, socket in sockets.items():
                socket.submit(blueprint.ports(name))
            # Routes need the interface at the other end too: IPv6 does not route over a link without carrier.
            for addressing in self.plan.hosts:
                sockets[addressing.node].submit(blueprint.host(addressing))
            for coordinator in self.plan.coordinators.values():
                sockets[coordinator.node].submit(blueprint.coordinator(coordinator))
        finally:
            for socket in sockets.values():
                socket.close()

        progress("Mininet objects")
        self._represent(blueprint, environment)

    def _represent(self, blueprint: Blueprint, environment: Mapping[str, str]) -> None:
        net = self.mininet
        for planned in self.plan.nodes:
            params: dict[str, Any] = {"netns": self._netns[planned.name], "environment": environment}
            net.addHost(planned.name, cls=_CLASSES[planned.kind], ip=None, **params)
        for link in self.plan.links:
            net.addLink(
                link.a[0],
                link.b[0],
                intfName1=link.a[1],
                intfName2=link.b[1],
                addr1=link.mac[0],
                addr2=link.mac[1],
                index1=blueprint.index(*link.a),
                index2=blueprint.index(*link.b),
            )
        for addressing in self.plan.hosts:
            interface = net[addressing.node].nameToIntf[addressing.interface]
            for address in addressing.addresses:
                if address.version == 4:
                    interface.ip, interface.prefixLen = str(address.ip), address.network.prefixlen
                    break
        for coordinator in self.plan.coordinators.values():
            for peer in coordinator.peers.values():
                interface = net[coordinator.node].nameToIntf[peer.interface]
                interface.ip, interface.prefixLen = str(peer.address.ip), peer.address.network.prefixlen


def build(
    plan: Plan,
    lab_name: str,
    progress: Progress | None = None,
    environment: Mapping[str, str] | None = None,
) -> Fabric:
    """Build everything of a plan that is not a router's own business.

    Every interface is up with the planned MTU and hardware address; hosts have their addresses and default routes,
    coordinators the addresses of their management links and no route beyond; facilities pass frames. Ports of routers that end a fibre are gated (MACsec and EAPOL only, both directions) before they are up, so
    that no clear frame ever leaves or enters one.

    :param lab_name: letters, digits, hyphens, underscores; two labs of different names stand side by side.
    :param environment: added to the environment of what is started on nodes through Mininet, for finding it again.
    :raises KernelError: refused; nothing is left of the attempt.
    """
    fabric = Fabric(plan, lab_name)
    try:
        fabric._build(progress or (lambda _step: None), environment or {})
    except BaseException:
        fabric.stop()
        raise
    return fabric


def leftovers(lab_name: str) -> list[str]:
    """Namespaces that bear this lab's name, whoever made them."""
    return [name for name in namespaces.names() if name.startswith(namespace_prefix(lab_name))]


def remove_leftovers(lab_name: str) -> list[str]:
    """Delete what a killed lab has left; interfaces go with their namespaces. Returns the names. Touches no other lab."""
    found = leftovers(lab_name)
    for name in found:
        namespaces.delete(name)
    return found


def _unknown(name: str, kind: str, known: Mapping[str, object]) -> LabError:
    listed = ", ".join(known) if known else "none"
    return LabError(f"there is no {kind} {name} in this lab", where=name, remedy=f"those that there are: {listed}")


__all__ = [
    "Fabric",
    "LabMininet",
    "Progress",
    "build",
    "leftovers",
    "namespace_name",
    "namespace_prefix",
    "remove_leftovers",
]
