"""The port's secure associations, from installation to retirement, and the order in which the SecY is told of them.

SAs and association numbers belong to the port, not to a CA, so that a change of principal CA changes no SA. The order keeps
the kernel content (an occupied association number is refused) and the traffic safe: the port is closed before the key that
it transmits with goes, and opened once the next one is in place.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from xcnet.mka.outputs import (
    CreateRxSc,
    EnableTransmit,
    Happened,
    InstallRxSa,
    InstallTxSa,
    Output,
    RemoveRxSa,
    RemoveRxSc,
    RemoveTxSa,
    SakParameters,
    Secured,
    Unsecured,
)
from xcnet.mka.parameters import KeyUse

_MOST = 3
"""Of the four association numbers one stays free for the next SAK."""


class Phase(StrEnum):
    """RECEIVING: installed, not transmitted with. TRANSMITTING: transmitted with. SETTLED: by all members."""

    RECEIVING = "receiving"
    TRANSMITTING = "transmitting"
    SETTLED = "settled"


class Step(StrEnum):
    ALL_RECEIVE = "all members report that they receive with it"
    SERVER_TRANSMITS = "the key server reports that it transmits with it"
    ALL_TRANSMIT = "all members report that they transmit with it"


TRANSITIONS: dict[tuple[Phase, Step], Phase] = {
    (Phase.RECEIVING, Step.ALL_RECEIVE): Phase.TRANSMITTING,  # at the key server
    (Phase.RECEIVING, Step.SERVER_TRANSMITS): Phase.TRANSMITTING,  # everywhere else
    (Phase.TRANSMITTING, Step.ALL_TRANSMIT): Phase.SETTLED,
}


@dataclass(slots=True, eq=False)
class InstalledSak:
    """One SAK on this port.

    :param server_mi: MI of the key server that made it; with ``key_number`` its identifier.
    :param members: SCI -> SSCI of all that share it, own included. :param holders: MI -> SCI of the others.
    :param wrapped: as it is distributed, where this port made it; else empty.
    :param receiving: SCIs of those that have reported to receive with it; :param transmitting: likewise.
    :param next_pn: our next packet number, as last told. :param exhausted: it is time for another SAK.
    :param orphaned: since when its own CA has no live peer, while another vouches for the peer.
    """

    server_mi: bytes
    key_number: int
    an: int
    sak: SakParameters
    ckn: bytes
    members: dict[bytes, int]
    holders: dict[bytes, bytes]
    installed_at: float
    wrapped: bytes = b""
    phase: Phase = Phase.RECEIVING
    transmits_since: float = 0.0
    settled_since: float = 0.0
    receiving: set[bytes] = field(default_factory=set)
    transmitting: set[bytes] = field(default_factory=set)
    next_pn: int = 1
    exhausted: bool = False
    orphaned: float | None = None

    @property
    def identifier(self) -> tuple[bytes, int]:
        return self.server_mi, self.key_number

    @property
    def mine(self) -> bool:
        """This port made it."""
        return bool(self.wrapped)

    @property
    def transmits(self) -> bool:
        return self.phase is not Phase.RECEIVING

    def use(self, transmits: bool) -> KeyUse:
        return KeyUse(self.server_mi, self.key_number, self.an, self.next_pn, transmits, True)


class Associations:
    """:param put: takes each output. :param sci: own SCI."""

    def __init__(self, put: Callable[[Output], None], sci: bytes) -> None:
        self._put = put
        self._sci = sci
        self.installed: list[InstalledSak] = []
        """Oldest first."""
        self.transmitting: InstalledSak | None = None
        """The SAK that frames are encrypted with now; None: the port is closed."""
        self._receiving_from: dict[bytes, set[int]] = {}
        self._last_an = -1

    @property
    def latest(self) -> InstalledSak | None:
        return self.installed[-1] if self.installed else None

    @property
    def old(self) -> InstalledSak | None:
        """The SAK before the latest: the one still transmitted with, else the youngest."""
        if len(self.installed) < 2:
            return None
        if self.transmitting is not None and self.transmitting is not self.latest:
            return self.transmitting
        return self.installed[-2]

    @property
    def channels(self) -> frozenset[bytes]:
        """SCIs of the receive channels."""
        return frozenset(self._receiving_from)

    def find(self, server_mi: bytes, key_number: int) -> InstalledSak | None:
        return next((each for each in self.installed if each.identifier == (server_mi, key_number)), None)

    def next_an(self) -> int:
        """The association number for a new SAK: the one after the last (9.8)."""
        return (self._last_an + 1) % 4

    def install(self, new: InstalledSak) -> None:
        """Make ``new`` the latest: receive with it everywhere, and have it ready for transmission."""
        for occupant in [each for each in self.installed if each.an == new.an]:
            # A key server that was restarted counts from 0 again. Its word stands; what it replaces is useless to it.
            self.remove(occupant, "its association number is given to a newer SAK")
        while len(self.installed) >= _MOST:
            self.remove(next(each for each in self.installed if each is not self.transmitting), "too many SAKs")
        for sci, ssci in new.members.items():
            if sci == self._sci:
                continue
            if sci not in self._receiving_from:
                self._receiving_from[sci] = set()
                self._put(CreateRxSc(sci))
            self._receiving_from[sci].add(new.an)
            self._put(InstallRxSa(sci, new.an, new.sak, ssci))
        self._put(InstallTxSa(new.an, new.sak, new.members.get(self._sci, 0)))
        self.installed.append(new)
        self._last_an = new.an
        self._happened("mka.sak_installed", new)

    def step(self, now: float, sak: InstalledSak, step: Step) -> None:
        """Move a SAK on; see :data:`TRANSITIONS`."""
        sak.phase = TRANSITIONS[sak.phase, step]
        if sak.phase is Phase.SETTLED:
            sak.settled_since = now
            self._happened("mka.sak_settled", sak)
            return
        sak.transmits_since = now
        opened = self.transmitting is None
        self.transmitting = sak
        self._put(EnableTransmit(sak.an))
        self._happened("mka.sak_transmitting", sak)
        if opened:
            self._put(Secured(sak.ckn, sak.an, sak.key_number))

    def remove(self, sak: InstalledSak, reason: str) -> None:
        """Take a SAK away; the port is closed first if it is the one that frames are encrypted with."""
        if sak is self.transmitting:
            self.transmitting = None
            self._put(Unsecured(reason))
        self._put(RemoveTxSa(sak.an))
        for sci, numbers in self._receiving_from.items():
            if sak.an in numbers:
                numbers.discard(sak.an)
                self._put(RemoveRxSa(sci, sak.an))
        self.installed.remove(sak)
        self._happened("mka.sak_removed", sak, reason=reason)

    def remove_peer(self, sci: bytes) -> None:
        """A peer is gone: its channel goes with all its associations."""
        for an in sorted(self._receiving_from.pop(sci)):
            self._put(RemoveRxSa(sci, an))
        self._put(RemoveRxSc(sci))

    def remove_all(self, reason: str) -> None:
        """Nothing may be sent or believed any more."""
        for sak in reversed(list(self.installed)):
            self.remove(sak, reason)
        for sci in sorted(self._receiving_from):
            self.remove_peer(sci)

    def _happened(self, kind: str, sak: InstalledSak, **more: object) -> None:
        data = {"an": sak.an, "key_number": sak.key_number, "key_server": sak.server_mi.hex(), "ckn": sak.ckn.hex()}
        self._put(Happened(kind, {**data, **more}))


__all__ = ["TRANSITIONS", "Associations", "InstalledSak", "Phase", "Step"]
