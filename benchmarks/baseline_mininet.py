#!/usr/bin/env python3
"""The yardstick of bring-up: the same nodes and links by plain Mininet, the same FRR daemons with equivalent BGP, no MACsec.

Written as Mininet's documentation and its users do it: a ``Topo``, stock ``Node`` and ``Link``, addresses and daemons by
``node.cmd``, a command for each thing, the daemons one by one. It has less to do than the lab: no MACsec, no VLANs, no
VRFs, only the first connection. With ``--batched`` it takes the quicker way wherever there is one: a single ``ip -batch``
and a single ``sysctl`` for each node. The end is seen in the kernel's tables and on bfdd's socket, without starting a program.

Run it as root in the kernel that is to be measured; imports are not part of what is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_network
from itertools import pairwise
from pathlib import Path
from typing import Any

from mininet.log import setLogLevel
from mininet.net import Mininet
from mininet.node import Node
from mininet.topo import Topo

sys.path.insert(0, str(Path(__file__).resolve().parent))
import baseline_frr

from xcnet.errors import XcnetError
from xcnet.frr.binaries import find_program
from xcnet.frr.state import bfd_peers
from xcnet.frr.vty import Vty
from xcnet.model.load import load_topology
from xcnet.model.plan import NodeKind, Plan
from xcnet.model.planner import make_plan
from xcnet.netlink import routes
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

_SYSCTLS = (
    "net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0"
    " net.ipv4.fib_multipath_hash_policy=1 net.ipv6.fib_multipath_hash_policy=1"
    " net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0"
)


@dataclass(frozen=True)
class Baseline:
    """Seconds of each stage, from the first node to the last route.

    :param nodes: Mininet's nodes, links and ``start()``. :param addresses: MTUs, addresses, sysctls, cross-connects, netem.
    :param daemons: starting zebra, bgpd and bfdd on each router. :param routes: from then on until the gateways have them.
    """

    nodes: float
    addresses: float
    daemons: float
    routes: float

    @property
    def total(self) -> float:
        return self.nodes + self.addresses + self.daemons + self.routes


class PlanTopo(Topo):  # type: ignore[misc]
    """A plan's nodes and links as a Mininet topology."""

    def build(self, plan: Plan | None = None) -> None:
        if plan is None:
            return
        hosts = {addressing.node: addressing for addressing in plan.hosts}
        for node in plan.nodes:
            ip = None
            if node.name in hosts:
                ip = next((str(address) for address in hosts[node.name].addresses if address.version == 4), None)
            self.addHost(node.name, cls=Node, ip=ip)
        for link in plan.links:
            self.addLink(
                link.a[0],
                link.b[0],
                intfName1=link.a[1],
                intfName2=link.b[1],
                addr1=link.mac[0],
                addr2=link.mac[1],
            )


def run_baseline(
    plan: Plan,
    folder: Path,
    *,
    batched: bool = False,
    seconds: float = 300.0,
    progress: Callable[[str], None] = print,
) -> Baseline:
    """Build, start, wait, and take everything down again.

    :param folder: on a file system that carries Unix sockets; removed at the end.
    :param seconds: how long the routes may take.
    :raises DeadlineError: they did not come; the error says which are missing.
    """
    marks = [time.monotonic()]

    def mark(stage: str) -> None:
        marks.append(time.monotonic())
        progress(f"{stage}: {marks[-1] - marks[-2]:.2f} s")

    net = Mininet(topo=PlanTopo(plan=plan), controller=None)
    try:
        net.start()
        mark("nodes and links")
        _configure(net, plan, batched=batched)
        mark("addresses and cross-connects")
        _start_daemons(net, plan, folder)
        mark("daemons")
        deadline = Deadline(seconds)
        _await_routes(net, plan, deadline)
        _await_bfd(plan, folder, deadline)
        mark("routes")
        return Baseline(*(later - earlier for earlier, later in pairwise(marks)))
    finally:
        _stop_daemons(folder)
        net.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _routers(plan: Plan) -> list[baseline_frr.PlainRouter]:
    connection = plan.connections[0].name
    found = (baseline_frr.plain_router(state, connection) for state in plan.routers.values())
    return [router for router in found if router is not None]


def _configure(net: Mininet, plan: Plan, *, batched: bool) -> None:
    batches: dict[str, list[str]] = {node.name: [] for node in plan.nodes}
    for link in plan.links:
        for node, interface in (link.a, link.b):
            batches[node].append(f"link set {interface} mtu {link.mtu} up")
    for router in _routers(plan):
        for port, given in router.addresses.items():
            batches[router.name] += [f"address add {address} dev {port}" for address in given]
    for host in plan.hosts:
        batches[host.node] += [f"address add {a} dev {host.interface} nodad" for a in host.addresses if a.version == 6]
        batches[host.node] += [f"route replace default via {gateway}" for gateway in host.gateways]
    for planned in plan.nodes:
        node, lines = net[planned.name], batches[planned.name]
        routes_here = planned.kind in (NodeKind.EDGE, NodeKind.GATEWAY)
        if batched:
            if routes_here:
                node.cmd(f"sysctl -qw {_SYSCTLS}")
            text = "\n".join(lines)
            node.cmd(f"ip -batch - <<END\n{text}\nEND")
            continue
        for setting in _SYSCTLS.split() if routes_here else ():
            node.cmd(f"sysctl -qw {setting}")
        for line in lines:
            node.cmd(f"ip {line}")
    _cross_connect(net, plan)


def _cross_connect(net: Mininet, plan: Plan) -> None:
    for splice in plan.splices:
        node = net[splice.facility]
        for one, other in (splice.ports, splice.ports[::-1]):
            node.cmd(f"tc qdisc add dev {one} clsact")
            node.cmd(f"tc filter add dev {one} ingress matchall action mirred egress redirect dev {other}")
    for link in plan.links:
        impairment = link.impairment
        for name, interface in (link.a, link.b):
            if plan.node(name).kind is NodeKind.FACILITY and (impairment.delay or impairment.loss or impairment.rate):
                words = f"delay {impairment.delay * 1e6:.0f}us {impairment.jitter * 1e6:.0f}us"
                words += f" loss {impairment.loss * 100}%" if impairment.loss else ""
                words += f" rate {impairment.rate}bit" if impairment.rate else ""
                net[name].cmd(f"tc qdisc add dev {interface} root netem limit 10000 {words}")


def _start_daemons(net: Mininet, plan: Plan, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    for router in _routers(plan):
        place = folder / router.name
        baseline_frr.write(router, place)
        for daemon in baseline_frr.DAEMONS:
            said = net[router.name].cmd(baseline_frr.command(daemon, find_program(daemon), place))
            if not (place / f"{daemon}.pid").exists():
                raise XcnetError(f"{daemon} does not start on {router.name}: {said.strip()}", where=str(place))


def _await_routes(net: Mininet, plan: Plan, deadline: Deadline) -> None:
    """Until each gateway has every other gateway's networks over all channels of the connection."""
    channels = len(plan.connections[0].channels)
    routers = [r for r in _routers(plan) if plan.node(r.name).kind is NodeKind.GATEWAY]
    sockets: dict[str, NetlinkSocket] = {}
    for router in routers:
        fd = os.open(f"/proc/{net[router.name].pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        with Netns(router.name, fd) as space:
            sockets[router.name] = NetlinkSocket(netns=space)
    wanted = {
        (router.name, network): channels
        for router in routers
        for other in routers
        if other is not router
        for network in other.vrf.networks
    }

    def seen() -> str | None:
        for name, socket in sockets.items():
            for route in routes.dump(socket, routes.MAIN_TABLE):
                destination = ip_network(route.destination)
                if len(route.nexthops) >= wanted.get((name, destination), sys.maxsize):
                    del wanted[(name, destination)]
        return ", ".join(f"{name} lacks {network}" for name, network in wanted) or None

    try:
        wait_until("routes at the gateways", seen, deadline, interval=0.1)
    finally:
        for socket in sockets.values():
            socket.close()


def _await_bfd(plan: Plan, folder: Path, deadline: Deadline) -> None:
    """Until every BFD session of the connection is up at both ends."""
    wanted = {
        router.name: {neighbor.address for neighbor in router.vrf.neighbors if neighbor.bfd is not None}
        for router in _routers(plan)
    }

    def seen() -> str | None:
        for name, peers in wanted.items():
            if peers:
                with Vty(folder / name / "bfdd.vty") as bfdd:
                    peers -= {peer.peer for peer in bfd_peers(bfdd) if peer.up}
        left = {name: len(peers) for name, peers in wanted.items() if peers}
        return f"sessions that are not up, by router: {left}" if left else None

    wait_until("BFD sessions up", seen, deadline, interval=0.1)


def _stop_daemons(folder: Path) -> None:
    pids = [int(path.read_text()) for path in folder.glob("*/*.pid")]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)

    def seen() -> str | None:
        left = [pid for pid in pids if _runs(pid)]
        return f"processes {left}" if left else None

    wait_until("the baseline's daemons to end", seen, Deadline(30.0))


def _runs(pid: int) -> bool:
    """A daemon that has ended may stay a zombie where nobody collects orphans."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("topology", nargs="?", default="aws-google", help="a shipped topology's name, or a file")
    parser.add_argument("--batched", action="store_true", help="configure each node with one command")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    parser.add_argument("--folder", type=Path, default=Path(f"/run/xcnet-baseline-{os.getpid()}"))
    arguments = parser.parse_args()
    setLogLevel("warning")

    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    try:
        plan = make_plan(load_topology(arguments.topology))
        result = run_baseline(plan, arguments.folder, batched=arguments.batched, progress=progress)
    except XcnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    shown: dict[str, Any] = {**asdict(result), "total": result.total}
    if arguments.json:
        print(json.dumps({key: round(value, 3) for key, value in shown.items()}))
    else:
        for key, value in shown.items():
            print(f"{key:<10} {value:7.2f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
