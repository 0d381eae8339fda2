"""What the kernel holds for MACsec, as plain values: SecY, channels, associations, counters (IEEE 802.1AE-2018)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from xcnet.errors import KernelError
from xcnet.model.desired import CipherSuite
from xcnet.netlink import batch

_DEPRECATED_GCM_AES_128 = 0x0080020001000001
"""The kernel's first spelling of GCM-AES-128, still what its dumps show."""

_SCI = 1
_LINK_ATTRIBUTES = (
    "SCI",
    "PORT",
    "ICV_LEN",
    "CIPHER_SUITE",
    "WINDOW",
    "ENCODING_SA",
    "ENCRYPT",
    "PROTECT",
    "INC_SCI",
    "ES",
    "SCB",
    "REPLAY_PROTECT",
    "VALIDATION",
)
"""IFLA_MACSEC_..., from 1 on (linux/if_link.h)."""


class Validation(IntEnum):
    """``validateFrames`` (802.1AE, 10.7.8): what happens to frames that do not verify."""

    DISABLED = 0
    CHECK = 1
    STRICT = 2


@dataclass(frozen=True, slots=True)
class MacsecLink:
    """How a link of kind ``macsec`` is set, as RTM_GETLINK shows it.

    :param sci: the secure channel identifier: six bytes of address, two of port, as one number.
    :param encoding_sa: the association number used for transmission.
    :param window: meaningful only with ``replay_protect``.
    """

    sci: int
    cipher: CipherSuite
    icv_length: int
    encoding_sa: int
    encrypt: bool
    protect: bool
    include_sci: bool
    end_station: bool
    scb: bool
    replay_protect: bool
    window: int
    validation: Validation


@dataclass(frozen=True, slots=True)
class Sa:
    """A secure association. Its key cannot be read back; its identifier can.

    :param pn: transmit: the next packet number; receive: the lowest acceptable one.
    :param key_id: 16 bytes; in MKA the member identifier and key number of the SAK.
    :param ssci: XPN only.
    """

    an: int
    active: bool
    pn: int
    key_id: bytes
    ssci: int | None
    stats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RxSc:
    """A receive channel, with its associations by association number."""

    sci: int
    active: bool
    sas: Mapping[int, Sa]
    stats: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SecY:
    """One MACsec device and everything in it.

    :param index: of the macsec interface.
    :param operational: the transmit channel has an active association where ``encoding_sa`` points and the device is up.
    :param stats: per SecY (InPktsNoTag ...); :param tx_stats: of the transmit channel (OutPktsEncrypted ...).
    """

    index: int
    sci: int
    cipher: CipherSuite
    icv_length: int
    encoding_sa: int
    operational: bool
    encrypt: bool
    protect: bool
    include_sci: bool
    end_station: bool
    scb: bool
    replay_protect: bool
    window: int
    validation: Validation
    tx_sas: Mapping[int, Sa]
    rx_scs: Mapping[int, RxSc]
    tx_stats: Mapping[str, int] = field(default_factory=dict)
    stats: Mapping[str, int] = field(default_factory=dict)

    def rx_sa(self, sci: int, an: int) -> Sa | None:
        """A receive association, None if there is none."""
        channel = self.rx_scs.get(sci)
        return channel.sas.get(an) if channel else None


def sci_of(mac: str, port: int = 1) -> int:
    """The SCI of a hardware address and a port number, 1 to 65535 (802.1AE, 7.1.2)."""
    return int(mac.replace(":", ""), 16) << 16 | port


def sci_text(sci: int) -> str:
    """An SCI as people write it: sixteen hexadecimal digits."""
    return f"{sci:016x}"


def cipher_of(identifier: int) -> CipherSuite:
    """:raises KernelError: a suite that this program does not know."""
    if identifier == _DEPRECATED_GCM_AES_128:
        return CipherSuite.GCM_AES_128
    for suite in CipherSuite:
        if suite.identifier == identifier:
            return suite
    raise KernelError(f"the kernel uses a cipher suite unknown here: {identifier:#018x}")


def parse_link(data: Mapping[int, bytes]) -> MacsecLink:
    """From the attributes of a link's IFLA_INFO_DATA."""

    def value(name: str) -> int:
        return batch.number(data.get(_LINK_ATTRIBUTES.index(name) + 1))

    return MacsecLink(
        sci=int.from_bytes(data.get(_SCI, b""), "big"),
        cipher=cipher_of(value("CIPHER_SUITE")),
        icv_length=value("ICV_LEN"),
        encoding_sa=value("ENCODING_SA"),
        encrypt=bool(value("ENCRYPT")),
        protect=bool(value("PROTECT")),
        include_sci=bool(value("INC_SCI")),
        end_station=bool(value("ES")),
        scb=bool(value("SCB")),
        replay_protect=bool(value("REPLAY_PROTECT")),
        window=value("WINDOW"),
        validation=Validation(value("VALIDATION")),
    )


def parse_secy(message: Any) -> SecY:
    """From a decoded ``macsec_message`` of a GET_TXSC dump."""
    secy = message.get_attr("MACSEC_ATTR_SECY")

    def value(name: str) -> int:
        return int(secy.get_attr(f"MACSEC_SECY_ATTR_{name}") or 0)

    rx_scs = {}
    for channel in message.get_attr("MACSEC_ATTR_RXSC_LIST") or ():
        sci = channel.get_attr("MACSEC_RXSC_ATTR_SCI")
        rx_scs[sci] = RxSc(
            sci=sci,
            active=bool(channel.get_attr("MACSEC_RXSC_ATTR_ACTIVE")),
            sas=_parse_sas(channel.get_attr("MACSEC_RXSC_ATTR_SA_LIST")),
            stats=_parse_stats(channel.get_attr("MACSEC_RXSC_ATTR_STATS")),
        )
    return SecY(
        index=message.get_attr("MACSEC_ATTR_IFINDEX"),
        sci=value("SCI"),
        cipher=cipher_of(value("CIPHER_SUITE")),
        icv_length=value("ICV_LEN"),
        encoding_sa=value("ENCODING_SA"),
        operational=bool(value("OPER")),
        encrypt=bool(value("ENCRYPT")),
        protect=bool(value("PROTECT")),
        include_sci=bool(value("INC_SCI")),
        end_station=bool(value("ES")),
        scb=bool(value("SCB")),
        replay_protect=bool(value("REPLAY")),
        window=value("WINDOW"),
        validation=Validation(value("VALIDATE")),
        tx_sas=_parse_sas(message.get_attr("MACSEC_ATTR_TXSA_LIST")),
        rx_scs=rx_scs,
        tx_stats=_parse_stats(message.get_attr("MACSEC_ATTR_TXSC_STATS")),
        stats=_parse_stats(message.get_attr("MACSEC_ATTR_SECY_STATS")),
    )


def _parse_sas(cells: Any) -> dict[int, Sa]:
    associations = {}
    for cell in cells or ():
        an = cell.get_attr("MACSEC_SA_ATTR_AN")
        associations[an] = Sa(
            an=an,
            active=bool(cell.get_attr("MACSEC_SA_ATTR_ACTIVE")),
            pn=cell.get_attr("MACSEC_SA_ATTR_PN") or 0,
            key_id=cell.get_attr("MACSEC_SA_ATTR_KEYID") or b"",
            ssci=cell.get_attr("MACSEC_SA_ATTR_SSCI"),
            stats=_parse_stats(cell.get_attr("MACSEC_SA_ATTR_STATS")),
        )
    return associations


def _parse_stats(cell: Any) -> dict[str, int]:
    if cell is None:
        return {}
    return {slot[0]: int(slot[1]) for slot in cell["attrs"] if slot[0] not in ("PAD", "UNSPEC", "UNKNOWN")}


__all__ = [
    "MacsecLink",
    "RxSc",
    "Sa",
    "SecY",
    "Validation",
    "cipher_of",
    "parse_link",
    "parse_secy",
    "sci_of",
    "sci_text",
]
