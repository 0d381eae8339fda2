"""One request to a peer over HTTPS, exactly once, and what came of it."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.http.network import (
    AnswerLostError,
    AnswerTooLargeError,
    ConnectionPool,
    PeerConnection,
    RawAnswer,
)
from xcnet.coordinator.http.outcomes import BadAnswerError, NotSentError, UnknownOutcomeError
from xcnet.errors import InputError

Headers = tuple[tuple[str, str], ...]
_HTTPS_PORT = 443
_SHUTDOWN_SECONDS = 1.0
_TARGET = re.compile(r"[!-~]+")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t -~\x80-\xff]*")
"""RFC 9110, 5.5: whatever ends a line would begin another field."""


class ClientLimits(BaseModel):
    """Bounds of a client towards one peer. Sizes in bytes, times in seconds.

    :param connections: open at once. :param keep_alive_seconds: how long an idle one is kept; less than servers keep it.
    :param connect_seconds: for TCP and TLS together. :param queue_seconds: for a connection to be free.
    :param call_seconds: for a whole call, unless it is said otherwise there. :param answer_bytes: of an answer's body.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    connections: Annotated[int, Field(gt=0)] = 32
    keep_alive_seconds: Annotated[float, Field(gt=0)] = 30.0
    connect_seconds: Annotated[float, Field(gt=0)] = 5.0
    queue_seconds: Annotated[float, Field(gt=0)] = 10.0
    call_seconds: Annotated[float, Field(gt=0)] = 30.0
    answer_bytes: Annotated[int, Field(gt=0)] = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a peer's API is.

    :param provider: the peer. :param url: its base, ``https://host[:port][/prefix]``; the certificate must be for that host.
    :param address: IP address to connect to, where nothing resolves the host's name; empty: resolve it.
    """

    provider: str
    url: str
    address: str = ""

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or _HTTPS_PORT

    @property
    def authority(self) -> str:
        """What stands in the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _HTTPS_PORT else f"{host}:{self.port}"

    @property
    def prefix(self) -> str:
        return urlsplit(self.url).path.rstrip("/")


@dataclass(frozen=True, slots=True)
class OutgoingRequest:
    """A request as it is going to be sent.

    :param operation: operationId. :param target: path and query, percent-encoded. :param headers: without the signature.
    :param sign: makes the header fields that authenticate this very attempt; asked once for each time it is sent.
    :param notes: what was done to it on its way, for the transcript.
    """

    peer: str
    operation: str
    method: str
    target: str
    headers: Headers
    body: bytes
    sign: Callable[[], Headers]
    notes: list[str] = field(default_factory=list, compare=False)

    def frozen(self) -> OutgoingRequest:
        """Signed now: sent again it is the same to the last byte."""
        signature = self.sign()
        return replace(self, sign=lambda: signature)


class Transport(Protocol):
    async def send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        """Send it once.

        :param seconds: for everything, from now to the answer's last byte.
        :raises NotSentError: it certainly was not executed. :raises UnknownOutcomeError: no answer.
        """
        ...

    async def close(self) -> None: ...


class HttpTransport:
    """Requests to one peer over kept-alive HTTP/1.1 connections under TLS.

    :param ssl_context: with the own certificate and what the peer's must be signed by; it checks the host's name.
    :param local_address: IP address to connect from; None leaves it to the kernel.
    :raises InputError: the URL is none that can be called.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        ssl_context: ssl.SSLContext,
        limits: ClientLimits | None = None,
        *,
        local_address: str | None = None,
    ) -> None:
        if not _callable(endpoint):
            raise InputError(
                f"{endpoint.url!r} is no https URL",
                where=f"peer {endpoint.provider}",
                remedy="write https://host[:port], as in the peer's certificate",
            )
        self.endpoint = endpoint
        self._context = ssl_context
        self._limits = limits or ClientLimits()
        self._local = (local_address, 0) if local_address is not None else None
        self._where = f"peer {endpoint.provider} at {endpoint.address or endpoint.host}:{endpoint.port}"
        self._pool = ConnectionPool(
            self._connect,
            most=self._limits.connections,
            queue_seconds=self._limits.queue_seconds,
            keep_seconds=self._limits.keep_alive_seconds,
        )

    @property
    def connections(self) -> int:
        """Open now."""
        return self._pool.open

    async def _connect(self) -> PeerConnection:
        """:raises TimeoutError: not in time. :raises OSError: not at all."""
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                _, connection = await asyncio.get_running_loop().create_connection(
                    lambda: PeerConnection(self._limits.answer_bytes),
                    self.endpoint.address or self.endpoint.host,
                    self.endpoint.port,
                    ssl=self._context,
                    server_hostname=self.endpoint.host,
                    local_addr=self._local,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
                )
        except ValueError as error:  # a name that no host can have
            raise OSError(str(error)) from error
        return connection

    async def send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        """See :meth:`Transport.send`. :raises BadAnswerError: the answer is larger than it may be."""
        reached = False
        try:
            async with asyncio.timeout(seconds), self._pool.connection() as connection:
                # Signed as late as can be: a signature is good for a while only.
                written = self._written(request)
                reached = True
                return await connection.exchange(written)
        except AnswerLostError as error:
            raise (self._not_sent(str(error)) if error.refused else self._unknown(str(error))) from error
        except AnswerTooLargeError as error:
            raise BadAnswerError(
                f"the answer has more than {self._limits.answer_bytes} bytes",
                where=self._where,
                remedy="ask for smaller pages",
                status=error.status,
            ) from error
        except TimeoutError as error:
            if reached:
                raise self._unknown(f"none within {seconds:g} s") from error
            raise self._not_sent("no connection in time") from error
        except OSError as error:
            raise self._not_sent(str(error)) from error

    def _written(self, request: OutgoingRequest) -> bytes:
        """:raises NotSentError: it would be another request than was meant."""
        fields = [("Host", self.endpoint.authority), *request.headers, *request.sign()]
        if request.body or request.method in ("POST", "PATCH"):
            fields.append(("Content-Length", str(len(request.body))))
        wrong = [name for name, value in fields if not (_NAME.fullmatch(name) and _VALUE.fullmatch(value))]
        if wrong or not _TARGET.fullmatch(request.target):
            raise self._not_sent(f"it cannot be written: {', '.join(wrong) or 'the path'}")
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        return f"{request.method} {request.target} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + request.body

    def _not_sent(self, why: str) -> NotSentError:
        return NotSentError(
            f"the peer was not reached: {why}",
            where=self._where,
            remedy="see that the peer's coordinator runs, and that both certificates are of the same authority",
        )

    def _unknown(self, why: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"no answer to what was sent: {why}",
            where=self._where,
            remedy="look at the resource before trying again",
        )

    def retire(self) -> None:
        """Later requests use connections of their own, with whatever the TLS context shows then."""
        self._pool.retire()

    async def close(self) -> None:
        """End all connections."""
        await self._pool.close()


def _callable(endpoint: Endpoint) -> bool:
    try:
        parts = urlsplit(endpoint.url)
        return parts.scheme == "https" and bool(parts.hostname) and endpoint.url.isascii() and parts.port != 0
    except ValueError:
        return False


__all__ = [
    "ClientLimits",
    "Endpoint",
    "Headers",
    "HttpTransport",
    "OutgoingRequest",
    "RawAnswer",
    "Transport",
]
