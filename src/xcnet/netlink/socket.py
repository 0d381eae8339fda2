"""A synchronous netlink socket: many requests in one system call, refusals explained.

pyroute2's own sockets run an event loop of theirs for each request, which cannot be had inside a running loop and costs
milliseconds where processors are slow. The kernel answers a netlink request before ``sendmsg`` returns, so a plain
blocking socket never waits: it may be used from within a coroutine. pyroute2's message classes do the encoding.
"""

from __future__ import annotations

import errno as errnos
import functools
import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Any, Self, TypeVar

from xcnet.errors import KernelError
from xcnet.netlink import batch
from xcnet.netlink.netns import Netns
from xcnet.netlink.request import NLM_F_ACK, NLM_F_DUMP, Request, refusal

NETLINK_ROUTE = 0
NETLINK_SOCK_DIAG = 4
NETLINK_GENERIC = 16

_SOL_NETLINK = 270
_NETLINK_ADD_MEMBERSHIP = 1
_NETLINK_CAP_ACK = 10
_NETLINK_EXT_ACK = 11
_NETLINK_GET_STRICT_CHK = 12
_SO_RCVBUFFORCE = 33

_T = TypeVar("_T")

_DATAGRAM = 32 * 1024
"""A batch is cut here: one datagram has to fit into the socket's send buffer."""

_RECEIVE = 256 * 1024
_BUFFER = 4 * 1024 * 1024
_DUMP_ATTEMPTS = 16


class NetlinkSocket:
    """One netlink socket in one network namespace. Not for use by several threads at once.

    :param family: NETLINK_ROUTE, NETLINK_GENERIC or NETLINK_SOCK_DIAG.
    :param netns: where to open it; None is the calling thread's namespace. The socket stays there wherever threads go.
    :param timeout: seconds for the kernel to answer; it answers at once, so that only a defect can reach it.
    :raises KernelError: no such netlink family, or no permission.
    """

    def __init__(self, family: int = NETLINK_ROUTE, netns: Netns | None = None, *, timeout: float = 10.0) -> None:
        self.where = f"namespace {netns.name}" if netns else "this namespace"
        self.netns = netns
        self._sequence = 0
        try:
            if netns is None:
                self._socket = _open(family)
            else:
                with netns.entered():
                    self._socket = _open(family)
        except OSError as error:
            raise KernelError(
                f"cannot open a netlink socket (protocol {family}): {error.strerror}",
                where=self.where,
                remedy="use a kernel with this netlink protocol; `xcnet doctor` shows what is missing",
                errno=error.errno or 0,
            ) from error
        # The kernel's own timeout: Python's makes the descriptor non-blocking and polls before each call.
        seconds, fraction = divmod(timeout, 1)
        self._socket.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("@ll", int(seconds), int(fraction * 1e6))
        )

    # -- requests

    def submit(self, requests: Iterable[Request]) -> None:
        """Send the requests, in order, as few datagrams as they fit into.

        The kernel carries out every one of them, whatever becomes of the others.

        :raises KernelError: the first refusal that its request does not tolerate.
        """
        failures = self.try_submit(requests)
        if failures:
            raise failures[0]

    def try_submit(self, requests: Iterable[Request]) -> list[KernelError]:
        """:meth:`submit` that returns the refusals, in the requests' order, instead of raising the first."""
        failures: list[KernelError] = []
        chunk: list[tuple[int, Request]] = []
        payload = bytearray()
        for request in requests:
            encoded = request.encode(self._next())
            if payload and len(payload) + len(encoded) > _DATAGRAM:
                failures += self._exchange(payload, chunk)
                chunk, payload = [], bytearray()
            chunk.append((self._sequence, request))
            payload += encoded
            payload += bytes(-len(payload) % 4)
        if chunk:
            failures += self._exchange(payload, chunk)
        return failures

    def _exchange(self, payload: bytearray, chunk: list[tuple[int, Request]]) -> list[KernelError]:
        # Refusals are sent unasked; an acknowledgement is asked of the last message only, and ends the exchange.
        last, request = chunk[-1]
        position = self._last_message(payload, last)
        (flags,) = struct.unpack_from("=H", payload, position + 6)
        struct.pack_into("=H", payload, position + 6, flags | NLM_F_ACK)
        self._send(payload, request)
        asked = dict(chunk)
        failures: list[KernelError] = []
        for frame in self._frames(request):
            if frame.type != batch.NLMSG_ERROR or frame.sequence not in asked:
                continue
            verdict = batch.verdict(frame)
            refused = asked[frame.sequence]
            if verdict.errno and verdict.errno not in refused.tolerate:
                failures.append(refusal(refused, verdict.errno, verdict.explanation, self.where))
            if frame.sequence == last:
                break
        return failures

    @staticmethod
    def _last_message(payload: bytearray, sequence: int) -> int:
        offset = 0
        while True:
            length, found = struct.unpack_from("=I4xI", payload, offset)
            if found == sequence:
                return offset
            offset += batch.align(length)

    # -- questions

    def dump(self, request: Request, read: Callable[[bytes], _T]) -> list[_T]:
        """Everything the kernel holds of a kind, each message read by ``read``. Repeated if it changed meanwhile.

        :raises KernelError: refused, or changing without pause.
        """
        for _ in range(_DUMP_ATTEMPTS):
            found, interrupted = self._dump_once(request, read)
            if not interrupted:
                return found
        raise KernelError(
            f"cannot {request.what}: it changed during each of {_DUMP_ATTEMPTS} attempts to read it",
            where=self.where,
            remedy="try again when fewer interfaces and routes are changing",
            errno=errnos.EINTR,
        )

    def dump_loosely(self, request: Request, read: Callable[[bytes], _T]) -> list[_T]:
        """As :meth:`dump`, read once: of what changes meanwhile some is old and some new. For who is told of each change.

        :raises KernelError: refused.
        """
        return self._dump_once(request, read)[0]

    def _dump_once(self, request: Request, read: Callable[[bytes], _T]) -> tuple[list[_T], bool]:
        sequence = self._next()
        self._send(request.encode(sequence, NLM_F_DUMP), request)
        found: list[_T] = []
        interrupted = False
        for frame in self._frames(request):
            if frame.sequence != sequence:
                continue
            interrupted = interrupted or bool(frame.flags & batch.NLM_F_DUMP_INTR)
            if frame.type in (batch.NLMSG_ERROR, batch.NLMSG_DONE):
                verdict = batch.verdict(frame)
                if verdict.errno and verdict.errno not in request.tolerate:
                    raise refusal(request, verdict.errno, verdict.explanation, self.where)
                break
            found.append(read(frame.data))
        return found, interrupted

    def ask(self, request: Request, read: Callable[[bytes], _T]) -> _T | None:
        """The one message that answers ``request``; None if the kernel refuses with a tolerated error number.

        :raises KernelError: any other refusal.
        """
        sequence = self._next()
        self._send(request.encode(sequence, NLM_F_ACK), request)
        found: _T | None = None
        for frame in self._frames(request):
            if frame.sequence != sequence:
                continue
            if frame.type == batch.NLMSG_ERROR:
                verdict = batch.verdict(frame)
                if verdict.errno and verdict.errno not in request.tolerate:
                    raise refusal(request, verdict.errno, verdict.explanation, self.where)
                break
            found = read(frame.data)
        return found

    # -- transport

    def join(self, groups: Iterable[int]) -> None:
        """Receive the notifications of these multicast groups (RTNLGRP_...)."""
        for group in groups:
            self._socket.setsockopt(_SOL_NETLINK, _NETLINK_ADD_MEMBERSHIP, group)

    def receive_available(self) -> Iterator[batch.Frame]:
        """Frames that are waiting already; ends when there are none.

        :raises OSError: ENOBUFS: the kernel had to drop notifications.
        """
        while True:
            try:
                datagram = self._socket.recv(_RECEIVE, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return
            yield from batch.split(datagram)

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _next(self) -> int:
        self._sequence = self._sequence % 0x7FFFFFFF + 1
        return self._sequence

    def _send(self, payload: bytes | bytearray, request: Request) -> None:
        try:
            self._socket.send(payload)
        except OSError as error:
            raise refusal(request, error.errno or 0, error.strerror or "", self.where) from error

    def _frames(self, request: Request) -> Iterator[batch.Frame]:
        while True:
            try:
                datagram = self._socket.recv(_RECEIVE)
            except BlockingIOError:
                raise KernelError(
                    f"cannot {request.what}: the kernel did not answer", where=self.where, errno=errnos.ETIMEDOUT
                ) from None
            except OSError as error:
                raise refusal(request, error.errno or 0, error.strerror or "", self.where) from error
            yield from batch.split(datagram)


def decode(answer: type[Any], data: bytes) -> Any:
    """One message of pyroute2's class ``answer`` from its bytes, header included."""
    message = answer(data)
    message.decode()
    return message


def decoder(answer: type[Any]) -> Callable[[bytes], Any]:
    """:func:`decode` for messages of this class."""
    return functools.partial(decode, answer)


def _open(family: int) -> socket.socket:
    opened = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, family)
    try:
        # Capped acknowledgements do not send the request back: a key is not to stand in one more buffer.
        for option in (_NETLINK_CAP_ACK, _NETLINK_EXT_ACK, _NETLINK_GET_STRICT_CHK):
            opened.setsockopt(_SOL_NETLINK, option, 1)
        try:
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        opened.bind((0, 0))
    except OSError:
        opened.close()
        raise
    return opened


__all__ = ["NETLINK_GENERIC", "NETLINK_ROUTE", "NETLINK_SOCK_DIAG", "NetlinkSocket", "decode", "decoder"]
