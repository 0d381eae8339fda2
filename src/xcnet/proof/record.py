"""What crosses a channel, written to a file of limited size as it comes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from xcnet.proof import pcapng
from xcnet.proof.decrypt import ETHERTYPE_MACSEC
from xcnet.proof.ring import Captured, Ring

_MACSEC = ETHERTYPE_MACSEC.to_bytes(2, "big")
_BACK = 64
"""Packet numbers by which frames overtake each other at most; one that is further back belongs to another SA of that number."""


class RecordSummary(BaseModel):
    """:param file: its name. :param frames: in the file; :param cut: of them those whose end was left out. :param size: bytes.
    :param dropped: frames that passed and are not there, because the recorder came too late.
    :param left_out: those that passed after the file was full. :param problem: why it ended early, in words; else empty.
    """

    model_config = ConfigDict(frozen=True)

    file: str
    frames: int
    cut: int
    size: int
    dropped: int
    left_out: int
    problem: str = ""


class Record:
    """:param ring: where frames come from. :param limit: bytes of the file, at most.

    :raises OSError: the file cannot be made.
    """

    def __init__(self, ring: Ring, path: Path, interface: str, application: str, *, limit: int) -> None:
        self._ring = ring
        self._name = path.name
        self._limit = limit
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        self._size = os.write(self._fd, pcapng.header(interface, application))
        self._frames = self._cut = self._left_out = self._taken = 0
        self._numbers: dict[tuple[bytes, int], int] = {}
        self._problem = ""

    def fileno(self) -> int:
        return self._fd

    def take(self) -> bool:
        """Write what has come. :returns: whether a frame was under an SA that none was under before."""
        pieces: list[bytes] = []
        cut = 0
        size = self._size
        fresh = False
        for frame in self._ring.taken():
            self._taken += 1
            fresh = self._is_fresh(frame) or fresh
            piece = pcapng.packet(frame.time_ns, frame.data, outgoing=frame.outgoing, length=frame.length)
            size += len(piece)
            if size > self._limit or self._problem:
                self._problem = self._problem or f"full at {self._limit // 2**20} MiB"
                self._left_out += 1
                continue
            pieces.append(piece)
            cut += frame.length > len(frame.data)
        if pieces and self._write(b"".join(pieces)):
            self._frames += len(pieces)
            self._cut += cut
        else:
            self._left_out += len(pieces)
        return fresh

    def _write(self, data: bytes) -> bool:
        try:
            while data:
                written = os.write(self._fd, data)
                self._size += written
                data = data[written:]
        except OSError as error:
            self._problem = f"it could not be written: {error.strerror}"
        return not data

    def _is_fresh(self, frame: Captured) -> bool:
        data = frame.data
        if data[12:14] != _MACSEC or len(data) < 28:
            return False
        association = (data[20:28] if data[14] & 0x20 else data[6:12], data[14] & 3)
        number = int.from_bytes(data[16:20], "big")
        last = self._numbers.get(association)
        self._numbers[association] = number
        return last is None or number + _BACK < last

    def finish(self, patience: float) -> RecordSummary:
        """Take what had come by now, which the kernel hands over in a while, and close. :param patience: seconds."""
        counted = self._ring.counted()
        due = counted.seen - counted.dropped
        deadline = time.monotonic() + patience
        while self._taken < due and (left := deadline - time.monotonic()) > 0:
            self._ring.wait(left)
            self.take()
        os.close(self._fd)
        return RecordSummary(
            file=self._name,
            frames=self._frames,
            cut=self._cut,
            size=self._size,
            dropped=counted.dropped,
            left_out=self._left_out,
            problem=self._problem,
        )


__all__ = ["Record", "RecordSummary"]
