"""MACsec frames back to what they protect, given the SAKs (IEEE 802.1AE-2018, clauses 9, 10.6 and 14)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

ETHERTYPE_MACSEC = 0x88E5
ICV_LENGTH = 16
_SCI_PRESENT, _ENCRYPTED, _CHANGED = 0x20, 0x08, 0x04


@dataclass(frozen=True, slots=True)
class SakMaterial:
    """One direction of one SA. :param salt: 12 bytes with extended packet numbers, else empty."""

    sci: int
    an: int
    cipher_suite: CipherSuite
    key: Secret
    ssci: int = 0
    salt: Secret = field(default_factory=lambda: Secret(b""))


@dataclass(frozen=True, slots=True)
class SecTag:
    """The header of a protected frame.

    :param pn: the 32 bits that travel. :param size: of the tag with its EtherType, in bytes.
    """

    an: int
    encrypted: bool
    pn: int
    sci: int
    size: int


def parse_tag(frame: bytes) -> SecTag | None:
    """None for a frame that is not MACsec, or is cut short."""
    if len(frame) < 20 + ICV_LENGTH or int.from_bytes(frame[12:14], "big") != ETHERTYPE_MACSEC:
        return None
    control = frame[14]
    encrypted = bool(control & _ENCRYPTED) and bool(control & _CHANGED)
    pn = int.from_bytes(frame[16:20], "big")
    if control & _SCI_PRESENT:
        return SecTag(control & 3, encrypted, pn, int.from_bytes(frame[20:28], "big"), 16)
    # Without an SCI in the tag it is the source address with port identifier 1.
    return SecTag(control & 3, encrypted, pn, int.from_bytes(frame[6:12], "big") << 16 | 1, 8)


def nonce(sak: SakMaterial, packet_number: int) -> bytes:
    """The initialisation vector (14.5 to 14.8). :param packet_number: whole, 64 bits with XPN."""
    if not sak.cipher_suite.extended_packet_numbers:
        return sak.sci.to_bytes(8, "big") + packet_number.to_bytes(4, "big")
    counter = sak.ssci.to_bytes(4, "big") + packet_number.to_bytes(8, "big")
    return bytes(a ^ b for a, b in zip(counter, sak.salt.reveal(), strict=True))


class Decryptor:
    """Decrypts with whichever of its SAKs a frame names. Keeps the high halves of extended packet numbers."""

    def __init__(self, saks: Iterable[SakMaterial]) -> None:
        self._ciphers: dict[tuple[int, int], list[tuple[SakMaterial, AESGCM]]] = {}
        self._high: dict[tuple[int, int], int] = {}
        self.replace(saks)

    def replace(self, saks: Iterable[SakMaterial]) -> None:
        """Take newer SAKs. Older ones stay: frames under them may still be on their way."""
        for sak in saks:
            held = self._ciphers.setdefault((sak.sci, sak.an), [])
            if all(known != sak for known, _cipher in held):
                held.insert(0, (sak, AESGCM(sak.key.reveal())))

    def decrypt(self, frame: bytes) -> bytes | None:
        """The frame as it was before protection; None if no SAK fits or its ICV is wrong."""
        tag = parse_tag(frame)
        if tag is None:
            return None
        name = (tag.sci, tag.an)
        header, protected = frame[: 12 + tag.size], frame[12 + tag.size :]
        short = frame[15] & 0x3F
        if short:  # padded on the wire: the tag says how long the protected data was
            protected = protected[: short + ICV_LENGTH]
        for sak, cipher in self._ciphers.get(name, []):
            for high in self._candidates(name, sak):
                plain = _open(cipher, nonce(sak, high << 32 | tag.pn), tag, header, protected)
                if plain is not None:
                    self._high[name] = max(high, self._high.get(name, 0))
                    return frame[:12] + plain
        return None

    def _candidates(self, name: tuple[int, int], sak: SakMaterial) -> tuple[int, ...]:
        if not sak.cipher_suite.extended_packet_numbers:
            return (0,)
        high = self._high.get(name, 0)
        return (high, high + 1) if high == 0 else (high, high + 1, high - 1)


def _open(cipher: AESGCM, iv: bytes, tag: SecTag, header: bytes, protected: bytes) -> bytes | None:
    try:
        if tag.encrypted:
            return cipher.decrypt(iv, protected, header)
        cipher.decrypt(iv, protected[-ICV_LENGTH:], header + protected[:-ICV_LENGTH])
    except InvalidTag:
        return None
    return protected[:-ICV_LENGTH]


__all__ = ["ETHERTYPE_MACSEC", "Decryptor", "SakMaterial", "SecTag", "nonce", "parse_tag"]
