"""Echo requests (RFC 792, RFC 4443) and the account of those sent over one channel. No I/O, no clock of its own."""

from __future__ import annotations

import statistics
import struct

_REQUEST = {4: 8, 6: 128}
_REPLY = {4: 0, 6: 129}
_HEADER = struct.Struct("!BBHHH")
_PAYLOAD = b"xcnet probe".ljust(56, b".")
"""Short, so that a channel's MTU is no matter; as long as ping's."""

PATIENCE = 0.8
"""Seconds after which an echo that has not come is lost: hundreds of round trips, so that a late one is not taken for lost, and
less than a second, so that of bursts that come once a second each is settled before the next."""


def request(version: int, identifier: int, sequence: int) -> bytes:
    """An echo request. Of IPv6 the kernel fills in the checksum.

    :param version: 4 or 6. :param identifier: 0 to 65535. :param sequence: 0 to 65535.
    """
    bare = _HEADER.pack(_REQUEST[version], 0, 0, identifier, sequence) + _PAYLOAD
    if version == 6:
        return bare
    return _HEADER.pack(_REQUEST[version], 0, _checksum(bare), identifier, sequence) + _PAYLOAD


def reply(version: int, packet: bytes, identifier: int) -> int | None:
    """The sequence number in an echo reply to one's own request; None if it is anything else.

    :param packet: as a raw socket gives it: of IPv4 with its header.
    """
    if version == 4:
        if not packet:
            return None
        packet = packet[(packet[0] & 0x0F) * 4 :]
    if len(packet) < _HEADER.size:
        return None
    fields: tuple[int, int, int, int, int] = _HEADER.unpack_from(packet)
    kind, code, _sum, found, sequence = fields
    return sequence if (kind, code, found) == (_REPLY[version], 0, identifier) else None


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF


class Echoes:
    """What became of the requests over one channel.

    :ivar answered: echoes that came in time. :ivar lost: those that did not.
    """

    def __init__(self) -> None:
        self.answered = 0
        self.lost = 0
        self._next = 0
        self._waiting: dict[int, float] = {}
        self._times: list[float] = []

    @property
    def sent(self) -> int:
        """All of them: answered, lost, and those that are still waited for."""
        return self.answered + self.lost + len(self._waiting)

    @property
    def rtt(self) -> float | None:
        """Median round-trip time, in seconds, of those that came since :meth:`begin`; None if none did."""
        return statistics.median(self._times) if self._times else None

    def begin(self, now: float) -> None:
        """Before requests are sent: what was sent :data:`PATIENCE` ago or longer, and has not come, is lost."""
        gone = [sequence for sequence, sent in self._waiting.items() if now - sent >= PATIENCE]
        for sequence in gone:
            del self._waiting[sequence]
        self.lost += len(gone)
        self._times = []

    def next(self, now: float) -> int:
        """The sequence number of a request that leaves now."""
        sequence, self._next = self._next, (self._next + 1) & 0xFFFF
        self._waiting[sequence] = now
        return sequence

    def unsent(self, sequence: int) -> None:
        """It could not leave: it does not count."""
        self._waiting.pop(sequence, None)

    def came(self, sequence: int, now: float) -> None:
        """An echo. Those that come twice, or too late, do not count."""
        sent = self._waiting.pop(sequence, None)
        if sent is not None:
            self.answered += 1
            self._times.append(now - sent)

    def forget(self) -> None:
        """What is waited for will not come: it was asked of another neighbour."""
        self._waiting.clear()


__all__ = ["PATIENCE", "Echoes", "reply", "request"]
