"""Numbered datagrams from host to host at a steady rate, run inside the lab's kernel; what was lost and how far out of order."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xcnet.netlink import addresses, links
from xcnet.netlink.netns import open_named
from xcnet.netlink.socket import NetlinkSocket

_FLOWS = 64
_SETTLE = 1.0


def measure(
    view: dict[str, Any],
    *,
    rate: int,
    most_seconds: float,
    stop_file: str,
    replay_window: int = 64,
    hosts: Sequence[str] = (),
    version: int = 4,
) -> dict[str, Any]:
    """Send until ``stop_file`` appears or ``most_seconds`` have passed. Once packets pass, ``stop_file`` + ``.begun`` appears.

    :param view: the lab, as ``call`` gives it: nodes and hosts by name. :param hosts: from which to which; the lab's first
        two by default. :param version: of IP.
    """
    source, target = (open_named(Path(view["nodes"][name]).name) for name in hosts or view["hosts"][:2])
    with NetlinkSocket(netns=target) as netlink:
        index = links.get(netlink, "eth0").index
        found = (each.interface.ip for each in addresses.dump(netlink, index))
        address = next(each for each in found if each.version == version and not each.is_link_local)
    family = socket.AF_INET if version == 4 else socket.AF_INET6
    with target.entered():
        receiver = socket.socket(family, socket.SOCK_DGRAM)
        receiver.setsockopt(socket.SOL_SOCKET, 33, 16 * 2**20)
        receiver.bind((str(address), 7777))
    with source.entered():
        senders = [socket.socket(family, socket.SOCK_DGRAM) for _ in range(_FLOWS)]
    for sender in senders:
        sender.connect((str(address), 7777))
    _warm_up(senders[0], receiver)
    Path(f"{stop_file}.begun").touch()
    received: list[int] = []
    done = threading.Event()
    thread = threading.Thread(target=_receive, args=(receiver, received, done))
    thread.start()
    sent, started = _send(senders, rate, most_seconds, Path(stop_file))
    elapsed = time.monotonic() - started
    time.sleep(_SETTLE)  # what is still on its way arrives; nothing announces that nothing more will
    done.set()
    thread.join()
    return {
        "sent": sent,
        "lost": sent - len(set(received)),
        "duplicated": len(received) - len(set(received)),
        "furthest_reordered": _furthest(received),
        "replay_window": replay_window,
        "rate": round(sent / elapsed, 1),
    }


def _warm_up(sender: socket.socket, receiver: socket.socket) -> None:
    receiver.settimeout(1.0)
    for _attempt in range(10):
        sender.send(b"warm")
        try:
            receiver.recv(64)
            return
        except TimeoutError:
            continue
    raise RuntimeError("the hosts do not reach each other")


def _send(senders: list[socket.socket], rate: int, most_seconds: float, stop: Path) -> tuple[int, float]:
    sent = 0
    started = time.monotonic()
    while (now := time.monotonic() - started) < most_seconds and not (sent % 100 == 0 and stop.exists()):
        due = int(now * rate)
        while sent < due:
            senders[sent % len(senders)].send(sent.to_bytes(8, "big"))
            sent += 1
        time.sleep(max(0.0, (sent + 1) / rate - (time.monotonic() - started)))
    return sent, started


def _receive(receiver: socket.socket, received: list[int], done: threading.Event) -> None:
    receiver.settimeout(0.2)
    while True:
        try:
            data = receiver.recv(64)
        except TimeoutError:
            if done.is_set():
                return
            continue
        if len(data) == 8:
            received.append(int.from_bytes(data, "big"))


def _furthest(received: list[int]) -> int:
    """How many later packets had overtaken the one that came most out of order."""
    furthest, highest = 0, -1
    for number in received:
        if number < highest:
            furthest = max(furthest, highest - number)
        highest = max(highest, number)
    return furthest
