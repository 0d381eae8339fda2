"""The transcript: every exchange with a peer, as client or server, one JSON line each, without secrets."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from xcnet.clock import Clock, SystemClock
from xcnet.coordinator.http.redaction import shown_body, shown_headers, shown_query
from xcnet.events import EventWriter
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import Operation

TRACE_HEADER = "traceparent"
"""W3C Trace Context: tells one attempt from all others, at both ends."""
SUFFIX = ".api.jsonl"
OLDER = ".1"
"""Put behind the name of a file that was full; there is one such generation."""
_BYTES = 64 * 2**20
_PATH = 512

_log = logging.getLogger(__name__)


class Side(StrEnum):
    CLIENT = "client"
    SERVER = "server"


class Ending(StrEnum):
    """:cvar ANSWERED: with an answer of whatever status. :cvar NOT_SENT: certainly not executed.
    :cvar UNKNOWN: sent, and no answer. :cvar BROKEN: the caller went away before it had sent all, or before it was answered.
    """

    ANSWERED = "answered"
    NOT_SENT = "not-sent"
    UNKNOWN = "unknown"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Exchange:
    """One exchange as one of its ends saw it.

    :param monotonic: when it began, seconds on the kernel's CLOCK_MONOTONIC. :param wall: the same, since the epoch.
    :param duration: seconds. :param source: the process. :param peer: the provider at the other end; empty: not known.
    :param operation: operationId; empty: of no operation. :param trace: the attempt's ``traceparent``.
    :param status: HTTP; 0 without an answer. :param note: why there was no answer, or what a fault point did.
    """

    monotonic: float
    wall: float
    duration: float
    side: Side
    source: str
    peer: str
    authority: str
    method: str
    path: str
    operation: str
    ending: Ending
    status: int
    request_id: str = ""
    trace: str = ""
    note: str = ""
    query: dict[str, str] = field(default_factory=dict)
    request_headers: dict[str, str] = field(default_factory=dict)
    request_body: dict[str, Any] | None = None
    request_bytes: int = 0
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: dict[str, Any] | None = None
    response_bytes: int = 0

    @property
    def end(self) -> float:
        """When it was over, on the same clock as :attr:`monotonic`."""
        return self.monotonic + self.duration

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str) -> Exchange:
        """:raises ValueError: the line is no exchange."""
        try:
            raw = json.loads(line)
            raw["side"], raw["ending"] = Side(raw["side"]), Ending(raw["ending"])
            return cls(**raw)
        except (KeyError, TypeError) as error:
            raise ValueError(f"not an exchange: {error}") from error


@dataclass
class Sent:
    """The request of an exchange as it becomes known, and its answer; :meth:`Transcript.close` writes it."""

    side: Side
    method: str
    path: str
    authority: str = ""
    peer: str = ""
    operation: Operation | None = None
    request_id: str = ""
    trace: str = ""
    query: Mapping[str, Any] = field(default_factory=dict)
    request_headers: Iterable[tuple[str, str]] = ()
    request_body: WireModel | None = None
    request_bytes: int = 0
    monotonic: float = 0.0
    wall: float = 0.0


class Transcript:
    """Appends exchanges to a file of this process alone, and tells of them on the event stream.

    A disk that is full costs records, never a call: :attr:`lost` counts them.

    :param path: the file, by custom ``<source>.api.jsonl``; None keeps no file.
    :param limit: bytes kept on disk: in the file and the one before it, half each.
    """

    def __init__(
        self,
        path: Path | None,
        source: str,
        *,
        events: EventWriter | None = None,
        limit: int = _BYTES,
        clock: Clock | None = None,
    ) -> None:
        self.source = source
        self._path = path
        self._events = events
        self._half = limit // 2
        self._clock: Clock = clock or SystemClock()
        self._fd = -1
        self._size = 0
        self.lost = 0
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._size = os.fstat(self._fd).st_size

    def begin(self, sent: Sent) -> Sent:
        """An exchange begins now; what is not known yet is set on the same object later."""
        sent.monotonic, sent.wall = self._clock.monotonic(), self._clock.wall()
        return sent

    def announce(self, sent: Sent) -> None:
        """Tell on the event stream that it was sent, or received: once it is known what it is."""
        if self._events is not None:
            self._events.emit("api.request", _subject(sent), **_brief(sent))

    def close(
        self,
        sent: Sent,
        ending: Ending,
        *,
        status: int = 0,
        headers: Iterable[tuple[str, str]] = (),
        body: WireModel | ApiError | None = None,
        size: int = 0,
        note: str = "",
    ) -> Exchange:
        """The exchange is over: write it.

        :param body: of the answer, parsed; None: none, or not to be read. :param size: of the answer's body in bytes.
        """
        exchange = Exchange(
            monotonic=sent.monotonic,
            wall=sent.wall,
            duration=max(0.0, self._clock.monotonic() - sent.monotonic),
            side=sent.side,
            source=self.source,
            peer=sent.peer,
            authority=sent.authority,
            method=sent.method,
            path=sent.path[:_PATH],
            operation=sent.operation.id if sent.operation is not None else "",
            ending=ending,
            status=status,
            request_id=sent.request_id,
            trace=sent.trace,
            note=note,
            query=shown_query(sent.operation, sent.query),
            request_headers=shown_headers(sent.request_headers),
            request_body=shown_body(sent.request_body),
            request_bytes=sent.request_bytes,
            response_headers=shown_headers(headers),
            response_body=shown_body(body),
            response_bytes=size,
        )
        if self._fd >= 0:
            self._write(exchange.to_json().encode() + b"\n")
        if self._events is not None:
            told = {**_brief(sent), "status": status, "ending": ending.value, "ms": round(exchange.duration * 1000, 3)}
            if isinstance(body, ApiError):
                told["reason"] = body.reason.value
            if note:
                told["note"] = note
            self._events.emit("api.response", _subject(sent), **told)
        return exchange

    def _write(self, line: bytes) -> None:
        try:
            if self._size and self._size + len(line) > self._half:
                self._turn()
            self._size += os.write(self._fd, line)
        except OSError as error:
            if not self.lost:
                _log.warning("the transcript cannot be written: %s", error)
            self.lost += 1

    def _turn(self) -> None:
        """Begin a new file; what was the older one goes."""
        if self._path is not None:
            self._path.replace(self._path.with_name(self._path.name + OLDER))
            os.close(self._fd)
            self._fd = -1
            self._open(self._path)

    def shut(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _subject(sent: Sent) -> str:
    return sent.operation.id if sent.operation is not None else sent.method


def _brief(sent: Sent) -> dict[str, Any]:
    return {
        "side": sent.side.value,
        "peer": sent.peer,
        "method": sent.method,
        "path": sent.path[:_PATH],
        "request_id": sent.request_id,
        "trace": sent.trace,
    }


def new_trace() -> str:
    """A fresh ``traceparent``, not sampled."""
    return f"00-{uuid.uuid4().hex}-{os.urandom(8).hex()}-00"


__all__ = ["OLDER", "SUFFIX", "TRACE_HEADER", "Ending", "Exchange", "Sent", "Side", "Transcript", "new_trace"]
