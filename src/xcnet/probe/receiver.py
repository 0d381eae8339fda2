"""Takes in one host's datagrams with the times at which its kernel received them."""

from __future__ import annotations

import socket
import struct
import time
from array import array
from dataclasses import dataclass, field

from xcnet.netlink.netns import Netns
from xcnet.probe.board import Board
from xcnet.probe.packets import HEADER, MAGIC

_SO_RCVBUFFORCE, _SO_TIMESTAMPNS, _SO_MEMINFO = 33, 35, 55
_MEMINFO = struct.Struct("=9I")
_DROPS = 8
_TIMESPEC = struct.Struct("@qq")
_BILLION = 1_000_000_000

RECEIVE_BUFFER = 16 * 2**20
"""Bytes, truesize of what waits: some ten thousand datagrams. Where it may not be had, what is lost here is counted."""

_PAUSE = 0.02
"""Seconds between two looks. The kernel has noted when each datagram came: it may wait, and waking for each costs more."""

_TRIES = 8
_QUICK = 50_000
_NEVER = 2**63
"""How often the clocks are compared at most, and in how many nanoseconds for the result to be taken at once."""

_STEP = 500_000
"""Nanoseconds by which the wall clock must have moved against the monotonic one to be taken for having been set."""


@dataclass(slots=True)
class ReceivedRecord:
    """In order of arrival, one entry a datagram: flow, sequence number, times of sending and of arrival (CLOCK_MONOTONIC,
    nanoseconds). :param drops: datagrams that this receiver's own full buffer made the kernel drop."""

    flows: array[int] = field(default_factory=lambda: array("H"))
    sequences: array[int] = field(default_factory=lambda: array("I"))
    sent: array[int] = field(default_factory=lambda: array("q"))
    received: array[int] = field(default_factory=lambda: array("q"))
    drops: int = 0


def open_receiver(netns: Netns, *, buffer: int = RECEIVE_BUFFER) -> socket.socket:
    """A UDP socket for IPv4 and IPv6 on a free port, whose datagrams the kernel gives the time of their arrival."""
    with netns.entered():
        opened = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    try:
        opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
    except PermissionError:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    opened.bind(("::", 0))
    opened.setblocking(False)
    return opened


def drops(opened: socket.socket) -> int:
    """How many datagrams the kernel had no room for. Asked of the socket: the count that comes with datagrams
    (SO_RXQ_OVFL) says nothing of those after the last one taken in."""
    return int(_MEMINFO.unpack(opened.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))[_DROPS])


def wall_offset() -> int:
    """What to add to CLOCK_REALTIME for CLOCK_MONOTONIC, nanoseconds: the wall clock between two looks at the other.

    On a busy machine this process may be kept waiting between the looks; of several tries the quickest is the nearest.
    """
    offset, quickest = 0, _NEVER
    for _ in range(_TRIES):
        before = time.monotonic_ns()
        wall = time.time_ns()
        after = time.monotonic_ns()
        if after - before < quickest:
            offset, quickest = (before + after) // 2 - wall, after - before
        if quickest <= _QUICK:
            break
    return offset


def on_monotonic(stamp: int, offset: int, earlier: int, since: int, until: int) -> int:
    """A kernel's stamp (CLOCK_REALTIME) as CLOCK_MONOTONIC, though the wall clock may have been set.

    :param offset: the present one (see :func:`wall_offset`), :param earlier: the one of the look before.
    :param since: monotonic time of the look before, :param until: and now: it came between the two.
    """
    now = stamp + offset
    if abs(offset - earlier) < _STEP or since - _STEP <= now <= until + _STEP:
        return now
    before = stamp + earlier
    return before if since - _STEP <= before <= until + _STEP else min(max(now, since), until)


def receive(opened: socket.socket, run: int, board: Board, slot: int, *, pause: float = _PAUSE) -> ReceivedRecord:
    """Take in this run's datagrams until the board says that receiving has ended.

    :param slot: the board's counter for what came. :param pause: seconds between two looks.
    """
    record = ReceivedRecord()
    dropped = drops(opened)
    offset, since = wall_offset(), time.monotonic_ns()
    while True:
        last = not board.receiving
        earlier, offset = offset, wall_offset()
        since = _drain(opened, run, record, board, offset, earlier, since)
        board.count(slot, len(record.flows))
        if last:
            break
        time.sleep(pause)
    record.drops = drops(opened) - dropped
    return record


def _drain(
    opened: socket.socket, run: int, record: ReceivedRecord, board: Board, offset: int, earlier: int, since: int
) -> int:
    """Everything that waits. :returns: when it was looked at."""
    looked = time.monotonic_ns()
    buffer = bytearray(9000)
    room = socket.CMSG_SPACE(_TIMESPEC.size)
    take, targets = opened.recvmsg_into, [buffer]
    stepped = abs(offset - earlier) >= _STEP
    while True:
        try:
            length, ancillary, _flags, _address = take(targets, room)
        except BlockingIOError:
            return looked
        if length < HEADER.size or not ancillary:
            continue
        magic, its_run, flow, sequence, sent = HEADER.unpack_from(buffer)
        if magic != MAGIC or its_run != run:
            continue
        seconds, nanoseconds = _TIMESPEC.unpack_from(ancillary[0][2])
        stamp = seconds * _BILLION + nanoseconds
        came = on_monotonic(stamp, offset, earlier, since, time.monotonic_ns()) if stepped else stamp + offset
        record.flows.append(flow)
        record.sequences.append(sequence)
        record.sent.append(sent)
        record.received.append(came)
        board.saw(flow)


__all__ = ["RECEIVE_BUFFER", "ReceivedRecord", "drops", "on_monotonic", "open_receiver", "receive", "wall_offset"]
