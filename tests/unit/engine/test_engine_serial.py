"""The host's end of the serial line: everything arrives, and never more is on its way than the guest can hold."""

from __future__ import annotations

import asyncio
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.engine.serial import COUNT, WINDOW, HostLine


class GuestEnd:
    """What the guest's side of the two lines does, with all that was sent to it."""

    def __init__(self, data: socket.socket, count: socket.socket) -> None:
        self.data, self.count = data, count
        for line in (data, count):
            line.setblocking(False)
        self.received = bytearray()
        self.most_unread = 0

    async def read_some(self, most: int) -> int:
        loop = asyncio.get_running_loop()
        waiting = await loop.sock_recv(self.data, WINDOW * 4)
        self.most_unread = max(self.most_unread, len(waiting))
        self.received += waiting
        for start in range(0, len(waiting), most):
            await loop.sock_sendall(self.count, COUNT.pack(len(waiting[start : start + most])))
        return len(waiting)


async def open_line() -> tuple[HostLine, GuestEnd]:
    data, far_data = socket.socketpair()
    count, far_count = socket.socketpair()
    line, guest = HostLine(data, count), GuestEnd(far_data, far_count)
    await asyncio.get_running_loop().sock_sendall(far_data, b"banner")
    await line.open()
    line.socket.setblocking(False)
    assert await asyncio.get_running_loop().sock_recv(line.socket, 100) == b"banner"
    return line, guest


def close(line: HostLine, guest: GuestEnd) -> None:
    line.close()
    line.socket.close()
    guest.data.close()
    guest.count.close()


@settings(max_examples=30, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 3 * WINDOW), min_size=1, max_size=8),
    most=st.integers(1, WINDOW),
)
def test_everything_arrives_in_order_within_the_window(sizes: list[int], most: int) -> None:
    async def go() -> None:
        line, guest = await open_line()
        loop = asyncio.get_running_loop()
        text = b"".join(bytes([number % 256]) * size for number, size in enumerate(sizes))
        sending = loop.create_task(loop.sock_sendall(line.socket, text))
        while len(guest.received) < len(text):
            await asyncio.wait_for(guest.read_some(most), 10)
        await sending
        assert bytes(guest.received) == text
        assert guest.most_unread <= WINDOW
        close(line, guest)

    asyncio.run(go())


def test_a_guest_that_does_not_read_is_sent_no_more_than_the_window() -> None:
    async def go() -> None:
        line, guest = await open_line()
        loop = asyncio.get_running_loop()
        sending = loop.create_task(loop.sock_sendall(line.socket, bytes(10 * WINDOW)))
        for _ in range(50):
            await asyncio.sleep(0.002)
        assert len(guest.data.recv(20 * WINDOW)) == WINDOW
        with pytest.raises(BlockingIOError):
            guest.data.recv(1)
        sending.cancel()
        close(line, guest)

    asyncio.run(go())


def test_a_count_that_arrives_in_halves_counts_once() -> None:
    async def go() -> None:
        line, guest = await open_line()
        loop = asyncio.get_running_loop()
        sending = loop.create_task(loop.sock_sendall(line.socket, bytes(WINDOW + 10)))
        got = 0
        while got < WINDOW:
            got += len(await loop.sock_recv(guest.data, WINDOW))
        count = COUNT.pack(WINDOW)
        await loop.sock_sendall(guest.count, count[:1])
        await asyncio.sleep(0.01)
        await loop.sock_sendall(guest.count, count[1:])
        assert len(await asyncio.wait_for(loop.sock_recv(guest.data, WINDOW), 5)) == 10
        await sending
        close(line, guest)

    asyncio.run(go())


def test_words_from_the_guest_are_not_held_back() -> None:
    async def go() -> None:
        line, guest = await open_line()
        loop = asyncio.get_running_loop()
        sending = loop.create_task(loop.sock_sendall(guest.data, bytes(1_000_000)))
        got = 0
        while got < 1_000_000:
            got += len(await asyncio.wait_for(loop.sock_recv(line.socket, 65536), 5))
        await sending
        close(line, guest)

    asyncio.run(go())
