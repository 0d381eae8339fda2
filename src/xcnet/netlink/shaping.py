"""Shaping: an interface that sends no faster than it may, by a token bucket filter at its root."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from xcnet.model.desired import LEAST_RATE, MOST_RATE
from xcnet.netlink import batch, qdisc
from xcnet.netlink import tc_messages as tc
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_REPLACE, Request
from xcnet.netlink.socket import NetlinkSocket
from xcnet.netlink.tc_messages import tc_message

_HANDLE = 0x00200000
_TICK = 64
"""Nanoseconds. The kernel's unit for the time that a full bucket takes to fill (``PSCHED_SHIFT``)."""

_LINKLAYER_ETHERNET = 1
_MAX_RATE32 = 2**32 - 1
_NO_PEAK = bytes(12)

_HEADER = struct.Struct("=B3xiIII")
"""``tcmsg``: family, index of the interface, handle, parent, info."""
_BODY, _ATTRIBUTES = 16, 36
_TCA_KIND, _TCA_OPTIONS = 1, 2
_TBF_PARMS, _TBF_RATE64 = 1, 4
_PARMS = struct.Struct("=8xI12xII")
"""``tc_tbf_qopt``: the rate in bytes per second, limit, time that the bucket takes to fill."""

_BURST_SECONDS = 0.01
"""What may leave at once after a pause. A bucket that is full loses the tokens that come while its timer is late: it must
hold what comes in the coarsest timer's tick (a kernel with HZ=100 and without high-resolution timers: 10 ms), or the rate
is not met."""

_QUEUE_SECONDS = 0.05
"""What may wait, beyond a burst: as long as a good router's buffers, so that TCP fills the rate and BFD is not starved."""

_MOST_QUEUE = 64 * 2**20
"""Bytes. Above some 10 Gbit/s it is memory that bounds the queue."""

_LEAST_FRAMES = 16
"""Frames of full size that may wait however slow the rate: less than an initial TCP window would be lost at its start."""

_FRAME_OVERHEAD = 14 + 4
"""Bytes of Ethernet header and VLAN tag, which the kernel counts too."""


@dataclass(frozen=True, slots=True)
class Shaper:
    """A token bucket.

    :param rate: bits per second. :param burst: bytes that may be sent at once. :param limit: bytes that may wait.
    """

    rate: int
    burst: int
    limit: int

    @classmethod
    def of(cls, rate: int, mtu: int) -> Shaper:
        """The bucket for a rate, in bits per second, on an interface with this MTU.

        The burst is 10 ms of the rate and no less than two frames: a frame longer than the burst could never leave. Super-packets
        of segmentation offload are up to 64 KiB long and pass whole where the burst holds them (from 52 Mbit/s); below
        that the kernel cuts them into frames before they are queued, which at such rates costs little.
        """
        if not LEAST_RATE <= rate <= MOST_RATE:
            raise ValueError(f"a rate is {LEAST_RATE} to {MOST_RATE} bit/s")
        frame = mtu + _FRAME_OVERHEAD
        burst = max(round(rate / 8 * _BURST_SECONDS), 2 * frame)
        queue = min(max(round(rate / 8 * _QUEUE_SECONDS), _LEAST_FRAMES * frame), _MOST_QUEUE)
        return cls(rate, burst, burst + queue)

    def like(self, other: Shaper | None) -> bool:
        """True if the kernel would show both alike: it holds whole bytes per second, and the burst as a time in ticks."""
        if other is None or self.rate // 8 != other.rate // 8 or self.limit != other.limit:
            return False
        return abs(self.burst - other.burst) <= 2 + 2 * _TICK * self.rate / 8e9


def shape(index: int, shaper: Shaper) -> Request:
    """Put a shaper at the root of an interface; where one of ours is already, change it: what waits in it stays in order.

    Where there is none yet, what the interface is given in that moment may be lost: have it down.
    """
    rate = shaper.rate // 8
    parms = {
        "linklayer": _LINKLAYER_ETHERNET,
        "rate": min(rate, _MAX_RATE32),
        "peakrate": _NO_PEAK,
        "limit": shaper.limit,
        "buffer": min(round(shaper.burst * 1e9 / rate / _TICK), _MAX_RATE32),
    }
    # The burst in bytes: the kernel derives both the time and the longest frame from it, without loss.
    attributes: list[tuple[str, Any]] = [("TCA_TBF_PARMS", parms), ("TCA_TBF_BURST", shaper.burst)]
    if rate > _MAX_RATE32:
        attributes.append(("TCA_TBF_RATE64", rate))
    message = qdisc.about(index, tc.TC_H_ROOT, _HANDLE)
    message["attrs"] = [("TCA_KIND", "tbf"), ("TCA_OPTIONS", {"attrs": attributes})]
    what = f"shape interface number {index} to {shaper.rate} bit/s"
    return Request(message, tc.RTM_NEWQDISC, what, NLM_F_CREATE | NLM_F_REPLACE)


def dump(netlink: NetlinkSocket) -> dict[int, Shaper]:
    """The shapers of the namespace, by the index of the interface at whose root they are."""
    message = tc_message()
    message["attrs"] = []
    found = netlink.dump(Request(message, tc.RTM_GETQDISC, "list the shapers"), _parse)
    return dict(each for each in found if each is not None)


def _parse(message: bytes) -> tuple[int, Shaper] | None:
    """The interface and its shaper; None of any other qdisc."""
    _family, index, handle, _parent, _info = _HEADER.unpack_from(message, _BODY)
    if handle != _HANDLE:
        return None
    held = batch.attributes(message, _ATTRIBUTES)
    if batch.text(held.get(_TCA_KIND)) != "tbf":
        return None
    options = batch.attributes(held[_TCA_OPTIONS])
    rate32, limit, buffer = _PARMS.unpack_from(options[_TBF_PARMS])
    rate = batch.number(options.get(_TBF_RATE64)) or rate32
    return index, Shaper(rate * 8, round(buffer * _TICK * rate / 1e9), limit)


__all__ = ["Shaper", "dump", "shape"]
