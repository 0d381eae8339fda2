"""The parameter sets of an MKPDU (IEEE 802.1X-2020, 11.11) as values, each with its bytes on the wire."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from xcnet.mka.kdf import ICV_LENGTH
from xcnet.model.desired import CipherSuite

ALGORITHM_AGILITY = 0x0080C201
MI_LENGTH = 12
MKA_VERSION = 3


class MkpduError(ValueError):
    """These bytes are no well-formed MKPDU; the text says which rule they break."""


@dataclass(frozen=True, slots=True)
class Member:
    """A participant as another one lists it: member identifier (12 bytes) and message number."""

    mi: bytes
    mn: int

    def encode(self) -> bytes:
        return self.mi + self.mn.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Basic:
    """The basic parameter set: who speaks, for which CA (11.11.2).

    :param capability: 0 none, 1 integrity, 2 also confidentiality without offset, 3 also with offsets 30 and 50.
    """

    version: int
    priority: int
    key_server: bool
    desired: bool
    capability: int
    sci: bytes
    member: Member
    ckn: bytes

    def encode(self) -> bytes:
        body = self.sci + self.member.encode() + ALGORITHM_AGILITY.to_bytes(4, "big") + self.ckn
        flags = self.key_server << 7 | self.desired << 6 | self.capability << 4 | len(body) >> 8
        head = bytes((self.version, self.priority, flags, len(body) & 0xFF))
        return _padded(head + body)

    @classmethod
    def decode(cls, version: int, priority: int, flags: int, body: bytes) -> Basic:
        if len(body) < 29:
            raise MkpduError("basic parameter set without a CKN")
        if len(body) > 60:
            raise MkpduError("CKN longer than 32 bytes")
        if int.from_bytes(body[24:28], "big") != ALGORITHM_AGILITY:
            raise MkpduError("unknown algorithm agility parameter")
        member = Member(body[8:20], int.from_bytes(body[20:24], "big"))
        return cls(version, priority, bool(flags & 8), bool(flags & 4), flags & 3, body[:8], member, body[28:])


@dataclass(frozen=True, slots=True)
class Peers:
    """Live (type 1) or potential (type 2) peer list (11.11.3). In the former, ``ssci`` is the key server's lowest SSCI octet."""

    LIVE: ClassVar[int] = 1
    POTENTIAL: ClassVar[int] = 2

    live: bool
    members: tuple[Member, ...]
    ssci: int = 0

    def encode(self) -> bytes:
        body = b"".join(member.encode() for member in self.members)
        return _set(self.LIVE if self.live else self.POTENTIAL, self.ssci, 0, body)

    @classmethod
    def decode(cls, kind: int, second: int, body: bytes) -> Peers:
        if len(body) % 16:
            raise MkpduError("peer list with half an entry")
        members = tuple(
            Member(body[at : at + 12], int.from_bytes(body[at + 12 : at + 16], "big")) for at in range(0, len(body), 16)
        )
        return cls(kind == cls.LIVE, members, second)


@dataclass(frozen=True, slots=True)
class KeyUse:
    """Half of a SAK-Use set: one key's identifier (the server's MI and KN), AN, lowest acceptable PN and use."""

    server_mi: bytes = bytes(MI_LENGTH)
    key_number: int = 0
    an: int = 0
    lowest_pn: int = 1
    transmits: bool = False
    receives: bool = False

    @property
    def present(self) -> bool:
        return self.key_number != 0

    def encode(self) -> bytes:
        return self.server_mi + self.key_number.to_bytes(4, "big") + (self.lowest_pn & 0xFFFFFFFF).to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class SakUse:
    """MACsec SAK Use (11.11.4): which SAKs the sender receives and transmits with.

    :param plain_transmit: it transmits without protection. :param plain_receive: it accepts frames without.
    """

    KIND: ClassVar[int] = 3

    latest: KeyUse = KeyUse()
    old: KeyUse = KeyUse()
    plain_transmit: bool = False
    plain_receive: bool = False
    delay_protect: bool = False

    def encode(self) -> bytes:
        latest, old = self.latest, self.old
        second = (
            latest.an << 6
            | latest.transmits << 5
            | latest.receives << 4
            | old.an << 2
            | old.transmits << 1
            | int(old.receives)
        )
        flags = self.plain_transmit << 3 | self.plain_receive << 2 | int(self.delay_protect)
        present = latest.present or old.present
        return _set(self.KIND, second, flags, latest.encode() + old.encode() if present else b"")

    @classmethod
    def decode(cls, second: int, flags: int, body: bytes) -> SakUse:
        plain_transmit, plain_receive, delay = bool(flags & 8), bool(flags & 4), bool(flags & 1)
        if not body:
            return cls(KeyUse(), KeyUse(), plain_transmit, plain_receive, delay)
        if len(body) != 40:
            raise MkpduError(f"SAK use of {len(body)} bytes")

        def half(at: int, an: int, transmits: int, receives: int) -> KeyUse:
            return KeyUse(
                body[at : at + 12],
                int.from_bytes(body[at + 12 : at + 16], "big"),
                an,
                int.from_bytes(body[at + 16 : at + 20], "big"),
                bool(transmits),
                bool(receives),
            )

        latest = half(0, second >> 6, second & 0x20, second & 0x10)
        old = half(20, second >> 2 & 3, second & 2, second & 1)
        return cls(latest, old, plain_transmit, plain_receive, delay)


@dataclass(frozen=True, slots=True)
class DistributedSak:
    """A wrapped SAK (11.11.5). GCM-AES-128, the default suite, is distributed without naming it.

    An empty one (``wrapped`` is b"") says that no protection is to be used; a must-secure port ignores it.
    """

    KIND: ClassVar[int] = 4

    an: int = 0
    confidentiality_offset: int = 0
    key_number: int = 0
    cipher_suite: CipherSuite | None = CipherSuite.GCM_AES_128
    wrapped: bytes = b""

    def encode(self) -> bytes:
        second = self.an << 6 | self.confidentiality_offset << 4
        if not self.wrapped:
            return _set(self.KIND, second, 0, b"")
        body = self.key_number.to_bytes(4, "big")
        if self.cipher_suite is not CipherSuite.GCM_AES_128:
            if self.cipher_suite is None:
                raise MkpduError("a SAK cannot be distributed for an unknown cipher suite")
            body += self.cipher_suite.identifier.to_bytes(8, "big")
        return _set(self.KIND, second, 0, body + self.wrapped)

    @classmethod
    def decode(cls, second: int, body: bytes) -> DistributedSak:
        an, offset = second >> 6, second >> 4 & 3
        if not body:
            return cls(an, offset)
        number = int.from_bytes(body[:4], "big")
        if len(body) == 28:
            return cls(an, offset, number, CipherSuite.GCM_AES_128, body[4:])
        if len(body) not in (36, 52):
            raise MkpduError(f"distributed SAK of {len(body)} bytes")
        identifier = int.from_bytes(body[4:12], "big")
        suite = next((suite for suite in CipherSuite if suite.identifier == identifier), None)
        if suite is not None and len(body) != 12 + suite.key_length + 8:
            raise MkpduError(f"distributed SAK of {len(body)} bytes for {suite}")
        return cls(an, offset, number, suite, body[12:])


@dataclass(frozen=True, slots=True)
class DistributedCak:
    """A wrapped CAK for another CA (11.11.6). Pre-shared-key agreement does not use it; it is read and passed over."""

    KIND: ClassVar[int] = 5

    wrapped: bytes
    ckn: bytes

    def encode(self) -> bytes:
        return _set(self.KIND, 0, 0, self.wrapped + self.ckn)

    @classmethod
    def decode(cls, body: bytes) -> DistributedCak:
        if not 25 <= len(body) <= 56:
            raise MkpduError(f"distributed CAK of {len(body)} bytes")
        return cls(body[:24], body[24:])


@dataclass(frozen=True, slots=True)
class Xpn:
    """The high halves of the lowest acceptable PNs in SAK Use, for extended packet numbers (11.11.8)."""

    KIND: ClassVar[int] = 8

    latest_high: int = 0
    old_high: int = 0

    def encode(self) -> bytes:
        return _set(self.KIND, 0, 0, self.latest_high.to_bytes(4, "big") + self.old_high.to_bytes(4, "big"))

    @classmethod
    def decode(cls, body: bytes) -> Xpn:
        if len(body) != 8:
            raise MkpduError(f"XPN set of {len(body)} bytes")
        return cls(int.from_bytes(body[:4], "big"), int.from_bytes(body[4:], "big"))


@dataclass(frozen=True, slots=True)
class Unknown:
    """A set of a type that this implementation does not know: skipped, as 11.11 demands."""

    kind: int
    second: int
    flags: int
    body: bytes

    def encode(self) -> bytes:
        return _set(self.kind, self.second, self.flags, self.body)


Parameter = Peers | SakUse | DistributedSak | DistributedCak | Xpn | Unknown
ICV_INDICATOR = 255


def decode_parameter(kind: int, second: int, flags: int, body: bytes) -> Parameter:
    """:raises MkpduError: the set breaks a rule of its own type."""
    match kind:
        case Peers.LIVE | Peers.POTENTIAL:
            return Peers.decode(kind, second, body)
        case SakUse.KIND:
            return SakUse.decode(second, flags, body)
        case DistributedSak.KIND:
            return DistributedSak.decode(second, body)
        case DistributedCak.KIND:
            return DistributedCak.decode(body)
        case Xpn.KIND:
            return Xpn.decode(body)
        case _:
            return Unknown(kind, second, flags, body)


def walk(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    """The parameter sets in ``data``, which ends where the ICV begins: type, second octet, flags, body of each.

    :raises MkpduError: a set reaches beyond the end.
    """
    at = 0
    while at + 4 <= len(data):
        kind, second, third, low = data[at : at + 4]
        length = (third & 0x0F) << 8 | low
        if kind == ICV_INDICATOR and at:
            # Its body is the ICV itself, so that nothing comes after its header here.
            if at + 4 != len(data) or length != ICV_LENGTH:
                raise MkpduError("ICV indicator before the end, or of another length than the ICV")
            return
        end = at + 4 + length
        if end > len(data):
            raise MkpduError(f"parameter set {kind} reaches {end - len(data)} bytes beyond the end")
        yield kind, second, third >> 4, data[at + 4 : end]
        at = min(at + 4 + (length + 3) // 4 * 4, len(data))
    if at != len(data):
        raise MkpduError(f"{len(data) - at} bytes after the last parameter set")


def _set(kind: int, second: int, flags: int, body: bytes) -> bytes:
    return _padded(bytes((kind, second, flags << 4 | len(body) >> 8, len(body) & 0xFF)) + body)


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


__all__ = [
    "ICV_INDICATOR",
    "MI_LENGTH",
    "MKA_VERSION",
    "Basic",
    "DistributedCak",
    "DistributedSak",
    "KeyUse",
    "Member",
    "MkpduError",
    "Parameter",
    "Peers",
    "SakUse",
    "Unknown",
    "Xpn",
    "decode_parameter",
    "walk",
]
