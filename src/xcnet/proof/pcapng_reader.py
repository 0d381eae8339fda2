"""Reads captures in pcapng: every Ethernet frame with its time, whichever program wrote them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from xcnet.errors import InputError

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_PACKET = 6
_FLAGS, _TIME_RESOLUTION = 2, 9
_OUTBOUND = 2
_LARGEST = 16 * 2**20
"""Bytes in one block. Beyond that a length is damage."""


class Packet(NamedTuple):
    """:param time_ns: nanoseconds since the epoch. :param length: of the whole, of which ``data`` is the beginning."""

    time_ns: int
    data: bytes
    length: int
    outgoing: bool


def read(path: Path) -> Iterator[Packet]:
    """Its frames in the order in which they stand there. A last block that is cut off is passed over.

    :raises InputError: it cannot be read, or is not such a file.
    """
    try:
        with path.open("rb") as stream:
            yield from _packets(stream, path)
    except OSError as error:
        raise InputError(
            f"the capture cannot be read: {error.strerror}", where=str(path), remedy="name a capture that you may read"
        ) from None


def _packets(stream: BinaryIO, path: Path) -> Iterator[Packet]:
    order = ""
    ticks: list[int] = []
    for kind, body, order in _blocks(stream, path):
        if kind == _SECTION:
            ticks = []
        elif kind == _INTERFACE:
            ticks.append(_ticks(dict(_options(body[8:], order))))
        elif kind == _PACKET and len(body) >= 20:
            interface, high, low, held, length = struct.unpack_from(f"{order}IIIII", body)
            if interface >= len(ticks) or held > len(body) - 20:
                raise _damaged(path)
            flags = dict(_options(body[20 + held + -held % 4 :], order)).get(_FLAGS, b"")
            outgoing = len(flags) == 4 and struct.unpack(f"{order}I", flags)[0] & 3 == _OUTBOUND
            time = (high << 32 | low) * 1_000_000_000 // ticks[interface]
            yield Packet(time, body[20 : 20 + held], length, outgoing)


def _blocks(stream: BinaryIO, path: Path) -> Iterator[tuple[int, bytes, str]]:
    """Kind, body and byte order of each."""
    order = ""
    while len(head := stream.read(8)) == 8:
        rest = b""
        if head[:4] == b"\x0a\x0d\x0d\x0a":
            rest = stream.read(4)
            order = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}.get(rest, "")
        if not order:
            raise InputError(
                "this is no pcapng file",
                where=str(path),
                remedy="name a capture that 'xcnet run' or 'xcnet capture' wrote",
            )
        kind, length = struct.unpack(f"{order}II", head)
        if length % 4 or not 12 <= length <= _LARGEST:
            raise _damaged(path)
        rest += stream.read(length - 8 - len(rest))
        if len(rest) < length - 8:
            return
        yield kind, rest[:-4], order


def _options(data: bytes, order: str) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from(f"{order}HH", data, at)
        if not code:
            return
        yield code, data[at + 4 : at + 4 + size]
        at += 4 + size + -size % 4


def _ticks(options: dict[int, bytes]) -> int:
    """Units of its times in a second: millionths, where nothing is said."""
    said = options.get(_TIME_RESOLUTION, b"\x06")[0]
    return 1 << (said & 0x7F) if said & 0x80 else int(10**said)


def _damaged(path: Path) -> InputError:
    return InputError("the capture is damaged", where=str(path), remedy="take it from where it was made once more")


__all__ = ["Packet", "read"]
