"""A plan for tools outside the program: nodes, links, splices and routed addresses as plain data, without any secret."""

from __future__ import annotations

from typing import Any

from xcnet.model.desired import RouterState, Vrf
from xcnet.model.plan import NodeKind, Plan, PlannedConnection, PlannedLink


def plan_links(plan: Plan) -> dict[str, Any]:
    """The lab as links: what a tool needs that builds it without VLANs, VRFs and MACsec.

    ``routing`` holds addresses and static routes for the bare ports. It has one table, so that a connection whose subnets
    overlap an earlier one's is left out and named in ``routing.left_out``.
    """
    routing = _Routing(plan)
    for connection in plan.connections:
        routing.add(connection)
    for coordinator in plan.coordinators.values():
        routing.addresses[coordinator.node] = {
            link.interface: [str(link.address)] for link in coordinator.peers.values()
        }
    return {
        "topology": plan.topology,
        "nodes": [{"name": node.name, "kind": node.kind.value, "provider": node.provider} for node in plan.nodes],
        "links": [_link(link) for link in plan.links],
        "splices": [
            {"facility": splice.facility, "channel": splice.channel, "ports": list(splice.ports)}
            for splice in plan.splices
        ],
        "routing": {"addresses": routing.addresses, "routes": routing.routes, "left_out": routing.left_out},
    }


def _link(link: PlannedLink) -> dict[str, Any]:
    impairment = link.impairment
    return {
        "a": {"node": link.a[0], "interface": link.a[1], "mac": link.mac[0]},
        "b": {"node": link.b[0], "interface": link.b[1], "mac": link.mac[1]},
        "kind": link.kind,
        "channel": link.channel,
        "mtu": link.mtu,
        "impairment": {
            "delay": impairment.delay,
            "jitter": impairment.jitter,
            "loss": impairment.loss,
            "rate": impairment.rate,
        },
    }


class _Routing:
    """Addresses by node and port, and routes by node, as BGP would find them."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.addresses: dict[str, dict[str, list[str]]] = {}
        self.routes: dict[str, list[dict[str, Any]]] = {}
        self.left_out: list[str] = []
        self._used: list[Any] = []

    def add(self, connection: PlannedConnection) -> None:
        vrfs = {
            node: (router, vrf)
            for node, router in self._plan.routers.items()
            for vrf in router.vrfs
            if vrf.connection == connection.name
        }
        gateways = {
            router.provider: vrf
            for node, (router, vrf) in vrfs.items()
            if self._plan.node(node).kind is NodeKind.GATEWAY
        }
        subnets = [network for vrf in gateways.values() for network in vrf.networks]
        if any(new.version == old.version and new.overlaps(old) for new in subnets for old in self._used):
            self.left_out.append(connection.name)
            return
        self._used += subnets
        for node, (router, vrf) in vrfs.items():
            self._addresses(node, router, vrf)
            for provider, gateway in gateways.items():
                for network in gateway.networks:
                    self._route(node, vrf, network, own=provider == router.provider)
        for host in self._plan.hosts:
            if host.connection == connection.name:
                self.addresses[host.node] = {host.interface: [str(address) for address in host.addresses]}
                self.routes[host.node] = [
                    {"to": "::/0" if ":" in gateway else "0.0.0.0/0", "via": [gateway]} for gateway in host.gateways
                ]

    def _addresses(self, node: str, router: RouterState, vrf: Vrf) -> None:
        devices = {channel.device: channel.port for channel in router.channels}
        ports = self.addresses.setdefault(node, {})
        for interface in vrf.interfaces:
            # Addresses on a VRF's device are the router's own, as those on its loopback are where there is no VRF.
            port = "lo" if interface.parent == vrf.name else devices.get(interface.parent, interface.parent)
            ports.setdefault(port, []).extend(str(address) for address in interface.addresses)

    def _route(self, node: str, vrf: Vrf, network: Any, *, own: bool) -> None:
        """Towards a subnet of the own side through the gateway, towards the other side through eBGP or the edges."""
        gateway = self._plan.node(node).kind is NodeKind.GATEWAY
        if gateway and own:
            return
        internal = gateway or own
        via = [
            str(neighbor.address)
            for neighbor in vrf.neighbors
            if (neighbor.remote_asn == vrf.asn) == internal and neighbor.address.version == network.version
        ]
        self.routes.setdefault(node, []).append({"to": str(network), "via": via})


__all__ = ["plan_links"]
