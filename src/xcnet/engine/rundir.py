"""The files of one run on the host: its record, socket, keys and logs."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from xcnet.engine.processes import ProcessMark
from xcnet.errors import EngineError

LAB_VARIABLE = "XCNET_LAB"
RUN_VARIABLE = "XCNET_RUN"
"""Every process of a run on the host carries these two in its environment, so that leftovers can be told from others'."""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """What runs where. :param kernel: its release. :param processes: the host's processes that the run consists of."""

    engine: str
    kernel: str
    processes: tuple[ProcessMark, ...]
    details: dict[str, Any] = field(default_factory=dict)
    """For people who look into it."""


@dataclass(frozen=True, slots=True)
class RunDir:
    """``path`` is the lab's folder; several parts of the program keep files in it, these are the engine's."""

    path: Path

    @property
    def record_file(self) -> Path:
        return self.path / "engine.json"

    @property
    def launch_file(self) -> Path:
        return self.path / "launch.json"

    @property
    def console(self) -> Path:
        """What a user-mode kernel itself says."""
        return self.path / "console.log"

    @property
    def log(self) -> Path:
        """What the warm process says."""
        return self.path / "engine.log"

    @property
    def supervisor_log(self) -> Path:
        """What the host's side of a user-mode kernel says."""
        return self.path / "supervisor.log"

    @property
    def host_key(self) -> Path:
        return self.path / "host_key"

    @property
    def client_key(self) -> Path:
        return self.path / "client_key"

    def make(self) -> None:
        """Make the folder, readable by its owner only: it holds the keys to the lab."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.chmod(0o700)

    def write_record(self, record: RunRecord) -> None:
        """Whole or not at all."""
        self.write_private(self.record_file, json.dumps(asdict(record), indent=2) + "\n")

    def read_record(self) -> RunRecord | None:
        """None where nothing was started, or what is written cannot be read."""
        try:
            raw = json.loads(self.record_file.read_text())
            marks = tuple(ProcessMark(**mark) for mark in raw["processes"])
            return RunRecord(raw["engine"], raw["kernel"], marks, raw.get("details", {}))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    @property
    def alive(self) -> bool:
        """Whether every process of the record is there: the run falls if one of them does."""
        record = self.read_record()
        return record is not None and bool(record.processes) and all(mark.alive for mark in record.processes)

    def write_private(self, file: Path, text: str) -> None:
        """Write a file of mode 0600, whole or not at all."""
        temporary = file.with_name(file.name + ".new")
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            out.write(text)
        temporary.replace(file)

    @contextlib.contextmanager
    def socket_address(self) -> Iterator[str]:
        """An address for ``ssh.sock`` that is short enough for the kernel, however deep the folder lies."""
        try:
            folder = os.open(self.path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise EngineError("there is no such run", where=str(self.path), remedy="start it first") from None
        try:
            yield f"/proc/self/fd/{folder}/ssh.sock"
        finally:
            os.close(folder)

    def connect(self) -> socket.socket:
        """A connection to the warm process's SSH server.

        :raises OSError: nothing listens there.
        """
        with self.socket_address() as address:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(address)
            except OSError:
                connection.close()
                raise
            return connection

    def listen(self) -> socket.socket:
        """The socket that commands connect to. One that a dead run left is replaced."""
        with self.socket_address() as address:
            with contextlib.suppress(FileNotFoundError):
                Path(address).unlink()
            listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            listener.bind(address)
            Path(address).chmod(0o600)
            listener.listen(64)
            return listener


_STACK_ENTRY = re.compile(r"\s*\[<[0-9a-f]+>\]")  # of a kernel that panics: a screenful that says nothing to most


def tail(file: Path, lines: int = 12) -> str:
    """The last lines of a log that say anything, for an error message."""
    try:
        text = file.read_bytes()[-16384:].decode(errors="replace")
    except OSError:
        return ""
    worth = [line.rstrip() for line in text.splitlines() if line.strip() and not _STACK_ENTRY.match(line)]
    return "\n".join(worth[-lines:])


__all__ = ["LAB_VARIABLE", "RUN_VARIABLE", "RunDir", "RunRecord", "tail"]
