"""A gateway with two edges, a far router that both reach over a channel each, and a host behind either end; for the tests
beside.

gw-host - gw =+= e1 - far - far-host       10.1.0.0/16 and fd01::/32 are behind gw, 10.2.0.0/16 and fd02::/32 behind far
              += e2 - far
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import IPv4Interface, IPv6Interface, ip_address, ip_interface, ip_network
from pathlib import Path

from two_routers import inside, ip, ip_batch

from xcnet.edge.kernel import RouterKernel
from xcnet.errors import RoutingError
from xcnet.frr import state as frr_state
from xcnet.frr.apply import Applied, apply
from xcnet.frr.lifecycle import DAEMONS, DaemonSpec, FrrDirs, prepare
from xcnet.frr.vty import Vty
from xcnet.model.desired import BgpNeighbor, RouterState, Vrf, VrfInterface
from xcnet.waiting import Deadline, wait_until

ROUTERS = ("gw", "e1", "e2", "far")
EDGES = ("e1", "e2")
TABLE = 1100
VRF = "prod"
NEAR_ASN, FAR_ASN = 64901, 64902
NEAR = ("10.1.0.1/16", "fd01::1/32")
FAR = ("10.2.0.1/16", "fd02::1/32")


def ends(inner: str, edge: str) -> tuple[tuple[IPv4Interface | IPv6Interface, ...], ...]:
    """The addresses of both ends of an edge's link: the other router's (``gw`` or ``far``), then its own."""
    number = EDGES.index(edge) + 1
    nets = (f"10.255.{number}", f"fd00:255:{number}:") if inner == "gw" else (f"169.254.{number}", f"fd00:0:{number}:")
    return tuple((ip_interface(f"{nets[0]}.{end}/30"), ip_interface(f"{nets[1]}:{end}/126")) for end in (1, 2))


def _vrf(name: str, interfaces: list[VrfInterface], neighbors: list[BgpNeighbor], **more: object) -> Vrf:
    number = ROUTERS.index(name) + 1
    asn = FAR_ASN if name == "far" else NEAR_ASN
    return Vrf(
        name=VRF,
        connection="prod",
        table=TABLE,
        asn=asn,
        router_id=f"192.0.2.{number}",
        interfaces=tuple(interfaces),
        neighbors=tuple(neighbors),
        **more,
    )


def _neighbors(addresses: tuple[IPv4Interface | IPv6Interface, ...], interface: str, asn: int) -> list[BgpNeighbor]:
    return [
        BgpNeighbor(
            address=ip_address(each.ip),
            remote_asn=asn,
            interface=interface,
            keepalive=3,
            hold=9,
            next_hop_self=asn == NEAR_ASN,
        )
        for each in addresses
    ]


def _vlan(parent: str, addresses: tuple[IPv4Interface | IPv6Interface, ...]) -> VrfInterface:
    return VrfInterface(name=f"{parent}.1100", parent=parent, vlan=1100, mtu=1500, addresses=addresses)


def _behind(addresses: tuple[str, ...]) -> VrfInterface:
    return VrfInterface(name="host0", parent="host0", mtu=1500, addresses=tuple(map(ip_interface, addresses)))


def edge_state(edge: str, *, drained: bool = False) -> RouterState:
    (gateway, inside_own), (far, outside_own) = ends("gw", edge), ends("far", edge)
    external = [each.model_copy(update={"drained": drained}) for each in _neighbors(far, "out0.1100", FAR_ASN)]
    vrf = _vrf(
        edge,
        [_vlan("in0", inside_own), _vlan("out0", outside_own)],
        [*_neighbors(gateway, "in0.1100", NEAR_ASN), *external],
        accept_from_external=(ip_network("10.2.0.0/16"), ip_network("fd02::/32")),
    )
    return RouterState(node=edge, provider="test", ports={"in0": 1600, "out0": 1600}, vrfs=(vrf,))


def end_state(name: str, drained: tuple[str, ...] = ()) -> RouterState:
    """Of ``gw`` or ``far``. :param drained: the edges that it drains (``far`` only)."""
    interfaces, neighbors = [_behind(NEAR if name == "gw" else FAR)], []
    for edge in EDGES:
        own, their = ends(name, edge)
        interfaces.append(_vlan(edge, own))
        for each in _neighbors(their, f"{edge}.1100", NEAR_ASN):
            neighbors.append(each.model_copy(update={"drained": edge in drained, "next_hop_self": False}))
    networks = tuple(ip_interface(each).network for each in (NEAR if name == "gw" else FAR))
    ports = {"host0": 1500, **dict.fromkeys(EDGES, 1600)}
    vrf = _vrf(name, interfaces, neighbors, networks=networks)
    return RouterState(node=name, provider="test", ports=ports, vrfs=(vrf,))


def plain_states() -> dict[str, RouterState]:
    return {"gw": end_state("gw"), "far": end_state("far"), **{edge: edge_state(edge) for edge in EDGES}}


@dataclass
class Side:
    """The four routers: their folders and their daemons' process ids."""

    root: Path
    dirs: dict[str, FrrDirs] = field(default_factory=dict)
    pids: dict[tuple[str, str], int] = field(default_factory=dict)

    def build(self) -> None:
        for router in ROUTERS:
            ip("netns", "add", router)
        for edge in EDGES:
            for end, port in (("gw", "in0"), ("far", "out0")):
                ip("link", "add", edge, "netns", end, "type", "veth", "peer", port, "netns", edge)
        for end, gateways in (("gw", NEAR), ("far", FAR)):
            host = f"{end}-host"
            ip("netns", "add", host)
            ip("link", "add", "host0", "netns", end, "type", "veth", "peer", "eth0", "netns", host)
            lines = ["link set eth0 up"]
            for gateway in map(ip_interface, gateways):
                lines.append(f"addr add {gateway.ip + 1}/{gateway.network.prefixlen} dev eth0 nodad")
                lines.append(f"route add default via {gateway.ip}")
            ip_batch(host, "\n".join(lines) + "\n")
        for router, state in plain_states().items():
            with inside(router), closing(RouterKernel()) as kernel:
                kernel.apply(state)

    def start(self, states: Mapping[str, RouterState]) -> None:
        specs: dict[str, dict[str, DaemonSpec]] = {}
        self.root.mkdir(exist_ok=True)
        for router, state in states.items():
            self.dirs[router] = FrrDirs.of(self.root / router, self.root / f"{router}-logs")
            specs[router] = {spec.name: spec for spec in prepare(state, self.dirs[router])}
        for name in DAEMONS:
            for router in states:
                self._spawn(router, specs[router][name])

    def _spawn(self, router: str, spec: DaemonSpec) -> None:
        zserv = self.dirs[router].zserv
        wait_until(
            f"{router}'s zebra to serve",
            lambda: None if spec.name == "zebra" or zserv.exists() else "not there",
            Deadline(20),
            interval=0.01,
        )
        actions = [
            (os.POSIX_SPAWN_OPEN, 1, str(spec.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        with inside(router):
            self.pids[router, spec.name] = os.posix_spawn(
                spec.argv[0], spec.argv, {**os.environ, **spec.env}, file_actions=actions
            )

    def stop(self) -> None:
        for pid in self.pids.values():
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        for name in (*ROUTERS, "gw-host", "far-host"):
            ip("netns", "del", name, check=False)

    def apply(self, state: RouterState) -> Applied:
        return apply(state, self.dirs[state.node], Deadline(20))

    def vty(self, router: str, daemon: str = "bgpd") -> Vty:
        return Vty(self.dirs[router].socket(daemon))

    def sessions(self, router: str) -> tuple[frr_state.BgpSession, ...]:
        with self.vty(router) as bgpd:
            return frr_state.bgp_sessions(bgpd)

    def hops(self, router: str) -> tuple[set[str], set[str]]:
        """Interfaces over which the kernel sends to the other end, IPv4 and IPv6."""
        found = []
        for version, prefix in zip(
            (4, 6), ("10.2.0.0/16", "fd02::/32") if router == "gw" else ("10.1.0.0/16", "fd01::/32"), strict=True
        ):
            shown = ip("-n", router, f"-{version}", "route", "show", "table", str(TABLE), prefix)
            found.append({edge for edge in EDGES if f"dev {edge}.1100" in shown})
        return found[0], found[1]

    def until_hops(self, router: str, *edges: str, seconds: float = 20) -> None:
        want = (set(edges), set(edges))
        wait_until(
            f"{router} to send over {edges}",
            lambda: None if self.hops(router) == want else f"{self.hops(router)}",
            Deadline(seconds),
            interval=0.02,
        )

    def until_settled(self) -> None:
        def seen(router: str) -> Callable[[], str | None]:
            def look() -> str | None:
                try:
                    found = self.sessions(router)
                except RoutingError as error:
                    return error.cause
                return None if all(each.established for each in found) and len(found) == 4 else f"{found}"

            return look

        for router in ROUTERS:
            wait_until(f"{router}'s sessions", seen(router), Deadline(30))
        for router in ("gw", "far"):
            self.until_hops(router, *EDGES)


class Flow:
    """A thousand packets a second one way between hosts, over 16 ports so that they spread over the next hops.

    Between hosts: a process on a router that loses the processor between finding a route and sending may find the route
    replaced, and the kernel drops that packet of its own without a word. What is forwarded does not stop in between.
    """

    RATE = 1000

    def __init__(self, sender: str, receiver: str, source: str, destination: str) -> None:
        self._receiver = _udp(receiver, destination, 7000)
        self._senders = [_udp(sender, source, 7001 + number) for number in range(16)]
        self._to = (destination, 7000)
        self._stop = threading.Event()
        self.sent = 0
        self.received: list[int] = []
        self._threads = [threading.Thread(target=self._receive), threading.Thread(target=self._send)]
        for thread in self._threads:
            thread.start()

    def _send(self) -> None:
        started = time.monotonic()
        while not self._stop.is_set():
            while self.sent < self.RATE * (time.monotonic() - started):
                sender = self._senders[self.sent % len(self._senders)]
                sender.sendto(self.sent.to_bytes(8, "big"), self._to)
                self.sent += 1
            time.sleep(0.001)

    def _receive(self) -> None:
        while True:
            try:
                self.received.append(int.from_bytes(self._receiver.recv(100), "big"))
            except TimeoutError:
                if self._stop.is_set():
                    return

    def end(self) -> set[int]:
        """Stops it; the numbers of the packets that did not arrive."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        for opened in (self._receiver, *self._senders):
            opened.close()
        return set(range(self.sent)) - set(self.received)


def _udp(host: str, address: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with inside(host):
        opened = socket.socket(family, socket.SOCK_DGRAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    opened.bind((address, port))
    opened.settimeout(0.5)
    return opened


__all__ = ["EDGES", "ROUTERS", "VRF", "Flow", "Side", "edge_state", "end_state", "plain_states"]
