"""Captures as pcapng (draft-ietf-opsawg-pcapng): one interface, nanoseconds, directions; made to be piped."""

from __future__ import annotations

import struct

_SECTION = 0x0A0D0D0A
_INTERFACE = 1
_PACKET = 6
_ETHERNET = 1
_COMMENT, _NAME, _FLAGS, _APPLICATION, _TIME_RESOLUTION = 1, 2, 2, 4, 9
_INBOUND, _OUTBOUND = 1, 2


def header(interface: str, application: str) -> bytes:
    """Section and interface blocks: what a file begins with."""
    section = struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _option(_APPLICATION, application.encode()) + _option(0, b"")
    described = (
        struct.pack("<HHI", _ETHERNET, 0, 0)
        + _option(_NAME, interface.encode())
        + _option(_TIME_RESOLUTION, b"\x09")
        + _option(0, b"")
    )
    return _block(_SECTION, section) + _block(_INTERFACE, described)


def packet(time_ns: int, frame: bytes, *, outgoing: bool, comment: str = "", length: int = 0) -> bytes:
    """One frame. :param time_ns: nanoseconds since the epoch. :param length: of the whole, where it was cut short."""
    size = len(frame)
    body = struct.pack("<IIIII", 0, time_ns >> 32, time_ns & 0xFFFFFFFF, size, length or size) + _padded(frame)
    if comment:
        body += _option(_COMMENT, comment.encode())
    body += _option(_FLAGS, struct.pack("<I", _OUTBOUND if outgoing else _INBOUND)) + _option(0, b"")
    return _block(_PACKET, body)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + _padded(value)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


__all__ = ["header", "packet"]
