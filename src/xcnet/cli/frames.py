"""One line a frame, for ``capture`` without a file: reads the pcapng stream that the lab sends."""

from __future__ import annotations

import struct
from typing import TextIO

_ETHERTYPES = {0x88E5: "MACsec", 0x888E: "EAPOL-MKA", 0x0800: "IPv4", 0x86DD: "IPv6", 0x0806: "ARP", 0x8100: "VLAN"}
_ENHANCED_PACKET = 6
_INTERFACE = 1
_OPTION_NAME = 2


class FramePrinter:
    """Feed it the stream; it prints each frame as it is whole. Times are seconds since the epoch."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._buffer = b""
        self._interfaces: list[str] = []

    def feed(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= 12:
            kind, length = struct.unpack_from("<II", self._buffer)
            if len(self._buffer) < length:
                return
            block, self._buffer = self._buffer[8 : length - 4], self._buffer[length:]
            if kind == _INTERFACE:
                self._interfaces.append(_interface_name(block))
            elif kind == _ENHANCED_PACKET:
                self._packet(block)

    def _packet(self, block: bytes) -> None:
        interface, high, low, captured, original = struct.unpack_from("<IIIII", block)
        nanoseconds = high << 32 | low
        frame = block[20 : 20 + captured]
        if len(frame) < 14:
            return
        ethertype = int.from_bytes(frame[12:14], "big")
        name = _ETHERTYPES.get(ethertype, f"0x{ethertype:04x}")
        where = self._interfaces[interface] if interface < len(self._interfaces) else str(interface)
        extra = _describe(ethertype, frame)
        self._file.write(
            f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}  {where:<22} {frame[6:12].hex(':')} > "
            f"{frame[:6].hex(':')}  {name:<9} {original:5} bytes  {extra}\n"
        )
        self._file.flush()


def _describe(ethertype: int, frame: bytes) -> str:
    if ethertype == 0x88E5 and len(frame) >= 28:
        control = frame[14]
        parts = [f"AN {control & 3}", f"PN {int.from_bytes(frame[16:20], 'big')}"]
        if control & 0x20:
            parts.append(f"SCI {frame[20:28].hex()}")
        parts.append("encrypted" if control & 0x08 else "NOT ENCRYPTED")
        return ", ".join(parts)
    if ethertype == 0x888E and len(frame) >= 18:
        return f"EAPOL version {frame[14]}, type {frame[15]}"
    return ""


def _interface_name(block: bytes) -> str:
    position = 8
    while position + 4 <= len(block):
        code, length = struct.unpack_from("<HH", block, position)
        if code == _OPTION_NAME:
            return block[position + 4 : position + 4 + length].decode(errors="replace")
        if code == 0:
            break
        position += 4 + (length + 3) // 4 * 4
    return "?"


__all__ = ["FramePrinter"]
