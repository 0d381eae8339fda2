"""The smallest thing that the proof can be made on: two hosts, two edges, one facility, MACsec channels with fixed keys.

No daemon: the keys are put into the kernel, the routes are static. Each test makes one, proves it, or spoils it first.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from ipaddress import ip_interface, ip_network

from xcnet.model.desired import Channel, CipherSuite, Macsec, RouterState, Vrf, VrfInterface
from xcnet.model.plan import (
    ChannelEnd,
    HostAddressing,
    NodeKind,
    Plan,
    PlannedChannel,
    PlannedConnection,
    PlannedNode,
    Splice,
)
from xcnet.netlink import filters, links, netns
from xcnet.netlink import macsec_changes as changes
from xcnet.netlink.macsec import Macsec as MacsecFamily
from xcnet.netlink.macsec_types import sci_of
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.netlink.sysctl import write as write_sysctl
from xcnet.proof.decrypt import SakMaterial
from xcnet.proof.subject import Subject
from xcnet.secret import Secret

EDGES = ("edge-a", "edge-b")
HOSTS = ("host-a", "host-b")
FACILITY = "facility"
TABLE = 1100
VLAN = 1100
MTU = 1600
WINDOW = 64


def ip_batch(namespace: str, *lines: str) -> None:
    subprocess.run(["ip", "-n", namespace, "-batch", "-"], input="\n".join(lines) + "\n", check=True, text=True)


def mac(edge: int, channel: int) -> str:
    return f"02:00:00:00:{edge + 1:02x}:{channel:02x}"


@dataclass
class SmallPath:
    """:param channels: how many. :param cipher: of all of them."""

    channels: int = 1
    cipher: CipherSuite = CipherSuite.GCM_AES_XPN_256
    names: dict[str, Netns] = field(default_factory=dict)
    saks: dict[str, tuple[SakMaterial, ...]] = field(default_factory=dict)

    def build(self) -> SmallPath:
        for name in (*EDGES, *HOSTS, FACILITY):
            self.names[name] = netns.create(name)
        for number in range(1, self.channels + 1):
            self._fibre(number)
        for edge in (0, 1):
            self._edge(edge)
        return self

    def close(self) -> None:
        for name, held in self.names.items():
            held.close()
            netns.delete(name)

    def _fibre(self, number: int) -> None:
        for edge, side in enumerate("ab"):
            ip_batch(
                FACILITY,
                f"link add {side}{number} mtu 2000 type veth peer ch{number} netns {EDGES[edge]} "
                f"address {mac(edge, number)} mtu 2000",
                f"link set {side}{number} addrgenmode none up",
            )
        with NetlinkSocket(netns=self.names[FACILITY]) as netlink:
            ports = [links.get(netlink, f"{side}{number}").index for side in "ab"]
            netlink.submit(filters.splice(*ports))

    def _edge(self, edge: int) -> None:
        name, held = EDGES[edge], self.names[EDGES[edge]]
        ip_batch(name, f"link add prod type vrf table {TABLE}", "link set prod up", "link set lo up")
        for number in range(1, self.channels + 1):
            self._channel(edge, number)
        hops = range(1, self.channels + 1)
        there, here = 2 - edge, edge + 1
        via4 = " ".join(f"nexthop via 169.254.{n}.{there} dev m{n}.v" for n in hops)
        via6 = " ".join(f"nexthop via fd00:0:0:{n}::{there} dev m{n}.v" for n in hops)
        ip_batch(
            name,
            f"link add host mtu 2000 type veth peer eth0 netns {HOSTS[edge]} mtu 2000",
            "link set host master prod",
            "link set host up",
            f"addr add 10.{here}.0.1/24 dev host",
            f"addr add fd{here:02x}::1/64 dev host nodad",
            f"route add 10.{there}.0.0/24 table {TABLE} {via4}",
            f"route add fd{there:02x}::/64 table {TABLE} {via6}",
        )
        ip_batch(
            HOSTS[edge],
            "link set lo up",
            "link set eth0 up",
            f"addr add 10.{here}.0.10/24 dev eth0",
            f"addr add fd{here:02x}::10/64 dev eth0 nodad",
            f"route add default via 10.{here}.0.1",
            f"route add default via fd{here:02x}::1",
        )
        write_sysctl(
            {
                "net/ipv4/ip_forward": 1,
                "net/ipv6/conf/all/forwarding": 1,
                "net/ipv4/fib_multipath_hash_policy": 1,
                "net/ipv6/fib_multipath_hash_policy": 1,
            },
            held,
        )

    def _channel(self, edge: int, number: int) -> None:
        held = self.names[EDGES[edge]]
        scis = [sci_of(mac(each, number)) for each in (0, 1)]
        if edge == 0:
            key, salt = Secret.random(self.cipher.key_length), Secret.random(12)
            xpn = self.cipher.extended_packet_numbers
            self.saks[f"ch{number}"] = tuple(
                # SSCI 1 belongs to the numerically greatest SCI.
                SakMaterial(
                    sci, 0, self.cipher, key, 1 + (sci != max(scis)) if xpn else 0, salt if xpn else Secret(b"")
                )
                for sci in scis
            )
        own, peer = (self._sa_key(self.saks[f"ch{number}"][each]) for each in (edge, 1 - edge))
        with MacsecFamily(held) as family, NetlinkSocket(netns=held) as netlink:
            port = links.get(netlink, f"ch{number}").index
            netlink.submit([links.change(port, up=True, ipv6_link_local=False), *filters.gate(port)])
            device = family.create(
                f"m{number}", port, scis[edge], self.cipher, replay_window=WINDOW, mtu=MTU + 4, up=True
            ).index
            family.apply(
                changes.add_tx_sa(device, 0, own),
                changes.add_rx_sc(device, scis[1 - edge]),
                changes.add_rx_sa(device, scis[1 - edge], 0, peer),
            )
        ip_batch(
            EDGES[edge],
            f"link add link m{number} name m{number}.v mtu {MTU} type vlan id {VLAN}",
            f"link set m{number}.v master prod",
            f"link set m{number}.v up",
            f"addr add 169.254.{number}.{edge + 1}/30 dev m{number}.v",
            f"addr add fd00:0:0:{number}::{edge + 1}/126 dev m{number}.v nodad",
        )

    def _sa_key(self, sak: SakMaterial) -> changes.SaKey:
        xpn = self.cipher.extended_packet_numbers
        return changes.SaKey(sak.key, bytes(16), sak.ssci if xpn else None, sak.salt.reveal() if xpn else None)

    def subject(self) -> Subject:
        return Subject(self._plan(), dict(self.names), dict(self.saks))

    def _plan(self) -> Plan:
        numbers = range(1, self.channels + 1)
        return Plan(
            topology="small path",
            nodes=(
                *(PlannedNode(name, NodeKind.EDGE, name) for name in EDGES),
                *(PlannedNode(name, NodeKind.HOST, name) for name in HOSTS),
                PlannedNode(FACILITY, NodeKind.FACILITY),
            ),
            links=(),
            splices=tuple(Splice(FACILITY, f"ch{n}", (f"a{n}", f"b{n}")) for n in numbers),
            hosts=tuple(
                HostAddressing(
                    HOSTS[edge],
                    "eth0",
                    "prod",
                    (ip_interface(f"10.{edge + 1}.0.10/24"), ip_interface(f"fd{edge + 1:02x}::10/64")),
                    (),
                )
                for edge in (0, 1)
            ),
            channels=tuple(
                PlannedChannel(
                    f"ch{n}",
                    "test",
                    FACILITY,
                    (
                        ChannelEnd(EDGES[0], EDGES[0], f"ch{n}", f"m{n}", f"a{n}"),
                        ChannelEnd(EDGES[1], EDGES[1], f"ch{n}", f"m{n}", f"b{n}"),
                    ),
                    EDGES[0],
                    f"{FACILITY}:ch{n}",
                    10**11,
                )
                for n in numbers
            ),
            connections=(
                PlannedConnection(
                    "prod",
                    VLAN,
                    "prod",
                    MTU,
                    10**9,
                    tuple(f"ch{n}" for n in numbers),
                    dict(zip("ab", HOSTS, strict=True)),
                ),
            ),
            routers={name: self._router(edge) for edge, name in enumerate(EDGES)},
        )

    def _router(self, edge: int) -> RouterState:
        numbers = range(1, self.channels + 1)
        return RouterState(
            node=EDGES[edge],
            provider=EDGES[edge],
            channels=tuple(
                Channel(
                    name=f"ch{n}",
                    port=f"ch{n}",
                    device=f"m{n}",
                    macsec=Macsec(cipher_suite=self.cipher, replay_window=WINDOW),
                )
                for n in numbers
            ),
            vrfs=(
                Vrf(
                    name="prod",
                    connection="prod",
                    table=TABLE,
                    asn=64512 + edge,
                    router_id="192.0.2.1",
                    interfaces=tuple(
                        VrfInterface(
                            name=f"m{n}.v",
                            parent=f"m{n}",
                            vlan=VLAN,
                            mtu=MTU,
                            addresses=(
                                ip_interface(f"169.254.{n}.{edge + 1}/30"),
                                ip_interface(f"fd00:0:0:{n}::{edge + 1}/126"),
                            ),
                        )
                        for n in numbers
                    ),
                    networks=(ip_network(f"10.{edge + 1}.0.0/24"),),
                ),
            ),
        )


def set_macsec(edge: int, channel: int, *settings: str) -> None:
    """Change a MACsec device as somebody with a shell could: ``encrypt off``, ``validate disabled`` ..."""
    subprocess.run(["ip", "-n", EDGES[edge], "link", "set", f"m{channel}", "type", "macsec", *settings], check=True)
