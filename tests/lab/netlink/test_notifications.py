"""What changes in a namespace is announced, in order; what was lost is made good."""

from __future__ import annotations

import select
import socket
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from xcnet.netlink import addresses, link_kinds, links, routes
from xcnet.netlink.monitor import AddressChange, LinkChange, Lost, Monitor, RouteChange, Watch

pytestmark = pytest.mark.lab


def test_links_addresses_and_routes_are_announced_as_they_come_and_go(pair: Any) -> None:
    with Monitor(pair.a.space) as monitor:
        assert monitor.drain() == []
        netlink = pair.a.netlink
        netlink.submit([link_kinds.vrf("prod", 1100), link_kinds.dummy("d0", up=True)])
        index, vrf = pair.a.link("d0").index, pair.a.link("prod").index
        hop = routes.NextHop(ip_address("10.0.0.2"), index)
        netlink.submit(
            [
                links.change(index, master=vrf),
                addresses.add(index, ip_interface("10.0.0.1/24")),
                routes.replace(ip_network("10.9.0.0/16"), [hop], table=1100),
                links.delete(index),
            ]
        )
        assert select.select([monitor.fileno()], [], [], 0)[0]
        seen = monitor.drain()
        ours = [each for each in seen if isinstance(each, LinkChange) and each.link.name == "d0"]
        assert [each.deleted for each in ours][-1]
        assert any(each.link.up and each.link.master == vrf for each in ours)
        address = ip_interface("10.0.0.1/24")
        given = [each for each in seen if isinstance(each, AddressChange) and each.address.interface == address]
        assert [each.deleted for each in given] == [False, True]
        routed = [
            each
            for each in seen
            if isinstance(each, RouteChange) and each.route.destination == ip_network("10.9.0.0/16")
        ]
        assert not routed[0].deleted
        assert routed[0].route.table == 1100
        assert routed[0].route.nexthops == (hop,)
        assert monitor.drain() == []
        assert not select.select([monitor.fileno()], [], [], 0)[0]


def test_only_what_is_watched_is_announced(pair: Any) -> None:
    with Monitor(pair.a.space, Watch.ROUTES) as monitor:
        pair.a.netlink.submit([link_kinds.dummy("d0", up=True)])
        pair.a.netlink.submit([addresses.add(pair.a.link("d0").index, ip_interface("10.0.0.1/24"))])
        assert {type(each) for each in monitor.drain()} == {RouteChange}


def test_other_namespaces_are_not_heard(pair: Any) -> None:
    with Monitor(pair.a.space) as monitor:
        pair.b.netlink.submit([link_kinds.dummy("d0", up=True)])
        assert monitor.drain() == []


def test_after_a_loss_the_whole_state_follows(pair: Any) -> None:
    with Monitor(pair.a.space) as monitor:
        # As little room as the kernel allows, so that it has to drop.
        monitor._notifications._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        pair.a.netlink.submit([link_kinds.dummy(f"d{i}") for i in range(60)])
        seen = monitor.drain()
        assert isinstance(seen[0], Lost)
        assert {each.link.name for each in seen[1:] if isinstance(each, LinkChange)} >= {f"d{i}" for i in range(60)}
        assert monitor.drain() == []
        pair.a.netlink.submit([links.delete("d0")])
        assert any(isinstance(each, LinkChange) and each.deleted for each in monitor.drain())


def test_the_snapshot_is_the_state(pair: Any) -> None:
    with Monitor(pair.a.space) as monitor:
        names = {each.link.name for each in monitor.snapshot() if isinstance(each, LinkChange)}
        assert names == {"lo", "p0"}
        assert all(not each.deleted for each in monitor.snapshot())
