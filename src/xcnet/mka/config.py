"""How a port takes part in key agreement, and the protocol's own times (IEEE 802.1X-2020, table 9-3)."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.model.desired import CipherSuite

HELLO_TIME = 2.0
"""Seconds between two MKPDUs of a participant when nothing changes."""

LIFE_TIME = 6.0
"""Seconds for which a participant is believed after it was last heard."""

SAK_RETIRE_TIME = 3.0
"""Seconds that a replaced SAK is kept beyond a life time, where a member never says that it uses the new one."""

SAK_DRAIN_TIME = 0.5
"""Seconds that a replaced SAK is kept once all members say so: frames that left before may come after."""

PENDING_PN_EXHAUSTION = 0xC0000000
PENDING_XPN_EXHAUSTION = 0xC000000000000000
"""Packet number from which the key server makes a new SAK (9.8)."""


@dataclass(frozen=True, slots=True)
class PortConfig:
    """:param sci: own SCI, 8 bytes: the port's MAC address and port identifier 1.
    :param priority: key server priority: the lowest wins; 255 never serves.
    :param sak_rekey_seconds: age at which a SAK is replaced; 0 is never.
    :param pn_exhaustion: packet number at which it is replaced; 0 stands for the standard's value.
    """

    sci: bytes
    priority: int = 16
    cipher_suite: CipherSuite = CipherSuite.GCM_AES_XPN_256
    sak_rekey_seconds: float = 28_800.0
    pn_exhaustion: int = 0

    @property
    def source(self) -> bytes:
        """The MAC address inside the SCI."""
        return self.sci[:6]

    @property
    def exhausted_at(self) -> int:
        if self.pn_exhaustion:
            return self.pn_exhaustion
        return PENDING_XPN_EXHAUSTION if self.cipher_suite.extended_packet_numbers else PENDING_PN_EXHAUSTION


__all__ = [
    "HELLO_TIME",
    "LIFE_TIME",
    "PENDING_PN_EXHAUSTION",
    "PENDING_XPN_EXHAUSTION",
    "SAK_DRAIN_TIME",
    "SAK_RETIRE_TIME",
    "PortConfig",
]
