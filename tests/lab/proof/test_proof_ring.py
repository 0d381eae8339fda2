"""Frames in the kernel's ring: all that passes, cut where it is ciphertext, counted where there was no room, whatever the port does."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_path import FACILITY, VLAN, SmallPath, ip_batch

from xcnet.model.desired import CipherSuite
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, Decryptor
from xcnet.proof.pcapng_reader import read
from xcnet.proof.record import Record
from xcnet.proof.ring import Captured, Ring
from xcnet.proof.subject import udp_socket
from xcnet.proof.tap import Tap

pytestmark = pytest.mark.lab

COUNT = 200
PORT = 4000
"""Where somebody listens: an answer that nobody does would be a frame more."""
BLOCK = 256 * 1024


@pytest.fixture
def path() -> Iterator[SmallPath]:
    made = SmallPath(cipher=CipherSuite.GCM_AES_XPN_256).build()
    yield made
    made.close()


def send(path: SmallPath, count: int = COUNT, size: int = 600, beginning: bytes = b"known") -> None:
    """Datagrams from one edge to the other, over the channel."""
    subject = path.subject()
    ends = [subject.vlan_on(subject.plan.channels[0], end) for end in (0, 1)]
    assert ends[0] is not None and ends[1] is not None
    with (
        udp_socket(path.names[ends[0].node], ends[0].address.ip, device=ends[0].vrf) as source,
        udp_socket(path.names[ends[1].node], ends[1].address.ip, PORT, device=ends[1].vrf),
    ):
        for number in range(count):
            source.sendto((beginning + number.to_bytes(4, "big")).ljust(size), (str(ends[1].address.ip), PORT))


def taken(ring: Ring, wanted: int, port: bytes = b"") -> list[Captured]:
    """MACsec frames as the ring hands them over, until there are so many."""
    found: list[Captured] = []
    for _ in range(20):
        ring.wait(0.5)
        found += [frame for frame in ring.taken() if int.from_bytes(frame.data[12:14], "big") == ETHERTYPE_MACSEC]
        if len(found) >= wanted:
            return found
    pytest.fail(f"{len(found)} of {wanted} frames{port.decode()}")


def test_every_frame_is_there_once_and_as_it_was(path: SmallPath) -> None:
    with Ring(path.names[FACILITY], "a1") as ring:
        send(path)
        frames = taken(ring, COUNT)
        assert ring.counted().dropped == 0
    decryptor = Decryptor(path.saks["ch1"])
    plain = [decryptor.decrypt(frame.data) for frame in frames if frame.length > 600]
    assert len(plain) == COUNT
    for number, data in enumerate(plain):
        assert data is not None and b"known" + number.to_bytes(4, "big") in data
        assert data[12:16] == b"\x81\x00" + VLAN.to_bytes(2, "big")
    times = [frame.time_ns for frame in frames]
    assert times == sorted(times) and times[-1] - times[0] < 60 * 10**9
    assert len({time % 1000 for time in times}) > 10, "microseconds only"


def test_both_directions_are_told_apart(path: SmallPath) -> None:
    with Ring(path.names[FACILITY], "a1") as near, Ring(path.names[FACILITY], "b1") as far:
        send(path, 20)
        assert not any(frame.outgoing for frame in taken(near, 20) if frame.length > 600)
        assert all(frame.outgoing for frame in taken(far, 20) if frame.length > 600)


def test_only_macsec_frames_are_cut(path: SmallPath) -> None:
    other = (b"\xff" * 6 + b"\x02" * 6 + b"\x88\x8e").ljust(300, b"k")
    with Ring(path.names[FACILITY], "a1", snap=64) as ring:
        with Tap(path.names[FACILITY], "a1") as tap:
            tap.send(other)
        send(path, 10)
        frames: list[Captured] = []
        for _ in range(4):
            ring.wait(0.5)
            frames += ring.taken()
    assert [(len(frame.data), frame.length) for frame in frames if frame.data == other] == [(300, 300)]
    long = [frame for frame in frames if frame.length > 600]
    assert len(long) == 10
    assert {len(frame.data) for frame in long} == {64}


def test_it_goes_on_when_the_port_was_down(path: SmallPath) -> None:
    with Ring(path.names[FACILITY], "a1") as ring:
        send(path, 5)
        taken(ring, 5)
        ip_batch(FACILITY, "link set a1 down")
        ring.wait(1.0)
        ip_batch(FACILITY, "link set a1 up")
        send(path, 5, beginning=b"again")
        decryptor = Decryptor(path.saks["ch1"])
        assert sum(b"again" in (decryptor.decrypt(frame.data) or b"") for frame in taken(ring, 5)) >= 1
        ring.calm()
        # Nothing is to be read any more: whoever polls is not woken for the port's going down over and over.
        list(ring.taken())
        with pytest.raises(BlockingIOError):
            socket.socket(fileno=socket.dup(ring.fileno())).recv(1)


def test_a_tap_goes_on_too_when_the_port_was_down(path: SmallPath) -> None:
    with Tap(path.names[FACILITY], "a1") as tap:
        ip_batch(FACILITY, "link set a1 down")
        tap.until_quiet()
        ip_batch(FACILITY, "link set a1 up")
        send(path, 5)
        assert any(frame.ethertype == ETHERTYPE_MACSEC for frame in tap.until_quiet())


def test_what_the_ring_has_no_room_for_is_counted(path: SmallPath) -> None:
    with Ring(path.names[FACILITY], "a1", size=2 * BLOCK) as ring:
        send(path, 1200, 1000)
        kept = sum(1 for _ in ring.taken())
        ring.wait(1.0)
        kept += sum(1 for _ in ring.taken())
        counted = ring.counted()
    assert counted.dropped > 0
    assert counted.seen >= 1200
    assert kept <= counted.seen - counted.dropped


def test_a_record_of_it_is_a_file_that_decrypts(path: SmallPath, tmp_path: Path) -> None:
    with Ring(path.names[FACILITY], "a1") as ring:
        record = Record(ring, tmp_path / "ch1.pcapng", "facility:a1", "xcnet", limit=10 * 2**20)
        send(path)
        summary = record.finish(5.0)
    decryptor = Decryptor(path.saks["ch1"])
    plain = [decryptor.decrypt(packet.data) for packet in read(tmp_path / "ch1.pcapng")]
    assert sum(b"known" in (data or b"") for data in plain) == COUNT
    assert summary.frames == len(plain) and summary.dropped == summary.cut == summary.left_out == 0
