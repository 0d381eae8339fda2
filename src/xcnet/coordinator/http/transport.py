"""One request to a peer over HTTPS, exactly once, and what came of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Protocol
from urllib.parse import urlsplit

import httpcore
from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.http.network import AsyncioNetwork, refused_by_tls
from xcnet.coordinator.http.outcomes import BadAnswerError, NotSentError, UnknownOutcomeError
from xcnet.errors import InputError

Headers = tuple[tuple[str, str], ...]
_HTTPS_PORT = 443
_NEVER_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.LocalProtocolError)


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


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """:param headers: lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes


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
        self._limits = limits or ClientLimits()
        self._network = AsyncioNetwork()
        self._where = f"peer {endpoint.provider} at {endpoint.address or endpoint.host}:{endpoint.port}"
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl_context,
            max_connections=self._limits.connections,
            max_keepalive_connections=self._limits.connections,
            keepalive_expiry=self._limits.keep_alive_seconds,
            network_backend=self._network,
            local_address=local_address,
        )
        self._host = (endpoint.address or endpoint.host).encode("ascii")
        self._host_field = (b"Host", endpoint.authority.encode("ascii"))

    @property
    def connections(self) -> int:
        """Open now."""
        return self._network.connections

    async def send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        """See :meth:`Transport.send`. :raises BadAnswerError: the answer is larger than it may be."""
        headers = [self._host_field]
        headers += [(name.encode("ascii"), value.encode("latin-1")) for name, value in request.headers + request.sign()]
        if request.body or request.method in ("POST", "PATCH"):
            headers.append((b"Content-Length", str(len(request.body)).encode("ascii")))
        limits = self._limits
        outgoing = httpcore.Request(
            request.method.encode("ascii"),
            httpcore.URL(
                scheme=b"https", host=self._host, port=self.endpoint.port, target=request.target.encode("ascii")
            ),
            headers=headers,
            content=request.body,
            extensions={
                "sni_hostname": self.endpoint.host,
                "timeout": {
                    "connect": min(limits.connect_seconds, seconds),
                    "pool": min(limits.queue_seconds, seconds),
                    "read": seconds,
                    "write": seconds,
                },
            },
        )
        try:
            async with asyncio.timeout(seconds):
                return await self._exchange(outgoing)
        except _NEVER_SENT as error:
            raise self._not_sent(error) from error
        except TimeoutError as error:
            raise self._unknown(f"no answer within {seconds:g} s") from error
        except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
            if refused_by_tls(error):
                raise self._not_sent(error) from error
            raise self._unknown(str(error) or type(error).__name__) from error

    async def _exchange(self, outgoing: httpcore.Request) -> RawAnswer:
        response = await self._pool.handle_async_request(outgoing)
        body = bytearray()
        try:
            async for chunk in response.aiter_stream():
                body += chunk
                if len(body) > self._limits.answer_bytes:
                    raise BadAnswerError(
                        f"the answer has more than {self._limits.answer_bytes} bytes",
                        where=self._where,
                        remedy="ask for smaller pages",
                        status=response.status,
                    )
        finally:
            await response.aclose()
        return RawAnswer(
            response.status,
            {name.decode("ascii").lower(): value.decode("latin-1") for name, value in response.headers},
            bytes(body),
        )

    def _not_sent(self, error: Exception) -> NotSentError:
        return NotSentError(
            f"the peer was not reached: {error}",
            where=self._where,
            remedy="see that the peer's coordinator runs, and that both certificates are of the same authority",
        )

    def _unknown(self, why: str) -> UnknownOutcomeError:
        return UnknownOutcomeError(
            f"no answer to what was sent: {why}",
            where=self._where,
            remedy="look at the resource before trying again",
        )

    async def close(self) -> None:
        """End all connections."""
        await self._pool.aclose()
        await self._network.close()


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
