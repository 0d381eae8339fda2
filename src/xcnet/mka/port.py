"""Key agreement of one port: its participants, the principal among them, and the SAKs (IEEE 802.1X-2020, clause 9; the "KaY").

No I/O and no clock: frames and times go in, :mod:`outputs <xcnet.mka.outputs>` and the next deadline come out. After any
input the same evaluation runs over the whole state, so that what happens does not depend on the way that led there.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable

from xcnet.mka.associations import Associations
from xcnet.mka.codec import MkpduError, decode
from xcnet.mka.config import HELLO_TIME, PortConfig
from xcnet.mka.keying import Keying
from xcnet.mka.outputs import Happened, Output, Transmit
from xcnet.mka.parameters import KeyUse, Parameter, SakUse, Xpn
from xcnet.mka.participant import Participant
from xcnet.mka.peers import PeerChange, PeerState
from xcnet.secret import Secret

_REFUSAL_INTERVAL = 1.0
"""Seconds between two events about the same reason of refusal: a flood of forgeries must not become one of events."""


class MkaPort:
    """Any number of pre-shared CAs on one port, one of which, the principal, provides the SAK in use.

    :param rng: gives that many random bytes.
    """

    def __init__(self, config: PortConfig, *, rng: Callable[[int], bytes] = os.urandom) -> None:
        self._config = config
        self._rng = rng
        self._outputs: list[Output] = []
        self._keying = Keying(config, rng, self._outputs.append)
        self._participants: dict[bytes, Participant] = {}
        self._preference: dict[bytes, int] = {}
        self._counter = 0
        self._principal: Participant | None = None
        self._dark = False
        self._deaf_until = float("-inf")
        self._now = float("-inf")
        self._refused: Counter[str] = Counter()
        self._refusal_told: dict[str, float] = {}

    # -- what surrounds it asks ----------------------------------------------------------------------------------------

    @property
    def secured(self) -> bool:
        return self._keying.associations.transmitting is not None

    @property
    def principal(self) -> Participant | None:
        """The CA that counts; None without live peers."""
        return self._principal

    @property
    def participants(self) -> dict[bytes, Participant]:
        """By CKN."""
        return dict(self._participants)

    @property
    def associations(self) -> Associations:
        return self._keying.associations

    @property
    def refused(self) -> dict[str, int]:
        """How many MKPDUs and SAKs were refused, by reason."""
        return dict(self._refused)

    def outputs(self) -> list[Output]:
        """What is to be done since the last call, in order."""
        taken = list(self._outputs)
        self._outputs.clear()
        return taken

    def next_deadline(self) -> float | None:
        """When :meth:`tick` wants to be called at the latest; None while there is nothing to wait for."""
        if self._dark or not self._participants:
            return None
        times = [self._deaf_until, *self._keying.deadlines()]
        for participant in self._participants.values():
            times.append(participant.send_at(self._now))
            times += participant.peers.deadlines()
        # What is due and was left alone waits for something else than time.
        return min((at for at in times if at > self._now), default=None)

    # -- what surrounds it says ----------------------------------------------------------------------------------------

    def add_ca(self, now: float, ckn: bytes, cak: Secret, *, preferred: bool = True) -> None:
        """Take part in another CA. Of one that is known only its preference is taken over, unless its key is another:
        then it is replaced.

        :param preferred: as key server, make it the principal once its peers are live; of several the one that was
            preferred last.
        """
        known = self._participants.get(ckn)
        if known is not None and known.cak != cak:
            self.remove_ca(now, ckn)
            known = None
        self._counter += 1
        if known is None:
            self._participants[ckn] = Participant(ckn, cak, rng=self._rng, now=now, order=self._counter)
            self._note("mka.ca_added", ckn=ckn.hex(), preferred=preferred)
        if not preferred:
            self._preference.pop(ckn, None)
        elif ckn not in self._preference:
            self._preference[ckn] = self._counter
        self._advance(now)

    def remove_ca(self, now: float, ckn: bytes) -> None:
        """Leave a CA. A SAK that it provided stays for a life time if another CA stands in for it, else goes at once."""
        leaving = self._participants.pop(ckn, None)
        if leaving is None:
            return
        self._preference.pop(ckn, None)
        self._note("mka.ca_removed", ckn=ckn.hex())
        if self._principal is leaving:
            self._set_principal(None)
        self._advance(now)

    def configure(self, now: float, config: PortConfig) -> None:
        """Take part in another manner from now on. Another SCI or cipher suite is another SecY: agreed on anew."""
        former, self._config = self._config, config
        self._keying.config = config
        if former == config:
            return
        if (former.sci, former.cipher_suite) != (config.sci, config.cipher_suite):
            self._start_over("set up anew")
            self._keying.associations = Associations(self._outputs.append, config.sci)
        for participant in self._participants.values():
            participant.dirty = True
        self._advance(now)

    def request_rekey(self, now: float, reason: str) -> bool:
        """Have a fresh SAK made. False if that is not this port's to decide: it is not the key server."""
        if self._principal is None or not self._principal.is_server:
            return False
        self._keying.wanted = reason
        self._advance(now)
        return True

    def report_packet_number(self, now: float, an: int, *, transmitted: int, received: int) -> None:
        """Tell how far an association has come: the next packet number to send, and the greatest next one to receive."""
        if self._keying.counted(an, transmitted, received):
            self._note("mka.packet_numbers_running_out", an=an, transmitted=transmitted, received=received)
            if self._principal is not None:
                self._principal.dirty = True
        self._advance(now)

    def carrier_lost(self, now: float) -> None:
        """The fibre is dark: nobody is there any more; the port is closed, and agreement starts anew with the light."""
        self._dark = True
        self._start_over("carrier lost")
        self._advance(now)

    def carrier_found(self, now: float) -> None:
        """The fibre is lit again: speak at once."""
        self._dark = False
        for participant in self._participants.values():
            participant.next_hello = now
        self._advance(now)

    def start_over(self, now: float, reason: str) -> None:
        """The SecY no longer holds what was agreed: close, and agree anew after a hello time of silence."""
        self._start_over(reason)
        self._deaf_until = now + HELLO_TIME
        self._advance(now)

    def receive(self, now: float, frame: bytes) -> None:
        """Take in a frame. One that is malformed, forged, replayed or foreign changes nothing but a count."""
        if self._dark or now < self._deaf_until:
            return
        try:
            sealed = decode(frame)
        except MkpduError as error:
            self._refuse(now, "mka.mkpdu_refused", "malformed", detail=str(error))
            return
        mkpdu = sealed.mkpdu
        participant = self._participants.get(mkpdu.basic.ckn)
        if participant is None:
            self._refuse(now, "mka.mkpdu_refused", "unknown CKN", ckn=mkpdu.basic.ckn.hex())
            return
        verdict = participant.receive(now, sealed, self._config.sci)
        if verdict.peer is None:
            self._refuse(now, "mka.mkpdu_refused", verdict.reason, ckn=participant.ckn.hex())
            return
        self._tell(participant, verdict.changes)
        self._elect(participant)
        refusal = self._keying.offered(now, participant, verdict.peer, mkpdu)
        if refusal is not None:
            self._refuse(now, "mka.sak_refused", refusal, ckn=participant.ckn.hex(), mi=verdict.peer.mi.hex())
        self._keying.reported(participant, verdict.peer, mkpdu)
        latest = self.associations.latest
        if latest is not None and latest.ckn == participant.ckn and latest.server_mi == verdict.peer.mi:
            # A member follows the CA through which its key server gave the latest SAK.
            self._set_principal(participant)
        self._advance(now)

    def tick(self, now: float) -> None:
        """Let time have passed."""
        self._advance(now)

    # -- deciding ------------------------------------------------------------------------------------------------------

    def _advance(self, now: float) -> None:
        """Bring everything about that follows from the present state."""
        self._now = max(self._now, now)
        if self._dark or now < self._deaf_until:
            return
        for participant in self._participants.values():
            changes = participant.peers.expire(now)
            participant.dirty = participant.dirty or bool(changes)
            self._tell(participant, changes)
            self._elect(participant)
        had_keys = bool(self.associations.installed)
        self._keying.drop_lost(now, self._participants)
        if had_keys and not any(each.live for each in self._participants.values()):
            # They may still hold us for live and for keyed. As another member we are given a fresh SAK; the former one
            # must not be used again.
            for participant in self._participants.values():
                participant.renew()
        self._choose_principal()
        moved = self._keying.deploy(now, self._participants)
        retired = self._keying.retire(now)
        if moved or retired:
            for participant in self._reporting():
                participant.dirty = True
        if self._principal is not None:
            self._keying.serve(now, self._principal, self._participants)
        self._speak(now)

    def _elect(self, participant: Participant) -> None:
        if not participant.elect(self._config):
            return
        server = participant.key_server
        self._note(
            "mka.key_server_elected",
            ckn=participant.ckn.hex(),
            key_server=(server.mi if server else participant.mi).hex(),
            self_elected=server is None,
        )

    def _choose_principal(self) -> None:
        """As key server lead to the preferred CA, once nobody is left behind; as a member stay, and follow."""
        candidates = [each for each in self._participants.values() if each.live]
        if not candidates:
            self._set_principal(None)
            return
        current = self._principal
        best = max(candidates, key=lambda each: (self._preference.get(each.ckn, 0), each is current, -each.order))
        if current in candidates:
            leads = current.is_server and best.is_server
            if not leads or not set(current.members.values()) <= set(best.members.values()):
                return
        self._set_principal(best)

    def _set_principal(self, chosen: Participant | None) -> None:
        if chosen is self._principal:
            return
        for each in (self._principal, chosen):
            if each is not None:
                each.dirty = True
        self._principal = chosen
        self._note("mka.principal_changed", ckn=chosen.ckn.hex() if chosen else None)

    def _start_over(self, reason: str) -> None:
        self.associations.remove_all(reason)
        for participant in self._participants.values():
            self._tell(participant, participant.peers.clear(reason))
            participant.renew()
            self._elect(participant)
        self._set_principal(None)

    # -- speaking ------------------------------------------------------------------------------------------------------

    def _speak(self, now: float) -> None:
        for participant in self._participants.values():
            if participant.send_at(now) <= now:
                frame = participant.speak(now, self._config, self._parameters(participant))
                self._outputs.append(Transmit(frame))

    def _reporting(self) -> list[Participant]:
        """Those that say how the SAKs are used: the principal, and the one whose SAK may still be on its way."""
        latest = self.associations.latest
        if latest is None:
            return []
        home = self._participants.get(latest.ckn)
        return [each for each in self._participants.values() if each in (self._principal, home)]

    def _parameters(self, participant: Participant) -> list[Parameter]:
        """What an MKPDU says of the SAKs."""
        latest, old = self.associations.latest, self.associations.old
        if latest is None or participant not in self._reporting():
            return []
        transmitting = self.associations.transmitting
        old_use = old.use(old is transmitting) if old else KeyUse()
        parameters: list[Parameter] = [SakUse(latest.use(latest is transmitting), old_use)]
        offer = self._keying.to_distribute(participant, self._participants)
        if offer is not None:
            parameters.append(offer)
        if self._config.cipher_suite.extended_packet_numbers:
            parameters.append(Xpn(latest.next_pn >> 32, old_use.lowest_pn >> 32))
        return parameters

    # -- news ----------------------------------------------------------------------------------------------------------

    def _tell(self, participant: Participant, changes: tuple[PeerChange, ...] | list[PeerChange]) -> None:
        for change in changes:
            lost = change.now is None or change.was is PeerState.LIVE
            kind = "peer_lost" if lost else "peer_live" if change.now is PeerState.LIVE else "peer_seen"
            data = {"ckn": participant.ckn.hex(), "mi": change.peer.mi.hex(), "sci": change.peer.sci.hex()}
            self._note(f"mka.{kind}", **data, **({"reason": change.reason} if change.reason else {}))

    def _refuse(self, now: float, kind: str, reason: str, **data: object) -> None:
        self._refused[reason] += 1
        if now >= self._refusal_told.get(reason, float("-inf")) + _REFUSAL_INTERVAL:
            self._refusal_told[reason] = now
            self._note(kind, reason=reason, count=self._refused[reason], **data)

    def _note(self, kind: str, **data: object) -> None:
        self._outputs.append(Happened(kind, data))


__all__ = ["MkaPort"]
