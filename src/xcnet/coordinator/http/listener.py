"""Takes connections: so many in all, so many and so fast from one address, each with a limited time for its TLS handshake."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import socket
import ssl
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from xcnet.clock import Clock
from xcnet.coordinator.http.limits import HttpLimits, RateLimiter
from xcnet.coordinator.http.protocol import CoordinatorProtocol

_PAUSE = 0.5
"""Seconds without taking connections when the fault is not the one connection's."""
_SHUTDOWN_SECONDS = 2.0
_LAST_WORD_SECONDS = 1.0
_OWN = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EBADF, errno.EINVAL, errno.ENOTSOCK))
"""What of accept(2) is not about the one connection: there is no descriptor, no memory, no listening socket any more."""
_log = logging.getLogger(__name__)

MakeProtocol = Callable[[Callable[[CoordinatorProtocol], None]], CoordinatorProtocol]


@dataclass
class ListenerCounts:
    """:param taken: connections. :param refused: closed at once for the limits. :param failed: without a TLS handshake."""

    taken: int = 0
    refused: int = 0
    failed: int = 0


class _Watched:
    """A TLS context, for one handshake, that keeps what TLS has to say when that fails.

    asyncio throws it away: the alert, which alone tells a TLS 1.3 client, who by then has sent its request, that nobody has
    looked at it.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self.alert = b""

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, server_side: bool, server_hostname: str | None
    ) -> ssl.SSLObject:
        tls = self._context.wrap_bio(incoming, outgoing, server_side=server_side, server_hostname=server_hostname)
        shake_hands = tls.do_handshake

        def watched() -> None:
            try:
                shake_hands()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError:
                self.alert = outgoing.read()
                del vars(tls)["do_handshake"]
                raise
            del vars(tls)["do_handshake"]

        vars(tls)["do_handshake"] = watched
        return tls


class Listener:
    """:param listening: a bound, listening socket; it is closed with the listener.
    :param make_protocol: makes a connection's protocol, given what it is to call once the connection is gone.
    """

    def __init__(
        self,
        listening: socket.socket,
        context: ssl.SSLContext,
        make_protocol: MakeProtocol,
        limits: HttpLimits,
        clock: Clock,
    ) -> None:
        self._listening = listening
        self._context = context
        self._make = make_protocol
        self._limits = limits
        self._pace = RateLimiter(limits.accepted_per_second, limits.accepted_burst, clock)
        self._places: Counter[str] = Counter()
        self._handshakes: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        self.protocols: set[CoordinatorProtocol] = set()
        """Connections whose handshake is done."""
        self.counts = ListenerCounts()

    @property
    def open(self) -> int:
        """Connections, those in their handshake among them."""
        return self._places.total()

    def start(self) -> None:
        self._listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(), name="coordinator listener")

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listening)
            except OSError as error:
                if error.errno in _OWN:
                    _log.warning("no connections are taken for %g s: %s", _PAUSE, error)
                await asyncio.sleep(_PAUSE if error.errno in _OWN else 0)
                continue
            self._take(connection, str(address[0]))
            # A connection that is there already is had without waiting: let others run between two.
            await asyncio.sleep(0)

    def _take(self, connection: socket.socket, address: str) -> None:
        limits = self._limits
        if (
            self.open >= limits.connections
            or self._places[address] >= limits.connections_per_address
            or self._pace.take(address) > 0.0
        ):
            self.counts.refused += 1
            connection.close()
            if not self._places[address]:
                del self._places[address]
            return
        self.counts.taken += 1
        self._places[address] += 1
        self._empty.clear()
        task = asyncio.create_task(self._shake_hands(connection, address))
        self._handshakes.add(task)
        task.add_done_callback(self._handshakes.discard)

    async def _shake_hands(self, connection: socket.socket, address: str) -> None:
        gone = False

        def lost(protocol: CoordinatorProtocol) -> None:
            nonlocal gone
            gone = True
            self.protocols.discard(protocol)
            self._leave(address)

        protocol = self._make(lost)
        secured = False
        try:
            secured = await self._secure(connection, protocol)
        except (OSError, asyncio.CancelledError) as error:
            _log.info("no TLS with %s: %s", address, error)
        finally:
            if not secured:
                connection.close()
            if not secured and not gone:
                self.counts.failed += 1
                self._leave(address)
        if secured and not gone:
            self.protocols.add(protocol)

    async def _secure(self, connection: socket.socket, protocol: CoordinatorProtocol) -> bool:
        """TLS on a connection. :raises OSError: there is none; the peer has been told so."""
        watched = _Watched(self._context)
        # An answer is written in two pieces: the second must not wait until the first is acknowledged.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # asyncio closes its own descriptor as soon as the handshake fails.
        with connection.dup() as kept:
            try:
                await asyncio.get_running_loop().connect_accepted_socket(
                    lambda: protocol,
                    connection,
                    ssl=cast(ssl.SSLContext, watched),
                    ssl_handshake_timeout=self._limits.handshake_seconds,
                    ssl_shutdown_timeout=_SHUTDOWN_SECONDS,
                )
            except OSError:
                await self._tell(kept, watched.alert)
                raise
        return True

    async def _tell(self, connection: socket.socket, alert: bytes) -> None:
        """Send the last word, and let it arrive: a socket closed upon unread bytes takes it back."""
        if not alert:
            return
        connection.setblocking(False)
        loop = asyncio.get_running_loop()
        with contextlib.suppress(OSError):  # TimeoutError among them: whoever keeps on talking is not waited for
            async with asyncio.timeout(_LAST_WORD_SECONDS):
                await loop.sock_sendall(connection, alert)
                connection.shutdown(socket.SHUT_WR)
                while await loop.sock_recv(connection, 65536):
                    pass

    def _leave(self, address: str) -> None:
        self._places[address] -= 1
        if self._places[address] <= 0:
            del self._places[address]
        if not self._places:
            self._empty.set()

    async def stop_taking(self) -> None:
        """Close the listening socket, and what has not finished its handshake."""
        tasks = [*self._handshakes, *([self._accepting] if self._accepting is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._accepting = None
        self._listening.close()

    async def empty(self) -> None:
        """Until no connection is left."""
        await self._empty.wait()


__all__ = ["Listener", "ListenerCounts", "MakeProtocol"]
