"""Captures in files: written within their limit, read back whoever wrote them, and refused where they are damaged."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import wrpcapng

from xcnet.errors import InputError
from xcnet.proof import pcapng
from xcnet.proof.pcapng_reader import Packet, read
from xcnet.proof.record import Record
from xcnet.proof.ring import Captured, Counted

TIME = 1_795_408_150_123_456_789
LIMIT = 4096


class PlayedRing:
    """Gives what a test puts there. :param drops: what the kernel had no room for."""

    def __init__(self) -> None:
        self.waiting: list[Captured] = []
        self.late: list[Captured] = []
        self.seen = self.drops = 0

    def pass_by(self, *frames: Captured) -> None:
        self.waiting += frames
        self.seen += len(frames)

    def taken(self) -> Iterator[Captured]:
        while self.waiting:
            yield self.waiting.pop(0)

    def counted(self) -> Counted:
        return Counted(self.seen + self.drops, self.drops)

    def wait(self, _seconds: float) -> None:
        self.waiting, self.late = self.late, []


def macsec(pn: int, *, an: int = 0, sci: int = 1, size: int = 60) -> Captured:
    tag = struct.pack("!HBBIQ", 0x88E5, 0x2C | an, 0, pn, sci)
    return Captured(TIME + pn, (bytes(12) + tag).ljust(size, b"x"), size, False)


def record(folder: Path, ring: PlayedRing, limit: int = LIMIT) -> Record:
    return Record(ring, folder / "ch1.pcapng", "fac-a:ch1-aws", "xcnet", limit=limit)  # type: ignore[arg-type]


def test_what_is_recorded_is_read_back_with_times_directions_and_lengths(tmp_path: Path) -> None:
    ring = PlayedRing()
    made = record(tmp_path, ring)
    ring.pass_by(Captured(TIME, b"a" * 64, 1500, True), Captured(TIME + 1, b"b" * 61, 61, False))
    made.take()
    summary = made.finish(0)
    assert list(read(tmp_path / "ch1.pcapng")) == [
        Packet(TIME, b"a" * 64, 1500, True),
        Packet(TIME + 1, b"b" * 61, 61, False),
    ]
    assert (summary.frames, summary.cut, summary.dropped, summary.left_out, summary.problem) == (2, 1, 0, 0, "")
    assert summary.size == (tmp_path / "ch1.pcapng").stat().st_size


def test_a_file_never_grows_beyond_its_limit_and_says_what_is_not_there(tmp_path: Path) -> None:
    ring = PlayedRing()
    made = record(tmp_path, ring)
    for number in range(0, 100, 10):
        ring.pass_by(*(macsec(number + each) for each in range(10)))
        made.take()
    summary = made.finish(0)
    assert summary.size == (tmp_path / "ch1.pcapng").stat().st_size <= LIMIT
    assert summary.frames + summary.left_out == 100 and summary.frames > 10
    assert [packet.time_ns for packet in read(tmp_path / "ch1.pcapng")] == [TIME + n for n in range(summary.frames)]
    assert summary.problem == "full at 0 MiB"


def test_frames_that_the_kernel_still_holds_at_the_end_are_waited_for(tmp_path: Path) -> None:
    ring = PlayedRing()
    made = record(tmp_path, ring)
    ring.late = [macsec(1), macsec(2)]
    ring.seen, ring.drops = 2, 5
    summary = made.finish(5.0)
    assert (summary.frames, summary.dropped) == (2, 5)


def test_a_disk_that_is_full_ends_a_capture_and_not_the_recorder(tmp_path: Path) -> None:
    ring = PlayedRing()
    made = record(tmp_path, ring)
    ring.pass_by(macsec(1))
    made.take()
    with Path("/dev/full").open("wb") as full:
        os.dup2(full.fileno(), made.fileno())
    for number in (2, 3):
        ring.pass_by(macsec(number))
        made.take()
    summary = made.finish(0)
    assert summary.problem == "it could not be written: No space left on device"
    assert (summary.frames, summary.left_out) == (1, 2)


@pytest.mark.parametrize(
    ("frames", "fresh"),
    [
        ([macsec(1)], [True]),
        ([macsec(1), macsec(2)], [True, False]),
        ([macsec(900), macsec(880)], [True, False]),
        ([macsec(900), macsec(901, an=1)], [True, True]),
        ([macsec(900), macsec(901, sci=2)], [True, True]),
        ([macsec(900), macsec(1)], [True, True]),
        ([Captured(TIME, b"\0" * 12 + b"\x88\x8e" + b"k" * 100, 114, False)], [False]),
        ([Captured(TIME, b"\0" * 12 + b"\x88\xe5", 14, False)], [False]),
    ],
)
def test_another_security_association_is_noticed(tmp_path: Path, frames: list[Captured], fresh: list[bool]) -> None:
    ring = PlayedRing()
    made = record(tmp_path, ring)
    noticed = []
    for frame in frames:
        ring.pass_by(frame)
        noticed.append(made.take())
    assert noticed == fresh


def test_what_other_programs_wrote_is_read(tmp_path: Path) -> None:
    frames = [Ether(bytes(12) + b"\x88\xb5" + bytes(range(size))) for size in (46, 47, 48, 49)]
    for number, frame in enumerate(frames):
        frame.time = 1_700_000_000.25 + number
    wrpcapng(str(tmp_path / "theirs.pcapng"), frames)
    found = list(read(tmp_path / "theirs.pcapng"))
    assert [packet.data for packet in found] == [bytes(frame) for frame in frames]
    assert [packet.time_ns // 1_000_000 for packet in found] == [1_700_000_000_250 + 1000 * n for n in range(4)]


def test_big_endian_files_with_binary_time_units_are_read(tmp_path: Path) -> None:
    section = struct.pack(">IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = (
        struct.pack(">IIHHI", 1, 32, 1, 0, 0) + struct.pack(">HHB3xHH", 9, 1, 0x80 | 10, 0, 0) + struct.pack(">I", 32)
    )
    ticks = 5 * 1024 + 512
    packet = struct.pack(">IIIIIII", 6, 36, 0, 0, ticks, 4, 4) + b"abcd" + struct.pack(">I", 36)
    (tmp_path / "big.pcapng").write_bytes(section + interface + packet)
    assert list(read(tmp_path / "big.pcapng")) == [Packet(5_500_000_000, b"abcd", 4, False)]


def whole() -> bytes:
    return pcapng.header("x", "y") + pcapng.packet(TIME, b"z" * 61, outgoing=True, comment="why")


def test_a_last_block_that_is_cut_off_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "cut.pcapng"
    head = len(pcapng.header("x", "y"))
    for length in range(head, len(whole())):
        path.write_bytes(whole()[:length])
        assert list(read(path)) == []


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"no capture at all", "this is no pcapng file"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "this is no pcapng file"),
        (whole()[:4] + b"\xff\xff\xff\xff" + whole()[8:], "the capture is damaged"),
        (whole() + struct.pack("<III", 6, 7, 0), "the capture is damaged"),
        (pcapng.packet(TIME, b"z", outgoing=True), "this is no pcapng file"),
        (
            whole()[: whole().index(struct.pack("<I", 6))] + struct.pack("<8I", 6, 32, 9, 0, 0, 0, 0, 32),
            "the capture is damaged",
        ),
    ],
)
def test_what_is_damaged_is_refused_with_its_place(content: bytes, cause: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.pcapng"
    path.write_bytes(content)
    with pytest.raises(InputError, match=cause) as refused:
        list(read(path))
    assert refused.value.where == str(path) and refused.value.remedy


def test_a_capture_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        list(read(tmp_path / "nowhere.pcapng"))
