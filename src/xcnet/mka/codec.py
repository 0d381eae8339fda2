"""MKPDUs as Ethernet frames: laid out, measured and sealed, or taken apart without ever trusting a length."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TypeVar

from xcnet.mka.kdf import ICV_LENGTH, icv
from xcnet.mka.parameters import Basic, MkpduError, Parameter, decode_parameter, walk
from xcnet.secret import Secret

ETHERTYPE = 0x888E
GROUP_ADDRESS = bytes.fromhex("0180c2000003")
"""The nearest non-TPMR bridge group address, as port-based network access control uses it (11.1.1)."""

_EAPOL_VERSION = 3
_EAPOL_MKA = 5
_HEADER = 18
_P = TypeVar("_P")


@dataclass(frozen=True, slots=True)
class Mkpdu:
    """One MKPDU: the basic parameter set and the others, in ascending order of their types."""

    basic: Basic
    parameters: tuple[Parameter, ...] = field(default=())

    def first(self, kind: type[_P]) -> _P | None:
        """The first parameter set of a class, or None."""
        for parameter in self.parameters:
            if isinstance(parameter, kind):
                return parameter
        return None


@dataclass(frozen=True, slots=True)
class SealedMkpdu:
    """A frame taken apart, whose seal nobody has looked at yet.

    :param source: the sender's MAC address. :param protected: what the ICV covers.
    """

    source: bytes
    mkpdu: Mkpdu
    protected: bytes
    icv: bytes

    def sealed_with(self, ick: Secret) -> bool:
        """True if the ICV was made with this key; compared in constant time."""
        return hmac.compare_digest(icv(ick, self.protected), self.icv)


def encode(source: bytes, mkpdu: Mkpdu, ick: Secret) -> bytes:
    """The whole frame, sealed.

    :param source: 6 bytes.
    """
    body = mkpdu.basic.encode() + b"".join(parameter.encode() for parameter in mkpdu.parameters)
    length = len(body) + ICV_LENGTH
    eapol = bytes((_EAPOL_VERSION, _EAPOL_MKA)) + length.to_bytes(2, "big")
    protected = GROUP_ADDRESS + source + ETHERTYPE.to_bytes(2, "big") + eapol + body
    return protected + icv(ick, protected)


def decode(frame: bytes) -> SealedMkpdu:
    """Take a frame apart. Nothing in the result may be believed before :meth:`SealedMkpdu.sealed_with`.

    :raises MkpduError: it is no well-formed MKPDU (11.11 lists the rules).
    """
    if len(frame) < _HEADER + 4 + 29 + ICV_LENGTH:
        raise MkpduError(f"only {len(frame)} bytes")
    if frame[:6] != GROUP_ADDRESS:
        raise MkpduError("not sent to the group address")
    if int.from_bytes(frame[12:14], "big") != ETHERTYPE:
        raise MkpduError("not an EAPOL frame")
    if frame[15] != _EAPOL_MKA:
        raise MkpduError(f"EAPOL packet type {frame[15]}")
    length = int.from_bytes(frame[16:18], "big")
    if length % 4:
        raise MkpduError("length is not a multiple of 4")
    end = _HEADER + length
    if end > len(frame):
        raise MkpduError(f"{end - len(frame)} bytes are missing")
    if length < 4 + 29 + ICV_LENGTH:
        raise MkpduError("too short for a basic parameter set and an ICV")
    protected, seal = frame[: end - ICV_LENGTH], frame[end - ICV_LENGTH : end]
    return SealedMkpdu(frame[6:12], _decode_body(frame[_HEADER : end - ICV_LENGTH]), protected, seal)


def _decode_body(body: bytes) -> Mkpdu:
    basic: Basic | None = None
    parameters: list[Parameter] = []
    for kind, second, flags, content in walk(body):
        if basic is None:
            # The first octet of the basic set is the MKA version, where other sets have their type.
            if kind == 0:
                raise MkpduError("MKA version 0")
            basic = Basic.decode(kind, second, flags, content)
        else:
            parameters.append(decode_parameter(kind, second, flags, content))
    if basic is None:
        raise MkpduError("no basic parameter set")
    return Mkpdu(basic, tuple(parameters))


__all__ = ["ETHERTYPE", "GROUP_ADDRESS", "Mkpdu", "MkpduError", "SealedMkpdu", "decode", "encode"]
