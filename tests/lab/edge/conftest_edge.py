"""Two routers' daemons, real processes in two namespaces, joined by a veth pair as a channel joins two edges."""

from __future__ import annotations

import asyncio
import ctypes
import errno
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_interface
from pathlib import Path
from typing import Any

import pytest

from xcnet.edge.client import EdgeClient
from xcnet.edge.daemon import run
from xcnet.edge.report import EdgeReport
from xcnet.events import Event
from xcnet.model.desired import Cak, Channel, CipherSuite, KeyAgreement, Macsec, RouterState, Vrf, VrfInterface
from xcnet.netlink import link_kinds, netns
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

VLAN = 1100


def new_key(length: int = 32, *, preferred: bool = True) -> Cak:
    return Cak(ckn=os.urandom(32).hex(), cak=Secret.random(length), preferred=preferred)


@dataclass
class Router:
    """One router of the pair. ``number`` is 1 or 2: the last octet of its address on the connection's VLAN."""

    number: int
    netns: Netns
    folder: Path
    pid: int = 0
    state: RouterState | None = None

    @property
    def events_path(self) -> Path:
        return self.folder / "events.jsonl"

    def start(self) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            try:
                ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
                self.netns.enter()
                run(self.folder.name, self.folder, self.events_path)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(0)

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.pid:
            os.kill(self.pid, number)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def apply(self, state: RouterState) -> list[str]:
        self.state = state
        return asyncio.run(EdgeClient(self.folder).apply(state, deadline=Deadline(20)))

    def status(self) -> EdgeReport:
        return asyncio.run(EdgeClient(self.folder).status())

    def wait_secured(self, seconds: float = 15.0) -> float:
        started = time.monotonic()

        def seen() -> str | None:
            channel = self.status().channels[0]
            return None if channel.secured else f"{channel}"

        wait_until(f"router {self.number} to be secured", seen, Deadline(seconds), interval=0.02)
        return time.monotonic() - started

    def events(self, kind: str) -> list[Event]:
        lines = self.events_path.read_text().splitlines()
        return [event for event in map(Event.from_json, lines) if event.kind.startswith(kind)]

    def state_with(self, keys: tuple[Cak, ...], **macsec: Any) -> RouterState:
        agreement = macsec.pop("key_agreement", KeyAgreement.XCNET)
        settings = {"key_server_priority": 10 + self.number, "cipher_suite": CipherSuite.GCM_AES_XPN_256, **macsec}
        return RouterState(
            node=self.folder.name,
            provider="test",
            channels=(
                Channel(
                    name="ch1",
                    port="ch1",
                    device="ch1.sec",
                    macsec=Macsec(**settings),
                    keys=keys,
                    key_agreement=agreement,
                ),
            ),
            vrfs=(
                Vrf(
                    name="vrf-test",
                    connection="test",
                    table=1001,
                    asn=64512,
                    router_id=f"10.9.9.{self.number}",
                    interfaces=(
                        VrfInterface(
                            name=f"ch1.{VLAN}",
                            parent="ch1.sec",
                            vlan=VLAN,
                            mtu=8500,
                            addresses=(
                                ip_interface(f"169.254.7.{self.number}/30"),
                                ip_interface(f"fd00:7::{self.number}/126"),
                            ),
                        ),
                    ),
                ),
            ),
        )


@dataclass
class Pair:
    one: Router
    other: Router
    sockets: list[socket.socket] = field(default_factory=list)

    def both(self) -> tuple[Router, Router]:
        return self.one, self.other

    def secure(self, keys: tuple[Cak, ...], **macsec: Any) -> None:
        for router in self.both():
            router.apply(router.state_with(keys, **macsec))
        for router in self.both():
            router.wait_secured()

    def udp(self, router: Router, port: int) -> socket.socket:
        """A UDP socket inside the router's VRF."""
        with router.netns.entered():
            opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"vrf-test")
        opened.bind((f"169.254.7.{router.number}", port))
        opened.settimeout(0.5)
        self.sockets.append(opened)
        return opened

    def crosses(self) -> bool:
        """True if a datagram gets through in each direction."""
        ends = {router.number: self.udp(router, 5000 + len(self.sockets)) for router in self.both()}
        ports = {number: end.getsockname()[1] for number, end in ends.items()}
        for sender, receiver in ((1, 2), (2, 1)):
            payload = os.urandom(16)
            for _attempt in range(3):  # the first ones may be lost while neighbours are resolved
                try:
                    ends[sender].sendto(payload, (f"169.254.7.{receiver}", ports[receiver]))
                    if ends[receiver].recv(100) == payload:
                        break
                except TimeoutError:
                    continue
                except OSError as error:
                    if error.errno not in (errno.ENETUNREACH, errno.EHOSTUNREACH):
                        raise
            else:
                return False
        return True


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """Two running daemons that were told nothing yet."""
    folder = Path("/run/xcnet-test") / tmp_path.name
    routers = []
    for number in (1, 2):
        sockets = folder / f"r{number}"
        sockets.mkdir(parents=True)
        routers.append(Router(number, netns.create(f"edge-test-{number}"), sockets))
    with NetlinkSocket() as netlink:
        ends = [VethEnd("ch1", netns=r.netns, mac=f"02:00:00:00:00:0{r.number}", mtu=9100) for r in routers]
        netlink.submit([link_kinds.veth(ends[0], ends[1])])
    pair = Pair(routers[0], routers[1])
    for router in routers:
        router.start()
    try:
        yield pair
    finally:
        for opened in pair.sockets:
            opened.close()
        for router in routers:
            router.kill()
            router.netns.close()
            netns.delete(f"edge-test-{router.number}")


@pytest.fixture
def observer(pair: Pair) -> Iterator[Callable[[], list[bytes]]]:
    """Every frame that passed the bare ports since the last call, seen by a packet socket at both ends."""
    taps = []
    for router in pair.both():
        with router.netns.entered():
            tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.htons(3))
            tap.bind(("ch1", 3))
        taps.append(tap)

    def frames() -> list[bytes]:
        found = []
        for tap in taps:
            while True:
                try:
                    found.append(tap.recv(65535))
                except BlockingIOError:
                    break
                except OSError as error:
                    # The socket tells once that the port was down when it was opened; what comes later still arrives.
                    if error.errno != errno.ENETDOWN:
                        raise
        return found

    yield frames
    for tap in taps:
        tap.close()


def kernel_picture(router: Router) -> str:
    """Links, addresses and routes of a namespace as text, to be compared before and after."""
    from xcnet.netlink import addresses, links, routes

    with NetlinkSocket(netns=router.netns) as netlink:
        return json.dumps(
            [
                [repr(item) for item in links.dump(netlink)],
                [repr(item) for item in addresses.dump(netlink)],
                [repr(item) for item in routes.dump(netlink)],
            ],
            indent=1,
        )
