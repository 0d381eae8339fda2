"""What a port tells its surroundings to do, in the order given: frames to send, changes to the SecY, things that happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret


@dataclass(frozen=True, slots=True)
class Transmit:
    """Send this frame, whole as it is, on the bare port."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class CreateRxSc:
    """:param sci: 8 bytes."""

    sci: bytes


@dataclass(frozen=True, slots=True)
class RemoveRxSc:
    """Remove a receive channel that has no SAs left."""

    sci: bytes


@dataclass(frozen=True, slots=True)
class SakParameters:
    """What an SA is made with, besides its AN.

    :param key_id: 16 bytes: the key server's MI and the KN. :param salt: 12 bytes with XPN, else empty.
    """

    key: Secret
    key_id: bytes
    cipher_suite: CipherSuite
    salt: bytes = b""


@dataclass(frozen=True, slots=True)
class InstallRxSa:
    """:param ssci: 1.. with XPN, else 0. :param pn: lowest packet number accepted."""

    sci: bytes
    an: int
    sak: SakParameters
    ssci: int = 0
    pn: int = 1


@dataclass(frozen=True, slots=True)
class InstallTxSa:
    """Install a transmit SA that is ready and not yet used."""

    an: int
    sak: SakParameters
    ssci: int = 0
    pn: int = 1


@dataclass(frozen=True, slots=True)
class EnableTransmit:
    """Make this AN the encoding one: from the next frame on, this key encrypts."""

    an: int


@dataclass(frozen=True, slots=True)
class RemoveTxSa:
    an: int


@dataclass(frozen=True, slots=True)
class RemoveRxSa:
    sci: bytes
    an: int


@dataclass(frozen=True, slots=True)
class Secured:
    """The controlled port may be opened: keys stand in both directions."""

    ckn: bytes
    an: int
    key_number: int


@dataclass(frozen=True, slots=True)
class Unsecured:
    """The controlled port must be closed at once."""

    reason: str


@dataclass(frozen=True, slots=True)
class Happened:
    """A transition, for the event stream; never carries a key."""

    kind: str
    data: dict[str, Any] = field(default_factory=dict)


Output = (
    Transmit
    | CreateRxSc
    | RemoveRxSc
    | InstallRxSa
    | InstallTxSa
    | EnableTransmit
    | RemoveTxSa
    | RemoveRxSa
    | Secured
    | Unsecured
    | Happened
)

__all__ = [
    "CreateRxSc",
    "EnableTransmit",
    "Happened",
    "InstallRxSa",
    "InstallTxSa",
    "Output",
    "RemoveRxSa",
    "RemoveRxSc",
    "RemoveTxSa",
    "SakParameters",
    "Secured",
    "Transmit",
    "Unsecured",
]
