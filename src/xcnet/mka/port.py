"""Key agreement of one port: its participants, the principal among them, and the SAKs (IEEE 802.1X-2020, clause 9; the "KaY").

No I/O and no clock: frames and times go in, :mod:`outputs <xcnet.mka.outputs>` and the next deadline come out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from xcnet.mka.associations import Associations, InstalledSak
from xcnet.mka.codec import Mkpdu, MkpduError, decode, encode
from xcnet.mka.kdf import derive_sak, unwrap_sak, wrap_sak
from xcnet.mka.outputs import Happened, Output, SakParameters, Secured, Transmit, Unsecured
from xcnet.mka.parameters import (
    MKA_VERSION,
    Basic,
    DistributedSak,
    KeyUse,
    Parameter,
    SakUse,
    Xpn,
)
from xcnet.mka.participant import LIFE_TIME, Participant, Peer
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

PENDING_PN_EXHAUSTION = 0xC0000000
PENDING_XPN_EXHAUSTION = 0xC000000000000000
"""Packet number from which the key server makes a new SAK (9.8, table 9-3)."""

_CAPABILITY = 2
"""Integrity and confidentiality without offset: Linux encrypts the whole frame or nothing."""


@dataclass(frozen=True, slots=True)
class PortConfig:
    """:param sci: own SCI, 8 bytes: the port's MAC address and port identifier 1.
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


class MkaPort:
    """Any number of pre-shared CAs on one port, one of which, the principal, provides the SAK in use.

    :param rng: gives that many random bytes.
    """

    def __init__(self, config: PortConfig, *, rng: Callable[[int], bytes] = os.urandom) -> None:
        self.config = config
        self._rng = rng
        self._outputs: list[Output] = []
        self._participants: dict[bytes, Participant] = {}
        self._principal: Participant | None = None
        self.associations = Associations(self._outputs.append, config.sci)
        self._peer_use: dict[bytes, SakUse] = {}
        self._distributing: tuple[Participant, DistributedSak, frozenset[bytes]] | None = None
        self._key_number = 0
        self._made_for: tuple[bytes, frozenset[bytes]] | None = None
        self._made_at = 0.0
        self._rekey_reason: str | None = None
        self._distributed_at = 0.0
        self._secured = False

    # -- what surrounds it asks ----------------------------------------------------------------------------------------

    @property
    def secured(self) -> bool:
        return self._secured

    @property
    def principal(self) -> Participant | None:
        return self._principal

    @property
    def participants(self) -> dict[bytes, Participant]:
        """By CKN."""
        return dict(self._participants)

    def outputs(self) -> list[Output]:
        """What is to be done since the last call, in order."""
        taken = list(self._outputs)
        self._outputs.clear()
        return taken

    def next_deadline(self) -> float | None:
        """When :meth:`tick` wants to be called at the latest; None while there is nothing to wait for."""
        times = [participant.next_deadline() for participant in self._participants.values()]
        if self.associations.old is not None and self.associations.old.retire_at is not None:
            times.append(self.associations.old.retire_at)
        latest = self.associations.latest
        if latest is not None and self._serving:
            if not latest.transmits:
                times.append(self._distributed_at + LIFE_TIME)
            if self.config.sak_rekey_seconds and self._rekey_reason is None:
                times.append(self._made_at + self.config.sak_rekey_seconds)
        return min(times, default=None)

    # -- what surrounds it says ----------------------------------------------------------------------------------------

    def add_ca(self, now: float, ckn: bytes, cak: Secret, *, preferred: bool = True) -> None:
        """Take part in another CA; nothing happens if it is known already, but its preference is taken over."""
        known = self._participants.get(ckn)
        if known is not None:
            known.preferred = preferred
        else:
            self._participants[ckn] = Participant(
                ckn,
                cak,
                sci=self.config.sci,
                priority=self.config.priority,
                preferred=preferred,
                rng=self._rng,
                now=now,
            )
            self._note("mka.ca_added", ckn=ckn.hex(), preferred=preferred)
        self._advance(now)

    def remove_ca(self, now: float, ckn: bytes) -> None:
        """Leave a CA. SAKs that it provided stay as long as another CA stands in for it."""
        leaving = self._participants.pop(ckn, None)
        if leaving is None:
            return
        self._note("mka.ca_removed", ckn=ckn.hex())
        if self._distributing is not None and self._distributing[0] is leaving:
            self._distributing = None
        if self._principal is leaving:
            self._principal = None
        self._advance(now)

    def request_rekey(self, now: float, reason: str) -> None:
        """Have a fresh SAK made, if this port is the key server; else nothing."""
        if self._serving and self._rekey_reason is None:
            self._rekey_reason = reason
        self._advance(now)

    def report_packet_number(self, now: float, an: int, *, highest: int, lowest_received: int) -> None:
        """Tell how far an SA has come.

        :param highest: the larger of the next PN to send and the next to receive.
        :param lowest_received: the lowest PN that is still acceptable from the peer.
        """
        for sak in (self.associations.latest, self.associations.old):
            if sak is not None and sak.an == an:
                sak.lowest_pn = max(sak.lowest_pn, lowest_received)
        latest = self.associations.latest
        if latest is not None and latest.an == an and highest >= self.config.exhausted_at:
            self.request_rekey(now, "packet numbers nearly exhausted")

    def carrier_lost(self, now: float) -> None:
        """The fibre is dark: nobody is there any more; the port is closed, and agreement starts anew with the light."""
        for participant in self._participants.values():
            participant.reset_identity(now)
        self._close("carrier lost")
        self._advance(now)

    def carrier_found(self, now: float) -> None:
        """The fibre is lit again: speak at once."""
        self._all_dirty()
        for participant in self._participants.values():
            participant.next_hello = now
        self._advance(now)

    def receive(self, now: float, frame: bytes) -> None:
        """Take in a frame. One that is malformed, forged, replayed or foreign changes nothing but a counter's event."""
        try:
            sealed = decode(frame)
        except MkpduError as error:
            self._note("mka.mkpdu_refused", reason=str(error))
            return
        participant = self._participants.get(sealed.mkpdu.basic.ckn)
        if participant is None:
            self._note("mka.mkpdu_refused", reason="unknown CKN", ckn=sealed.mkpdu.basic.ckn.hex())
            return
        verdict = participant.receive(now, sealed)
        if verdict.peer is None:
            self._note("mka.mkpdu_refused", reason=verdict.reason, ckn=participant.ckn.hex())
            return
        if verdict.new:
            self._note("mka.peer_seen", ckn=participant.ckn.hex(), mi=verdict.peer.mi.hex(), sci=verdict.peer.sci.hex())
        if verdict.came_alive:
            self._note("mka.peer_live", ckn=participant.ckn.hex(), mi=verdict.peer.mi.hex(), sci=verdict.peer.sci.hex())
        self._elect(participant)
        if verdict.peer.alive_until:
            use = sealed.mkpdu.first(SakUse)
            if use is not None:
                self._peer_use[verdict.peer.sci] = use
            distributed = sealed.mkpdu.first(DistributedSak)
            if distributed is not None:
                self._accept_sak(now, participant, verdict.peer, distributed)
        self._advance(now)

    def tick(self, now: float) -> None:
        """Let time have passed."""
        for participant in self._participants.values():
            for peer in participant.expire(now):
                self._note("mka.peer_lost", ckn=participant.ckn.hex(), mi=peer.mi.hex(), sci=peer.sci.hex())
                self._peer_use.pop(peer.sci, None)
            self._elect(participant)
        self._advance(now)

    # -- deciding ------------------------------------------------------------------------------------------------------

    @property
    def _serving(self) -> bool:
        return self._principal is not None and self._principal.is_server and bool(self._principal.live)

    def _elect(self, participant: Participant) -> None:
        if participant.elect():
            server = participant.key_server
            self._note(
                "mka.key_server_elected",
                ckn=participant.ckn.hex(),
                key_server=server.hex() if server else None,
                self_elected=participant.is_server,
            )

    def _advance(self, now: float) -> None:
        """Bring everything that follows from the present state about."""
        self._choose_principal()
        if self._principal is None or not self._principal.live:
            if self.associations.latest is not None or self._secured:
                self._close("no live peer")
        elif self._serving:
            self._serve(now)
        else:
            self._follow(now)
        self._retire(now)
        self._speak(now)

    def _choose_principal(self) -> None:
        """As key server: a preferred CA with live peers. Otherwise the one whose key server gave a SAK (``_accept_sak``)."""
        current = self._principal
        candidates = [p for p in self._participants.values() if p.live and p.is_server]
        chosen = current if current is not None and current.live else None
        if candidates and (chosen is None or chosen.is_server):
            chosen = max(candidates, key=lambda p: (p.preferred, p is current))
        elif chosen is None:
            # Not the key server anywhere. While keys stand, a CA with the same peer keeps the port open until its
            # key server distributes a SAK through it.
            chosen = next((p for p in self._participants.values() if p.live), None)
        if chosen is not current:
            self._set_principal(chosen)

    def _set_principal(self, chosen: Participant | None) -> None:
        self._principal = chosen
        self._note("mka.principal_changed", ckn=chosen.ckn.hex() if chosen else None)

    def _serve(self, now: float) -> None:
        principal = self._principal
        assert principal is not None
        members = frozenset(peer.mi for peer in principal.live)
        latest = self.associations.latest
        reason: str | None = None
        if self._made_for is None or latest is None or latest.server_mi != principal.mi:
            reason = "no SAK from this association yet"
        elif self._made_for != (principal.mi, members):
            reason = "live peers changed"
        settled = self.associations.old is None and (latest is None or latest.transmits)
        if reason is None and settled:
            if self._rekey_reason is not None:
                reason = self._rekey_reason
            elif self.config.sak_rekey_seconds and now >= self._made_at + self.config.sak_rekey_seconds:
                reason = "age"
        elif reason is not None and latest is not None and latest.ckn != principal.ckn and not settled:
            # A change of association can wait until the roll-out that is under way has ended, so that no frame is lost.
            reason = None
        if reason is not None:
            self._make_sak(now, principal, members, reason)
        self._deploy(now, principal)

    def _make_sak(self, now: float, principal: Participant, members: frozenset[bytes], reason: str) -> None:
        suite = self.config.cipher_suite
        self._key_number += 1
        order = principal.mi + b"".join(sorted(members))
        sak = derive_sak(principal.cak, self._rng(suite.key_length), order, self._key_number, suite.key_length)
        an = self._free_an()
        self._made_for = (principal.mi, members)
        self._made_at = self._distributed_at = now
        self._rekey_reason = None
        wrapped = wrap_sak(principal.kek, sak)
        self._distributing = (principal, DistributedSak(an, 1, self._key_number, suite, wrapped), members)
        self._note("mka.sak_generated", ckn=principal.ckn.hex(), an=an, key_number=self._key_number, reason=reason)
        self._install(now, principal, principal.mi, self._key_number, an, sak, suite)
        principal.dirty = True

    def _free_an(self) -> int:
        """The AN after the last, passing over those that a peer still uses (it may remember more than we do)."""
        wanted = self.associations.next_an()
        used = {use.an for peer in self._peer_use.values() for use in (peer.latest, peer.old) if use.present}
        own = {sak.an for sak in (self.associations.latest, self.associations.old) if sak is not None}
        for step in range(4):
            an = (wanted + step) % 4
            if an not in used and an not in own:
                return an
        return wanted

    def _install(
        self,
        now: float,
        participant: Participant,
        server_mi: bytes,
        number: int,
        an: int,
        sak: Secret,
        suite: CipherSuite,
    ) -> None:
        scis = sorted({self.config.sci, *(peer.sci for peer in participant.live)}, reverse=True)
        xpn = suite.extended_packet_numbers
        members = {sci: (index + 1 if xpn else 0) for index, sci in enumerate(scis)}
        salt = b""
        if xpn:
            # 802.1AE-2018, 10.7.28: the first 32 bits of the MI are exclusive-ored with the KN.
            first = int.from_bytes(server_mi[:4], "big") ^ number
            salt = first.to_bytes(4, "big") + server_mi[4:]
        parameters = SakParameters(sak, server_mi + number.to_bytes(4, "big"), suite, salt)
        self.associations.install(InstalledSak(server_mi, number, an, parameters, participant.ckn, members, now))
        self._all_dirty()

    def _deploy(self, now: float, principal: Participant) -> None:
        """As key server: transmit when all live peers receive, or after a life time; stop distributing then."""
        latest = self.associations.latest
        if latest is None or self._distributing is None:
            return
        uses = [self._use_of(peer, latest) for peer in principal.live]
        all_receive = bool(uses) and all(use is not None and use.receives for use in uses)
        if not latest.transmits and (all_receive or now >= self._distributed_at + LIFE_TIME):
            self._transmit(now)
        if all_receive:
            self._distributing = None

    def _follow(self, now: float) -> None:
        """As a member: transmit when the key server does."""
        principal = self._principal
        assert principal is not None
        latest = self.associations.latest
        if latest is None or latest.transmits:
            return
        for participant in self._participants.values():
            for peer in participant.live:
                if peer.mi == latest.server_mi:
                    use = self._use_of(peer, latest)
                    if use is not None and use.transmits:
                        self._transmit(now)
                        return

    def _use_of(self, peer: Peer, sak: InstalledSak) -> KeyUse | None:
        use = self._peer_use.get(peer.sci)
        if use is None:
            return None
        for half in (use.latest, use.old):
            if (half.server_mi, half.key_number) == sak.identifier:
                return half
        return None

    def _transmit(self, now: float) -> None:
        if self.associations.transmit(now):
            latest = self.associations.latest
            assert latest is not None
            self._all_dirty()
            if not self._secured:
                self._secured = True
                self._outputs.append(Secured(latest.ckn, latest.an, latest.key_number))

    def _retire(self, now: float) -> None:
        old, latest = self.associations.old, self.associations.latest
        if old is None or latest is None or not latest.transmits or self._principal is None:
            return
        uses = [self._use_of(peer, latest) for peer in self._principal.live]
        all_transmit = bool(uses) and all(use is not None and use.transmits for use in uses)
        expired = old.retire_at is not None and now >= old.retire_at
        if (all_transmit or expired) and self.associations.retire_old():
            self._all_dirty()

    def _accept_sak(self, now: float, participant: Participant, peer: Peer, distributed: DistributedSak) -> None:
        """Install what the key server distributes (9.8.2). Anything doubtful is refused and changes nothing."""
        if peer.mi != participant.key_server:
            self._note("mka.sak_refused", reason="not from the key server", mi=peer.mi.hex())
            return
        if not distributed.wrapped:
            self._note("mka.sak_refused", reason="asks for unprotected traffic", mi=peer.mi.hex())
            return
        identifier = (peer.mi, distributed.key_number)
        latest, old = self.associations.latest, self.associations.old
        if latest is not None and latest.identifier == identifier:
            if participant is not self._principal:
                self._set_principal(participant)
            return
        if old is not None and old.identifier == identifier:
            return
        suite = distributed.cipher_suite
        if suite is not self.config.cipher_suite:
            self._note("mka.sak_refused", reason=f"cipher suite {suite}, here it is {self.config.cipher_suite}")
            return
        if distributed.confidentiality_offset != 1:
            self._note("mka.sak_refused", reason=f"confidentiality offset code {distributed.confidentiality_offset}")
            return
        if latest is not None and latest.server_mi == peer.mi and distributed.key_number < latest.key_number:
            self._note("mka.sak_refused", reason="key number went back", mi=peer.mi.hex())
            return
        sak = unwrap_sak(participant.kek, distributed.wrapped)
        if sak is None or len(sak) != suite.key_length:
            self._note("mka.sak_refused", reason="cannot be unwrapped", mi=peer.mi.hex())
            return
        if participant is not self._principal:
            self._set_principal(participant)
        self._install(now, participant, peer.mi, distributed.key_number, distributed.an, sak, suite)

    def _close(self, reason: str) -> None:
        """Fail closed: the port shuts before the keys go."""
        was_secured, self._secured = self._secured, False
        if was_secured or self.associations.latest is not None:
            self._outputs.append(Unsecured(reason))
        self.associations.remove_all()
        self._distributing = None
        self._made_for = None
        self._rekey_reason = None
        self._peer_use.clear()
        self._all_dirty()

    # -- speaking ------------------------------------------------------------------------------------------------------

    def _all_dirty(self) -> None:
        for participant in self._participants.values():
            participant.dirty = True

    def _speak(self, now: float) -> None:
        for participant in self._participants.values():
            if participant.due(now):
                mkpdu = self._compose(now, participant)
                self._outputs.append(Transmit(encode(self.config.source, mkpdu, participant.ick)))

    def _compose(self, now: float, participant: Participant) -> Mkpdu:
        member = participant.next_member(now)
        basic = Basic(
            MKA_VERSION,
            self.config.priority,
            participant.claims_server,
            True,
            _CAPABILITY,
            self.config.sci,
            member,
            participant.ckn,
        )
        parameters: list[Parameter] = [*participant.peer_lists()]
        latest, old = self.associations.latest, self.associations.old
        if latest is not None:
            parameters.append(SakUse(latest.use(), old.use() if old else KeyUse()))
        if self._distributing is not None and self._distributing[0] is participant:
            parameters.append(self._distributing[1])
        if latest is not None and self.config.cipher_suite.extended_packet_numbers:
            parameters.append(Xpn(latest.lowest_pn >> 32, old.lowest_pn >> 32 if old else 0))
        return Mkpdu(basic, tuple(parameters))

    def _note(self, kind: str, **data: object) -> None:
        self._outputs.append(Happened(kind, data))


__all__ = ["PENDING_PN_EXHAUSTION", "PENDING_XPN_EXHAUSTION", "MkaPort", "PortConfig"]
