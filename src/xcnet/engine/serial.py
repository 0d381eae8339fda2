"""A user-mode kernel's serial line as a reliable stream between two sockets, one on each side of the kernel's border.

The kernel's driver takes a line that it throttled once out of its interrupts for good: it then reads only while somebody
empties its buffer, and the next word from the host waits for ever. So the host must never send more than fits. A second
line, which only the guest writes to, tells how much it has read: :data:`COUNT` for each read.
"""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import tty
from collections.abc import Awaitable, Callable

DATA_DEVICE = "/dev/ttyS0"
COUNT_DEVICE = "/dev/ttyS1"

COUNT = struct.Struct("!H")
"""How many bytes the guest has read since the last one."""

WINDOW = 3840
"""Bytes that may be on their way to the guest. The terminal layer holds 4096 and throttles when 128 are free."""

_CHUNK = 65536
_RETRY = 0.001  # seconds


class GuestLine:
    """The guest's end; :attr:`socket` is the one to speak through."""

    def __init__(self) -> None:
        self._data = _open_raw(DATA_DEVICE)
        self._count = _open_raw(COUNT_DEVICE)
        here, self.socket = socket.socketpair()
        here.setblocking(False)
        self._here = here
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._inwards()), loop.create_task(self._outwards())]

    async def _inwards(self) -> None:
        loop = asyncio.get_running_loop()
        arrived = asyncio.Event()
        loop.add_reader(self._data, arrived.set)
        try:
            while True:
                await arrived.wait()
                try:
                    data = os.read(self._data, _CHUNK)
                except BlockingIOError:
                    arrived.clear()
                    continue
                # The window on the far side is what bounds this, so that it is no harm to hand it on afterwards.
                await self._write_line(self._count, COUNT.pack(len(data)))
                await loop.sock_sendall(self._here, data)
        finally:
            loop.remove_reader(self._data)

    async def _outwards(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._here, _CHUNK):
            await self._write_line(self._data, data)

    async def _write_line(self, fd: int, data: bytes) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[os.write(fd, view) :]
            except BlockingIOError:
                # The driver says that it can be written to even when it cannot; the other end reads all the time.
                await asyncio.sleep(_RETRY)

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()


def _open_raw(device: str) -> int:
    fd = os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    tty.setraw(fd)
    return fd


class HostLine:
    """The host's end; :attr:`socket` is the one to speak through.

    :param data, count: our ends of the two lines.
    """

    def __init__(self, data: socket.socket, count: socket.socket) -> None:
        for line in (data, count):
            line.setblocking(False)
        self._data = data
        self._count = count
        here, self.socket = socket.socketpair()
        here.setblocking(False)
        self._here = here
        self._room = WINDOW
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Wait until the guest speaks, and carry from then on. What comes before it has made its line raw is echoed."""
        loop = asyncio.get_running_loop()
        first = await loop.sock_recv(self._data, _CHUNK)
        await loop.sock_sendall(self._here, first)
        for carry in (self._counts, self._inwards, self._outwards):
            self._tasks.append(loop.create_task(_until_closed(carry)))

    async def _counts(self) -> None:
        loop = asyncio.get_running_loop()
        rest = b""
        while data := await loop.sock_recv(self._count, _CHUNK):
            rest += data
            whole = len(rest) - len(rest) % COUNT.size
            self._room += sum(read for (read,) in COUNT.iter_unpack(rest[:whole]))
            rest = rest[whole:]
            self._has_room.set()

    async def _inwards(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._here, self._room):
            await loop.sock_sendall(self._data, data)
            self._room -= len(data)
            while self._room <= 0:
                self._has_room.clear()
                await self._has_room.wait()

    async def _outwards(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while data := await loop.sock_recv(self._data, _CHUNK):
                await loop.sock_sendall(self._here, data)
        finally:
            self._here.close()

    def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for line in (self._data, self._count, self._here):
            line.close()


async def _until_closed(carry: Callable[[], Awaitable[None]]) -> None:
    """The kernel's end is noticed by whoever watches its process; the lines have nothing to add."""
    try:
        await carry()
    except OSError:
        return


__all__ = ["COUNT", "WINDOW", "GuestLine", "HostLine"]
