"""The framing of netlink: several messages in one datagram, and answers matched to them by sequence number."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
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


def trim(message: bytes, body: int, wanted: Collection[int]) -> bytes:
    """The message with only some of its attributes: what is not wanted need not be decoded, which is most of the work.

    :param body: length of the family's own header, behind netlink's. :param wanted: attribute types.
    """
    start = _HEADER.size + align(body)
    kept = bytearray(message[:start])
    offset = start
    while offset + _ATTRIBUTE.size <= len(message):
        length, kind = _ATTRIBUTE.unpack_from(message, offset)
        if length < _ATTRIBUTE.size:
            break
        if kind & _TYPE_MASK in wanted:
            kept += message[offset : offset + align(length)]
        offset += align(length)
    struct.pack_into("=I", kept, 0, len(kept))
    return bytes(kept)


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
    "split",
    "trim",
    "verdict",
]
