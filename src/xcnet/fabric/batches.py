"""What is sent to the kernel to make a plan stand: prepared whole, since every interface number is chosen beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_address

from xcnet.fabric.facility import Facility, netem_of
from xcnet.model.plan import HostAddressing, NodeKind, Plan
from xcnet.model.plan_agreed import PlannedCoordinator
from xcnet.netlink import addresses, filters, link_kinds, links, qdisc, routes, sysctl
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.netns import Netns
from xcnet.netlink.request import Request

_FIRST_INDEX = 101
"""Interface numbers are counted from here in every namespace: modules may have put tunnels of their own into a new one."""

_NO_IPV6 = {sysctl.ipv6("all", "disable_ipv6"): 1, sysctl.ipv6("default", "disable_ipv6"): 1}
_PLANNED_ADDRESSES = {
    # Addresses are planned: looking for duplicates or routers would only take time and put noise on the wires.
    sysctl.ipv6("default", "accept_dad"): 0,
    sysctl.ipv6("default", "accept_ra"): 0,
}
_DEFAULTS = {
    NodeKind.FACILITY: _NO_IPV6,
    # A new namespace takes forwarding over from the machine: one peer must not reach another through a coordinator.
    NodeKind.COORDINATOR: {**_PLANNED_ADDRESSES, "net/ipv4/ip_forward": 0},
}


class Blueprint:
    """The batches that make a plan.

    :param namespaces: of every node in the plan, open.
    """

    def __init__(self, plan: Plan, namespaces: Mapping[str, Netns]) -> None:
        self._plan = plan
        self._netns = namespaces
        self._kinds = {node.name: node.kind for node in plan.nodes}
        self._indexes: dict[str, dict[str, int]] = {node.name: {} for node in plan.nodes}
        for link in plan.links:
            for node, interface in (link.a, link.b):
                ports = self._indexes[node]
                ports[interface] = _FIRST_INDEX + len(ports)
        self.facilities = {
            node.name: Facility(
                node.name,
                namespaces[node.name],
                [splice for splice in plan.splices if splice.facility == node.name],
                self._indexes[node.name],
            )
            for node in plan.nodes
            if node.kind is NodeKind.FACILITY
        }

    def index(self, node: str, interface: str) -> int:
        """The interface number chosen for a link's end."""
        return self._indexes[node][interface]

    def set_defaults(self) -> None:
        """Kernel parameters that interfaces take over when they are made: before there are any."""
        for name, kind in self._kinds.items():
            sysctl.write(_DEFAULTS.get(kind, _PLANNED_ADDRESSES), self._netns[name])

    def links(self) -> list[Request]:
        """Every veth pair, each end made in its node's namespace and nowhere else."""
        return [
            link_kinds.veth(
                VethEnd(link.a[1], self._netns[link.a[0]], link.mac[0], link.mtu, self.index(*link.a)),
                VethEnd(link.b[1], self._netns[link.b[0]], link.mac[1], link.mtu, self.index(*link.b)),
            )
            for link in self._plan.links
        ]

    def _fibre_ports(self, node: str) -> list[str]:
        """Ports of a router at which a fibre ends."""
        if self._kinds[node] is NodeKind.FACILITY:
            return []
        ends = [end for link in self._plan.links if link.kind == "fibre" for end in (link.a, link.b)]
        return [interface for name, interface in ends if name == node]

    def silence_fibres(self) -> None:
        """No IPv6 on a bare port: it would speak (neighbour discovery, MLD) as soon as the port is up."""
        for name in self._kinds:
            ports = self._fibre_ports(name)
            if ports:
                sysctl.write({sysctl.ipv6(port, "disable_ipv6"): 1 for port in ports}, self._netns[name])

    def ports(self, node: str) -> list[Request]:
        """Everything in one namespace but addresses: gates and cross-connects first, then all interfaces up."""
        requests = []
        for port in self._fibre_ports(node):
            requests += filters.gate(self.index(node, port))
        if node in self.facilities:
            requests += self.facilities[node].splice_requests()
            requests += self._impairments(node)
        requests.append(links.change("lo", up=True))
        requests += [links.change(index, up=True) for index in self._indexes[node].values()]
        return requests

    def _impairments(self, facility: str) -> list[Request]:
        requests = []
        for link in self._plan.links:
            settings = netem_of(link.impairment)
            for node, interface in (link.a, link.b):
                if node == facility and not settings.idle:
                    requests.append(qdisc.netem(self.index(node, interface), settings))
        return requests

    def host(self, addressing: HostAddressing) -> list[Request]:
        """A host's addresses and default routes."""
        index = self.index(addressing.node, addressing.interface)
        given = [addresses.add(index, address) for address in addressing.addresses]
        return given + [routes.default(gateway, index) for gateway in map(ip_address, addressing.gateways)]

    def coordinator(self, planned: PlannedCoordinator) -> list[Request]:
        """A coordinator's addresses on its management links; its peers are at the other ends, and nothing beyond them."""
        return [
            addresses.add(self.index(planned.node, link.interface), link.address) for link in planned.peers.values()
        ]


__all__ = ["Blueprint"]
