"""What a provider's edges have counted on their channels, as the monitor is told: asked for every few seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from xcnet.coordinator.daemon.refused import REFUSED
from xcnet.edge.report import ChannelReport, ProbeReport

_BUSY = 0.8
"""Of what the probed connection is shaped to: beyond, bursts of customers' packets fill the queue, and probes are lost there."""

_CHATTER = 60.0
"""Frames a second that arrive over a channel without traffic: key agreement, BFD, BGP, probes and the answers to them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One channel. :param refused: frames that MACsec has not let in, since the device was made.
    :param busy: so much is sent that shaping loses probes. :param arriving: traffic comes over it.
    """

    refused: int = 0
    busy: bool = False
    arriving: bool = False


class Counters:
    """Makes rates of counters. Has no clock of its own."""

    def __init__(self) -> None:
        self._before: dict[str, tuple[float, ChannelReport]] = {}
        self.channels: dict[str, Counted] = {}

    def note(self, now: float, reports: Iterable[ChannelReport], rates: Mapping[str, ProbeReport]) -> None:
        """:param rates: channel -> what is probed on it."""
        self.channels = {}
        for report in reports:
            then, before = self._before.get(report.name, (now, report))
            self._before[report.name] = now, report
            seconds = now - then
            refused = sum(report.counters.get(each, 0) for each in REFUSED)
            if seconds <= 0:
                self.channels[report.name] = Counted(refused)
                continue
            probed = rates.get(report.name)
            octets = max(_gain(before, report, each) for each in ("OutOctetsEncrypted", "InOctetsDecrypted"))
            limit = probed.rate if probed is not None else None
            self.channels[report.name] = Counted(
                refused=refused,
                busy=limit is not None and 8 * octets / seconds > _BUSY * limit,
                arriving=_gain(before, report, "InPktsOK") / seconds > _CHATTER,
            )


def _gain(before: ChannelReport, now: ChannelReport, counter: str) -> int:
    return max(0, now.counters.get(counter, 0) - before.counters.get(counter, 0))


__all__ = ["Counted", "Counters"]
