"""Two namespaces joined by a veth pair, and raw sockets to put frames on it and take them off."""

from __future__ import annotations

import itertools
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from xcnet.model.desired import CipherSuite
from xcnet.netlink import link_kinds, links, netns, sysctl
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.links import Link
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.macsec_changes import SaKey, add_rx_sa, add_rx_sc, add_tx_sa
from xcnet.netlink.macsec_types import SecY, sci_of
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.secret import Secret
from xcnet.waiting import Deadline, wait_until

_names = itertools.count(1)
_QUIET_SECONDS = 0.05


class Tap:
    """A raw socket on an interface: what passes there in either direction, and a way to put frames out."""

    def __init__(self, space: Netns, interface: str) -> None:
        with space.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0003))
        self._socket.bind((interface, 0x0003))

    def send(self, frame: bytes) -> None:
        self._socket.send(frame)

    def received(self, count: int = 1, *, outgoing: bool = False, deadline: float = 2.0) -> list[bytes]:
        """Frames that came in (or went out): at least ``count``, or what there is when time is up; none more wait then."""
        frames: list[bytes] = []
        end = time.monotonic() + deadline
        while True:
            left = _QUIET_SECONDS if len(frames) >= count else end - time.monotonic()
            if left <= 0:
                return frames
            self._socket.settimeout(left)
            try:
                frame, address = self._socket.recvfrom(65535)
            except TimeoutError:
                return frames
            if (address[2] == socket.PACKET_OUTGOING) == outgoing:
                frames.append(frame)

    def close(self) -> None:
        self._socket.close()


@dataclass
class Station:
    """One end of the pair."""

    space: Netns
    port: Link
    mac: str
    netlink: NetlinkSocket
    macsec: Macsec
    secy: Link | None = None
    taps: list[Tap] = field(default_factory=list)

    @property
    def sci(self) -> int:
        return sci_of(self.mac)

    @property
    def index(self) -> int:
        assert self.secy is not None
        return self.secy.index

    def tap(self, interface: str) -> Tap:
        self.taps.append(Tap(self.space, interface))
        return self.taps[-1]

    def state(self) -> SecY:
        return self.macsec.get(self.index)

    def link(self, name: str) -> Link:
        return links.get(self.netlink, name)

    def await_up(self, name: str) -> Link:
        """The kernel lets frames out some time after carrier came: what is sent before is lost."""

        def seen() -> str | None:
            state = self.link(name).operstate
            return None if state == "UP" else state

        wait_until(f"{name} to be up", seen, Deadline(5.0), interval=0.01)
        return self.link(name)


@dataclass
class Pair:
    a: Station
    b: Station

    def make_secy(self, cipher: CipherSuite = CipherSuite.GCM_AES_XPN_256, *, window: int | None = 0) -> None:
        """MACsec devices named ``ch1`` on both ports, down and without keys."""
        for station in (self.a, self.b):
            station.secy = station.macsec.create(
                "ch1", station.port.index, station.sci, cipher, replay_window=window, up=True
            )

    def key(self, cipher: CipherSuite, number: int = 1) -> SaKey:
        xpn = cipher.extended_packet_numbers
        return SaKey(
            Secret(bytes([number]) * cipher.key_length),
            bytes([number]) * 16,
            1 if xpn else None,
            bytes(12) if xpn else None,
        )

    def secure(self, cipher: CipherSuite = CipherSuite.GCM_AES_XPN_256, *, window: int | None = 0, an: int = 0) -> None:
        """Devices with keys in both directions. (Both transmit under SSCI 1 and one key: nothing to imitate elsewhere.)"""
        self.make_secy(cipher, window=window)
        key = self.key(cipher)
        for station, other in ((self.a, self.b), (self.b, self.a)):
            station.macsec.apply(
                add_rx_sc(station.index, other.sci),
                add_rx_sa(station.index, other.sci, an, key),
                add_tx_sa(station.index, an, key),
            )
            station.macsec.set_encoding_sa("ch1", an)
        for station in (self.a, self.b):
            station.await_up("ch1")

    def frame(self, payload: bytes = b"payload", ethertype: int = 0x0800) -> bytes:
        """A frame from a to b."""
        return mac_bytes(self.b.mac) + mac_bytes(self.a.mac) + ethertype.to_bytes(2, "big") + payload.ljust(64, b".")


def mac_bytes(mac: str) -> bytes:
    return bytes.fromhex(mac.replace(":", ""))


@pytest.fixture
def spaces() -> Iterator[tuple[Netns, Netns]]:
    """Two fresh namespaces."""
    made = [netns.create(f"t{os.getpid()}.{next(_names)}") for _ in range(2)]
    yield made[0], made[1]
    for each in made:
        netns.delete(each.name)
        each.close()


@pytest.fixture
def pair(spaces: tuple[Netns, Netns]) -> Iterator[Pair]:
    """Both ends up, MTU 9100, no IPv6: nothing on the wire but what a test puts there."""
    macs = ("02:00:00:00:00:0a", "02:00:00:00:00:0b")
    for space in spaces:
        sysctl.write({"net/ipv6/conf/all/disable_ipv6": 1, "net/ipv6/conf/default/disable_ipv6": 1}, space)
    ends = [VethEnd(f"p{i}", spaces[i], macs[i], 9100, 100 + i) for i in range(2)]
    with NetlinkSocket() as anywhere:
        anywhere.submit([link_kinds.veth(ends[0], ends[1])])
    stations = []
    for i, space in enumerate(spaces):
        netlink = NetlinkSocket(netns=space)
        netlink.submit([links.change("lo", up=True), links.change(100 + i, up=True)])
        stations.append(Station(space, links.get(netlink, 100 + i), macs[i], netlink, Macsec(space)))
    for i, station in enumerate(stations):
        station.port = station.await_up(f"p{i}")
    yield Pair(*stations)
    for station in stations:
        for tap in station.taps:
            tap.close()
        station.netlink.close()
        station.macsec.close()
