"""Probes a router's channels on request: a burst of echo requests to the neighbour of one connection on each.

The neighbour's kernel answers. Bursts cost a fraction of what as many single probes would, in a kernel with one processor.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import errno
import fcntl
import secrets
import socket
import struct
import time
from dataclasses import dataclass

from xcnet.edge.echo import Echoes, reply, request
from xcnet.edge.report import ProbeReport
from xcnet.model.desired import Channel, RouterState
from xcnet.model.subnets import Address

_SOL_RAW, _ICMP_FILTER, _ICMP6_FILTER = 255, 1, 1
_SIOCETHTOOL, _ETHTOOL_GLINK = 0x8946, 0x0A
_LARGEST = 512
_CLASS_6 = 0xC0
"""CS6, network control (RFC 2474), as BGP and BFD have it."""


@dataclass(frozen=True, slots=True)
class Target:
    """:param interface: the connection's. :param port: the bare one, below it. :param peer: the neighbour's address on that
    interface. :param rate: bits per second it is shaped to; None: it is not."""

    vrf: str
    interface: str
    port: str
    peer: Address
    rate: int | None


def targets(state: RouterState) -> dict[str, Target]:
    """Channel -> what is probed on it: of its connections the one that may send most, where probes are the last to be
    lost to shaping."""
    found: dict[str, Target] = {}
    by_device = {channel.device: channel for channel in state.channels if channel.enabled}
    for vrf in state.vrfs:
        peers: dict[str, Address] = {}
        for neighbor in vrf.neighbors:
            held = peers.get(neighbor.interface)
            if held is None or held.version > neighbor.address.version:
                peers[neighbor.interface] = neighbor.address
        for interface in vrf.interfaces:
            channel: Channel | None = by_device.get(interface.parent)
            peer = peers.get(interface.name)
            if channel is None or peer is None:
                continue
            best = found.get(channel.name)
            if best is None or _rate(interface.rate) > _rate(best.rate):
                found[channel.name] = Target(vrf.name, interface.name, channel.port, peer, interface.rate)
    return found


def _rate(rate: int | None) -> float:
    return float("inf") if rate is None else rate


class Prober:
    """All channels of one router. Use inside a running event loop."""

    def __init__(self) -> None:
        self._lines: dict[str, _Line] = {}
        self._state: RouterState | None = None
        self._targets: dict[str, Target] = {}

    def probe(self, state: RouterState | None, count: int) -> list[ProbeReport]:
        """Send a burst over each channel that has a connection, and tell what came of those before.

        :param state: the router's, as it is wanted now. :param count: requests in a burst.
        """
        if state is not self._state:
            self._state = state
            self._targets = targets(state) if state is not None else {}
            for name in self._lines.keys() - self._targets.keys():
                self._lines.pop(name).close()
        reports = []
        for name, target in self._targets.items():
            line = self._lines.setdefault(name, _Line())
            line.burst(target, count)
            reports.append(line.report(name, target))
        return reports

    def seen(self, channel: str) -> ProbeReport | None:
        """What came of a channel's probes so far; None where it is not probed."""
        line, target = self._lines.get(channel), self._targets.get(channel)
        return line.report(channel, target) if line is not None and target is not None else None

    def close(self) -> None:
        for line in self._lines.values():
            line.close()
        self._lines.clear()


class _Line:
    """One channel."""

    def __init__(self) -> None:
        self._echoes = Echoes()
        self._identifier = secrets.randbelow(2**16)
        self._socket: socket.socket | None = None
        self._opened: tuple[str, int, Address] | None = None
        self._rtt: float | None = None

    def burst(self, target: Target, count: int) -> None:
        self._rtt = self._echoes.rtt
        self._echoes.begin(time.monotonic())
        opened = self._open(target)
        # The layers above hear of a lost carrier one after the other, and until then take, and drop, what they are given.
        if opened is None or not _lit(opened, target.port):
            return
        for _ in range(count):
            now = time.monotonic()
            sequence = self._echoes.next(now)
            packet = request(target.peer.version, self._identifier, sequence)
            try:
                opened.sendto(packet, (str(target.peer), 0))
            except OSError:
                # The interface is down, or full: no fibre has lost it.
                self._echoes.unsent(sequence)
                break

    def _open(self, target: Target) -> socket.socket | None:
        """None while the interface is not there."""
        try:
            wanted = (target.interface, socket.if_nametoindex(target.interface), target.peer)
            if self._opened != wanted:
                self.close()
                self._socket = _raw(target)
                self._opened = wanted
                asyncio.get_running_loop().add_reader(self._socket.fileno(), self._readable)
        except OSError:
            self.close()
        return self._socket

    def _readable(self) -> None:
        opened, held = self._socket, self._opened
        if opened is None or held is None:
            return
        with contextlib.suppress(BlockingIOError):
            while True:
                try:
                    packet = opened.recv(_LARGEST)
                except BlockingIOError:
                    raise
                except OSError:
                    # An error that the kernel kept for this socket, told once.
                    continue
                sequence = reply(held[2].version, packet, self._identifier)
                if sequence is not None:
                    self._echoes.came(sequence, time.monotonic())

    def report(self, channel: str, target: Target) -> ProbeReport:
        return ProbeReport(
            channel=channel,
            vrf=target.vrf,
            interface=target.interface,
            peer=target.peer,
            rate=target.rate,
            sent=self._echoes.sent,
            answered=self._echoes.answered,
            lost=self._echoes.lost,
            rtt=self._rtt,
        )

    def close(self) -> None:
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._echoes.forget()
        self._socket = self._opened = None


def _lit(any_socket: socket.socket, port: str) -> bool:
    """Whether a port is up and has carrier, as the kernel has it at this moment."""
    told = array.array("I", (_ETHTOOL_GLINK, 0))
    try:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sP16x", port.encode(), told.buffer_info()[0]))
    except OSError as error:
        # A driver that cannot tell: what is sent will.
        return error.errno == errno.EOPNOTSUPP
    return bool(told[1])


def _raw(target: Target) -> socket.socket:
    """:raises OSError: the interface is gone."""
    six = target.peer.version == 6
    family, protocol = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if six else (socket.AF_INET, socket.IPPROTO_ICMP)
    opened = socket.socket(family, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, protocol)
    try:
        # Every raw socket is given all that comes: the kernel is to wake this one for echo replies only.
        if six:
            blocked = bytearray(b"\xff" * 32)
            word = struct.unpack_from("=I", blocked, 16)[0] & ~(1 << (129 & 31))
            struct.pack_into("=I", blocked, 16, word)
            opened.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 1)
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, _CLASS_6)
        else:
            opened.setsockopt(_SOL_RAW, _ICMP_FILTER, struct.pack("=I", 0xFFFFFFFE))
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
            opened.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, _CLASS_6)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, target.interface.encode() + b"\0")
    except OSError:
        opened.close()
        raise
    return opened


__all__ = ["Prober", "Target", "targets"]
