"""What a probe found. Times are seconds on the lab kernel's monotonic clock, or spans of it; delays are milliseconds."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class _Result(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LossWindow(_Result):
    """Packets in a row that did not arrive, by time of sending.

    :param start: when the first of them was sent. :param length: from there to when the first was sent that arrived again;
        to the end of sending where none did. :param lost: how many.
    """

    start: float
    length: float
    lost: int


class Delay(_Result):
    """One-way delay of what arrived, milliseconds; sender and receiver read one clock. All zero where nothing arrived."""

    p50: float = 0.0
    p95: float = 0.0
    p99: float = 0.0
    worst: float = 0.0


class Bucket(_Result):
    """What was sent within one span of time.

    :param start: its beginning. :param seconds: its length. :param lost: of what was sent in it.
    :param delay_p50: of what was sent in it and arrived, :param delay_worst: likewise; milliseconds.
    """

    start: float
    seconds: float
    sent: int
    lost: int
    delay_p50: float
    delay_worst: float


class FlowResult(_Result):
    """One flow: one source port, so that it takes one path at a time. :param windows: its own losses, in order."""

    flow: int
    sent: int
    received: int
    duplicated: int
    reordered: int
    windows: tuple[LossWindow, ...] = ()

    @property
    def lost(self) -> int:
        return self.sent - self.received


class StreamResult(_Result):
    """All flows of one direction and IP version together.

    :param source: host, :param target: host. :param version: of IP, 4 or 6.
    :param received: sent ones that arrived, each counted once. :param duplicated: further copies. :param reordered: arrived
        after one of the same flow that was sent later.
    :param windows: spans of time in which *any* flow lost: a flow's windows that touch or overlap another's are one.
    :param flows: each of them. :param buckets: over time, gapless.
    """

    source: str
    target: str
    version: int
    sent: int
    received: int
    duplicated: int
    reordered: int
    delay: Delay
    windows: tuple[LossWindow, ...]
    flows: tuple[FlowResult, ...]
    buckets: tuple[Bucket, ...]

    @property
    def lost(self) -> int:
        return self.sent - self.received

    @property
    def longest_loss(self) -> float:
        """Seconds of the longest loss window of any one flow: what the unluckiest user felt. 0 without loss."""
        return max((window.length for flow in self.flows for window in flow.windows), default=0.0)

    @property
    def flows_hit(self) -> int:
        """How many flows lost anything."""
        return sum(flow.lost > 0 for flow in self.flows)


class ChannelShare(_Result):
    """Frames that crossed each channel within one span of time, by the counters of the facility's ports.

    :param frames: channel -> frames, both directions together.
    """

    start: float
    seconds: float
    frames: dict[str, int]


class TransferResult(_Result):
    """A TCP transfer (iperf3). :param mbps: mean. :param intervals: (start, Mbit/s) second by second."""

    source: str
    target: str
    version: int
    mbps: float
    retransmits: int
    intervals: tuple[tuple[float, float], ...]


class RequestsResult(_Result):
    """An application that asks again and again over HTTP, each request on a connection of its own.

    :param failed: no answer, or none within ``timeout`` seconds. :param outages: spans without one good answer longer than
        twice the pace. :param times: of good answers, milliseconds.
    """

    source: str
    target: str
    version: int
    sent: int
    failed: int
    timeout: float
    outages: tuple[LossWindow, ...]
    times: Delay


class Quality(_Result):
    """Whether the probe and its machine were fit to judge.

    :param worst_lateness_ms: the latest a packet was sent after its time. :param late_share: of packets more than 10 ms late.
    :param steal_share: of the host's processor time taken by others than this machine (hypervisor steal), 0 to 1.
    :param run_queue: mean number of the host's runnable tasks for each processor. :param problems: what is beyond its limit, a
        sentence with figures each; empty for a fit run.
    """

    worst_lateness_ms: float
    late_share: float
    steal_share: float
    run_queue: float
    problems: tuple[str, ...] = ()

    @property
    def fit(self) -> bool:
        return not self.problems


class ProbeResult(_Result):
    """:param began: when measuring began, after the warm-up; :param ended: when the last packet was sent."""

    began: float
    ended: float
    streams: tuple[StreamResult, ...]
    shares: tuple[ChannelShare, ...]
    quality: Quality
    transfers: tuple[TransferResult, ...] = ()
    requests: tuple[RequestsResult, ...] = ()

    @property
    def sent(self) -> int:
        return sum(stream.sent for stream in self.streams)

    @property
    def lost(self) -> int:
        return sum(stream.lost for stream in self.streams)

    @property
    def longest_loss(self) -> float:
        """Of any flow of any stream, seconds."""
        return max((stream.longest_loss for stream in self.streams), default=0.0)


__all__ = [
    "Bucket",
    "ChannelShare",
    "Delay",
    "FlowResult",
    "LossWindow",
    "ProbeResult",
    "Quality",
    "RequestsResult",
    "StreamResult",
    "TransferResult",
]
