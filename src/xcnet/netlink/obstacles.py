"""Obstacles on an interface's way out: filters that drop some frames, each put there and taken away by itself."""

from __future__ import annotations

import errno as errnos
from dataclasses import dataclass
from typing import Any

from xcnet.netlink import qdisc
from xcnet.netlink import tc_messages as tc
from xcnet.netlink.filters import filters_of, first_action, swapped
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request
from xcnet.netlink.socket import NetlinkSocket

ETHERNET_HEADER = 14
_ETHERTYPE_ALL = 0x0003
_ON, _DROP = -1, 2
"""TC_ACT_UNSPEC: the next filter has its say; TC_ACT_SHOT."""

_NO_RATES = bytes(24)


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What is dropped.

    :param ethertype: only frames with this outermost EtherType; None for all.
    :param longer_than: only frames whose Ethernet payload has more bytes than this; None for all. Of a super-packet of
        segmentation offload the frames count that it will be cut into.
    """

    ethertype: int | None = None
    longer_than: int | None = None


def put(index: int, priority: int, what: Obstacle) -> list[Request]:
    """Drop such frames from now on, on their way out of an interface.

    :param priority: 1 to 65535: its place among the interface's filters, by which it is taken away again.
    """
    message = _about(index, priority, what)
    action: str
    options: dict[str, Any]
    if what.longer_than is None:
        action, options = "gact", {"attrs": [("TCA_GACT_PARMS", {"action": _DROP})]}
    else:
        parms = {"action": _DROP, "mtu": what.longer_than + ETHERNET_HEADER, "rates": _NO_RATES}
        limits: list[tuple[str, Any]] = [("TCA_POLICE_TBF", parms), ("TCA_POLICE_RESULT", _ON)]
        action, options = "police", {"attrs": limits}
    actions = {"attrs": [("FIRST", {"attrs": [("TCA_ACT_KIND", action), ("TCA_ACT_OPTIONS", options)]})]}
    message["handle"] = 1
    message["attrs"] = [("TCA_KIND", "matchall"), ("TCA_OPTIONS", {"attrs": [("TCA_MATCHALL_ACT", actions)]})]
    text = f"drop what leaves interface number {index} ({what})"
    return [qdisc.clsact(index), Request(message, tc.RTM_NEWTFILTER, text, NLM_F_CREATE | NLM_F_EXCL)]


def take(index: int, priority: int, what: Obstacle) -> Request:
    """Undo :func:`put`. Gone already: accepted."""
    message = _about(index, priority, what)
    message["attrs"] = [("TCA_KIND", "matchall")]
    text = f"let pass again what leaves interface number {index} ({what})"
    return Request(message, tc.RTM_DELTFILTER, text, tolerate=frozenset({errnos.ENOENT, errnos.EINVAL}))


def standing(netlink: NetlinkSocket, index: int) -> dict[int, tuple[Obstacle, int]]:
    """Priority -> the obstacle that the kernel holds there, and how many frames it has dropped."""
    found: dict[int, tuple[Obstacle, int]] = {}
    for each in filters_of(netlink, index, tc.EGRESS):
        action = first_action(each)
        if action is None:
            continue
        ethertype: int | None = swapped(each["info"] & 0xFFFF)
        ethertype = None if ethertype == _ETHERTYPE_ALL else ethertype
        kind, options = action.get_attr("TCA_ACT_KIND"), action.get_attr("TCA_ACT_OPTIONS")
        longer_than = None
        if kind == "police":
            longer_than = options.get_attr("TCA_POLICE_TBF")["mtu"] - ETHERNET_HEADER
        elif kind != "gact" or options.get_attr("TCA_GACT_PARMS")["action"] != _DROP:
            continue
        _packets, dropped = qdisc.statistics(action.get_attr("TCA_ACT_STATS"))
        found[each["info"] >> 16] = Obstacle(ethertype, longer_than), dropped
    return found


def _about(index: int, priority: int, what: Obstacle) -> Any:
    message = qdisc.about(index, tc.EGRESS)
    ethertype = _ETHERTYPE_ALL if what.ethertype is None else what.ethertype
    message["info"] = priority << 16 | swapped(ethertype)
    return message


__all__ = ["ETHERNET_HEADER", "Obstacle", "put", "standing", "take"]
