"""A daemon's vty socket, spoken as vtysh speaks it: a command closed by a zero byte, an answer closed by three and a status."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from xcnet.errors import RoutingError
from xcnet.waiting import Deadline, wait_until

_MARK = b"\0\0\0"
_BATCH = 4096
"""Bytes of commands sent ahead of their answers: less than a daemon reads at once, so that neither end can block."""

_SUCCESS = 0
_WARNING = 1
_NO_MATCH = 2
_AMBIGUOUS = 3
_INCOMPLETE = 4

_WORDS = {
    _WARNING: "warned",
    _NO_MATCH: "does not know it",
    _AMBIGUOUS: "finds it ambiguous",
    _INCOMPLETE: "finds it incomplete",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """:param status: FRR's own result code; 0 is success, 1 a warning."""

    command: str
    text: str
    status: int

    @property
    def ok(self) -> bool:
        return self.status == _SUCCESS

    @property
    def verdict(self) -> str:
        """The result code in words."""
        return "accepted it" if self.ok else _WORDS.get(self.status, f"refused it (code {self.status})")


class Vty:
    """One connection to one daemon, in enable mode. Not for several threads at once.

    :param path: the daemon's socket, e.g. ``…/bgpd.vty``.
    :param timeout: seconds for each answer.
    :raises RoutingError: nobody listens there, or it does not answer.
    """

    def __init__(self, path: Path, *, timeout: float = 10.0) -> None:
        self.path = path
        self.daemon = path.stem
        self._timeout = timeout
        self._buffer = bytearray()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(str(path))
        except OSError as error:
            self._socket.close()
            raise RoutingError(
                f"{self.daemon} does not answer: {error.strerror or error}",
                where=str(path),
                remedy="see its log; 'xcnet status' shows whether it runs",
            ) from error
        try:
            self.run("enable")
        except RoutingError:
            self._socket.close()
            raise

    def run(self, command: str) -> str:
        """Its answer to one command.

        :raises RoutingError: it refused, or did not answer in time.
        """
        (answer,) = self.try_run([command])
        if answer.status not in (_SUCCESS, _WARNING):
            raise refused(answer, self.path)
        return answer.text

    def json(self, command: str) -> Any:
        """Its answer to a command that ends in ``json``.

        :raises RoutingError: it refused, or what it says is no JSON.
        """
        text = self.run(command)
        try:
            return json.loads(text) if text.strip() else {}
        except json.JSONDecodeError as error:
            raise RoutingError(
                f"{self.daemon}'s answer to {command!r} is no JSON: {error}",
                where=str(self.path),
                remedy="use FRR 8.4 to 10.x",
            ) from error

    def try_run(self, commands: Sequence[str]) -> list[Answer]:
        """Answers to several commands, in order. All are sent, whatever becomes of the earlier ones.

        They are sent ahead of their answers: where a process switch is dear, that is what a configuration costs.

        :raises RoutingError: it did not answer, or closed the connection.
        """
        answers: list[Answer] = []
        pending: list[str] = []
        size = 0
        for command in commands:
            encoded = len(command.encode()) + 1
            if pending and size + encoded > _BATCH:
                answers += self._exchange(pending)
                pending, size = [], 0
            pending.append(command)
            size += encoded
        if pending:
            answers += self._exchange(pending)
        return answers

    def _exchange(self, commands: list[str]) -> list[Answer]:
        for command in commands:
            if "\0" in command or "\n" in command:
                raise ValueError("a command is one line")
        try:
            self._socket.settimeout(self._timeout)
            self._socket.sendall(b"".join(command.encode() + b"\0" for command in commands))
            return [self._answer(command) for command in commands]
        except OSError as error:
            raise RoutingError(
                f"{self.daemon} stopped answering: {error.strerror or error}",
                where=str(self.path),
                remedy="see its log; 'xcnet status' shows whether it runs",
            ) from error

    def _answer(self, command: str) -> Answer:
        expires = time.monotonic() + self._timeout
        scanned = 0
        while True:
            end = self._buffer.find(_MARK, scanned)
            if end >= 0 and len(self._buffer) > end + len(_MARK):
                text = self._buffer[:end].decode(errors="replace")
                status = self._buffer[end + len(_MARK)]
                del self._buffer[: end + len(_MARK) + 1]
                return Answer(command, text, status)
            scanned = max(0, len(self._buffer) - len(_MARK))
            self._socket.settimeout(max(0.001, expires - time.monotonic()))
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionResetError(0, "it closed the connection")
            self._buffer += received

    def fileno(self) -> int:
        """Readable between two commands when the daemon has ended: it says nothing unasked."""
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def refused(answer: Answer, path: Path, shown: str | None = None) -> RoutingError:
    """The error for a refused command.

    :param shown: what to show of the command where it holds a secret.
    """
    words = " ".join(answer.text.split()).strip("% ")
    if shown is not None:
        # A daemon repeats the line that it does not understand, password and all.
        words = "" if answer.command in answer.text or answer.status == _NO_MATCH else words
    said = f": {words}" if words else ""
    return RoutingError(
        f"{path.stem} {answer.verdict}: {shown or answer.command!r}{said}",
        where=str(path),
        remedy="use FRR 8.4 to 10.x; if it is one of these, this is a defect: please report it with the daemon's log",
    )


def open_when_ready(path: Path, deadline: Deadline, *, timeout: float = 10.0) -> Vty:
    """Connect as soon as the daemon answers on its socket.

    :param timeout: seconds that it may take for each answer from then on.
    :raises DeadlineError: it did not in time.
    """
    opened: list[Vty] = []

    def seen() -> str | None:
        try:
            opened.append(Vty(path, timeout=timeout))
        except RoutingError as error:
            return error.cause
        return None

    wait_until(
        f"{path.stem} to answer",
        seen,
        deadline,
        where=str(path),
        remedy="see its log in the lab's folder",
        interval=0.02,
    )
    return opened[0]


__all__ = ["Answer", "Vty", "open_when_ready", "refused"]
