"""Sends one host's datagrams, flow after flow in turn, each at its time; notes when each really left."""

from __future__ import annotations

import socket
import time
from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from xcnet.errors import LabError
from xcnet.netlink.netns import Netns
from xcnet.probe.board import Board
from xcnet.probe.packets import blank, stamp

_BILLION = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One flow. :param opened: a socket of its own, so that it has a source port of its own; connected."""

    flow: int
    opened: socket.socket


@dataclass(frozen=True, slots=True)
class SentRecord:
    """What one sender sent: packet ``i`` is number ``i // len(flows)`` of flow ``flows[i % len(flows)]``.

    :param times: when each left, nanoseconds. :param start: when the first was due, nanoseconds. :param rate: per second.
    """

    flows: tuple[int, ...]
    times: array[int]
    start: int
    rate: float

    def due(self, packet: int) -> int:
        """When a packet was to be sent, nanoseconds: reckoned from the start, so that nothing adds up."""
        return self.start + int(packet * _BILLION / self.rate)

    def of(self, flow: int) -> Sequence[int]:
        """When each packet of a flow was sent, by its number."""
        return self.times[self.flows.index(flow) :: len(self.flows)]


def open_flow(netns: Netns, flow: int, address: IPv4Address | IPv6Address, port: int) -> Outgoing:
    """:raises LabError: the host has no route to that address, not even to its gateway."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with netns.entered():
        opened = socket.socket(family, socket.SOCK_DGRAM)
    try:
        opened.connect((str(address), port))
    except OSError as error:
        opened.close()
        raise LabError(
            f"no datagram can be sent to {address}: {error.strerror}",
            where=netns.name,
            remedy="see that the host's interface is up, e.g. with 'xcnet exec HOST -- ip route'",
        ) from None
    opened.setblocking(False)
    return Outgoing(flow, opened)


def send(
    flows: Sequence[Outgoing], run: int, size: int, rate: float, start: int, board: Board, slot: int
) -> SentRecord:
    """Send until the board says that sending has ended.

    A packet that the kernel does not take counts as sent, and will be missed at the other end: its user would miss it too.

    :param rate: packets per second of this sender. :param start: when the first is due, nanoseconds.
    :param slot: the board's counter for packets sent.
    """
    buffers = [blank(run, each.flow, size) for each in flows]
    sends = [each.opened.send for each in flows]
    record = SentRecord(tuple(each.flow for each in flows), array("q"), start, rate)
    note, number, turn, sequence = record.times.append, 0, 0, 0
    while board.sending:
        due = record.due(number)
        now = time.monotonic_ns()
        if now < due:
            time.sleep((due - now) / _BILLION)
            now = time.monotonic_ns()
        buffer = buffers[turn]
        stamp(buffer, sequence, now)
        try:
            sends[turn](buffer)
        except OSError:
            _once_more(sends[turn], buffer)
        note(now)
        number += 1
        board.count(slot, number)
        turn += 1
        if turn == len(buffers):
            turn, sequence = 0, sequence + 1
    return record


def _once_more(send_again: Callable[[bytearray], int], buffer: bytearray) -> None:
    """An error that an earlier packet met is told to the next one, which then has not been sent."""
    try:
        send_again(buffer)
    except OSError:
        return


__all__ = ["Outgoing", "SentRecord", "open_flow", "send"]
