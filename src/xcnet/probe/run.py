"""One probe, from its first datagram to what it found, in the lab's own kernel."""

from __future__ import annotations

import gc
import os
import secrets
import select
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from xcnet.probe.analysis import Span, analyse, lateness
from xcnet.probe.board import Board
from xcnet.probe.findings import Findings, Progress
from xcnet.probe.ground import Ground, Stream
from xcnet.probe.plan import SENDER_PRIORITY, SETTLE_SECONDS, ProbePlan, RequestsPlan, TransferPlan, bucket_seconds
from xcnet.probe.raw import write_raw
from xcnet.probe.receiver import ReceivedRecord, open_receiver, receive
from xcnet.probe.requests import ask_again_and_again, open_server, serve, summarise
from xcnet.probe.results import RequestsResult, StreamResult
from xcnet.probe.sender import Outgoing, SentRecord, open_flow, send
from xcnet.probe.shares import SAMPLE_SECONDS, Sample, ShareReader, shares
from xcnet.probe.transfer import Transfer
from xcnet.probe.workers import Worker
from xcnet.waiting import Deadline, wait_until

_BILLION = 1_000_000_000
_ARRIVAL_SECONDS = 10.0
_TURNS = 3
"""How often each flow must have had its turn, at least, before its silence says anything."""

_LEAD = 0.2
"""Seconds from starting the processes to the first packet: forking them takes some, and nobody is to begin late."""

_TRANSFER_PORT = 5201


class Probe:
    """:param ground: where. :param say: told of progress and of the result, as JSON objects. :param told: a file descriptor; its
    end of file ends measuring.
    """

    def __init__(self, ground: Ground, plan: ProbePlan, say: Callable[[dict[str, Any]], None], told: int) -> None:
        self._ground = ground
        self._plan = plan
        self._say = say
        self._told = told
        self._streams = ground.streams(plan)
        self._run = secrets.randbits(32)
        self._stack = ExitStack()
        self._sources = list(dict.fromkeys(stream.source.name for stream in self._streams))
        self._targets = list(dict.fromkeys(stream.target.name for stream in self._streams))
        self._board = Board(plan.flows, len(self._sources) + len(self._targets))
        self._receivers: dict[str, Worker] = {}
        self._senders: dict[str, Worker] = {}
        self._transfers: list[Transfer] = []
        self._requests: list[tuple[RequestsPlan, Worker]] = []

    def run(self, raw: Path | None) -> None:
        """Everything, once. :param raw: a file for every packet's record.

        :raises DeadlineError: a flow did not arrive during the warm-up. :raises XcnetError: see the parts.
        """
        gc.freeze()
        with self._stack:
            self._start()
            self._await_arrival()
            began = time.monotonic_ns()
            self._say({"began": began / _BILLION})
            with ShareReader(self._ground.channels, self._ground.facilities) as reader:
                samples = self._measure(reader, began)
            self._board.end_sending()
            sent = {name: worker.result() for name, worker in self._senders.items()}
            span = Span(began, max((record.times[-1] for record in sent.values() if record.times), default=began))
            transfers = tuple(transfer.end(began / _BILLION) for transfer in self._transfers)
            requests = tuple(self._asked(plan, worker, span) for plan, worker in self._requests)
            self._say({"ended": span.ended / _BILLION})
            time.sleep(SETTLE_SECONDS)
            self._board.end_receiving()
            received = {name: worker.result() for name, worker in self._receivers.items()}
            bucket = bucket_seconds((span.ended - span.began) / _BILLION)
            late = lateness(sent.values(), span)
            findings = Findings(
                began=began / _BILLION,
                ended=span.ended / _BILLION,
                streams=tuple(self._analysed(stream, sent, received, span, bucket) for stream in self._streams),
                shares=shares(samples, max(bucket, SAMPLE_SECONDS)),
                transfers=transfers,
                requests=requests,
                worst_lateness_ms=late.worst_ms,
                late=late.late,
                packets=late.of,
                receiver_drops=sum(record.drops for record in received.values()),
            )
            if raw is not None:
                write_raw(raw, self._streams, sent, received, span)
        self._say({"result": findings.model_dump(mode="json")})

    # -- starting

    def _start(self) -> None:
        sockets = {host: self._opened(open_receiver(self._host_netns(host))) for host in self._targets}
        outgoing = {name: self._outgoing(name, sockets) for name in self._sources}
        for slot, (host, opened) in enumerate(sockets.items(), len(self._sources)):
            self._receivers[host] = self._worker(
                "probe-receiver", partial(receive, opened, self._run, self._board, slot)
            )
        start = time.monotonic_ns() + int(_LEAD * _BILLION)
        for slot, (name, flows) in enumerate(outgoing.items()):
            rate = self._plan.rate * len(flows) / self._plan.flows
            # Two senders that wake at once would wait for each other.
            phase = int(slot * _BILLION / self._plan.rate)
            self._senders[name] = self._worker(
                "probe-sender",
                partial(send, flows, self._run, self._plan.payload, rate, start + phase, self._board, slot),
                realtime=SENDER_PRIORITY,
            )
        for number, transfer in enumerate(self._plan.transfers):
            self._start_transfer(transfer, _TRANSFER_PORT + number)
        for requests in self._plan.requests:
            self._start_requests(requests)

    def _outgoing(self, source: str, sockets: dict[str, socket.socket]) -> list[Outgoing]:
        """Its flows, those of different streams in turn."""
        mine = [stream for stream in self._streams if stream.source.name == source]
        ordered = sorted((index, number) for number, stream in enumerate(mine) for index in range(len(stream.flows)))
        found = []
        for index, number in ordered:
            stream = mine[number]
            port = sockets[stream.target.name].getsockname()[1]
            address = stream.target.address(stream.version)
            flow = open_flow(stream.source.netns, stream.flows[index], address, port)
            self._opened(flow.opened)
            found.append(flow)
        return found

    def _start_transfer(self, plan: TransferPlan, port: int) -> None:
        source, target = self._ground.source, self._ground.target
        ends = (source.name, source.netns), (target.name, target.netns)
        transfer = Transfer(*ends, target.address(plan.version), port, plan.mbps)
        self._stack.callback(transfer.kill)
        self._transfers.append(transfer)

    def _start_requests(self, plan: RequestsPlan) -> None:
        source, target = self._ground.source, self._ground.target
        address = target.address(plan.version)
        listener = self._opened(open_server(target.netns, address))
        port = listener.getsockname()[1]
        self._worker("probe-server", lambda: serve(listener))
        client = self._worker(
            "probe-client",
            lambda: ask_again_and_again(source.netns, address, port, plan.pace, plan.timeout, self._board),
        )
        self._requests.append((plan, client))

    def _worker(self, name: str, function: Callable[[], Any], *, realtime: int | None = None) -> Worker:
        worker = Worker(name, function, realtime=realtime)
        self._stack.callback(worker.kill)
        return worker

    def _opened(self, opened: socket.socket) -> socket.socket:
        self._stack.callback(opened.close)
        return opened

    def _host_netns(self, name: str) -> Any:
        ground = self._ground
        return ground.source.netns if name == ground.source.name else ground.target.netns

    def _await_arrival(self) -> None:
        """The warm-up over, and at least one datagram of each flow at the other end."""
        warm = Deadline(_LEAD + self._plan.warm_up)
        patience = _ARRIVAL_SECONDS + _TURNS * self._plan.flows / self._plan.rate

        def seen() -> str | None:
            unseen = set(self._board.unseen())
            if not unseen:
                return None if warm.expired else "the warm-up goes on"
            missing = [(stream.name, stream.flows, unseen & set(stream.flows)) for stream in self._streams]
            words = [f"{len(lost)} of {len(flows)} flows {name}" for name, flows, lost in missing if lost]
            return f"nothing of {', '.join(words)}"

        wait_until(
            "a datagram of each flow to arrive",
            seen,
            Deadline(_LEAD + self._plan.warm_up + patience),
            where=f"{self._ground.source.name} and {self._ground.target.name}",
            remedy="see with 'xcnet status' whether their connection stands on every channel",
        )

    # -- measuring

    def _measure(self, reader: ShareReader, began: int) -> list[Sample]:
        """Until told to stop, or for as long as planned."""
        samples = [reader.sample()]
        end = None if self._plan.duration is None else began / _BILLION + self._plan.duration
        due = samples[0].at
        said = 0
        while True:
            due += SAMPLE_SECONDS
            until = due if end is None else min(due, end)
            if self._told_to_stop(until - time.monotonic()):
                break
            samples.append(reader.sample())
            if end is not None and samples[-1].at >= end:
                return samples
            if (seconds := int(samples[-1].at - samples[0].at)) > said:
                said = seconds
                self._say({"progress": self._progress(samples[-1].at - samples[0].at).model_dump(mode="json")})
        samples.append(reader.sample())
        return samples

    def _told_to_stop(self, seconds: float) -> bool:
        wait = max(0.0, seconds)
        return bool(select.select([self._told], [], [], wait)[0]) and os.read(self._told, 4096) == b""

    def _progress(self, seconds: float) -> Progress:
        senders, all_of_them = len(self._sources), len(self._sources) + len(self._targets)
        counted = [self._board.counted(slot) for slot in range(all_of_them)]
        return Progress(seconds=round(seconds, 3), sent=sum(counted[:senders]), arrived=sum(counted[senders:]))

    # -- what came of it

    def _analysed(
        self,
        stream: Stream,
        sent: dict[str, SentRecord],
        received: dict[str, ReceivedRecord],
        span: Span,
        bucket: float,
    ) -> StreamResult:
        record = sent[stream.source.name]
        times = {flow: record.of(flow) for flow in stream.flows}
        arrived = received[stream.target.name]
        return analyse(stream.source.name, stream.target.name, stream.version, times, arrived, span, bucket)

    def _asked(self, plan: RequestsPlan, worker: Worker, span: Span) -> RequestsResult:
        return summarise(
            self._ground.source.name,
            self._ground.target.name,
            plan.version,
            worker.result(),
            began=span.began / _BILLION,
            ended=span.ended / _BILLION,
            pace=plan.pace,
            timeout=plan.timeout,
        )


__all__ = ["Probe"]
