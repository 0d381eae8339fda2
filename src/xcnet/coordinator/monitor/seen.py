"""What the monitor is shown: one provider's interconnects and channels at one moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Probes(NamedTuple):
    """Since somebody began to count. :param answered: echoes that came. :param lost: those that did not."""

    answered: int
    lost: int


@dataclass(frozen=True, slots=True)
class Prefixes:
    """The session that is nearest to its limit. :param held: routes of the peer's in the forwarding table."""

    connection: str
    family: int
    held: int
    limit: int


@dataclass(frozen=True, slots=True)
class ChannelSeen:
    """One channel, from this side. Connections are named by UUID, and are those that are in use: neither being made nor leaving.

    :param known: its router answers; otherwise the rest is what was seen last.
    :param expected: it should work: it has been seen to.
    :param ready: lit, and secured. :param carrier: of the bare port.
    :param connections: that use it. :param broken: those of them whose sessions or routes are not all there.
    :param one_way: those of them that carry traffic from here, and by the peer's word do not work there.
    :param unanswered: those of them whose traffic may be what arrives, while nothing is sent from here.
    :param planned: somebody holds it out of use, or is about to put it back: maintenance of either side, or an operator.
    :param excused: it is down, and the peer is being asked, or has said, that it has taken it down itself.
    :param held: by this monitor. :param idle: it works, and nothing is sent over it: whoever drains it, here or at the peer.
    :param drops: how many times it, or a session on it, has gone down. :param probes: None where it is not probed.
    :param busy: it is sent so much over it that shaping may be what loses probes.
    :param refused: frames that MACsec has not let in; None: not known.
    """

    name: str
    known: bool = True
    expected: bool = True
    ready: bool = True
    carrier: bool = True
    connections: tuple[str, ...] = ()
    broken: tuple[str, ...] = ()
    one_way: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    planned: bool = False
    excused: bool = False
    held: bool = False
    idle: bool = False
    drops: int = 0
    probes: Probes | None = None
    busy: bool = False
    refused: int | None = None
    prefixes: Prefixes | None = None

    @property
    def works(self) -> bool:
        return self.ready and not self.broken


@dataclass(frozen=True, slots=True)
class InterconnectSeen:
    """:param sold: bandwidth of each connection in use, Mbit/s. :param member_mbps: what the slowest of its channels can carry."""

    name: str
    peer: str
    channels: tuple[ChannelSeen, ...]
    sold: tuple[int, ...] = ()
    member_mbps: int = 100_000

    def can_carry(self, channels: int) -> bool:
        """Whether so many of its channels carry what is sold: each connection is shaped to its share, with one to spare, on
        each of them."""
        if not self.sold:
            return True
        shares = max(len(self.channels) - 1, 1)
        return channels >= shares and channels * self.member_mbps >= sum(self.sold)


__all__ = ["ChannelSeen", "InterconnectSeen", "Prefixes", "Probes"]
