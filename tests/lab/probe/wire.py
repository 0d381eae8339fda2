"""Two namespaces joined by a veth pair with addresses, and a probe's sender and receiver on them."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import Any

from xcnet.netlink import counters, links
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.probe.analysis import Span, analyse
from xcnet.probe.board import Board
from xcnet.probe.ground import Ground, Host
from xcnet.probe.receiver import RECEIVE_BUFFER, ReceivedRecord, open_receiver, receive
from xcnet.probe.results import StreamResult
from xcnet.probe.sender import SentRecord, open_flow, send
from xcnet.probe.workers import Worker

PORT = "eth0"
FLOWS = 4


@dataclass
class Wire:
    """``a`` and ``b`` with 10.0.0.1 and 10.0.0.2, fd00::1 and fd00::2 on ``eth0``; they know each other's hardware address, so
    that nothing but what a test sends crosses."""

    a: Netns
    b: Netns

    def in_a(self, *argv: str) -> str:
        return self._run(self.a, *argv)

    def in_b(self, *argv: str) -> str:
        return self._run(self.b, *argv)

    def _run(self, space: Netns, *argv: str) -> str:
        return subprocess.run(
            ["ip", "netns", "exec", space.name, *argv], check=True, capture_output=True, text=True
        ).stdout

    def queue(self) -> dict[str, Any]:
        """What a's queueing discipline has counted."""
        found: list[dict[str, Any]] = json.loads(self.in_a("tc", "-s", "-j", "qdisc", "show", "dev", PORT))
        return found[0]

    def received_by_b(self) -> int:
        """Packets, by b's interface."""
        with NetlinkSocket(netns=self.b) as netlink:
            return counters.packets(netlink)[links.get(netlink, PORT).index].received

    @property
    def ground(self) -> Ground:
        ends = [
            Host(name, space, {4: ip_address(f"10.0.0.{number}"), 6: ip_address(f"fd00::{number}")})
            for number, (name, space) in enumerate((("a", self.a), ("b", self.b)), 1)
        ]
        return Ground(ends[0], ends[1], (), {})


@dataclass
class Outcome:
    stream: StreamResult
    sent: SentRecord
    received: ReceivedRecord


def probed(
    wire: Wire,
    *,
    rate: float = 400.0,
    seconds: float = 2.0,
    meanwhile: Callable[[], object] | None = None,
    buffer: int = RECEIVE_BUFFER,
    pause: float = 0.02,
) -> Outcome:
    """Datagrams from a to b by IPv4, all that were sent. :param meanwhile: done while they are."""
    run, board = secrets.randbits(32), Board(FLOWS, 2)
    with ExitStack() as stack:
        opened = stack.enter_context(open_receiver(wire.b, buffer=buffer))
        flows = [open_flow(wire.a, number, ip_address("10.0.0.2"), opened.getsockname()[1]) for number in range(FLOWS)]
        for flow in flows:
            stack.callback(flow.opened.close)
        receiver = Worker("receiver", partial(receive, opened, run, board, 1, pause=pause))
        stack.callback(receiver.kill)
        start = time.monotonic_ns() + 200_000_000
        sender = Worker("sender", partial(send, flows, run, 64, rate, start, board, 0), realtime=10)
        stack.callback(sender.kill)
        end = time.monotonic() + 0.2 + seconds
        if meanwhile is not None:
            meanwhile()
        time.sleep(max(0.0, end - time.monotonic()))
        board.end_sending()
        sent: SentRecord = sender.result()
        time.sleep(0.5)
        board.end_receiving()
        received: ReceivedRecord = receiver.result()
    times = {number: sent.of(number) for number in range(FLOWS)}
    span = Span(sent.times[0], sent.times[-1])
    return Outcome(analyse("a", "b", 4, times, received, span, 0.1), sent, received)


__all__ = ["FLOWS", "PORT", "Outcome", "Wire", "probed"]
