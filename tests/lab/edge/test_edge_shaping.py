"""A VLAN that may send no faster than it should, between two namespaces that hold a router's interfaces."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from ipaddress import ip_interface

import pytest

from xcnet.edge.kernel import RouterKernel
from xcnet.model.desired import RouterState, Vrf, VrfInterface
from xcnet.netlink import link_kinds, links, netns, qdisc, shaping
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

MTU = 8500


def shaped(rate: int | None) -> RouterState:
    return state(1, rate)


def state(number: int, rate: int | None = None) -> RouterState:
    interface = VrfInterface(
        name="in0.1100",
        parent="in0",
        vlan=1100,
        mtu=MTU,
        addresses=(ip_interface(f"10.8.0.{number}/24"),),
        rate=rate,
    )
    vrf = Vrf(
        name="vrf-test",
        connection="test",
        table=1001,
        asn=64512,
        router_id=f"10.9.9.{number}",
        interfaces=(interface,),
    )
    return RouterState(node=f"r{number}", provider="test", ports={"in0": 9100}, vrfs=(vrf,))


@dataclass
class Ends:
    one: Netns
    other: Netns

    def apply(self, state: RouterState) -> list[str]:
        with (self.one if state.node == "r1" else self.other).entered(), closing(RouterKernel()) as kernel:
            return kernel.apply(state)

    def held(self) -> shaping.Shaper | None:
        with NetlinkSocket(netns=self.one) as netlink:
            return shaping.dump(netlink).get(links.get(netlink, "in0.1100").index)

    def kinds(self) -> list[str]:
        with NetlinkSocket(netns=self.one) as netlink:
            index = links.get(netlink, "in0.1100").index
            return [each.kind for each in qdisc.dump(netlink) if each.index == index]

    def udp(self, space: Netns, number: int) -> socket.socket:
        with space.entered():
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vrf-test")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        opened.bind((f"10.8.0.{number}", 6000))
        opened.settimeout(0.5)
        return opened

    def carried(self, seconds: int = 3) -> float:
        """Bits of TCP payload a second from one to the other."""
        at = ["ip", "netns", "exec"]
        bound = ["--bind-dev", "vrf-test"]
        with subprocess.Popen(
            [*at, self.other.name, "iperf3", "-s", "-1", *bound], stdout=subprocess.DEVNULL
        ) as server:
            try:
                self._listening()
                said = subprocess.run(
                    [*at, self.one.name, "iperf3", "-J", "-c", "10.8.0.2", "-t", str(seconds), *bound],
                    check=True,
                    capture_output=True,
                    text=True,
                )
            finally:
                server.terminate()
        return float(json.loads(said.stdout)["end"]["sum_received"]["bits_per_second"])

    def _listening(self) -> None:
        def seen() -> str | None:
            said = subprocess.run(
                ["ip", "netns", "exec", self.other.name, "ss", "-Hltn"], check=True, capture_output=True, text=True
            )
            return None if ":5201 " in said.stdout else "nobody listens"

        wait_until("iperf3 to listen", seen, Deadline(10))


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends(netns.create("shape-1"), netns.create("shape-2"))
    with NetlinkSocket() as netlink:
        netlink.submit([link_kinds.veth(VethEnd("in0", made.one), VethEnd("in0", made.other))])
    made.apply(state(1))
    made.apply(state(2))
    yield made
    for space in (made.one, made.other):
        space.close()
        netns.delete(space.name)


@pytest.mark.parametrize("rate", [20_000_000, 100_000_000, 333_000_000])
def test_a_rate_is_met_and_not_exceeded(ends: Ends, rate: int) -> None:
    assert any("shaped" in each for each in ends.apply(shaped(rate)))
    # A machine that has other things to do carries less now and then, a shaper that is wrong every time.
    carried: list[float] = []
    while len(carried) < 4 and (not carried or carried[-1] < 0.9 * rate):
        carried.append(ends.carried())
        assert carried[-1] <= 1.02 * rate
    assert carried[-1] >= 0.9 * rate, carried


def test_a_rate_that_stands_is_left_alone_and_one_that_is_gone_leaves_nothing(ends: Ends) -> None:
    assert ends.kinds() == ["noqueue"]
    ends.apply(shaped(100_000_000))
    assert ends.kinds()[0] == "tbf"
    for rate in (100_000_000, 333_333_333, 64_000, 25_000_000_000, 400_000_000_000):
        ends.apply(shaped(rate))
        assert ends.apply(shaped(rate)) == []
        held = ends.held()
        assert held is not None
        assert held.rate == rate // 8 * 8
    assert ends.apply(shaped(None)) == ["in0.1100 no longer shaped"]
    assert ends.kinds() == ["noqueue"]
    assert ends.apply(shaped(None)) == []


def test_a_rate_is_changed_under_traffic_without_losing_or_reordering_a_packet(ends: Ends) -> None:
    ends.apply(shaped(100_000_000))
    sender, receiver = ends.udp(ends.one, 1), ends.udp(ends.other, 2)
    stop = threading.Event()
    sent = 0

    def send() -> None:
        nonlocal sent
        started = time.monotonic()
        while not stop.is_set():
            while sent < 1000 * (time.monotonic() - started):
                sender.sendto(sent.to_bytes(8, "big") + bytes(1200), ("10.8.0.2", 6000))
                sent += 1
            time.sleep(0.0005)

    received: list[int] = []

    def receive() -> None:
        while True:
            try:
                received.append(int.from_bytes(receiver.recv(2000)[:8], "big"))
            except TimeoutError:
                if stop.is_set():
                    return

    threads = [threading.Thread(target=receive), threading.Thread(target=send)]
    for thread in threads:
        thread.start()
    # 1,000 packets a second are 10 Mbit/s: 8 Mbit/s make a queue, which the next change finds.
    for rate in (333_000_000, 50_000_000, 8_000_000, 12_000_000, 8_000_000, 100_000_000) * 3:
        time.sleep(0.15)
        assert ends.apply(shaped(rate)) == [f"in0.1100 shaped to {rate} bit/s"]
    time.sleep(0.2)
    stop.set()
    for thread in threads:
        thread.join()
    sender.close()
    receiver.close()
    assert sent > 2000
    assert received == list(range(sent))
