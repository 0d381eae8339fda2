"""What a router says of its channels: the models that ``edged`` sends and its clients read."""

from __future__ import annotations

import hashlib
from ipaddress import IPv4Address, IPv6Address

from pydantic import BaseModel, ConfigDict

from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class ProbeReport(_Model):
    """What came of the probes over one channel, since the router's daemon began.

    :param vrf: of the connection that is probed. :param rate: bits per second that it is shaped to; None: it is not.
    :param answered: echoes that came. :param lost: those that did not come in time; the rest is still waited for.
    :param rtt: median round-trip time of the burst before the last one, in seconds; None: none of it came.
    """

    channel: str
    vrf: str
    interface: str
    peer: IPv4Address | IPv6Address
    rate: int | None = None
    sent: int = 0
    answered: int = 0
    lost: int = 0
    rtt: float | None = None


class ProbeReports(_Model):
    node: str
    probes: tuple[ProbeReport, ...] = ()


class ChannelReport(_Model):
    """One channel's end.

    :param secured: keys stand in both directions and the MACsec device is open.
    :param association: CKN of the principal CA. :param key_server: whether this end is; None while nobody is, or unknown.
    :param old_key_installed: the SAK before the one in use has not been retired yet.
    :param counters: the kernel's SecY, SC and SA counters by name, summed over SCs and SAs.
    :param cak_digests: CKN -> eight digits that tell its CAK from another, and nothing of it.
    :param pn_exhaustion: packet number at which a new SAK is made; 0 stands for the standard's value.
    :param gate_dropped: frames that were neither MACsec nor MKA, dropped at the bare port: (coming in, going out).
    :param probe: None where the channel is not probed.
    """

    name: str
    device: str
    key_agreement: str
    secured: bool
    cipher_suite: CipherSuite
    association: str | None = None
    associations: tuple[str, ...] = ()
    key_server: bool | None = None
    association_number: int | None = None
    key_number: int | None = None
    next_packet_number: int | None = None
    old_key_installed: bool = False
    live_peers: int = 0
    cak_digests: dict[str, str] = {}
    pn_exhaustion: int = 0
    counters: dict[str, int] = {}
    gate_dropped: tuple[int, int] = (0, 0)
    probe: ProbeReport | None = None


def digest(cak: Secret) -> str:
    """Eight hexadecimal digits of a key's SHA-256. Of a key of 16 or 32 random bytes they give nothing away."""
    return hashlib.sha256(b"xcnet cak " + cak.reveal()).hexdigest()[:8]


class EdgeReport(_Model):
    node: str
    channels: tuple[ChannelReport, ...]


class SakReport(_Model):
    """One direction of an SA with its key, for decrypting captures. Travels over the router's own socket only."""

    channel: str
    sci: int
    an: int
    cipher_suite: CipherSuite
    key: Secret
    ssci: int
    salt: Secret


class SakReports(_Model):
    saks: tuple[SakReport, ...]


__all__ = ["ChannelReport", "EdgeReport", "ProbeReport", "ProbeReports", "SakReport", "SakReports", "digest"]
