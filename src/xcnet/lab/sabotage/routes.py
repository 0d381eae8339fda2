"""Routes that lead astray."""

from __future__ import annotations

from collections.abc import Callable

from xcnet.model.plan import Plan
from xcnet.netlink import links, routes
from xcnet.netlink.netns import Netns
from xcnet.netlink.routes import NextHop
from xcnet.netlink.socket import NetlinkSocket


def one_way(plan: Plan, netns: Callable[[str], Netns]) -> None:
    """In each gateway the halves of every prefix of the other side, more specific than what BGP has learned, over the first edge."""
    for provider, planned in plan.networks.items():
        gateway = planned.network.gateway
        with NetlinkSocket(netns=netns(gateway)) as netlink:
            for vrf in plan.routers[gateway].vrfs:
                order = next(each for each in plan.orders if each.name == vrf.connection)
                far = [prefix for side, each in order.sides.items() if side != provider for prefix in each.networks]
                for prefix in far:
                    first = next(each for each in vrf.neighbors if each.address.version == prefix.version)
                    hop = NextHop(first.address, links.get(netlink, first.interface).index)
                    halves = prefix.subnets(prefixlen_diff=1)
                    netlink.submit([routes.replace(half, [hop], table=vrf.table) for half in halves])


__all__ = ["one_way"]
