"""What a probe finds inside of the lab's kernel; what its host did meanwhile is added by whoever watched that."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from xcnet.probe.analysis import Lateness
from xcnet.probe.load import HostLoad, judge
from xcnet.probe.plan import Limits
from xcnet.probe.results import ChannelShare, ProbeResult, RequestsResult, StreamResult, TransferResult


class Findings(BaseModel):
    """:param worst_lateness_ms: of any packet. :param late: packets more than 10 ms late, :param packets: of so many.
    :param receiver_drops: datagrams for which the probe's own receivers had no room.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    began: float
    ended: float
    streams: tuple[StreamResult, ...]
    shares: tuple[ChannelShare, ...]
    transfers: tuple[TransferResult, ...] = ()
    requests: tuple[RequestsResult, ...] = ()
    worst_lateness_ms: float
    late: int
    packets: int
    receiver_drops: int

    def judged(self, load: HostLoad, limits: Limits) -> ProbeResult:
        """The whole result."""
        late = Lateness(self.worst_lateness_ms, self.late, self.packets)
        return ProbeResult(
            began=self.began,
            ended=self.ended,
            streams=self.streams,
            shares=self.shares,
            quality=judge(late, self.receiver_drops, load, limits),
            transfers=self.transfers,
            requests=self.requests,
        )


class Progress(BaseModel):
    """While it runs. :param seconds: since measuring began. :param sent: datagrams, :param arrived: of them, copies and those of
    the warm-up included: the difference is what is lost or still under way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float
    sent: int
    arrived: int


__all__ = ["Findings", "Progress"]
