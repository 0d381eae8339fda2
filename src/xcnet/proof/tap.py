"""Frames as they pass an interface, with the kernel's own time stamps."""

from __future__ import annotations

import errno
import select
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from xcnet.netlink.netns import Netns

_ETH_P_ALL = 3
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_PACKET_OUTGOING = 4
_VLAN_VALID = 1 << 4
_BUFFER = 32 * 2**20
"""Bytes of socket buffer: the thousands of frames of a check may arrive before this process is scheduled again."""


@dataclass(frozen=True, slots=True)
class Frame:
    """:param time_ns: nanoseconds since the epoch. :param outgoing: leaving the interface, not entering it."""

    time_ns: int
    data: bytes
    outgoing: bool

    @property
    def ethertype(self) -> int:
        return int.from_bytes(self.data[12:14], "big")


class Tap:
    """A packet socket on one interface of one namespace. Sees both directions, before any filter on the way in."""

    def __init__(self, netns: Netns, interface: str) -> None:
        self.interface = interface
        with netns.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            self._socket.bind((interface, _ETH_P_ALL))

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, frame: bytes) -> None:
        """Put a frame on the wire that this interface leads to."""
        self._socket.send(frame)

    def available(self) -> list[Frame]:
        """What has passed since the last call."""
        frames: list[Frame] = []
        while True:
            try:
                data, ancillary, _flags, origin = self._socket.recvmsg(65536, 256)
            except BlockingIOError:
                return frames
            except OSError as error:
                if error.errno != errno.ENETDOWN:
                    raise
                continue  # told once when the interface goes down; the socket goes on when it is back
            stamp = time.time_ns()
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack("qq", value[:16])
                    stamp = seconds * 10**9 + nanoseconds
                elif level == _SOL_PACKET and kind == _PACKET_AUXDATA:
                    data = _with_vlan(data, value)
            frames.append(Frame(stamp, data, origin[2] == _PACKET_OUTGOING))

    def until(self, deadline: float) -> Iterator[Frame]:
        """Frames as they come, until the monotonic ``deadline``."""
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self], [], [], left)[0]:
                yield from self.available()

    def until_quiet(self, quiet: float = 0.1, longest: float = 5.0) -> list[Frame]:
        """Frames until none has come for ``quiet`` seconds, or ``longest`` seconds have passed."""
        frames: list[Frame] = []
        deadline = time.monotonic() + longest
        while time.monotonic() < deadline and select.select([self], [], [], quiet)[0]:
            frames += self.available()
        return frames

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _with_vlan(data: bytes, auxiliary: bytes) -> bytes:
    """The kernel keeps an outer VLAN tag beside the frame: put it back where it was on the wire."""
    status, _length, _snap, _mac, _net, tag, protocol = struct.unpack("IIIHHHH", auxiliary[:20])
    if not status & _VLAN_VALID:
        return data
    return data[:12] + struct.pack("!HH", protocol or 0x8100, tag) + data[12:]


__all__ = ["Frame", "Tap"]
