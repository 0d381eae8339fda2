"""The decisions about SAKs (802.1X, 9.8 to 9.10): when the key server makes one, which one a member takes, when each goes
into use and out of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping

from xcnet.mka.associations import Associations, InstalledSak, Phase, Step
from xcnet.mka.codec import Mkpdu
from xcnet.mka.config import LIFE_TIME, SAK_DRAIN_TIME, SAK_RETIRE_TIME, PortConfig
from xcnet.mka.kdf import derive_sak, unwrap_sak, wrap_sak
from xcnet.mka.outputs import Happened, Output, SakParameters
from xcnet.mka.parameters import DistributedSak, SakUse, Xpn
from xcnet.mka.participant import Participant
from xcnet.mka.peers import Peer
from xcnet.secret import Secret

_ENCRYPTED = 1
"""The confidentiality offset code of a frame that is encrypted from its first byte."""

_SERVERS_REMEMBERED = 64

Participants = Mapping[bytes, Participant]
"""By CKN."""


class Keying:
    """:param config: replaced by the port when it changes. :param rng: random bytes. :param put: takes each output."""

    def __init__(self, config: PortConfig, rng: Callable[[int], bytes], put: Callable[[Output], None]) -> None:
        self.config = config
        self.associations = Associations(put, config.sci)
        self.wanted = ""
        """Why somebody wants a fresh SAK; empty if nobody does."""
        self._rng = rng
        self._put = put
        self._key_number = 0
        self._taken: OrderedDict[bytes, int] = OrderedDict()

    # -- what the peers say

    def reported(self, home: Participant, peer: Peer, mkpdu: Mkpdu) -> None:
        """A peer tells how it uses the SAKs."""
        use = mkpdu.first(SakUse)
        if not peer.live:
            return
        high = mkpdu.first(Xpn) or Xpn()
        halves = [(use.latest, high.latest_high), (use.old, high.old_high)] if use else []
        for half, upper in halves:
            sak = self.associations.find(half.server_mi, half.key_number)
            if sak is None or not half.present or sak.an != half.an:
                continue
            if half.receives:
                sak.receiving.add(peer.sci)
            if half.transmits:
                sak.transmitting.add(peer.sci)
            if upper << 32 | half.lowest_pn >= self.config.exhausted_at:
                sak.exhausted = True
        latest = self.associations.latest
        if latest is None or latest.ckn != home.ckn or peer.sci not in latest.receiving:
            return
        # MKPDUs of one CA come in order: who received with a SAK and no longer says so has lost it. It is not given the
        # same one again, whose packet numbers would begin anew.
        if all((half.server_mi, half.key_number) != latest.identifier for half, _ in halves):
            latest.receiving.discard(peer.sci)
            latest.transmitting.discard(peer.sci)
            self.wanted = "a member lost the SAK"

    def offered(self, now: float, home: Participant, peer: Peer, mkpdu: Mkpdu) -> str | None:
        """Take what the key server distributes, once; anything doubtful changes nothing. Returns why it was refused."""
        offer = mkpdu.first(DistributedSak)
        if offer is None or self.associations.find(peer.mi, offer.key_number) is not None:
            return None
        refusal = self._refusal(home, peer, mkpdu, offer)
        if refusal is not None:
            return refusal
        holders = {peer.mi: peer.sci}
        for mi in home.lists_live(mkpdu) or ():
            other = home.peers.get(mi)
            if other is None:
                # Its SCI is needed for its channel and for everybody's SSCI. It speaks within a hello time.
                return "a member is not known yet"
            holders[mi] = other.sci
        sak = unwrap_sak(home.kek, offer.wrapped)
        if sak is None or len(sak) != self.config.cipher_suite.key_length:
            return "cannot be unwrapped"
        self._taken[peer.mi] = offer.key_number
        self._taken.move_to_end(peer.mi)
        if len(self._taken) > _SERVERS_REMEMBERED:
            self._taken.popitem(last=False)
        self._install(now, home, peer.mi, offer.key_number, offer.an, sak, holders)
        home.dirty = True
        return None

    def _refusal(self, home: Participant, peer: Peer, mkpdu: Mkpdu, offer: DistributedSak) -> str | None:
        if not peer.live or home.lists_live(mkpdu) is None:
            return "not from a live peer"
        if home.key_server is not peer:
            return "not from the key server"
        if not offer.wrapped:
            return "asks for unprotected traffic"
        if offer.confidentiality_offset != _ENCRYPTED:
            return f"confidentiality offset code {offer.confidentiality_offset}"
        if offer.cipher_suite is not self.config.cipher_suite:
            return f"cipher suite {offer.cipher_suite}, here it is {self.config.cipher_suite}"
        if offer.key_number <= self._taken.get(peer.mi, 0):
            return "was in use before"
        return None

    # -- what follows from it; called whenever something may have changed

    def drop_lost(self, now: float, participants: Participants) -> None:
        """Take away SAKs that no live peer holds, and the channels of peers that share none with us any more."""
        for sak in reversed(list(self.associations.installed)):
            reason = self._loss(now, sak, participants)
            if reason is not None:
                self.associations.remove(sak, reason)
        # Whether a member is out is for the key server to say, by a SAK without it; not hearing its MKPDUs is no reason.
        shared = {sci for sak in self.associations.installed for sci in sak.holders.values()}
        for sci in sorted(self.associations.channels - shared):
            self.associations.remove_peer(sci)

    @staticmethod
    def _loss(now: float, sak: InstalledSak, participants: Participants) -> str | None:
        home = participants.get(sak.ckn)
        holders = set(sak.holders.values())
        if home is not None:
            members = home.members
            if not members.keys().isdisjoint(sak.holders):
                sak.orphaned = None
                if sak.mine and sak.phase is Phase.RECEIVING and home.key_server is not None:
                    # Nobody else takes it now; the key server's own, under it, is the latest again.
                    return "another is the key server"
                return None
            if not holders.isdisjoint(members.values()):
                return "the peer has restarted"
        # While a CAK is rolled over another CA may vouch for the peer, but not for ever.
        if all(holders.isdisjoint(each.members.values()) for each in participants.values()):
            return "no live peer" if home is not None else "its CA was removed"
        if sak.orphaned is None:
            sak.orphaned = now
        return "its CA is gone, and no other SAK came" if now >= sak.orphaned + LIFE_TIME else None

    def serve(self, now: float, principal: Participant, participants: Participants) -> None:
        """As key server: make a SAK if there is a reason."""
        reason = self._reason(now, principal, participants) if principal.is_server else None
        if not reason:
            return
        self.wanted = ""
        self._key_number += 1
        number, an = self._key_number, self.associations.next_an()
        holders = principal.members
        length = self.config.cipher_suite.key_length
        order = principal.mi + b"".join(sorted(holders))
        sak = derive_sak(principal.cak, self._rng(length), order, number, length)
        data = {"ckn": principal.ckn.hex(), "an": an, "key_number": number, "reason": reason}
        self._put(Happened("mka.sak_generated", data))
        self._install(now, principal, principal.mi, number, an, sak, holders, wrap_sak(principal.kek, sak))
        principal.dirty = True

    def _reason(self, now: float, principal: Participant, participants: Participants) -> str | None:
        latest = self.associations.latest
        if latest is None:
            return "there is none"
        if latest.ckn == principal.ckn:
            if latest.server_mi != principal.mi:
                return "the key server changed"
            if latest.holders != principal.members:
                return "the live peers changed"
        elif latest.ckn not in participants or latest.holders != participants[latest.ckn].members:
            return "the principal CA changed"
        # The rest waits until the SAK that is on its way has arrived everywhere: nobody is left behind then. One that
        # does not arrive in time is not waited for.
        if latest.phase is not Phase.SETTLED and now < latest.installed_at + 2 * LIFE_TIME:
            return None
        if latest.ckn != principal.ckn:
            return "the principal CA changed"
        if latest.exhausted:
            return "packet numbers nearly exhausted"
        age = self.config.sak_rekey_seconds
        if age and now >= latest.installed_at + age:
            return "age"
        return self.wanted or None

    def _install(
        self,
        now: float,
        home: Participant,
        server_mi: bytes,
        number: int,
        an: int,
        sak: Secret,
        holders: dict[bytes, bytes],
        wrapped: bytes = b"",
    ) -> None:
        suite = self.config.cipher_suite
        xpn = suite.extended_packet_numbers
        # The numerically greatest SCI has SSCI 1 (9.10).
        scis = sorted({self.config.sci, *holders.values()}, reverse=True)
        members = {sci: place if xpn else 0 for place, sci in enumerate(scis, start=1)}
        salt = b""
        if xpn:
            salt = (int.from_bytes(server_mi[:4], "big") ^ number).to_bytes(4, "big") + server_mi[4:]
        parameters = SakParameters(sak, server_mi + number.to_bytes(4, "big"), suite, salt)
        self.associations.install(
            InstalledSak(server_mi, number, an, parameters, home.ckn, members, holders, now, wrapped)
        )

    def deploy(self, now: float, participants: Participants) -> bool:
        """Put the latest SAK into use as far as the others have it. True if something changed."""
        sak = self.associations.latest
        if sak is None:
            return False
        before = sak.phase
        live = self._live_holders(sak, participants)
        if sak.phase is Phase.RECEIVING and live:
            if sak.mine:
                # One that never answers holds the others up for a life time; if nobody answers there is nobody to talk to.
                late = now >= sak.installed_at + LIFE_TIME and not live.isdisjoint(sak.receiving)
                if late or live <= sak.receiving:
                    self.associations.step(now, sak, Step.ALL_RECEIVE)
            elif sak.holders[sak.server_mi] in sak.transmitting:
                self.associations.step(now, sak, Step.SERVER_TRANSMITS)
        if sak.phase is Phase.TRANSMITTING and live and live <= sak.transmitting:
            self.associations.step(now, sak, Step.ALL_TRANSMIT)
        return sak.phase is not before

    @staticmethod
    def _live_holders(sak: InstalledSak, participants: Participants) -> set[bytes]:
        home = participants.get(sak.ckn)
        if home is not None:
            live = home.members
            return {sci for mi, sci in sak.holders.items() if mi in live}
        return {sci for each in participants.values() for sci in each.members.values()} & set(sak.holders.values())

    def retire(self, now: float) -> bool:
        """Take away SAKs that nobody transmits with any more. True if there were any."""
        latest = self.associations.latest
        old = self.associations.installed[:-1]
        if latest is None or not old or now < self._retire_at(latest):
            return False
        for sak in old:
            self.associations.remove(sak, "retired")
        return True

    @staticmethod
    def _retire_at(latest: InstalledSak) -> float:
        if latest.phase is Phase.SETTLED:
            return latest.settled_since + SAK_DRAIN_TIME
        if latest.phase is Phase.TRANSMITTING:
            return latest.transmits_since + LIFE_TIME + SAK_RETIRE_TIME
        return float("inf")

    def to_distribute(self, home: Participant, participants: Participants) -> DistributedSak | None:
        """What the key server's MKPDU carries: the SAK, for as long as a live member has not got it."""
        latest = self.associations.latest
        if latest is None or not latest.mine or latest.ckn != home.ckn or not home.is_server:
            return None
        if latest.holders != home.members:
            # The live list that goes with it says who shares it, and decides everybody's SSCI.
            return None
        if self._live_holders(latest, participants) <= latest.receiving:
            return None
        suite = self.config.cipher_suite
        return DistributedSak(latest.an, _ENCRYPTED, latest.key_number, suite, latest.wrapped)

    def counted(self, an: int, transmitted: int, received: int) -> bool:
        """The SecY's packet numbers. True if the peers should know of them at once."""
        sak = self.associations.transmitting
        if sak is None or sak.an != an:
            return False
        sak.next_pn = max(sak.next_pn, transmitted)
        if sak.exhausted or max(transmitted, received) < self.config.exhausted_at:
            return False
        sak.exhausted = True
        return True

    def deadlines(self) -> Iterator[float]:
        latest = self.associations.latest
        if latest is not None:
            if latest.mine and latest.phase is Phase.RECEIVING:
                yield latest.installed_at + LIFE_TIME
            if latest.mine and self.config.sak_rekey_seconds:
                yield latest.installed_at + self.config.sak_rekey_seconds
            if len(self.associations.installed) > 1:
                yield self._retire_at(latest)
        for sak in self.associations.installed:
            if sak.orphaned is not None:
                yield sak.orphaned + LIFE_TIME


__all__ = ["Keying", "Participants"]
