from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from ipaddress import ip_interface

import pytest
from wire import PORT, Wire

from xcnet.netlink import addresses, link_kinds, links, netns, sysctl
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

_names = itertools.count(1)
_MACS = ("02:00:00:00:00:0a", "02:00:00:00:00:0b")


@pytest.fixture
def wire() -> Iterator[Wire]:
    """Without IPv6: a kernel that has it says things of its own, which counters would count."""
    yield from _made((4,))


@pytest.fixture
def both() -> Iterator[Wire]:
    """With IPv4 and IPv6."""
    yield from _made((4, 6))


def _made(versions: tuple[int, ...]) -> Iterator[Wire]:
    spaces = [netns.create(f"p{os.getpid()}.{next(_names)}") for _ in range(2)]
    for space in spaces:
        quiet = {"accept_dad": 0, "router_solicitations": 0, "autoconf": 0, "disable_ipv6": int(6 not in versions)}
        sysctl.write({f"net/ipv6/conf/default/{name}": value for name, value in quiet.items()}, space)
    with NetlinkSocket() as anywhere:
        ends = [VethEnd(PORT, spaces[i], _MACS[i], 1500, 100 + i) for i in range(2)]
        anywhere.submit([link_kinds.veth(ends[0], ends[1])])
    made = Wire(spaces[0], spaces[1])
    for i, space in enumerate(spaces):
        with NetlinkSocket(netns=space) as netlink:
            netlink.submit([links.change("lo", up=True), links.change(100 + i, ipv6_link_local=False)])
            netlink.submit([links.change(100 + i, up=True)])
            given = [ip_interface(f"10.0.0.{i + 1}/24"), ip_interface(f"fd00::{i + 1}/64")]
            netlink.submit([addresses.add(100 + i, each) for each in given if each.version in versions])
    for run, other in ((made.in_a, 1), (made.in_b, 0)):
        for address in (f"10.0.0.{other + 1}", f"fd00::{other + 1}")[: len(versions)]:
            run("ip", "neigh", "replace", address, "lladdr", _MACS[other], "dev", PORT, "nud", "permanent")
    for i, space in enumerate(spaces):
        with NetlinkSocket(netns=space) as netlink:

            def seen(netlink: NetlinkSocket = netlink, index: int = 100 + i) -> str | None:
                state = links.get(netlink, index).operstate
                return None if state == "UP" else state

            wait_until(f"{PORT} to be up", seen, Deadline(5.0), interval=0.01)
    yield made
    for space in spaces:
        netns.delete(space.name)
        space.close()
