"""What the probe's processes tell each other while they run: a page of shared memory, so that nobody waits for anybody."""

from __future__ import annotations

import mmap
import struct

_COUNTER = struct.Struct("=Q")
_COUNTERS_AT = 64
_MOST_COUNTERS = 56
_FLOWS_AT = 512

_SENDING, _RECEIVING = 0, 1


class Board:
    """Made before the processes are forked.

    :param flows: how many there are. :param counters: how many processes count something.
    """

    def __init__(self, flows: int, counters: int) -> None:
        if counters > _MOST_COUNTERS:
            raise ValueError(f"at most {_MOST_COUNTERS} counters")
        self._memory = mmap.mmap(-1, _FLOWS_AT + flows)
        self._flows = flows
        self._counters = counters

    def end_sending(self) -> None:
        self._memory[_SENDING] = 1

    def end_receiving(self) -> None:
        self._memory[_RECEIVING] = 1

    @property
    def sending(self) -> bool:
        """Senders, transfers and requests go on."""
        return not self._memory[_SENDING]

    @property
    def receiving(self) -> bool:
        return not self._memory[_RECEIVING]

    def saw(self, flow: int) -> None:
        """A datagram of this flow has arrived."""
        self._memory[_FLOWS_AT + flow] = 1

    def unseen(self) -> list[int]:
        """Flows of which nothing has arrived."""
        return [flow for flow in range(self._flows) if not self._memory[_FLOWS_AT + flow]]

    def count(self, counter: int, value: int) -> None:
        _COUNTER.pack_into(self._memory, _COUNTERS_AT + 8 * counter, value)

    def counted(self, counter: int) -> int:
        (value,) = _COUNTER.unpack_from(self._memory, _COUNTERS_AT + 8 * counter)
        return int(value)


__all__ = ["Board"]
