"""The probe's datagram: whose it is, which flow, which number, and when it was sent."""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAGIC = b"xcpr"

HEADER = struct.Struct("!4sIHIq")
"""Magic, the run's number, flow, sequence number in the flow, time of sending (CLOCK_MONOTONIC, nanoseconds)."""

_STAMP = struct.Struct("!Iq")
_STAMP_AT = HEADER.size - _STAMP.size


@dataclass(frozen=True, slots=True)
class Datagram:
    """:param run: the probe's own number, so that another one's datagrams are told apart. :param sent: nanoseconds."""

    run: int
    flow: int
    sequence: int
    sent: int


def blank(run: int, flow: int, size: int) -> bytearray:
    """A flow's datagram of ``size`` bytes, to be stamped each time that it is sent."""
    buffer = bytearray(size)
    HEADER.pack_into(buffer, 0, MAGIC, run, flow, 0, 0)
    return buffer


def stamp(buffer: bytearray, sequence: int, sent: int) -> None:
    """Make it the flow's ``sequence``-th, sent at ``sent`` nanoseconds."""
    _STAMP.pack_into(buffer, _STAMP_AT, sequence, sent)


def read(data: bytes | bytearray | memoryview, run: int) -> Datagram | None:
    """None where it is no datagram of this run."""
    if len(data) < HEADER.size:
        return None
    magic, its_run, flow, sequence, sent = HEADER.unpack_from(data)
    return Datagram(run, flow, sequence, sent) if magic == MAGIC and its_run == run else None


__all__ = ["HEADER", "MAGIC", "Datagram", "blank", "read", "stamp"]
