"""Puts what was recorded into a report's folder, with a list of it and its digests."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xcnet.coordinator.http.har import har_lines
from xcnet.coordinator.http.transcript import SUFFIX
from xcnet.coordinator.http.transcript_reader import merged, read, transcripts_in
from xcnet.errors import InputError
from xcnet.events import Event
from xcnet.lab.paths import LabPaths
from xcnet.proof.record import RecordSummary
from xcnet.scenario.evidence.sources import topology_text
from xcnet.scenario.evidence.witness import Look
from xcnet.scenario.report.evidence import API, CAPTURES, LAB, ROUTERS
from xcnet.scenario.results import Evidence, RunResult

FOLDER = "evidence"
DIGESTS = "SHA256SUMS"


@dataclass
class Gathered:
    """:param folder: a report's. Files are below its ``evidence``. :param problems: what is missing, in words."""

    folder: Path
    problems: list[str] = field(default_factory=list)
    found: list[Evidence] = field(default_factory=list)

    def __post_init__(self) -> None:
        """:raises InputError: the folder cannot be written."""
        self.root = self.folder / FOLDER
        try:
            self._clear()
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"the evidence cannot be written: {error.strerror}",
                where=str(self.root),
                remedy="choose another folder, or make room",
            ) from None

    def _clear(self) -> None:
        """Of an earlier run's evidence what its list names, and nothing else."""
        listed = self.root / DIGESTS
        if not listed.is_file():
            return
        for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
            name = line[66:]
            if name and ".." not in Path(name).parts and not name.startswith("/"):
                (self.root / name).unlink(missing_ok=True)
        listed.unlink()

    # -- parts

    def captures(self, recorded: Path, channels: dict[str, RecordSummary]) -> None:
        """:param recorded: where the files are now."""
        for channel, summary in channels.items():
            name = f"{CAPTURES}/{summary.file}"
            note = captured_words(summary)
            if self._take(recorded / summary.file, name):
                self._list(name, "what crossed it, as it was on the fibre", CAPTURES, channel, note=note)

    def routers(self, recorded: Path, looks: Sequence[Look]) -> None:
        for look in looks:
            self.problems += [f"{problem} ({look.text})" for problem in look.problems]
            for path in sorted(
                (recorded / look.folder).iterdir(), key=lambda path: (path.stem, path.suffix == ".conf")
            ):
                name = f"{ROUTERS}/{look.folder}/{path.name}"
                what = "configuration" if path.suffix == ".conf" else "sessions and routes"
                if self._take(path, name):
                    self._list(name, what, ROUTERS, path.stem, moment=look.text)

    def api(self, paths: LabPaths, since: float) -> None:
        """:param since: on the lab kernel's monotonic clock."""
        sources = transcripts_in(paths.transcripts)
        for source in sources:
            name = f"{API}/{source.name}"
            lines = (each.to_json() + "\n" for each in read(source) if each.end >= since)
            if self._write(name, lines):
                subject = source.name.removesuffix(SUFFIX)
                self._list(name, "what it asked and was asked, a line each", API, subject)
        name = f"{API}/transcript.har"
        if sources and self._write(name, har_lines(each for each in merged(sources) if each.end >= since)):
            self._list(name, "all of it as an HTTP archive, for browsers' tools", API, "all")

    def lab(
        self, result: RunResult | None, events: Iterable[Event], scenario: str, source: str, began: float | None
    ) -> None:
        """:param scenario: its text. :param source: the topology's reference. :param began: when measuring did, on the
        lab kernel's monotonic clock.
        """
        if self._write("events.jsonl", (event.to_json() + "\n" for event in events)):
            self._list("events.jsonl", "every event of the lab during the run, a line each", LAB, "events")
        if scenario and self._write("scenario.yaml", scenario):
            self._list("scenario.yaml", "the scenario's file", LAB, "scenario")
        try:
            topology = topology_text(source)
        except InputError as error:
            self.problems.append(f"the topology: {error.cause}")
        else:
            if self._write("topology.yaml", topology):
                self._list("topology.yaml", "the topology, keys and passwords taken out", LAB, "topology")
        if self._write("environment.json", json.dumps(environment(result, began), indent=1) + "\n"):
            self._list("environment.json", "versions, settings, machine, and the moment that times count from", LAB, "environment")  # fmt: skip

    def close(self) -> tuple[Evidence, ...]:
        """Write the list of digests, as ``sha256sum --check`` reads it."""
        lines = "".join(f"{each.sha256}  {each.path.removeprefix(f'{FOLDER}/')}\n" for each in self.found)
        if self._write(DIGESTS, lines):
            self._list(DIGESTS, f"digests of all of it: sha256sum --check {DIGESTS}", LAB, "digests")
        return tuple(self.found)

    # -- files

    def _take(self, source: Path, name: str) -> bool:
        target = self.root / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
        except OSError as error:
            self.problems.append(f"{name}: {error.strerror}")
            return False
        return True

    def _write(self, name: str, text: str | Iterable[str]) -> bool:
        target = self.root / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("w", encoding="utf-8") as stream:
                stream.writelines([text] if isinstance(text, str) else text)
        except (OSError, ValueError) as error:
            self.problems.append(f"{name}: {error}")
            target.unlink(missing_ok=True)
            return False
        return True

    def _list(self, name: str, text: str, group: str, subject: str, *, moment: str = "", note: str = "") -> None:
        path = self.root / name
        self.found.append(
            Evidence(
                path=f"{FOLDER}/{name}",
                text=text,
                group=group,
                subject=subject,
                moment=moment,
                note=note,
                size=path.stat().st_size,
                sha256=digest(path),
            )
        )


def captured_words(summary: RecordSummary) -> str:
    """What a reader of a capture has to know of it."""
    words = [f"{summary.frames:,} frames"]
    if summary.cut:
        words.append(f"{summary.cut:,} of them without their end")
    if summary.dropped:
        words.append(f"{summary.dropped:,} more passed while the recorder was late")
    if summary.problem:
        words.append(f"{summary.problem}: {summary.left_out:,} later ones are not there")
    return ", ".join(words)


def environment(result: RunResult | None, began: float | None) -> dict[str, Any]:
    """What the run ran on and with, without anything that tells of the person or the machine's name."""
    return {
        "versions": result.versions if result is not None else {},
        "settings": result.settings if result is not None else {},
        "machine": {
            "system": f"{platform.system()} {platform.release()}",
            "architecture": platform.machine(),
            "processors": os.cpu_count(),
        },
        "began": {
            "wall": result.began.isoformat() if result is not None else None,
            "monotonic": began,
        },
    }


def digest(path: Path) -> str:
    """SHA-256 in hexadecimal. :raises OSError: it cannot be read."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


__all__ = ["DIGESTS", "FOLDER", "Gathered", "captured_words", "digest", "environment"]
