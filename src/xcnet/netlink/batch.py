"""The framing of netlink: several messages in one datagram, and answers matched to them by sequence number."""

from __future__ import annotations

import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

NLMSG_NOOP = 1
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLMSG_OVERRUN = 4

NLM_F_DUMP_INTR = 0x10
NLM_F_CAPPED = 0x100
NLM_F_ACK_TLVS = 0x200

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_NLMSGERR_ATTR_MSG = 1
_TYPE_MASK = 0x3FFF
"""The two bits above say that an attribute is nested, and in network byte order."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as it stood in a datagram. ``data`` is the whole message, header included."""

    type: int
    flags: int
    sequence: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an NLMSG_ERROR or NLMSG_DONE says. :param errno: 0 for success; :param explanation: the kernel's own words."""

    errno: int
    explanation: str


def align(length: int) -> int:
    """Netlink pads messages and attributes to four bytes."""
    return (length + 3) & ~3


def split(datagram: bytes) -> Iterator[Frame]:
    """The messages of one datagram; a tail that is no whole message is left out."""
    offset = 0
    while offset + _HEADER.size <= len(datagram):
        length, kind, flags, sequence, _ = _HEADER.unpack_from(datagram, offset)
        if length < _HEADER.size or offset + length > len(datagram):
            return
        yield Frame(kind, flags, sequence, datagram[offset : offset + length])
        offset += align(length)


def attributes(message: bytes, offset: int = 0) -> dict[int, bytes]:
    """The attributes that follow ``offset``: type -> content. Of a type that stands several times, the last.

    pyroute2 decodes them one by one into objects, which for the interfaces and routes of hundreds of connections takes
    seconds; what is read often is read with this.
    """
    found: dict[int, bytes] = {}
    end = len(message)
    while offset + _ATTRIBUTE.size <= end:
        length, kind = _ATTRIBUTE.unpack_from(message, offset)
        if length < _ATTRIBUTE.size:
            break
        found[kind & _TYPE_MASK] = message[offset + _ATTRIBUTE.size : offset + length]
        offset += (length + 3) & ~3
    return found


def number(content: bytes | None) -> int:
    """An unsigned number in host order; 0 where there is none."""
    return int.from_bytes(content or b"", sys.byteorder)


def text(content: bytes | None) -> str:
    """A string that a zero byte ends; empty where there is none."""
    return (content or b"").rstrip(b"\0").decode(errors="replace")


def verdict(frame: Frame) -> Verdict:
    """Read an NLMSG_ERROR or NLMSG_DONE with its extended acknowledgement."""
    if len(frame.data) < _HEADER.size + 4:
        return Verdict(0, "")
    (number,) = struct.unpack_from("=i", frame.data, _HEADER.size)
    offset = _HEADER.size + 4
    if frame.type == NLMSG_ERROR and len(frame.data) >= offset + _HEADER.size:
        (quoted,) = struct.unpack_from("=I", frame.data, offset)
        offset += _HEADER.size if frame.flags & NLM_F_CAPPED or number == 0 else align(quoted)
    explanation = ""
    if frame.flags & NLM_F_ACK_TLVS:
        explanation = _explanation(frame.data, offset)
    return Verdict(-number if number < 0 else 0, explanation)


def _explanation(data: bytes, offset: int) -> str:
    while offset + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, offset)
        if length < _ATTRIBUTE.size:
            break
        if kind & 0x3FFF == _NLMSGERR_ATTR_MSG:
            return data[offset + _ATTRIBUTE.size : offset + length].rstrip(b"\0").decode(errors="replace")
        offset += align(length)
    return ""


__all__ = [
    "NLMSG_DONE",
    "NLMSG_ERROR",
    "NLMSG_NOOP",
    "NLMSG_OVERRUN",
    "NLM_F_DUMP_INTR",
    "Frame",
    "Verdict",
    "align",
    "attributes",
    "number",
    "split",
    "text",
    "verdict",
]
