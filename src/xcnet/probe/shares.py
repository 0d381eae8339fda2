"""How traffic spreads over the channels: counters of the facilities' ports, read now and then."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise

from xcnet.model.plan import PlannedChannel
from xcnet.netlink import counters, links
from xcnet.netlink.netns import Netns
from xcnet.netlink.socket import NetlinkSocket
from xcnet.probe.results import ChannelShare

SAMPLE_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Sample:
    """Frames that had left the facility's ports by then, towards either router. :param at: CLOCK_MONOTONIC, seconds."""

    at: float
    frames: dict[str, int]


class ShareReader:
    """Reads the counters of both ports of every channel. Use it in ``with``.

    What leaves a port has crossed the channel, whatever the fibre before it did to other frames.

    :param facilities: facility -> its namespace.
    """

    def __init__(self, channels: Sequence[PlannedChannel], facilities: Mapping[str, Netns]) -> None:
        self._stack = ExitStack()
        self._sockets: dict[str, NetlinkSocket] = {}
        self._ports: dict[str, tuple[str, tuple[int, ...]]] = {}
        for channel in channels:
            if channel.facility not in self._sockets:
                opened = NetlinkSocket(netns=facilities[channel.facility])
                self._sockets[channel.facility] = self._stack.enter_context(opened)
        found = {facility: links.by_name(netlink) for facility, netlink in self._sockets.items()}
        for channel in channels:
            ports = found[channel.facility]
            indexes = tuple(ports[end.facility_port].index for end in channel.ends)
            self._ports[channel.name] = (channel.facility, indexes)

    def sample(self) -> Sample:
        """:raises KernelError: the kernel refuses."""
        counted = {facility: counters.packets(netlink) for facility, netlink in self._sockets.items()}
        frames = {
            channel: sum(counted[facility][index].sent for index in indexes if index in counted[facility])
            for channel, (facility, indexes) in self._ports.items()
        }
        return Sample(time.monotonic(), frames)

    def close(self) -> None:
        self._stack.close()

    def __enter__(self) -> ShareReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def shares(samples: Sequence[Sample], seconds: float) -> tuple[ChannelShare, ...]:
    """What crossed between samples, gapless. :param seconds: of each span at least; the last one may be shorter."""
    kept = list(samples[:1])
    for sample in samples[1:-1]:
        # Samples come a little more or less than their pace apart.
        if sample.at - kept[-1].at >= 0.9 * seconds:
            kept.append(sample)
    kept += samples[1:][-1:]
    return tuple(
        ChannelShare(
            start=one.at,
            seconds=other.at - one.at,
            frames={channel: count - one.frames.get(channel, 0) for channel, count in other.frames.items()},
        )
        for one, other in pairwise(kept)
    )


__all__ = ["SAMPLE_SECONDS", "Sample", "ShareReader", "shares"]
