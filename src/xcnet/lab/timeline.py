"""The lab's event stream as one: every process's own file and FRR's own logs, merged in order of time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from xcnet.errors import LabError
from xcnet.events import Event
from xcnet.frr.logs import parse_log_line
from xcnet.lab.paths import LabPaths

_POLL = 0.2
"""Seconds between two looks at the files: the writers are in another kernel, whose writes no notification announces."""


class _Tail:
    """One growing file; gives whole lines only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._position = 0
        self._rest = b""

    def lines(self) -> list[str]:
        try:
            with self.path.open("rb") as file:
                file.seek(self._position)
                data = file.read()
        except FileNotFoundError:
            return []
        self._position += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return [line.decode(errors="replace") for line in whole]


class EventSources:
    """All files of a lab that hold events; new ones are found as they appear."""

    def __init__(self, paths: LabPaths) -> None:
        self._paths = paths
        self._tails: dict[Path, _Tail] = {}
        self._offset: float | None = None

    def _discover(self) -> None:
        for pattern, root in (("*.jsonl", self._paths.events), ("*/*d.log", self._paths.logs)):
            for path in sorted(root.glob(pattern)):
                self._tails.setdefault(path, _Tail(path))

    def new_events(self) -> list[Event]:
        """What came since the last call, in order of time."""
        self._discover()
        found: list[Event] = []
        logs: list[tuple[Path, list[str]]] = []
        for path, tail in self._tails.items():
            if path.suffix != ".jsonl":
                logs.append((path, tail.lines()))
                continue
            for line in tail.lines():
                try:
                    event = Event.from_json(line)
                except ValueError:
                    continue
                # The difference of the two clocks of the lab's kernel places FRR's wall-clock lines on the common scale.
                self._offset = event.wall - event.monotonic
                found.append(event)
        for path, lines in logs:
            for line in lines:
                parsed = parse_log_line(
                    line, source=f"{path.parent.name}.{path.stem}", wall_minus_monotonic=self._offset or 0.0
                )
                if parsed is not None:
                    found.append(parsed)
        return sorted(found, key=lambda event: event.monotonic)


def read_events(paths: LabPaths) -> list[Event]:
    """Everything so far, in order of monotonic time.

    :raises LabError: the lab has no event folder, so it was never brought up.
    """
    if not paths.events.is_dir():
        raise LabError(
            f"lab {paths.name!r} has no events", where=str(paths.events), remedy="run 'xcnet up' to bring it up first"
        )
    return EventSources(paths).new_events()


def follow_events(paths: LabPaths) -> Iterator[Event]:
    """Everything so far, then what comes, until the caller stops or the lab's folder is gone."""
    sources = EventSources(paths)
    while paths.events.is_dir():
        yield from sources.new_events()
        time.sleep(_POLL)


__all__ = ["EventSources", "follow_events", "read_events"]
