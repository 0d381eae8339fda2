"""One participant in one connectivity association: who else is there, who is alive, who is the key server (9.4, 9.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from xcnet.mka.codec import Mkpdu, SealedMkpdu
from xcnet.mka.kdf import derive_ick, derive_kek
from xcnet.mka.parameters import MI_LENGTH, Member, Peers
from xcnet.secret import Secret

HELLO_TIME = 2.0
LIFE_TIME = 6.0
"""Seconds (9.4.3, table 9-3): how often a participant speaks; how long it is believed after it was last heard."""

SEND_GAP = 0.01
"""Least seconds between two MKPDUs of one participant. A change is told at once, but two ends that keep changing their
minds must not flood the link."""

_LAST_MN = 0xFFFFFFFF


@dataclass(slots=True)
class Peer:
    """Another participant, by its MI. ``alive_until`` is 0 for a potential peer; ``heard_until`` bounds every entry."""

    mi: bytes
    mn: int
    sci: bytes
    priority: int
    key_server: bool
    heard_until: float
    alive_until: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a received MKPDU. ``peer`` is None where it was refused, for the ``reason`` given.

    :param new: the peer was not known. :param came_alive: it was not live before. :param changed: the live list changed.
    """

    peer: Peer | None
    reason: str = ""
    new: bool = False
    came_alive: bool = False


class Participant:
    """The membership half of MKA for one CAK. Whatever is refused leaves no trace in it.

    :param sci: own SCI, 8 bytes. :param rng: gives that many random bytes.
    """

    def __init__(
        self,
        ckn: bytes,
        cak: Secret,
        *,
        sci: bytes,
        priority: int,
        preferred: bool,
        rng: Callable[[int], bytes],
        now: float,
    ) -> None:
        self.ckn = ckn
        self.cak = cak
        self.kek = derive_kek(cak, ckn)
        self.ick = derive_ick(cak, ckn)
        self.sci = sci
        self.priority = priority
        self.preferred = preferred
        self._rng = rng
        self.mi = rng(MI_LENGTH)
        self.mn = 0
        self._sent: deque[tuple[float, int]] = deque()
        self.peers: dict[bytes, Peer] = {}
        self.next_hello = now
        self.last_sent = float("-inf")
        self.dirty = True
        self.key_server: bytes | None = None
        """MI of the elected key server; None while nobody is (no live peers)."""

    # -- who is there ------------------------------------------------------------------------------------------------

    @property
    def live(self) -> list[Peer]:
        return [peer for peer in self.peers.values() if peer.alive_until]

    @property
    def is_server(self) -> bool:
        return self.key_server == self.mi

    @property
    def claims_server(self) -> bool:
        """The key server bit that it sends: until it has live peers, everyone who may be server claims to be."""
        if self.priority == 255:
            return False
        return self.key_server in (None, self.mi)

    def receive(self, now: float, sealed: SealedMkpdu) -> Verdict:
        """Judge a received MKPDU, which names this CA's CKN, and take in what it says about its sender."""
        if not sealed.sealed_with(self.ick):
            return Verdict(None, "ICV is wrong")
        basic = sealed.mkpdu.basic
        if basic.sci == self.sci:
            return Verdict(None, "own SCI: a reflected frame")
        if basic.member.mi == self.mi:
            # Another station drew the same 96 random bits: leave the MI to it (9.4.2).
            self.reset_identity(now)
            return Verdict(None, "own MI used by another station")
        known = self.peers.get(basic.member.mi)
        if known is not None and basic.member.mn <= known.mn:
            return Verdict(None, f"message number {basic.member.mn} is not beyond {known.mn}")
        if basic.member.mn == 0:
            return Verdict(None, "message number 0")
        lists_us = self._listed(now, sealed.mkpdu)
        if known is None:
            known = Peer(basic.member.mi, 0, basic.sci, basic.priority, basic.key_server, now)
            self.peers[known.mi] = known
            new = True
        else:
            new = False
        came_alive = lists_us and not known.alive_until
        known.mn = basic.member.mn
        known.sci = basic.sci
        known.priority = basic.priority
        known.key_server = basic.key_server
        known.heard_until = now + LIFE_TIME
        if lists_us:
            known.alive_until = now + LIFE_TIME
        if came_alive:
            # A station has one MI at a time: what it was before its restart is gone.
            for other in [p for p in self.peers.values() if p.sci == known.sci and p.mi != known.mi]:
                del self.peers[other.mi]
        if new or came_alive:
            self.dirty = True
        return Verdict(known, new=new, came_alive=came_alive)

    def _listed(self, now: float, mkpdu: Mkpdu) -> bool:
        """True if the sender lists us with a message number that we sent within the last life time (9.4.3)."""
        oldest = self._oldest_recent(now)
        for parameter in mkpdu.parameters:
            if isinstance(parameter, Peers):
                for member in parameter.members:
                    if member.mi == self.mi:
                        return oldest <= member.mn <= self.mn
        return False

    def _oldest_recent(self, now: float) -> int:
        while len(self._sent) > 1 and self._sent[0][0] < now - LIFE_TIME:
            self._sent.popleft()
        return self._sent[0][1] if self._sent else 1

    def expire(self, now: float) -> list[Peer]:
        """Forget whoever was not heard, or did not list us, for a life time; those that were live are returned."""
        gone = []
        for peer in list(self.peers.values()):
            was_live = bool(peer.alive_until)
            if was_live and peer.alive_until <= now:
                peer.alive_until = 0.0
                gone.append(peer)
            if peer.heard_until <= now:
                del self.peers[peer.mi]
        if gone:
            self.dirty = True
        return gone

    def elect(self) -> bool:
        """Elect the key server (9.5) among self and those live peers that claim it; True if it is another than before."""
        live = self.live
        chosen: bytes | None = None
        if live:
            best: tuple[int, bytes, bytes] | None = None
            if self.priority != 255:
                best = (self.priority, self.sci, self.mi)
            for peer in live:
                if peer.priority == 255 or not peer.key_server:
                    continue
                candidate = (peer.priority, peer.sci, peer.mi)
                if best is None or candidate < best:
                    best = candidate
            chosen = best[2] if best else None
        if chosen == self.key_server:
            return False
        self.key_server = chosen
        self.dirty = True
        return True

    # -- speaking ----------------------------------------------------------------------------------------------------

    def reset_identity(self, now: float) -> None:
        """Take a new MI and start over."""
        self.mi = self._rng(MI_LENGTH)
        self.mn = 0
        self._sent.clear()
        self.peers.clear()
        self.key_server = None
        self.dirty = True
        self.next_hello = now

    def due(self, now: float) -> bool:
        return self.send_at() <= now

    def send_at(self) -> float:
        """When the next MKPDU is due."""
        if self.dirty:
            return min(self.last_sent + SEND_GAP, self.next_hello) if self.mn else self.next_hello
        return self.next_hello

    def next_member(self, now: float) -> Member:
        """The MI and MN for an MKPDU that is sent now."""
        if self.mn == _LAST_MN:
            self.reset_identity(now)
        self.mn += 1
        self._sent.append((now, self.mn))
        self._oldest_recent(now)
        self.last_sent = now
        self.next_hello = now + HELLO_TIME
        self.dirty = False
        return Member(self.mi, self.mn)

    def peer_lists(self) -> list[Peers]:
        """The live and potential peer lists to send; an empty one is left out."""
        lists = []
        for live in (True, False):
            members = tuple(Member(p.mi, p.mn) for p in self.peers.values() if bool(p.alive_until) is live)
            if members:
                lists.append(Peers(live, members))
        return lists

    def next_deadline(self) -> float:
        """The earliest of the next MKPDU and the next expiry."""
        times = [self.send_at()]
        for peer in self.peers.values():
            times.append(peer.heard_until)
            if peer.alive_until:
                times.append(peer.alive_until)
        return min(times)


__all__ = ["HELLO_TIME", "LIFE_TIME", "SEND_GAP", "Participant", "Peer", "Verdict"]
