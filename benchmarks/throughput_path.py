#!/usr/bin/env python3
"""TCP throughput from host to host through a running lab, against one bare MACsec link in the same kernel.

Both are measured with iperf3, in turns, so that whatever else the machine does meets both alike; the result is the ratio of
the medians. The reference is two namespaces with one veth pair and one MACsec device on each end, the same cipher suite and
the same MTU as the path, keyed by hand. Run it as root in the kernel that the lab runs in (``xcnet exec`` a node, or directly
where the lab runs natively).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface

from xcnet.errors import InputError, XcnetError
from xcnet.fabric.network import namespace_name
from xcnet.model.desired import CipherSuite
from xcnet.netlink import addresses, link_kinds, links, netns
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_changes import SaKey, add_rx_sa, add_rx_sc, add_tx_sa
from xcnet.netlink.macsec_types import sci_of
from xcnet.netlink.netns import Netns
from xcnet.netlink.sockdiag import listeners
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

_PORT = 5201
_MACSEC_OVERHEAD = 32


@dataclass(frozen=True)
class Route:
    """Where a measurement goes: TCP from ``client`` to ``address`` in ``server``."""

    client: Netns
    server: Netns
    address: IPv4Address | IPv6Address


@dataclass(frozen=True)
class Comparison:
    """Bits per second, of each round."""

    reference: list[float]
    path: list[float]

    @property
    def ratio(self) -> float:
        """The path's median as a share of the reference's."""
        return statistics.median(self.path) / statistics.median(self.reference)


@contextlib.contextmanager
def bare_link(mtu: int, cipher: CipherSuite = CipherSuite.GCM_AES_XPN_256) -> Iterator[Route]:
    """Two namespaces with one MACsec link between them and nothing else.

    :param mtu: of the MACsec devices, so that packets are as long as on the path that is compared.
    """
    with contextlib.ExitStack() as cleanup:
        spaces = []
        for side in "ab":
            name = f"xcnet-bare-{os.getpid()}-{side}"
            spaces.append(cleanup.enter_context(netns.create(name)))
            cleanup.callback(netns.delete, name)
        macs = ("02:00:00:00:be:0a", "02:00:00:00:be:0b")
        port_mtu = mtu + _MACSEC_OVERHEAD
        ends = [VethEnd("port", spaces[i], macs[i], port_mtu, 100) for i in range(2)]
        with NetlinkSocket() as anywhere:
            anywhere.submit([link_kinds.veth(ends[0], ends[1])])
        keys = [_random_key(cipher, ssci) for ssci in (1, 2)]
        for i, space in enumerate(spaces):
            _key_by_hand(space, cipher, mtu, (sci_of(macs[i]), keys[i]), (sci_of(macs[1 - i]), keys[1 - i]), i)
        for space in spaces:
            _await_up(space, "sec")
        yield Route(spaces[0], spaces[1], ip_address("192.0.2.2"))


def _random_key(cipher: CipherSuite, ssci: int) -> SaKey:
    extended = cipher.extended_packet_numbers
    return SaKey(
        Secret.random(cipher.key_length),
        os.urandom(16),
        ssci if extended else None,
        os.urandom(12) if extended else None,
    )


def _key_by_hand(
    space: Netns, cipher: CipherSuite, mtu: int, own: tuple[int, SaKey], peer: tuple[int, SaKey], number: int
) -> None:
    with NetlinkSocket(netns=space) as netlink, Macsec(space) as macsec:
        netlink.submit([links.change("lo", up=True), links.change(100, up=True)])
        device = macsec.create("sec", 100, own[0], cipher, replay_window=64, mtu=mtu)
        macsec.apply(
            add_tx_sa(device.index, 0, own[1]),
            add_rx_sc(device.index, peer[0]),
            add_rx_sa(device.index, peer[0], 0, peer[1]),
        )
        address = ip_interface(f"192.0.2.{number + 1}/30")
        netlink.submit([addresses.add(device.index, address), links.change(device.index, up=True)])


def _await_up(space: Netns, name: str) -> None:
    with NetlinkSocket(netns=space) as netlink:

        def seen() -> str | None:
            state = links.get(netlink, name).operstate
            return None if state == "UP" else state

        wait_until(f"{name} to be up", seen, Deadline(10.0), where=f"namespace {space.name}")


def throughput(route: Route, seconds: float, *, port: int = _PORT) -> float:
    """Bits per second that one TCP connection delivers, after its first second.

    :raises XcnetError: iperf3 is missing, or fails; its own words are in the error.
    """
    bound = str(route.address)
    server = _spawn(["iperf3", "-s", "-1", "-p", str(port), "-B", bound], route.server)
    try:

        def seen() -> str | None:
            if server.poll() is not None:
                return f"iperf3 ended with status {server.returncode}"
            return None if listeners(route.server, port) else "nobody listens"

        wait_until("iperf3's server", seen, Deadline(20.0), where=f"namespace {route.server.name}")
        client = _spawn(["iperf3", "-c", bound, "-p", str(port), "-t", f"{seconds:g}", "-O", "1", "-J"], route.client)
        try:
            output, _ = client.communicate(timeout=seconds + 60)
        except subprocess.TimeoutExpired:
            client.kill()
            client.communicate()
            raise XcnetError("iperf3 did not end", where=f"namespace {route.client.name}") from None
        return _delivered(output, route)
    finally:
        if server.poll() is None:
            server.send_signal(signal.SIGTERM)
        server.communicate()


def _delivered(output: str, route: Route) -> float:
    try:
        report = json.loads(output)
    except json.JSONDecodeError:
        report = {"error": output.strip() or "no output"}
    if "error" in report:
        raise XcnetError(
            f"iperf3 failed: {report['error']}",
            where=f"from namespace {route.client.name} to {route.address}",
            remedy="see that the two hosts reach each other: 'xcnet verify'",
        )
    return float(report["end"]["sum_received"]["bits_per_second"])


def _spawn(argv: list[str], space: Netns) -> subprocess.Popen[str]:
    try:
        with space.entered():
            return subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
    except FileNotFoundError:
        raise XcnetError(f"there is no program {argv[0]}", remedy=f"install the package {argv[0]}") from None


def compare(reference: Route, path: Route, *, rounds: int = 5, seconds: float = 4.0) -> Comparison:
    """Measure both in turns, ``rounds`` times each, the first of the two changing every round."""
    results: dict[str, list[float]] = {"reference": [], "path": []}
    order = [("reference", reference), ("path", path)]
    for number in range(rounds):
        for name, route in order if number % 2 == 0 else order[::-1]:
            results[name].append(throughput(route, seconds))
            print(f"round {number + 1} {name}: {results[name][-1] / 1e6:.0f} Mbit/s", file=sys.stderr, flush=True)
    return Comparison(**results)


def host_route(client: str, server: str) -> Route:
    """Between two hosts of a lab, to the server's first global IPv4 address. :param client: a namespace's name."""
    with contextlib.ExitStack() as opened:
        far = opened.enter_context(netns.open_named(server))
        near = opened.enter_context(netns.open_named(client))
        with NetlinkSocket(netns=far) as netlink:
            for address in addresses.dump(netlink):
                if address.interface.version == 4 and not address.interface.ip.is_loopback:
                    opened.pop_all()
                    return Route(near, far, address.interface.ip)
    raise InputError(f"{server} has no IPv4 address", where=f"namespace {server}", remedy="name a host of the lab")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("client", help="node that sends, e.g. aws-app")
    parser.add_argument("server", help="node that receives, e.g. gcp-app")
    parser.add_argument("--lab", default="aws-google", help="name of the running lab")
    parser.add_argument("--mtu", type=int, default=8500, help="the connection's MTU; the reference gets the same")
    parser.add_argument("--cipher", type=CipherSuite, choices=list(CipherSuite), default=CipherSuite.GCM_AES_XPN_256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement, its first second not counted")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")
    arguments = parser.parse_args()
    try:
        path = host_route(
            namespace_name(arguments.lab, arguments.client), namespace_name(arguments.lab, arguments.server)
        )
        with path.client, path.server, bare_link(arguments.mtu, arguments.cipher) as reference:
            result = compare(reference, path, rounds=arguments.rounds, seconds=arguments.seconds)
    except XcnetError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if arguments.json:
        print(json.dumps({**asdict(result), "ratio": round(result.ratio, 3)}))
    else:
        print(f"one bare MACsec link   {statistics.median(result.reference) / 1e6:8.0f} Mbit/s")
        print(f"through the whole path {statistics.median(result.path) / 1e6:8.0f} Mbit/s")
        print(f"ratio                  {result.ratio:8.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
