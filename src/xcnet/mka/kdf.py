"""Key derivation and key wrap of MKA (IEEE 802.1X-2020, 6.2 and 9.3, 9.8): all keys that come out of a CAK."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from xcnet.secret import Secret

ICV_LENGTH = 16


def kdf(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """The key derivation function of 6.2.1, in counter mode over AES-CMAC.

    :param key: 16 or 32 bytes.
    :param length: bytes wanted, up to 255 blocks of 16.
    """
    bits = (length * 8).to_bytes(2, "big")
    output = b""
    for counter in range(1, (length + 15) // 16 + 1):
        mac = CMAC(AES(key))
        mac.update(bytes((counter,)) + label + b"\0" + context + bits)
        output += mac.finalize()
    return output[:length]


def _ckn_context(ckn: bytes) -> bytes:
    return ckn[:16].ljust(16, b"\0")


def derive_kek(cak: Secret, ckn: bytes) -> Secret:
    """The key encrypting key, as long as the CAK (9.3.3)."""
    return Secret(kdf(cak.reveal(), b"IEEE8021 KEK", _ckn_context(ckn), len(cak)))


def derive_ick(cak: Secret, ckn: bytes) -> Secret:
    """The integrity check value key, as long as the CAK (9.3.3)."""
    return Secret(kdf(cak.reveal(), b"IEEE8021 ICK", _ckn_context(ckn), len(cak)))


def derive_sak(cak: Secret, nonce: bytes, member_identifiers: bytes, key_number: int, length: int) -> Secret:
    """A fresh SAK (9.8.1), made by the key server alone.

    :param nonce: ``length`` random bytes.
    :param member_identifiers: the MIs of all live members, the server's own included, concatenated.
    :param length: 16 or 32.
    """
    context = nonce + member_identifiers + key_number.to_bytes(4, "big")
    return Secret(kdf(cak.reveal(), b"IEEE8021 SAK", context, length))


def wrap_sak(kek: Secret, sak: Secret) -> bytes:
    """RFC 3394: 8 bytes longer than the SAK."""
    return aes_key_wrap(kek.reveal(), sak.reveal())


def unwrap_sak(kek: Secret, wrapped: bytes) -> Secret | None:
    """None where the wrapping was not made with this KEK."""
    try:
        return Secret(aes_key_unwrap(kek.reveal(), wrapped))
    except (InvalidUnwrap, ValueError):
        return None


def icv(ick: Secret, protected: bytes) -> bytes:
    """The integrity check value over everything from the destination address up to the ICV itself (9.4.1)."""
    mac = CMAC(AES(ick.reveal()))
    mac.update(protected)
    return mac.finalize()


__all__ = ["ICV_LENGTH", "derive_ick", "derive_kek", "derive_sak", "icv", "kdf", "unwrap_sak", "wrap_sak"]
