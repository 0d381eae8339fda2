"""The port's secure associations: the latest SAK and the one before it, from installation to retirement (9.8 to 9.10).

SAs and association numbers belong to the port, not to a CA, so that a change of principal CA changes no SA.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

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
)
from xcnet.mka.parameters import KeyUse

SAK_RETIRE_TIME = 3.0
"""Seconds for which a replaced SAK is kept at the longest (table 9-3)."""


@dataclass(slots=True)
class InstalledSak:
    """One SAK on this port.

    :param server_mi: MI of the key server that made it; with ``key_number`` its identifier.
    :param members: SCI -> SSCI of all that share it, own included.
    """

    server_mi: bytes
    key_number: int
    an: int
    sak: SakParameters
    ckn: bytes
    members: dict[bytes, int]
    installed_at: float
    transmits: bool = False
    retire_at: float | None = None
    lowest_pn: int = 1
    receives_from: set[bytes] = field(default_factory=set)

    @property
    def identifier(self) -> tuple[bytes, int]:
        return self.server_mi, self.key_number

    def use(self) -> KeyUse:
        return KeyUse(self.server_mi, self.key_number, self.an, self.lowest_pn, self.transmits, True)


class Associations:
    """:param put: takes each output. :param sci: own SCI."""

    def __init__(self, put: Callable[[Output], None], sci: bytes) -> None:
        self._put = put
        self._sci = sci
        self._channels: set[bytes] = set()
        self.latest: InstalledSak | None = None
        self.old: InstalledSak | None = None

    @property
    def transmitting(self) -> InstalledSak | None:
        """The SAK that frames are encrypted with now."""
        for sak in (self.latest, self.old):
            if sak is not None and sak.transmits:
                return sak
        return None

    def next_an(self) -> int:
        """The association number for a new SAK: the one after the last (9.8)."""
        last = self.latest or self.old
        return 0 if last is None else (last.an + 1) % 4

    def install(self, new: InstalledSak) -> None:
        """Make ``new`` the latest: receive with it everywhere, and have it ready for transmission."""
        if self.latest is not None:
            if self.latest.transmits:
                if self.old is not None:
                    self._remove(self.old)
                self.old = self.latest
            else:
                self._remove(self.latest)
            self.latest = None
        if self.old is not None and self.old.an == new.an:
            # A key server that was restarted counts from 0 again. Its word stands; what it replaces is useless to it.
            self._remove(self.old)
            self.old = None
        for sci, ssci in new.members.items():
            if sci == self._sci:
                continue
            if sci not in self._channels:
                self._channels.add(sci)
                self._put(CreateRxSc(sci))
            self._put(InstallRxSa(sci, new.an, new.sak, ssci))
            new.receives_from.add(sci)
        self._put(InstallTxSa(new.an, new.sak, new.members.get(self._sci, 0)))
        self.latest = new
        self._put(Happened("mka.sak_installed", _described(new)))

    def transmit(self, now: float) -> bool:
        """Encrypt with the latest from now on; the one before it gets its time to retire. True if that is a change."""
        latest = self.latest
        if latest is None or latest.transmits:
            return False
        latest.transmits = True
        self._put(EnableTransmit(latest.an))
        self._put(Happened("mka.sak_transmitting", _described(latest)))
        if self.old is not None:
            self.old.transmits = False
            self.old.retire_at = now + SAK_RETIRE_TIME
        return True

    def retire_old(self) -> bool:
        """Remove the SAK before the latest; True if there was one."""
        if self.old is None:
            return False
        self._put(Happened("mka.sak_retired", _described(self.old)))
        self._remove(self.old)
        self.old = None
        wanted = set(self.latest.receives_from) if self.latest else set()
        for sci in sorted(self._channels - wanted):
            self._channels.discard(sci)
            self._put(RemoveRxSc(sci))
        return True

    def remove_all(self) -> None:
        """Nothing may be sent or believed any more."""
        for sak in (self.latest, self.old):
            if sak is not None:
                self._remove(sak)
        self.latest = self.old = None
        for sci in sorted(self._channels):
            self._put(RemoveRxSc(sci))
        self._channels.clear()

    def _remove(self, sak: InstalledSak) -> None:
        self._put(RemoveTxSa(sak.an))
        for sci in sorted(sak.receives_from):
            self._put(RemoveRxSa(sci, sak.an))
        sak.receives_from.clear()


def _described(sak: InstalledSak) -> dict[str, object]:
    return {"an": sak.an, "key_number": sak.key_number, "key_server": sak.server_mi.hex(), "ckn": sak.ckn.hex()}


__all__ = ["SAK_RETIRE_TIME", "Associations", "InstalledSak"]
