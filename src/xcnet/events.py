"""The event stream: everything that happens in a lab, as JSON lines in files that readers merge.

Each process appends to a file of its own (``<source>.jsonl`` in the lab's ``events`` folder): no locks, no broker, and
what was written before a crash stays. All processes of a lab share one kernel, so that their monotonic times compare.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xcnet.clock import Clock, SystemClock


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    :param monotonic: seconds on the lab kernel's CLOCK_MONOTONIC.
    :param wall: seconds since the epoch.
    :param source: the process that saw it, e.g. ``aws-edge1.edged``.
    :param kind: ``layer.what``, e.g. ``macsec.rx_sa_installed``, ``bgp.established``, ``link.carrier_lost``.
    :param subject: what it happened to, e.g. ``ch1`` or ``prod/169.254.0.2``.
    :param data: further fields; never a secret.
    """

    monotonic: float
    wall: float
    source: str
    kind: str
    subject: str
    data: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"), default=str)

    @classmethod
    def from_json(cls, line: str) -> Event:
        """:raises ValueError: the line is not an event."""
        try:
            raw = json.loads(line)
            return cls(
                float(raw["monotonic"]),
                float(raw["wall"]),
                raw["source"],
                raw["kind"],
                raw["subject"],
                raw.get("data", {}),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an event: {error}") from error


class EventWriter:
    """Appends events to one file, each line in one write, so that a reader never sees half a line for long.

    :param path: the file; None drops everything (a component used on its own).
    """

    def __init__(self, path: Path | None, source: str, clock: Clock | None = None) -> None:
        self.source = source
        self._clock: Clock = clock or SystemClock()
        self._fd = -1
        if path is not None:
            self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def emit(self, kind: str, subject: str, **data: Any) -> Event:
        """Write one event, stamped now, and return it."""
        return self.emit_at(self._clock.monotonic(), kind, subject, **data)

    def emit_at(self, monotonic: float, kind: str, subject: str, /, **data: Any) -> Event:
        """Write an event that has happened already. :param monotonic: when; its wall time is reckoned from that."""
        wall = self._clock.wall() - (self._clock.monotonic() - monotonic)
        event = Event(monotonic, wall, self.source, kind, subject, data)
        if self._fd >= 0:
            os.write(self._fd, event.to_json().encode() + b"\n")
        return event

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def parse_lines(lines: Iterator[str]) -> Iterator[Event]:
    """Events from JSON lines; a last, half-written line is passed over."""
    for line in lines:
        if line.endswith("\n"):
            yield Event.from_json(line)


__all__ = ["Event", "EventWriter", "parse_lines"]
