"""Reads transcripts: those of several processes in order of time, and both ends' records of one exchange together.

Files of any length are read as streams: what is held at once is what overlaps in time.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from xcnet.coordinator.http.transcript import OLDER, SUFFIX, Exchange, Side

_LONGEST = 300.0
"""Seconds that an exchange may take at most; calls and answers are bounded far below that."""


def transcripts_in(folder: Path) -> list[Path]:
    """The transcripts in a folder of records."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def read(path: Path) -> Iterator[Exchange]:
    """One process's exchanges in the order in which they ended; those of before its file was full come first.

    A last, half-written line is passed over. A file that is not there holds nothing.

    :raises ValueError: a line is no exchange.
    """
    for part in (path.with_name(path.name + OLDER), path):
        try:
            stream = part.open(encoding="utf-8")
        except FileNotFoundError:
            continue
        with stream:
            for line in stream:
                if line.endswith("\n"):
                    yield Exchange.from_json(line)


def merged(paths: Iterable[Path], *, longest: float = _LONGEST) -> Iterator[Exchange]:
    """The exchanges of several processes of one kernel in the order in which they began.

    :param longest: seconds that an exchange takes at most; one that took longer comes late, and none is lost.
    """
    ended = heapq.merge(*(read(path) for path in paths), key=lambda exchange: exchange.end)
    waiting: list[tuple[float, int, Exchange]] = []
    for number, exchange in enumerate(ended):
        heapq.heappush(waiting, (exchange.monotonic, number, exchange))
        # Whatever ends from here on began after this.
        while waiting and waiting[0][0] < exchange.end - longest:
            yield heapq.heappop(waiting)[2]
    while waiting:
        yield heapq.heappop(waiting)[2]


@dataclass(frozen=True, slots=True)
class Pair:
    """One attempt as both ends saw it.

    :param client: None: the caller keeps no transcript here. :param servers: none: it never arrived, or the server keeps no
        transcript here; two: it was doubled on the way.
    """

    client: Exchange | None
    servers: tuple[Exchange, ...]

    @property
    def began(self) -> float:
        return self.client.monotonic if self.client is not None else self.servers[0].monotonic


@dataclass
class _Open:
    began: float
    client: Exchange | None
    servers: list[Exchange]

    def pair(self) -> Pair:
        return Pair(self.client, tuple(self.servers))


def paired(exchanges: Iterable[Exchange], *, longest: float = _LONGEST) -> Iterator[Pair]:
    """Exchanges in order of time, both ends' records of one attempt together, found by its ``traceparent``.

    :param longest: seconds between the two records' beginnings beyond which they are not looked for any more.
    """
    opened: dict[str, _Open] = {}
    for exchange in exchanges:
        for trace in _over(opened, exchange.monotonic - longest):
            yield opened.pop(trace).pair()
        # Without a trace there is nothing to find the other end by.
        trace = exchange.trace or f"{exchange.source} {exchange.side} {exchange.monotonic}"
        found = opened.setdefault(trace, _Open(exchange.monotonic, None, []))
        if exchange.side is Side.SERVER:
            found.servers.append(exchange)
        elif found.client is None:
            found.client = exchange
    for left in opened.values():
        yield left.pair()


def _over(opened: dict[str, _Open], before: float) -> list[str]:
    """Those that began before; they stand in the order in which they began."""
    over = []
    for trace, found in opened.items():
        if found.began >= before:
            break
        over.append(trace)
    return over


__all__ = ["Pair", "merged", "paired", "read", "transcripts_in"]
