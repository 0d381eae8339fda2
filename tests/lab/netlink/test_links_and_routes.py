"""Links, addresses, routes and listeners, written in batches and read back."""

from __future__ import annotations

import errno
import socket
from ipaddress import ip_address, ip_interface, ip_network
from typing import Any

import pytest

from xcnet.errors import KernelError
from xcnet.netlink import addresses, link_kinds, links, routes, sysctl
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.netns import Netns
from xcnet.netlink.routes import NextHop
from xcnet.netlink.sockdiag import listeners
from xcnet.netlink.socket import NetlinkSocket

pytestmark = pytest.mark.lab


def test_both_ends_of_a_pair_are_made_in_their_namespaces_as_asked(pair: Any) -> None:
    for station, index in ((pair.a, 100), (pair.b, 101)):
        link = station.link(f"p{index - 100}")
        assert (link.index, link.kind, link.mtu, link.mac) == (index, "veth", 9100, station.mac)
        assert link.up
        assert link.carrier
        assert link.operstate == "UP"


def test_a_refusal_names_what_was_asked_where_and_why_and_the_others_are_carried_out(pair: Any) -> None:
    requests = [
        link_kinds.dummy("d0"),
        links.change("nothing", up=True),
        link_kinds.dummy("d0"),
        link_kinds.dummy("d1"),
    ]
    failures = pair.a.netlink.try_submit(requests)
    assert [failure.errno for failure in failures] == [errno.ENODEV, errno.EEXIST]
    assert "cannot set interface nothing: up: the kernel says ENODEV" in failures[0].cause
    assert failures[0].where == f"namespace {pair.a.space.name}"
    assert failures[1].remedy
    assert pair.a.link("d1").kind == "dummy"
    with pytest.raises(KernelError):
        pair.a.netlink.submit(requests)


def test_the_kernels_own_explanation_is_passed_on(pair: Any) -> None:
    with pytest.raises(KernelError, match=r"(?i)mtu"):
        pair.a.netlink.submit([links.change("p0", mtu=10)])


def test_a_thousand_requests_go_in_one_call(pair: Any) -> None:
    pair.a.netlink.submit([addresses.add(100, ip_interface(f"10.{i // 250}.{i % 250}.1/32")) for i in range(1000)])
    assert len(addresses.dump(pair.a.netlink, 100)) == 1000


def test_carrier_follows_the_other_end(pair: Any) -> None:
    pair.b.netlink.submit([links.change("p1", up=False)])
    assert pair.a.link("p0").up
    assert not pair.a.link("p0").carrier
    assert pair.a.link("p0").operstate in ("DOWN", "LOWERLAYERDOWN")


def test_a_vrf_holds_its_interfaces_addresses_and_a_table_above_255(pair: Any) -> None:
    sysctl.write({"net/ipv6/conf/all/disable_ipv6": 0, "net/ipv6/conf/p0/disable_ipv6": 0}, pair.a.space)
    netlink = pair.a.netlink
    netlink.submit([link_kinds.vrf("prod", 1100)])
    vrf = pair.a.link("prod")
    assert vrf.vrf_table == 1100
    netlink.submit(
        [
            links.change("p0", master=vrf.index),
            addresses.add(100, ip_interface("10.0.0.1/24")),
            addresses.add(100, ip_interface("fd00::1/64")),
        ]
    )
    assert pair.a.link("p0").master == vrf.index
    two = [NextHop(ip_address("10.0.0.2"), 100), NextHop(ip_address("10.0.0.3"), 100)]
    six = [NextHop(ip_address("fd00::2"), 100), NextHop(ip_address("fd00::3"), 100)]
    netlink.submit(
        [
            routes.replace(ip_network("10.9.0.0/16"), two, table=1100, protocol=routes.PROTOCOL_BGP),
            routes.replace(ip_network("fd09::/16"), six, table=1100, protocol=routes.PROTOCOL_BGP),
            routes.replace(ip_network("10.8.0.0/16"), kind="blackhole", table=1100),
        ]
    )
    held = {str(route.destination): route for route in routes.dump(netlink, 1100)}
    assert [hop.gateway for hop in held["10.9.0.0/16"].nexthops] == [hop.gateway for hop in two]
    assert {hop.gateway for hop in held["fd09::/16"].nexthops} == {hop.gateway for hop in six}
    assert held["10.9.0.0/16"].protocol == routes.PROTOCOL_BGP
    assert held["10.8.0.0/16"].kind == "blackhole"
    assert held["10.0.0.0/24"].nexthops == (NextHop(None, 100),)
    assert all(route.table == 1100 for route in held.values())
    netlink.submit([routes.delete(ip_network("10.9.0.0/16"), table=1100)] * 2)
    assert "10.9.0.0/16" not in {str(route.destination) for route in routes.dump(netlink, 1100, socket.AF_INET)}


def test_one_family_can_be_asked_for(pair: Any) -> None:
    sysctl.write({"net/ipv6/conf/p0/disable_ipv6": 0}, pair.a.space)
    pair.a.netlink.submit(
        [addresses.add(100, ip_interface("10.0.0.1/24")), addresses.add(100, ip_interface("fd00::1/64"))]
    )
    for family, version in ((socket.AF_INET, 4), (socket.AF_INET6, 6)):
        assert {route.destination.version for route in routes.dump(pair.a.netlink, family=family)} == {version}


def test_a_table_that_never_held_a_route_is_empty(pair: Any) -> None:
    assert routes.dump(pair.a.netlink, 4242) == []


def test_an_ipv6_address_is_usable_at_once(pair: Any) -> None:
    sysctl.write({"net/ipv6/conf/p0/disable_ipv6": 0}, pair.a.space)
    pair.a.netlink.submit([addresses.add(100, ip_interface("fd00::1/64"))] * 2)
    (given,) = [a for a in addresses.dump(pair.a.netlink, 100) if not a.link_local]
    assert not given.tentative
    pair.a.netlink.submit([addresses.delete(100, ip_interface("fd00::1/64"))] * 2)
    assert [a for a in addresses.dump(pair.a.netlink, 100) if not a.link_local] == []


@pytest.mark.parametrize("keep", [0, 1])
def test_ipv6_addresses_go_with_the_link_unless_they_are_to_be_kept(pair: Any, keep: int) -> None:
    pair.make_secy()
    sysctl.write({"net/ipv6/conf/ch1/disable_ipv6": 0, "net/ipv6/conf/ch1/keep_addr_on_down": keep}, pair.a.space)
    pair.a.netlink.submit([addresses.add(pair.a.index, ip_interface("fd00::1/64"))])
    pair.a.netlink.submit([links.change("ch1", up=False)])
    held = [a for a in addresses.dump(pair.a.netlink, pair.a.index) if not a.link_local]
    assert len(held) == keep


def test_default_routes_of_both_families(pair: Any) -> None:
    sysctl.write({"net/ipv6/conf/p0/disable_ipv6": 0}, pair.a.space)
    pair.a.netlink.submit(
        [
            addresses.add(100, ip_interface("10.0.0.1/24")),
            addresses.add(100, ip_interface("fd00::1/64")),
            routes.default(ip_address("10.0.0.254"), 100),
            routes.default(ip_address("fd00::fe"), 100),
        ]
    )
    held = {str(r.destination): r.nexthops for r in routes.dump(pair.a.netlink, routes.MAIN_TABLE)}
    assert held["0.0.0.0/0"] == (NextHop(ip_address("10.0.0.254"), 100),)
    assert held["::/0"] == (NextHop(ip_address("fd00::fe"), 100),)


def test_a_link_can_be_renamed_readdressed_and_described(pair: Any) -> None:
    pair.a.netlink.submit([link_kinds.dummy("d0", mtu=4000, mac="02:00:00:00:00:77", up=True)])
    index = pair.a.link("d0").index
    pair.a.netlink.submit(
        [
            links.change(index, up=False),
            links.change(index, name="d9", mac="02:00:00:00:00:78", alias="a note", mtu=4001),
        ]
    )
    link = pair.a.link("d9")
    assert (link.index, link.mac, link.alias, link.mtu, link.up) == (index, "02:00:00:00:00:78", "a note", 4001, False)
    assert links.find(pair.a.netlink, "d0") is None
    with pytest.raises(KernelError, match="there is no interface d0"):
        links.get(pair.a.netlink, "d0")


def test_listeners_show_the_vrf_they_are_bound_to(spaces: tuple[Netns, Netns]) -> None:
    space = spaces[0]
    with NetlinkSocket(netns=space) as netlink:
        netlink.submit([link_kinds.vrf("prod", 1100)])
        vrf = links.get(netlink, "prod").index
    assert listeners(space) == []
    with space.entered():
        bound, free = socket.socket(), socket.socket(socket.AF_INET6)
    with bound, free:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"prod")
        bound.bind(("0.0.0.0", 179))
        bound.listen()
        free.bind(("::", 8179))
        free.listen()
        assert [(str(found.address), found.index) for found in listeners(space, 179)] == [("0.0.0.0", vrf)]
        assert [(str(found.address), found.index) for found in listeners(space, 8179)] == [("::", 0)]
        assert listeners() == [found for found in listeners() if found.port not in (179, 8179)]


def test_ends_may_be_given_the_same_number_in_different_namespaces(spaces: tuple[Netns, Netns]) -> None:
    with NetlinkSocket() as anywhere:
        anywhere.submit([link_kinds.veth(VethEnd("x", spaces[0], index=500), VethEnd("x", spaces[1], index=500))])
    for space in spaces:
        with NetlinkSocket(netns=space) as inside:
            assert links.get(inside, 500).name == "x"
