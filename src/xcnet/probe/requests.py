"""An application that asks again and again over HTTP, each time on a new connection, and what it met."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from xcnet.netlink.netns import Netns
from xcnet.probe.analysis import delay_of
from xcnet.probe.board import Board
from xcnet.probe.results import LossWindow, RequestsResult

_BODY = b"ok\n"
_ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (
    len(_BODY),
    _BODY,
)
_GOOD = b"HTTP/1.1 200 "
_HEAD_END = b"\r\n\r\n"
_MOST_HEAD = 8192
_SERVER_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One request. :param begun: monotonic seconds. :param seconds: until its whole answer was there; None where it failed."""

    begun: float
    seconds: float | None


def open_server(netns: Netns, address: IPv4Address | IPv6Address) -> socket.socket:
    """A listening socket on a free port."""
    with netns.entered():
        opened = socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_STREAM)
    opened.bind((str(address), 0))
    opened.listen(64)
    return opened


def serve(listener: socket.socket) -> None:
    """Answer every request, for ever. A connection whose peer has gone silent holds up no other."""
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_answer, args=(connection,), daemon=True).start()


def _answer(connection: socket.socket) -> None:
    connection.settimeout(_SERVER_SECONDS)
    head = b""
    with connection:
        try:
            while _HEAD_END not in head and len(head) < _MOST_HEAD:
                if not (data := connection.recv(4096)):
                    return
                head += data
            connection.sendall(_ANSWER)
        except OSError:
            return  # the one who asked knows


def ask_again_and_again(
    netns: Netns, address: IPv4Address | IPv6Address, port: int, pace: float, timeout: float, board: Board
) -> list[Asked]:
    """Ask once every ``pace`` seconds until the board says that sending has ended. :param timeout: seconds for a request.

    Whoever waits for an answer does not ask: times that have passed meanwhile are left out.
    """
    netns.enter()
    asked: list[Asked] = []
    due = time.monotonic()
    while board.sending:
        if (left := due - time.monotonic()) > 0:
            time.sleep(left)
        begun = time.monotonic()
        good = _ask(address, port, begun + timeout)
        ended = time.monotonic()
        asked.append(Asked(begun, ended - begun if good else None))
        due = max(due + pace, ended)
    return asked


def _ask(address: IPv4Address | IPv6Address, port: int, deadline: float) -> bool:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    host = f"[{address}]" if address.version == 6 else str(address)
    answer = b""
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        try:
            _limit(connection, deadline)
            connection.connect((str(address), port))
            _limit(connection, deadline)
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            while True:
                _limit(connection, deadline)
                if not (data := connection.recv(4096)):
                    return answer.startswith(_GOOD) and answer.endswith(_HEAD_END + _BODY)
                answer += data
        except OSError:
            return False


def _limit(connection: socket.socket, deadline: float) -> None:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    connection.settimeout(left)


def summarise(
    source: str,
    target: str,
    version: int,
    asked: Iterable[Asked],
    *,
    began: float,
    ended: float,
    pace: float,
    timeout: float,
) -> RequestsResult:
    """What the requests that began from ``began`` to ``ended`` (seconds) came to."""
    counted = [each for each in asked if began <= each.begun <= ended]
    times = [round(each.seconds * 1e9) for each in counted if each.seconds is not None]
    return RequestsResult(
        source=source,
        target=target,
        version=version,
        sent=len(counted),
        failed=len(counted) - len(times),
        timeout=timeout,
        outages=tuple(outages(counted, began, ended, pace)),
        times=delay_of(times),
    )


def outages(asked: Sequence[Asked], began: float, ended: float, pace: float) -> Iterable[LossWindow]:
    """Spans without a good answer that are longer than twice the pace, from one good answer to the next; the first may begin
    with measuring and the last may end with it. ``lost`` is how many requests failed in one."""
    last, failed = began, 0
    for each in asked:
        if each.seconds is None:
            failed += 1
            continue
        at = each.begun + each.seconds
        if at - last > 2 * pace:
            yield LossWindow(start=last, length=at - last, lost=failed)
        last, failed = at, 0
    if ended - last > 2 * pace:
        yield LossWindow(start=last, length=ended - last, lost=failed)


__all__ = ["Asked", "ask_again_and_again", "open_server", "outages", "serve", "summarise"]
