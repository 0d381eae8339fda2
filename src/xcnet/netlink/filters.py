"""Filters on an interface: the splice of two ports, and the gate of a channel's port, which lets in and out only MACsec."""

from __future__ import annotations

import errno as errnos
from dataclasses import dataclass
from typing import Any

from xcnet.netlink import qdisc
from xcnet.netlink import tc_messages as tc
from xcnet.netlink.request import NLM_F_CREATE, NLM_F_EXCL, Request
from xcnet.netlink.socket import NetlinkSocket, decoder
from xcnet.netlink.tc_messages import tc_message

ETHERTYPE_MACSEC = 0x88E5
ETHERTYPE_EAPOL = 0x888E
_ETHERTYPE_ALL = 0x0003

_PASS, _DROP, _STOLEN = 0, 2, 4
_EGRESS_REDIRECT = 1


@dataclass(frozen=True, slots=True)
class GateCounters:
    """What a channel port's gate saw in one direction, in frames, since it was set up."""

    macsec: int = 0
    eapol: int = 0
    dropped: int = 0


def splice(one: int, other: int) -> list[Request]:
    """Join two interfaces of a namespace: every frame that comes in at one leaves at the other, whatever it is.

    A bridge would keep 01:80:C2:00:00:03, the address of MKA, to itself.
    """
    requests = []
    for source, target in ((one, other), (other, one)):
        redirect = {
            "attrs": [("TCA_MIRRED_PARMS", {"action": _STOLEN, "eaction": _EGRESS_REDIRECT, "ifindex": target})]
        }
        what = f"send what comes in at interface number {source} out at {target}"
        joining = _filter(source, tc.INGRESS, _ETHERTYPE_ALL, 1, "mirred", redirect, what)
        # The kernel does not replace a filter of this kind: one that stands there, perhaps to another port, goes first.
        requests += [qdisc.clsact(source), _deletefilters_of(source, tc.INGRESS), joining]
    return requests


def unsplice(one: int, other: int) -> list[Request]:
    """Undo :func:`splice`: frames end at the ports."""
    return [qdisc.delete_clsact(one), qdisc.delete_clsact(other)]


def gate(index: int) -> list[Request]:
    """Let nothing but EtherTypes 0x88E5 and 0x888E pass an interface, in either direction; count what is dropped.

    The EtherType is the outermost: a VLAN-tagged frame is dropped. A program that sends one with a raw socket is told
    ENOBUFS. Safe to repeat: what stands already stays, with its counters, so that it is never open in between.
    """
    requests = [qdisc.clsact(index)]
    for parent in (tc.INGRESS, tc.EGRESS):
        # Each protocol is a filter of its own priority: the kernel has one protocol to a priority.
        for priority, (ethertype, action) in enumerate(
            ((ETHERTYPE_MACSEC, _PASS), (ETHERTYPE_EAPOL, _PASS), (_ETHERTYPE_ALL, _DROP)), start=1
        ):
            options = {"attrs": [("TCA_GACT_PARMS", {"action": action})]}
            what = f"gate interface number {index}"
            requests.append(
                _filter(index, parent, ethertype, priority, "gact", options, what).tolerating(errnos.EEXIST)
            )
    return requests


def ungate(index: int) -> Request:
    """Undo :func:`gate`."""
    return qdisc.delete_clsact(index)


def gate_counters(netlink: NetlinkSocket, index: int) -> tuple[GateCounters, GateCounters] | None:
    """Ingress and egress counters of a gate; None if the interface has none, or not a whole one."""
    directions = []
    for parent in (tc.INGRESS, tc.EGRESS):
        seen: dict[int, int] = {}
        for ethertype, action, packets, drops in _dump(netlink, index, parent):
            if action in (_PASS, _DROP):
                seen[ethertype] = drops if action == _DROP else packets
        if set(seen) != {ETHERTYPE_MACSEC, ETHERTYPE_EAPOL, _ETHERTYPE_ALL}:
            return None
        directions.append(GateCounters(seen[ETHERTYPE_MACSEC], seen[ETHERTYPE_EAPOL], seen[_ETHERTYPE_ALL]))
    return directions[0], directions[1]


def spliced_to(netlink: NetlinkSocket, index: int) -> int | None:
    """The index of the interface that frames coming in here are sent out at; None if they are not."""
    for each in filters_of(netlink, index, tc.INGRESS):
        action = first_action(each)
        if action is not None and action.get_attr("TCA_ACT_KIND") == "mirred":
            parameters = action.get_attr("TCA_ACT_OPTIONS").get_attr("TCA_MIRRED_PARMS")
            return int(parameters["ifindex"])
    return None


def _filter(
    index: int, parent: int, ethertype: int, priority: int, action: str, options: dict[str, Any], what: str
) -> Request:
    message = tc_message()
    message["index"] = index
    message["parent"] = parent
    message["handle"] = 1
    message["info"] = priority << 16 | swapped(ethertype)
    actions = {
        "attrs": [("FIRST", {"attrs": [("TCA_ACT_KIND", action), ("TCA_ACT_OPTIONS", options)]})],
    }
    message["attrs"] = [("TCA_KIND", "matchall"), ("TCA_OPTIONS", {"attrs": [("TCA_MATCHALL_ACT", actions)]})]
    return Request(message, tc.RTM_NEWTFILTER, what, NLM_F_CREATE | NLM_F_EXCL)


def _deletefilters_of(index: int, parent: int) -> Request:
    message = tc_message()
    message["index"] = index
    message["parent"] = parent
    message["attrs"] = []
    what = f"take the filters off interface number {index}"
    return Request(message, tc.RTM_DELTFILTER, what, tolerate=frozenset({errnos.ENOENT, errnos.EINVAL}))


def filters_of(netlink: NetlinkSocket, index: int, parent: int) -> list[Any]:
    """The filters of one direction of an interface, as the kernel tells of them."""
    message = tc_message()
    message["index"] = index
    message["parent"] = parent
    message["attrs"] = []
    request = Request(message, tc.RTM_GETTFILTER, f"list the filters of interface number {index}")
    return netlink.dump(request, decoder(tc_message))


def _dump(netlink: NetlinkSocket, index: int, parent: int) -> list[tuple[int, int, int, int]]:
    """(EtherType, action, packets, drops) of each matchall filter with a gact action."""
    found = []
    for each in filters_of(netlink, index, parent):
        action = first_action(each)
        if action is None or action.get_attr("TCA_ACT_KIND") != "gact":
            continue
        packets, drops = qdisc.statistics(action.get_attr("TCA_ACT_STATS"))
        verdict = action.get_attr("TCA_ACT_OPTIONS").get_attr("TCA_GACT_PARMS")["action"]
        found.append((swapped(each["info"] & 0xFFFF), verdict, packets, drops))
    return found


def first_action(message: Any) -> Any | None:
    """The first action of a matchall filter; None for any other message."""
    options = message.get_attr("TCA_OPTIONS")
    # The dump shows each filter's head first, which has no options.
    if message.get_attr("TCA_KIND") != "matchall" or options is None or isinstance(options, str):
        return None
    actions = options.get_attr("TCA_MATCHALL_ACT")
    return actions.get_attr("FIRST") if actions else None


def swapped(value: int) -> int:
    """An EtherType in the other byte order."""
    return int.from_bytes(value.to_bytes(2, "big"), "little")


__all__ = [
    "ETHERTYPE_EAPOL",
    "ETHERTYPE_MACSEC",
    "GateCounters",
    "filters_of",
    "first_action",
    "gate",
    "gate_counters",
    "splice",
    "spliced_to",
    "swapped",
    "ungate",
    "unsplice",
]
