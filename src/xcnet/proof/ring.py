"""Frames as they pass an interface, kept by the kernel in a ring until somebody comes for them: many, for little work."""

from __future__ import annotations

import ctypes
import mmap
import select
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import NamedTuple, Self

from xcnet.netlink.netns import Netns
from xcnet.proof.decrypt import ETHERTYPE_MACSEC

_ETH_P_ALL = 3
_SO_ATTACH_FILTER = 26
_SOL_PACKET = 263
_RX_RING, _STATISTICS, _VERSION = 5, 6, 10
_TPACKET_V3 = 2
_OUTGOING = 4
_USER = 1
_VLAN_VALID = 1 << 4
_WHOLE = 0x40000
"""Bytes. No frame is longer."""

_BLOCK = 256 * 1024
_HELD_MS = 500
"""After which the kernel hands a block over that is not full yet."""

_FRAME = struct.Struct("=IIIIIIHHIIH")
_LINK_LAYER = 48
"""Where a frame's ``sockaddr_ll`` stands behind the beginning of its header; its packet type 10 bytes further."""


class Captured(NamedTuple):
    """:param time_ns: nanoseconds since the epoch. :param data: its beginning. :param length: of the whole, in bytes.
    :param outgoing: leaving the interface, not entering it.
    """

    time_ns: int
    data: bytes
    length: int
    outgoing: bool


@dataclass(frozen=True, slots=True)
class Counted:
    """:param seen: frames that passed, dropped ones included. :param dropped: for which the ring had no room."""

    seen: int
    dropped: int


class Ring:
    """A packet socket whose frames the kernel writes to memory that is shared with this process (TPACKET_V3).

    Sees both directions, before any filter on the way in. It stays when the interface goes down, and goes on when it is back.

    :param snap: bytes that are kept of a MACsec frame: what is behind its tag is ciphertext. Others are kept whole. 0: all.
    :param size: bytes of memory, a multiple of 256 KiB.
    """

    def __init__(self, netns: Netns, interface: str, *, snap: int = 0, size: int = 8 * _BLOCK) -> None:
        self.interface = interface
        self._blocks = size // _BLOCK
        self._next = 0
        self._seen = self._dropped = 0
        with netns.entered():
            # Without a protocol: it hears nothing before the ring stands.
            self._socket = socket.socket(
                socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC, 0
            )
            try:
                self._socket.setsockopt(_SOL_PACKET, _VERSION, _TPACKET_V3)
                _cut(self._socket, snap or _WHOLE)
                ring = struct.pack("=7I", _BLOCK, self._blocks, 2048, size // 2048, _HELD_MS, 0, 0)
                self._socket.setsockopt(_SOL_PACKET, _RX_RING, ring)
                self._memory = mmap.mmap(self._socket.fileno(), size)
                self._socket.bind((interface, _ETH_P_ALL))
            except BaseException:
                self._socket.close()
                raise

    def fileno(self) -> int:
        """Readable when a block is full, or has been held for half a second."""
        return self._socket.fileno()

    def taken(self) -> Iterator[Captured]:
        """What the kernel has handed over since the last call."""
        while True:
            start = self._next * _BLOCK
            status, frames, offset = struct.unpack_from("=III", self._memory, start + 8)
            if not status & _USER:
                return
            yield from self._frames(start + offset, frames)
            struct.pack_into("=I", self._memory, start + 8, 0)
            self._next = (self._next + 1) % self._blocks

    def _frames(self, at: int, count: int) -> Iterator[Captured]:
        memory = self._memory
        for _ in range(count):
            following, seconds, nanoseconds, held, length, status, begin, _net, _hash, tag, protocol = (
                _FRAME.unpack_from(memory, at)
            )
            data = memory[at + begin : at + begin + held]
            if status & _VLAN_VALID:
                # The kernel keeps an outer VLAN tag beside the frame: put it back where it was on the wire.
                data = data[:12] + struct.pack("!HH", protocol or 0x8100, tag) + data[12:]
                length += 4
            outgoing = memory[at + _LINK_LAYER + 10] == _OUTGOING
            yield Captured(seconds * 1_000_000_000 + nanoseconds, data, length, outgoing)
            at += following

    def wait(self, seconds: float) -> None:
        """Until there is something to take, or so long."""
        poll = select.poll()
        poll.register(self._socket, select.POLLIN)
        if any(event & select.POLLERR for _, event in poll.poll(seconds * 1000)):
            self.calm()

    def calm(self) -> None:
        """Take note that the interface went down: until somebody does, the socket is readable without end."""
        self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)

    def counted(self) -> Counted:
        """Since the beginning."""
        seen, dropped, _freezes = struct.unpack("=3I", self._socket.getsockopt(_SOL_PACKET, _STATISTICS, 12))
        self._seen += seen
        self._dropped += dropped
        return Counted(self._seen, self._dropped)

    def close(self) -> None:
        self._memory.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _cut(opened: socket.socket, snap: int) -> None:
    """Have the kernel keep so much of MACsec frames, and all of others (a classic BPF program's result is a length)."""
    program = b"".join(
        struct.pack("=HBBI", *each)
        for each in (
            (0x28, 0, 0, 12),  # load the EtherType
            (0x15, 0, 1, ETHERTYPE_MACSEC),
            (0x06, 0, 0, snap),
            (0x06, 0, 0, _WHOLE),
        )
    )
    held = ctypes.create_string_buffer(program)
    pointer = struct.pack("@HP", len(program) // 8, ctypes.addressof(held))
    opened.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, pointer)


__all__ = ["Captured", "Counted", "Ring"]
