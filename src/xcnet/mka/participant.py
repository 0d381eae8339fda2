"""One participant in one connectivity association: who it is, whom it elects, when it speaks (802.1X, 9.3 to 9.5)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from xcnet.mka.codec import Mkpdu, SealedMkpdu, encode
from xcnet.mka.config import HELLO_TIME, LIFE_TIME, PortConfig
from xcnet.mka.kdf import derive_ick, derive_kek
from xcnet.mka.parameters import MI_LENGTH, MKA_VERSION, Basic, Member, Parameter, Peers
from xcnet.mka.peers import Peer, PeerChange, PeerTable
from xcnet.secret import Secret

_CAPABILITY = 2
"""Integrity and confidentiality without offset: Linux encrypts the whole frame or nothing."""

_LAST_MN = 0xFFFFFFFF
_NEVER_SERVES = 255

_BURST = 16.0
_PER_SECOND = 8.0
"""MKPDUs beside the hellos: so many at once, and so many in a second after that. An agreement takes five; two ends that
keep changing their minds must not flood the link."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a received MKPDU. ``peer`` is None where it was refused, for the ``reason`` given."""

    peer: Peer | None
    reason: str = ""
    changes: tuple[PeerChange, ...] = ()


class Participant:
    """The membership half of MKA for one CAK. Whatever is refused leaves no trace in it.

    :param rng: gives that many random bytes. :param order: which of the port's participants it is, the first being 1.
    """

    def __init__(self, ckn: bytes, cak: Secret, *, rng: Callable[[int], bytes], now: float, order: int) -> None:
        self.ckn = ckn
        self.cak = cak
        self.kek = derive_kek(cak, ckn)
        self.ick = derive_ick(cak, ckn)
        self.order = order
        self.peers = PeerTable()
        self.dirty = True
        """There is something that the peers should know at once."""
        self.next_hello = now
        self.key_server: Peer | None = None
        """The elected key server; None is this participant itself."""
        self.may_serve = True
        self._rng = rng
        self._tokens = _BURST
        self._filled = now
        self._sent: deque[tuple[float, int]] = deque()
        self.mi = b""
        self.mn = 0
        self.renew()

    def renew(self) -> None:
        """Become another member, with a new MI: what was agreed with the former one is void, for the peers too."""
        self.mi = self._rng(MI_LENGTH)
        self.mn = 0
        self._sent.clear()
        self.peers.doubt()
        self.dirty = True

    # -- who is there ------------------------------------------------------------------------------------------------

    @property
    def live(self) -> list[Peer]:
        return self.peers.live

    @property
    def members(self) -> dict[bytes, bytes]:
        """SCI of each live peer, by MI."""
        return {peer.mi: peer.sci for peer in self.peers.live}

    def receive(self, now: float, sealed: SealedMkpdu, own_sci: bytes) -> Verdict:
        """Judge a received MKPDU, which names this CA's CKN, and take in what it says about its sender."""
        if not sealed.sealed_with(self.ick):
            return Verdict(None, "ICV is wrong")
        basic = sealed.mkpdu.basic
        if basic.sci == own_sci:
            return Verdict(None, "own SCI: a reflected frame")
        if basic.member.mi == self.mi:
            # Another station drew the same 96 random bits, and has the CAK: leave the MI to it (9.4.2).
            self.renew()
            return Verdict(None, "own MI used by another station")
        if basic.member.mn <= self.peers.last_mn(basic.member.mi):
            return Verdict(None, "message number is not beyond the last one")
        changes = self.peers.heard(now, basic, self._listed(now, sealed.mkpdu))
        self.dirty = self.dirty or bool(changes)
        return Verdict(self.peers.get(basic.member.mi), changes=tuple(changes))

    def lists_live(self, mkpdu: Mkpdu) -> list[bytes] | None:
        """MIs of the other members that the sender holds for live; None unless it holds us for live."""
        found = [
            member.mi for each in mkpdu.parameters if isinstance(each, Peers) and each.live for member in each.members
        ]
        return [mi for mi in found if mi != self.mi] if self.mi in found else None

    def _listed(self, now: float, mkpdu: Mkpdu) -> bool:
        """True if the sender lists us with a message number that we sent within the last life time (9.4.3)."""
        self._forget_sent(now)
        if not self._sent:
            return False
        oldest = self._sent[0][1]
        return any(
            member.mi == self.mi and oldest <= member.mn <= self.mn
            for each in mkpdu.parameters
            if isinstance(each, Peers)
            for member in each.members
        )

    def _forget_sent(self, now: float) -> None:
        while self._sent and self._sent[0][0] < now - LIFE_TIME:
            self._sent.popleft()

    # -- election

    @property
    def is_server(self) -> bool:
        """Elected by itself, among live peers."""
        return self.key_server is None and self.may_serve and bool(self.peers.live)

    def elect(self, config: PortConfig) -> bool:
        """Elect the key server among self and those live peers that claim it: lowest priority, then lowest SCI (9.5).

        :returns: True if it is another than before.
        """
        self.may_serve = config.priority != _NEVER_SERVES
        best: Peer | None = None
        rank = (config.priority, config.sci)
        for peer in self.peers.live:
            if peer.key_server and peer.priority != _NEVER_SERVES and (peer.priority, peer.sci) < rank:
                best, rank = peer, (peer.priority, peer.sci)
        if best is self.key_server:
            return False
        self.key_server = best
        self.dirty = True
        return True

    # -- speaking ----------------------------------------------------------------------------------------------------

    def send_at(self, now: float) -> float:
        """When the next MKPDU is due."""
        if not self.dirty:
            return self.next_hello
        tokens = self._available(now)
        return min(self.next_hello, now if tokens >= 1 else now + (1 - tokens) / _PER_SECOND)

    def _available(self, now: float) -> float:
        return min(_BURST, self._tokens + (now - self._filled) * _PER_SECOND)

    def speak(self, now: float, config: PortConfig, parameters: list[Parameter]) -> bytes:
        """The next MKPDU's frame. :param parameters: what it carries beside the peer lists."""
        if now < self.next_hello:
            self._tokens = max(0.0, self._available(now) - 1)
            self._filled = now
        if self.mn == _LAST_MN:
            self.renew()
        self.mn += 1
        self._sent.append((now, self.mn))
        self._forget_sent(now)
        self.next_hello = now + HELLO_TIME
        self.dirty = False
        basic = Basic(
            MKA_VERSION,
            config.priority,
            self.key_server is None and self.may_serve,
            True,
            _CAPABILITY,
            config.sci,
            Member(self.mi, self.mn),
            self.ckn,
        )
        return encode(config.source, Mkpdu(basic, (*self.peers.lists(), *parameters)), self.ick)


__all__ = ["Participant", "Verdict"]
