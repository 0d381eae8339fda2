"""What an attacker on the fibre can send without any key: old frames, altered ones, and made-up ones; and what refuses them."""

from __future__ import annotations

import os
from collections import deque

from xcnet.errors import KernelError
from xcnet.netlink import filters, links
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.proof.decrypt import ETHERTYPE_MACSEC, ICV_LENGTH, parse_tag

AHEAD = 1_000_000
"""How far beyond the last packet number an altered frame claims to be: late frames are dropped before they are examined."""

GATE = "gate"
"""The bare port's filter among those that refuse."""

_REFUSALS = ("InPktsLate", "InPktsNotValid", "InPktsNotUsingSA", "InPktsNoSCI", "InPktsBadTag")
"""The kernel's counters of frames that a SecY in strict mode does not let in (IEEE 802.1AE-2018, 10.7.9)."""

_OTHER_SYSTEM = 0x00FF_00FF << 16
"""Bits of an SCI that, turned over, make it one of a system that there is not."""
_DATA = 64
_ETHERTYPE_IPV4 = 0x0800


def with_pn(frame: bytes, pn: int) -> bytes:
    """A protected frame under another packet number, whose lower 32 bits travel."""
    return frame[:16] + (pn & 0xFFFFFFFF).to_bytes(4, "big") + frame[20:]


def flipped(frame: bytes) -> bytes:
    """One bit of the protected data turned over: in its last byte before the ICV."""
    at = len(frame) - ICV_LENGTH - 1
    return frame[:at] + bytes((frame[at] ^ 0x01,)) + frame[at + 1 :]


def altered(frame: bytes) -> bytes:
    """A protected frame of a packet number yet to come, with an ICV that does not fit. :raises ValueError: it is none."""
    tag = parse_tag(frame)
    if tag is None:
        raise ValueError("not a protected frame")
    return flipped(with_pn(frame, tag.pn + AHEAD))


def of_nobody(frame: bytes) -> bytes:
    """A frame like this, of a secure channel that there is not. :raises ValueError: it is no protected one with an SCI."""
    tag = parse_tag(frame)
    if tag is None or tag.size != 16:
        raise ValueError("not a protected frame with an SCI")
    sci = (tag.sci ^ _OTHER_SYSTEM).to_bytes(8, "big")
    header = frame[:12] + ETHERTYPE_MACSEC.to_bytes(2, "big") + bytes((frame[14], 0)) + frame[16:20] + sci
    return header + os.urandom(_DATA + ICV_LENGTH)


def in_clear(frame: bytes) -> bytes:
    """A frame between the same stations that MACsec has never seen."""
    return frame[:12] + _ETHERTYPE_IPV4.to_bytes(2, "big") + os.urandom(_DATA)


class Recording:
    """Protected frames of one direction, kept until they are older than the receiver's replay window.

    :param window: packets that may arrive late. :param most: frames kept.
    """

    def __init__(self, window: int, most: int = 512) -> None:
        self._window = window
        self._held: deque[tuple[int, bytes]] = deque(maxlen=most)
        self._old: deque[bytes] = deque(maxlen=most)
        self._association: tuple[int, int] | None = None
        self.newest: bytes | None = None
        """The last one that passed."""

    def take(self, frame: bytes) -> None:
        """A frame that has passed; what is not protected is not kept."""
        tag = parse_tag(frame)
        if tag is None:
            return
        if self._association != (tag.sci, tag.an):
            # Another key: what was under the former is nobody's any more, and the numbers begin anew.
            self._association = (tag.sci, tag.an)
            self._held.clear()
            self._old.clear()
        self.newest = frame
        self._held.append((tag.pn, frame))
        # The numbers travel without their upper halves: the distance counts, whatever they have passed meanwhile.
        while self._held and (tag.pn - self._held[0][0]) & 0xFFFFFFFF > self._window:
            self._old.append(self._held.popleft()[1])

    def late(self) -> bytes | None:
        """One that is too old to be let in, each in its turn; None while there is none."""
        if not self._old:
            return None
        self._old.rotate(-1)
        return self._old[-1]


def refusals(netns: Netns, port: str, device: str) -> dict[str, int]:
    """What one end of a channel has refused so far, by counter; a port that is closed altogether counts at its gate alone.

    :param port: the bare port. :param device: the MACsec device on it.
    """
    found: dict[str, int] = {}
    with NetlinkSocket(netns=netns) as netlink, Macsec(netns) as macsec:
        gate = filters.gate_counters(netlink, links.get(netlink, port).index)
        found[GATE] = gate[0].dropped if gate is not None else 0
        try:
            secy = macsec.get(links.get(netlink, device).index)
        except KernelError:
            return found
    for name in _REFUSALS:
        found[name] = secy.stats.get(name, 0) + sum(each.stats.get(name, 0) for each in secy.rx_scs.values())
    return found


class Tally:
    """Adds up counters that begin anew when keys are agreed anew."""

    def __init__(self, first: dict[str, int]) -> None:
        self._last = first
        self.total: dict[str, int] = {}

    def take(self, now: dict[str, int]) -> None:
        for name, value in now.items():
            before = self._last.get(name, 0)
            grown = value - before if value >= before else value
            if grown:
                self.total[name] = self.total.get(name, 0) + grown
        self._last = {**self._last, **now}


__all__ = [
    "AHEAD",
    "GATE",
    "Recording",
    "Tally",
    "altered",
    "flipped",
    "in_clear",
    "of_nobody",
    "refusals",
    "with_pn",
]
