"""The lab's topologies for plain Mininet: the same nodes, links and names, without VLANs, VRFs, MACsec and routing daemons.

    mn --custom topologies/mininet_topos.py --topo aws-google
    mn --custom topologies/mininet_topos.py --topo minimal --test pingall
    mn --custom topologies/mininet_topos.py --topo xcnet,my-lab.yaml

Links are bare, routes are static, fibres are perfect, and there are no coordinators; facilities splice their ports as in
the lab. Routers and facilities
count as Mininet's switches, so that ``pingall`` asks the application hosts alone. No controller and no Open vSwitch is
needed. The topologies are read by xcnet itself: imported where it can be, else through its command line.
"""

import json
import os
import shutil
import subprocess
import sys

from mininet.cli import CLI as MininetCLI
from mininet.log import error
from mininet.node import Node, Switch
from mininet.topo import Topo


def _configure(node, addresses, routes, mtus):
    """Bring a node's interfaces up and give it addresses and routes; whatever ``ip`` complains about is shown."""
    commands = []
    for interface, mtu in mtus.items():
        commands.append(f"ip link set dev {interface} mtu {mtu} up")
    for interface, own in addresses.items():
        # Duplicate address detection would hold IPv6 back for a second; the plan has no duplicates.
        commands += [f"ip addr add {address} dev {interface}{' nodad' if ':' in address else ''}" for address in own]
    for route in routes:
        hops = " ".join(f"nexthop via {gateway}" for gateway in route["via"])
        commands.append(f"ip {'-6 ' if ':' in route['to'] else ''}route add {route['to']} {hops}")
    for command in commands:
        complaint = node.cmd(command).strip()
        if complaint:
            error(f"*** {node.name}: {command}: {complaint}\n")


class CLI(MininetCLI):
    """Mininet's prompt, for nodes whose names have a hyphen; mn takes it from here."""

    identchars = MininetCLI.identchars + "-"


class LabHost(Node):
    """An application host: its addresses, and default routes to its gateway."""

    def config(self, addresses=None, routes=(), mtus=None, **params):
        result = super().config(**params)
        _configure(self, addresses or {}, routes, mtus or {})
        for interface in self.intfList():
            interface.updateIP()
        return result


class LabRouter(Switch):
    """An edge or a gateway: forwards between its ports along static routes."""

    controlIntf = None

    def __init__(self, name, addresses=None, routes=(), mtus=None, **params):
        self._lab = (addresses or {}, routes, mtus or {})
        super().__init__(name, **params)

    def start(self, _controllers):
        complaint = self.cmd("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1").strip()
        if complaint:
            error(f"*** {self.name}: forwarding stays off: {complaint}\n")
        _configure(self, *self._lab)


class LabFacility(Switch):
    """A building: joins pairs of ports, every frame of one leaving through the other."""

    controlIntf = None

    def __init__(self, name, splices=(), mtus=None, **params):
        self._splices = splices
        self._mtus = mtus or {}
        super().__init__(name, **params)

    def start(self, _controllers):
        _configure(self, {}, (), self._mtus)
        for pair in self._splices:
            for here, there in (pair, reversed(pair)):
                # u32 and ingress, because kernels without matchall and clsact are still about.
                for command in (
                    f"tc qdisc add dev {here} ingress",
                    f"tc filter add dev {here} parent ffff: protocol all prio 1 u32 match u32 0 0 "
                    f"action mirred egress redirect dev {there}",
                ):
                    complaint = self.cmd(command).strip()
                    if complaint:
                        error(f"*** {self.name}: {command}: {complaint}\n")


class LabTopo(Topo):
    """One topology, by the name of a shipped one or a file."""

    def build(self, topology="aws-google"):
        lab = _links_of(str(topology))
        addresses, routes = lab["routing"]["addresses"], lab["routing"]["routes"]
        mtus = {}
        for link in lab["links"]:
            for end in (link["a"], link["b"]):
                mtus.setdefault(end["node"], {})[end["interface"]] = link["mtu"]
        for number, node in enumerate(lab["nodes"], 1):
            name = node["name"]
            if node["kind"] == "coordinator":
                # Left out with the management network: nothing would run there, and as hosts that reach nobody but each
                # other they would fail pingall.
                continue
            common = {"mtus": mtus.get(name, {}), "ip": None, "inNamespace": True}
            if node["kind"] == "facility":
                pairs = [splice["ports"] for splice in lab["splices"] if splice["facility"] == name]
                self.addSwitch(name, cls=LabFacility, dpid=f"{number:x}", splices=pairs, **common)
                continue
            common |= {"addresses": addresses.get(name, {}), "routes": routes.get(name, ())}
            if node["kind"] == "host":
                self.addHost(name, cls=LabHost, **common)
            else:
                self.addSwitch(name, cls=LabRouter, dpid=f"{number:x}", **common)
        for link in lab["links"]:
            if link["kind"] == "management":
                continue
            a, b = link["a"], link["b"]
            self.addLink(
                a["node"],
                b["node"],
                intfName1=a["interface"],
                intfName2=b["interface"],
                addr1=a["mac"],
                addr2=b["mac"],
            )


def _links_of(topology):
    """The plan's nodes, links and routes."""
    try:
        # Mininet's Python is the system's; it may have xcnet, but hardly ever all that xcnet needs.
        from xcnet.errors import XcnetError
        from xcnet.model.export import plan_links
        from xcnet.model.load import load_topology
        from xcnet.model.planner import make_plan
    except ImportError:
        return _ask_command(topology)
    try:
        return plan_links(make_plan(load_topology(topology)))
    except XcnetError as problem:
        raise _refusal(str(problem)) from None


def _ask_command(topology):
    command = _command()
    answer = subprocess.run(
        [command, "topology", "links", topology, "--json"], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        raise _refusal(answer.stderr.strip() or f"{command} ended with status {answer.returncode}")
    return json.loads(answer.stdout)


def _command():
    """The xcnet command: in this checkout's (or installation's) environment, beside this Python, or on the PATH."""
    # Mininet executes this file's text: there is no __file__, but its code knows where it came from.
    folder = os.path.dirname(os.path.realpath(_command.__code__.co_filename))  # noqa: PTH120
    places = []
    while folder != os.path.dirname(folder):  # noqa: PTH120
        places += [os.path.join(folder, ".venv", "bin"), os.path.join(folder, "bin")]  # noqa: PTH118
        folder = os.path.dirname(folder)  # noqa: PTH120
    places.append(os.path.dirname(sys.executable))  # noqa: PTH120
    found = shutil.which("xcnet", path=os.pathsep.join(places)) or shutil.which("xcnet")
    if found is None:
        raise _refusal(
            "the xcnet command cannot be found\n"
            f"  where: {', '.join(places[:2])}, ..., PATH\n"
            "  remedy: run ./lab/provision.sh in the checkout, or pip install xcnet and put its bin folder on PATH"
        )
    return found


def _refusal(message):
    # Not an Exception: mn answers those with its clean-up, which ends processes and interfaces of other labs too.
    return SystemExit(f"mininet_topos: {message}")


topos = {
    "aws-google": lambda: LabTopo("aws-google"),
    "minimal": lambda: LabTopo("minimal"),
    "two-interconnects": lambda: LabTopo("two-interconnects"),
    "xcnet": LabTopo,
}
