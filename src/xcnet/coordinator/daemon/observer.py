"""What the own routers show, told to the core: associations in use, connections that work, channels that carry them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon.routers import Router, RouterDriver
from xcnet.coordinator.world import ChannelFact
from xcnet.errors import XcnetError
from xcnet.frr.lifecycle import FrrDirs
from xcnet.frr.state import read
from xcnet.model.network import ProviderNetwork
from xcnet.netlink import routes
from xcnet.netlink.netns import open_named
from xcnet.netlink.socket import NetlinkSocket


class RouterObserver:
    def __init__(self, core: Core, network: ProviderNetwork, driver: RouterDriver, turn: Callable[[], None]) -> None:
        self._core, self._network, self._driver, self._turn = core, network, driver, turn
        self._seen: dict[str, Any] = {}

    async def watch(self, node: str, router: Router) -> None:
        while True:
            await asyncio.sleep(0.3)
            try:
                self._seen[node] = await self._look(node, router)
            except (XcnetError, OSError):
                continue
            self._tell()

    async def _look(self, node: str, router: Any) -> Any:
        report = await router.status()
        folder = router.socket.parent
        lab = folder.parent.name
        dirs = FrrDirs.of(folder, folder)
        routing = await asyncio.to_thread(read, dirs)
        name = f"xcnet.{lab}.{node}"
        fib = set()
        with NetlinkSocket(netns=open_named(name)) as netlink:
            index = {link.index: link.name for link in _links(netlink)}
            for route in routes.dump(netlink):
                if route.protocol == routes.PROTOCOL_BGP:
                    for hop in route.nexthops:
                        fib.add((route.table, index.get(hop.index), route.destination.version))
        return report, routing, fib

    def _tell(self) -> None:
        view = self._driver.view
        if view is None:
            return
        channels, up, carrying = {}, {}, {}
        for node, (report, _routing, _fib) in self._seen.items():
            for each in report.channels:
                channels[each.name] = ChannelFact(each.association if each.secured else None, not each.old_key_installed)
        gateway = self._seen.get(self._network.gateway)
        states = self._driver.states
        for attachment in view.attachments:
            uuid = view.uuids[attachment.vrf]
            for feature in attachment.features:
                port = self._network.channel(feature.channel)
                node = self._network.edges[port.edge]
                seen = self._seen.get(node)
                if seen is None or gateway is None:
                    continue
                interface = f"{port.port}.{feature.vlan}"
                versions = {address.version for address in feature.peers}
                sessions = {str(s.peer) for s in seen[1].sessions if s.vrf == attachment.vrf and s.established}
                bfd = {str(p.peer) for p in seen[1].bfd_peers if p.vrf == attachment.vrf and p.up}
                state = next(v for v in states[node].vrfs if v.name == attachment.vrf)
                wanted = {str(n.address) for n in state.neighbors if n.interface == interface}
                wanted_bfd = {str(n.address) for n in state.neighbors if n.interface == interface and n.bfd}
                drained = any(n.drained for n in state.neighbors if n.interface == interface)
                fib = {version for table, name, version in seen[2] if table == attachment.table and name == interface}
                inside = {version for table, name, version in gateway[2] if table == attachment.table and (name or "").partition(".")[0] == port.edge}
                up[uuid, feature.channel] = wanted <= sessions and wanted_bfd <= bfd and (drained or versions <= fib)
                carrying[uuid, feature.channel] = bool(fib & inside)
        self._core.observe(channels, up, carrying)
        self._turn()


def _links(netlink: Any) -> Any:
    from xcnet.netlink import links

    return links.dump(netlink)
