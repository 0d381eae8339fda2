"""The peers of one participant: seen, live, gone; and the memory that makes a replayed MKPDU worthless (802.1X, 9.4)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from xcnet.mka.config import LIFE_TIME
from xcnet.mka.parameters import Basic, Member, Peers

MOST_PEERS = 64
"""As many as an MKPDU has room for, beside everything else that may be in it."""

_MEMORY = 1024
"""MIs whose last message number is remembered after they have gone."""


class PeerState(StrEnum):
    POTENTIAL = "potential"
    LIVE = "live"


TRANSITIONS: dict[tuple[PeerState | None, bool], PeerState] = {
    # (what it was, its MKPDU proves that it hears us now): what it is
    (None, False): PeerState.POTENTIAL,
    (None, True): PeerState.LIVE,
    (PeerState.POTENTIAL, False): PeerState.POTENTIAL,
    (PeerState.POTENTIAL, True): PeerState.LIVE,
    (PeerState.LIVE, False): PeerState.LIVE,
    (PeerState.LIVE, True): PeerState.LIVE,
}
"""What an accepted MKPDU makes of its sender. Time takes LIVE back to POTENTIAL, and POTENTIAL away."""


@dataclass(slots=True)
class Peer:
    """Another participant, by its MI.

    :param mn: the last message number heard. :param heard_until: it is forgotten then, unless heard again.
    :param alive_until: it is no longer live then, unless it shows again that it hears us.
    """

    mi: bytes
    sci: bytes
    mn: int
    priority: int
    key_server: bool
    state: PeerState
    heard_until: float
    alive_until: float

    @property
    def live(self) -> bool:
        return self.state is PeerState.LIVE


@dataclass(frozen=True, slots=True)
class PeerChange:
    """:param was: None for one not known before. :param now: None for one that is gone."""

    peer: Peer
    was: PeerState | None
    now: PeerState | None
    reason: str = ""


class PeerTable:
    """Peers by MI."""

    def __init__(self) -> None:
        self._peers: dict[bytes, Peer] = {}
        self._last_mn: OrderedDict[bytes, int] = OrderedDict()

    def __iter__(self) -> Iterator[Peer]:
        return iter(self._peers.values())

    def get(self, mi: bytes) -> Peer | None:
        return self._peers.get(mi)

    @property
    def live(self) -> list[Peer]:
        return [peer for peer in self._peers.values() if peer.live]

    def lists(self) -> list[Peers]:
        """The live and the potential peer list to send; an empty one is left out."""
        found = []
        for live in (True, False):
            members = tuple(Member(peer.mi, peer.mn) for peer in self if peer.live is live)
            if members:
                found.append(Peers(live, members))
        return found

    def last_mn(self, mi: bytes) -> int:
        """The greatest message number heard from this MI, even before it was forgotten; 0 if there was none."""
        peer = self._peers.get(mi)
        return peer.mn if peer else self._last_mn.get(mi, 0)

    def heard(self, now: float, basic: Basic, proven: bool) -> list[PeerChange]:
        """An authentic, fresh MKPDU came.

        :param proven: it lists us with a message number sent within the last life time. A peer that has proven itself
            replaces an earlier one with its SCI: it has restarted. Without proof it may be a recording.
        """
        mi = basic.member.mi
        peer = self._peers.get(mi)
        was = peer.state if peer else None
        changes: list[PeerChange] = []
        if peer is None:
            changes += self._make_room()
            peer = Peer(mi, basic.sci, 0, 0, False, PeerState.POTENTIAL, now, now)
            self._peers[mi] = peer
        peer.mn, peer.sci = basic.member.mn, basic.sci
        peer.priority, peer.key_server = basic.priority, basic.key_server
        peer.state = TRANSITIONS[was, proven]
        peer.heard_until = now + LIFE_TIME
        if proven:
            peer.alive_until = now + LIFE_TIME
        if peer.state is not was:
            if peer.live:
                for other in [each for each in self if each.sci == peer.sci and each is not peer]:
                    changes.append(self._remove(other, "restarted"))
            changes.append(PeerChange(peer, was, peer.state))
        return changes

    def expire(self, now: float) -> list[PeerChange]:
        """Let time do its work."""
        changes = []
        for peer in list(self):
            if now >= peer.heard_until:
                changes.append(self._remove(peer, "not heard for the life time"))
            elif peer.live and now >= peer.alive_until:
                peer.state = PeerState.POTENTIAL
                changes.append(
                    PeerChange(peer, PeerState.LIVE, PeerState.POTENTIAL, "has not heard us for the life time")
                )
        return changes

    def clear(self, reason: str) -> list[PeerChange]:
        return [self._remove(peer, reason) for peer in list(self)]

    def doubt(self) -> None:
        """Nobody has shown yet that they hear us: our MI is a new one."""
        for peer in self:
            peer.state = PeerState.POTENTIAL

    def deadlines(self) -> Iterator[float]:
        for peer in self:
            yield min(peer.heard_until, peer.alive_until) if peer.live else peer.heard_until

    def _make_room(self) -> list[PeerChange]:
        if len(self._peers) < MOST_PEERS:
            return []
        potential = [peer for peer in self if not peer.live]
        oldest = min(potential or self, key=lambda peer: peer.heard_until)
        return [self._remove(oldest, "more peers than an MKPDU can list")]

    def _remove(self, peer: Peer, reason: str) -> PeerChange:
        del self._peers[peer.mi]
        self._last_mn[peer.mi] = peer.mn
        self._last_mn.move_to_end(peer.mi)
        if len(self._last_mn) > _MEMORY:
            self._last_mn.popitem(last=False)
        return PeerChange(peer, peer.state, None, reason)


__all__ = ["MOST_PEERS", "TRANSITIONS", "Peer", "PeerChange", "PeerState", "PeerTable"]
