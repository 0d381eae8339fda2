"""When a lab is ready: told by the kernel's own notifications, so that nothing is asked twice while it converges.

The last thing to appear on a connection's path is a route in the gateways' forwarding tables with one next hop for each
channel; it implies that links, keys, sessions and both routing daemons of each router are there. BFD sessions, which
forwarding does not need, are asked for at the end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from socket import AF_INET6

from xcnet.errors import DeadlineError
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.state import bfd_peers
from xcnet.frr.vty import Vty
from xcnet.model.plan import NodeKind, Plan
from xcnet.netlink import routes
from xcnet.netlink.monitor import LinkChange, Monitor, RouteChange, Watch
from xcnet.netlink.netns import Netns
from xcnet.netlink.routes import NextHop, Route
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until_async

_BFD_INTERVAL = 0.25
"""Seconds between two looks at the BFD sessions, which FRR announces nowhere but in its log."""


@dataclass
class _Expectation:
    """What has not been seen yet: secured channel ends, and routes by gateway, table and prefix."""

    channel_ends: set[tuple[str, str]] = field(default_factory=set)
    routes: dict[tuple[str, int, str], int] = field(default_factory=dict)


def expected_routes(plan: Plan) -> dict[tuple[str, int, str], int]:
    """(gateway, table, prefix) -> number of next hops: the other side's subnets over all of the connection's channels."""
    expected: dict[tuple[str, int, str], int] = {}
    gateways = [node for node in plan.nodes if node.kind is NodeKind.GATEWAY]
    for connection in plan.connections:
        sides = []
        for gateway in gateways:
            for vrf in plan.routers[gateway.name].vrfs:
                if vrf.connection == connection.name:
                    sides.append((gateway.name, vrf))
        for node, vrf in sides:
            for other, other_vrf in sides:
                if other != node:
                    for network in other_vrf.networks:
                        expected[(node, vrf.table, str(network))] = len(connection.channels)
    return expected


class PathWatcher:
    """Watches all routers of a plan until their channels are secured and the gateways hold the routes.

    :param seen: told of each thing as it appears: ``("channel", "ch1")``, ``("route", "aws-gw 10.0.0.0/24")``.
    """

    def __init__(
        self, plan: Plan, namespaces: dict[str, Netns], seen: Callable[[str, str], None] | None = None
    ) -> None:
        self._plan = plan
        self._namespaces = namespaces
        self._seen = seen or (lambda _kind, _subject: None)
        self._missing = _Expectation()
        self._changed = asyncio.Event()
        self._monitors: list[tuple[str, Monitor]] = []
        for name, router in plan.routers.items():
            for channel in router.channels:
                # Without a key a channel stays closed: nobody is to wait for it.
                if channel.enabled and channel.keys:
                    self._missing.channel_ends.add((name, channel.device))
        self._missing.routes = expected_routes(plan)
        loop = asyncio.get_running_loop()
        ends = {name for name, _device in self._missing.channel_ends}
        gateways = {name for name, _table, _prefix in self._missing.routes}
        for name in plan.routers:
            watch = Watch(0)
            if name in ends:
                watch |= Watch.LINKS
            if name in gateways:
                watch |= Watch.ROUTES
            if not watch:
                continue
            monitor = Monitor(namespaces[name], watch, protocols=frozenset({routes.PROTOCOL_BGP}))
            self._monitors.append((name, monitor))
            loop.add_reader(monitor.fileno(), self._drain, name, monitor)
        for name, monitor in self._monitors:
            for change in monitor.snapshot():
                self._note(name, change)

    def close(self) -> None:
        loop = asyncio.get_running_loop()
        for _name, monitor in self._monitors:
            loop.remove_reader(monitor.fileno())
            monitor.close()
        self._monitors.clear()

    def _drain(self, name: str, monitor: Monitor) -> None:
        for change in monitor.drain():
            self._note(name, change)

    def _note(self, node: str, change: object) -> None:
        if isinstance(change, LinkChange):
            end = (node, change.link.name)
            if end in self._missing.channel_ends and change.link.up and not change.deleted:
                self._missing.channel_ends.discard(end)
                self._seen("channel", f"{node} {change.link.name}")
                self._changed.set()
        elif isinstance(change, RouteChange) and not change.deleted:
            route = change.route
            key = (node, route.table, str(route.destination))
            wanted = self._missing.routes.get(key)
            if wanted is None:
                return
            hops = route.nexthops
            if len(hops) < wanted and route.destination.version == 6:
                # The kernel announces the next hops of an IPv6 route singly: the table says how many there are.
                hops = self._held(node, route)
            if len(hops) >= wanted:
                del self._missing.routes[key]
                self._seen("route", f"{node} {key[2]}")
                self._changed.set()

    def _held(self, node: str, announced: Route) -> tuple[NextHop, ...]:
        with NetlinkSocket(netns=self._namespaces[node]) as netlink:
            held = routes.dump(netlink, table=announced.table, family=AF_INET6)
        same = [route.nexthops for route in held if route.destination == announced.destination]
        return tuple(hop for hops in same for hop in hops)

    async def channels(self, deadline: Deadline) -> None:
        """Wait until every channel's end is secured.

        :raises DeadlineError: names the ends that are not.
        """
        await self._wait(
            "channels to be secured", lambda: [f"{n} {d}" for n, d in sorted(self._missing.channel_ends)], deadline
        )

    async def routes(self, deadline: Deadline) -> None:
        """Wait until every gateway has every prefix over all channels.

        :raises DeadlineError: names the routes that are not complete.
        """
        await self._wait(
            "routes at the gateways",
            lambda: [f"{n} {prefix} over {hops} channels" for (n, _t, prefix), hops in self._missing.routes.items()],
            deadline,
        )

    async def _wait(self, name: str, missing: Callable[[], list[str]], deadline: Deadline) -> None:
        while missing():
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline.remaining)
            except TimeoutError:
                left = missing()
                if not left:
                    return
                shown = "; ".join(left[:6]) + (f"; and {len(left) - 6} more" if len(left) > 6 else "")
                raise DeadlineError(
                    f"{name}: not within {deadline.seconds:g} s; still missing: {shown}",
                    where=f"topology {self._plan.topology}",
                    remedy="look at 'xcnet status', 'xcnet events' and the daemons' logs in the lab's folder",
                ) from None


async def wait_for_bfd(plan: Plan, dirs: Callable[[str], FrrDirs], deadline: Deadline) -> None:
    """Wait until every BFD session that the plan asks for is up, at both ends.

    :raises DeadlineError: names a router and its sessions that are not.
    """
    missing = {
        name: {neighbor.address for vrf in router.vrfs for neighbor in vrf.neighbors if neighbor.bfd is not None}
        for name, router in plan.routers.items()
    }

    def look() -> str | None:
        for name in [name for name, wanted in missing.items() if wanted]:
            with Vty(dirs(name).socket("bfdd")) as bfdd:
                missing[name] -= {peer.peer for peer in bfd_peers(bfdd) if peer.up}
            if missing[name]:
                # One router that is not there yet is reason enough to look again later, without asking the others.
                return f"{name}: {', '.join(str(address) for address in missing[name])}"
        return None

    async def seen() -> str | None:
        return await asyncio.to_thread(look)

    await wait_until_async(
        "BFD sessions up", seen, deadline, remedy="look at bfdd.log in that node's log folder", interval=_BFD_INTERVAL
    )


__all__ = ["PathWatcher", "expected_routes", "wait_for_bfd"]
