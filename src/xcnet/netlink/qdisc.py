"""Queueing disciplines: netem, which makes a veth pair behave like a long or bad fibre, and clsact, which holds filters."""

from __future__ import annotations

import errno as errnos
import math
from dataclasses import dataclass
from typing import Any

from xcnet.netlink import tc_messages as tc
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, Request
from xcnet.netlink.socket import NetlinkSocket, decoder
from xcnet.netlink.tc_messages import tc_message

_WHOLE = 2**32 - 1
_MAX_RATE32 = 2**32 - 1
_NETEM_HANDLE = 0x00100000

_UNLIMITED_BPS = 10_000_000_000
"""What a link without a rate is taken to carry, when the packets in flight on it are reckoned."""

_MEAN_FRAME = 512
_QUEUE_SECONDS = 0.05
_LEAST_LIMIT, _MOST_LIMIT = 1_000, 1_000_000


@dataclass(frozen=True, slots=True)
class Netem:
    """What happens to frames that leave an interface.

    :param delay: seconds. :param jitter: seconds, uniformly around the delay; frames may overtake each other then.
    :param loss: share of frames, 0 to 1; likewise the next three. :param reorder: sent at once, ahead of those waiting; only
        with a delay. :param corrupt: one bit flipped.
    :param rate: bits per second, 0 for no limit.
    :param limit: frames that may wait; 0 reckons it from rate and delay (kernel default 1000 would drop on a long fast link).
    """

    delay: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    corrupt: float = 0.0
    rate: int = 0
    limit: int = 0

    def __post_init__(self) -> None:
        for name in ("loss", "duplicate", "reorder", "corrupt"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} is a share: 0 to 1")
        if self.delay < 0 or self.jitter < 0 or self.rate < 0 or self.limit < 0:
            raise ValueError("delay, jitter, rate and limit are not negative")
        if self.reorder and not self.delay:
            raise ValueError("frames can be reordered only where they are delayed")

    @property
    def idle(self) -> bool:
        """Nothing is asked for."""
        return not any((self.delay, self.jitter, self.loss, self.duplicate, self.reorder, self.corrupt, self.rate))

    @property
    def frames(self) -> int:
        """The limit that is used: given, or what is in flight at the rate plus 50 ms of queue, within 1,000 and a million."""
        if self.limit:
            return self.limit
        seconds = self.delay + self.jitter + (_QUEUE_SECONDS if self.rate else 0)
        in_flight = math.ceil((self.rate or _UNLIMITED_BPS) * seconds / (8 * _MEAN_FRAME))
        return min(max(in_flight, _LEAST_LIMIT), _MOST_LIMIT)


def netem(index: int, settings: Netem) -> Request:
    """Put netem at the root of an interface, or change what is there."""
    message = about(index, tc.TC_H_ROOT, _NETEM_HANDLE)
    attributes: list[tuple[str, Any]] = [
        ("TCA_NETEM_LATENCY64", round(settings.delay * 1e9)),
        ("TCA_NETEM_JITTER64", round(settings.jitter * 1e9)),
        # Sent even when zero: a change keeps whatever is not mentioned.
        ("TCA_NETEM_REORDER", {"probability": _share(settings.reorder)}),
        ("TCA_NETEM_CORRUPT", {"probability": _share(settings.corrupt)}),
        ("TCA_NETEM_RATE", {"rate": min(settings.rate // 8, _MAX_RATE32)}),
    ]
    if settings.rate // 8 > _MAX_RATE32:
        attributes.append(("TCA_NETEM_RATE64", settings.rate // 8))
    options = {
        "limit": settings.frames,
        "loss": _share(settings.loss),
        "duplicate": _share(settings.duplicate),
        "gap": 1 if settings.reorder else 0,
        "attrs": attributes,
    }
    message["attrs"] = [("TCA_KIND", "netem"), ("TCA_OPTIONS", options)]
    what = f"put {settings} on interface number {index}"
    return Request(message, tc.RTM_NEWQDISC, what, NLM_F_CREATE | NLM_F_REPLACE)


def delete_root(index: int) -> Request:
    """Take the qdisc off the root of an interface, with what waits in it. None there: accepted."""
    message = about(index, tc.TC_H_ROOT)
    what = f"take the root qdisc off interface number {index}"
    return Request(message, tc.RTM_DELQDISC, what, tolerate=frozenset({errnos.ENOENT, errnos.EINVAL}))


def clsact(index: int) -> Request:
    """The place that filters of both directions hang on. There already: accepted."""
    message = about(index, tc.TC_H_CLSACT, tc.CLSACT_HANDLE)
    message["attrs"] = [("TCA_KIND", "clsact")]
    what = f"make room for filters on interface number {index}"
    return Request(message, tc.RTM_NEWQDISC, what, NLM_F_CREATE | NLM_F_EXCL, frozenset({errnos.EEXIST}))


def delete_clsact(index: int) -> Request:
    """Take all filters of both directions off an interface. None there: accepted."""
    message = about(index, tc.TC_H_CLSACT, tc.CLSACT_HANDLE)
    what = f"take the filters off interface number {index}"
    return Request(message, tc.RTM_DELQDISC, what, tolerate=frozenset({errnos.ENOENT, errnos.EINVAL}))


@dataclass(frozen=True, slots=True)
class Qdisc:
    """A queueing discipline as it stands. :param netem: what it does, where it is one.
    :param dropped: frames, since it was made."""

    index: int
    kind: str
    netem: Netem | None
    packets: int
    dropped: int


def dump(netlink: NetlinkSocket) -> list[Qdisc]:
    """The qdiscs of the namespace."""
    message = tc_message()
    message["attrs"] = []
    request = Request(message, tc.RTM_GETQDISC, "list the qdiscs")
    return [_parse(each) for each in netlink.dump(request, decoder(tc_message))]


def _parse(message: Any) -> Qdisc:
    kind = message.get_attr("TCA_KIND")
    settings = None
    if kind == "netem":
        options = message.get_attr("TCA_OPTIONS")
        rate = options.get_attr("TCA_NETEM_RATE64")
        if rate is None:
            cell = options.get_attr("TCA_NETEM_RATE")
            rate = cell["rate"] if cell else 0
        settings = Netem(
            delay=(options.get_attr("TCA_NETEM_LATENCY64") or 0) / 1e9,
            jitter=(options.get_attr("TCA_NETEM_JITTER64") or 0) / 1e9,
            loss=_part(options["loss"]),
            duplicate=_part(options["duplicate"]),
            reorder=_chance(options.get_attr("TCA_NETEM_REORDER")),
            corrupt=_chance(options.get_attr("TCA_NETEM_CORRUPT")),
            rate=rate * 8,
            limit=options["limit"],
        )
    packets, dropped = statistics(message.get_attr("TCA_STATS2"))
    return Qdisc(message["index"], kind, settings, packets, dropped)


def statistics(stats: Any) -> tuple[int, int]:
    """Packets and drops out of a decoded TCA_STATS2 or TCA_ACT_STATS."""
    if stats is None:
        return 0, 0
    basic, queue = stats.get_attr("TCA_STATS_BASIC"), stats.get_attr("TCA_STATS_QUEUE")
    return (basic["packets"] if basic else 0), (queue["drops"] if queue else 0)


def about(index: int, parent: int, handle: int = 0) -> Any:
    """A message about a qdisc of this interface, without attributes yet."""
    message = tc_message()
    message["index"] = index
    message["parent"] = parent
    message["handle"] = handle
    message["attrs"] = []
    return message


def _share(value: float) -> int:
    return round(value * _WHOLE)


def _part(value: int) -> float:
    return round(value / _WHOLE, 9)


def _chance(cell: Any) -> float:
    return _part(cell["probability"]) if cell else 0.0


__all__ = ["Netem", "Qdisc", "about", "clsact", "delete_clsact", "delete_root", "dump", "netem", "statistics"]
