"""What a lab holds, as lines that can be compared: its routers' kernels, and its coordinators' stores.

Taken twice of a lab that stands idle it is the same; whatever differs was left by what happened in between.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from xcnet.netlink import addresses, filters, links, netns, obstacles, qdisc, routes, shaping
from xcnet.netlink.macsec import Macsec
from xcnet.netlink.socket import NetlinkSocket

Inventory = Mapping[str, tuple[str, ...]]
"""A node's or coordinator's name -> its lines."""

KERNEL = "xcnet.lab.inventory:kernel"
"""For :func:`xcnet.lab.requests.call`."""

QUERIES = ("environments", "connections", "maintenance", "issues", "workflows")
"""Of a coordinator: everything that it knows of the world but the time."""

_CHANGING = frozenset({"generation", "applied", "waits_for"})
_CLOCK_STEP = 10.0
"""Seconds: differences of policy time below it are the clocks' own."""


def kernel(view: Mapping[str, Any]) -> dict[str, list[str]]:
    """Inside the lab: node -> interfaces, addresses, routes, queues, filters and SecYs of its namespace."""
    return {node: list(_of_node(path)) for node, path in view["nodes"].items()}


def _of_node(path: str) -> Iterator[str]:
    with (
        netns.open_named(path.rpartition("/")[2]) as space,
        NetlinkSocket(netns=space) as netlink,
        Macsec(space) as macsec,
    ):
        there = links.dump(netlink)
        names = {link.index: link.name for link in there}
        for link in there:
            # An index is a matter of history, and so is the association in use.
            secy = replace(link.macsec, encoding_sa=0) if link.macsec else None
            yield f"link {replace(link, index=0, parent=0, master=0, macsec=secy)} in {names.get(link.master)}"
            yield f"splice {link.name} {names.get(filters.spliced_to(netlink, link.index) or 0)}"
            yield f"gate {link.name} {filters.gate_counters(netlink, link.index) is not None}"
            for priority, (what, _) in obstacles.standing(netlink, link.index).items():
                yield f"dropping {link.name} {priority} {what}"
        for address in addresses.dump(netlink):
            yield f"address {names.get(address.index)} {address.interface}"
        for each in qdisc.dump(netlink):
            yield f"qdisc {names.get(each.index)} {each.kind} {each.netem}"
        for index, shaper in shaping.dump(netlink).items():
            yield f"shaper {names.get(index)} {shaper}"
        for index, secy_held in macsec.dump().items():
            yield f"secy {names.get(index)} {secy_held.operational} {len(secy_held.tx_sas)} {len(secy_held.rx_scs)}"
        for route in routes.dump(netlink):
            hops = sorted(f"{names.get(hop.index)} {replace(hop, index=0)}" for hop in route.nexthops)
            yield f"route {replace(route, nexthops=())} {hops}"


def store(provider: str, answers: Mapping[str, Any], ahead: float) -> dict[str, tuple[str, ...]]:
    """:param answers: of :data:`QUERIES`, by name. :param ahead: seconds that policy time is ahead of the wall's."""
    lines = [line for name, answer in answers.items() for line in _flat(name, answer)]
    lines.append(f"policy time {round(ahead / _CLOCK_STEP) * _CLOCK_STEP:g} s ahead")
    return {f"coordinator of {provider}": tuple(sorted(lines))}


def _flat(name: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in _CHANGING:
                yield from _flat(f"{name}.{key}", each)
    elif isinstance(value, list | tuple):
        for each in value:
            # By name where there is one, so that one more moves no others.
            called = (each.get("name") or each.get("id") or "") if isinstance(each, dict) else ""
            yield from _flat(f"{name}[{called}]", each)
    else:
        yield f"{name} {value}"


def differences(before: Inventory, after: Inventory) -> list[str]:
    """``+`` what has come, ``-`` what has gone, each with its place."""
    found = []
    for place in sorted(before.keys() | after.keys()):
        one, other = before.get(place, ()), after.get(place, ())
        found += [f"+ {place}: {line}" for line in sorted(set(other) - set(one))]
        found += [f"- {place}: {line}" for line in sorted(set(one) - set(other))]
    return found


_LASTING = (".keys[", ".bandwidth_mbps ", ".created ", ".uuid ", ".id ", "policy time ", "issues[", "maintenance[")


def lasting(line: str) -> bool:
    """Whether a difference is there for good: of what was agreed on, not of what is seen."""
    return any(mark in line for mark in _LASTING)


__all__ = ["KERNEL", "QUERIES", "Inventory", "differences", "kernel", "lasting", "store"]
