"""Addresses on a VRF's own device: the router answers for a customer's network that has no host."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_address, ip_interface, ip_network

import pytest

from xcnet.edge.kernel import RouterKernel
from xcnet.model.desired import RouterState, Vrf, VrfInterface
from xcnet.netlink import addresses, link_kinds, links, netns, routes
from xcnet.netlink.link_kinds import VethEnd
from xcnet.netlink.monitor import AddressChange, Monitor, Watch
from xcnet.netlink.netns import Netns
from xcnet.netlink.routes import NextHop
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

OWN = (ip_interface("10.20.0.1/32"), ip_interface("fd00:10:20::1/128"))
LINK = (ip_interface("100.64.0.1/31"), ip_interface("fd00:100:64::1/127"))
FAR = (ip_interface("100.64.0.0/31"), ip_interface("fd00:100:64::/127"))


@pytest.fixture
def gateway() -> Iterator[tuple[Netns, Netns]]:
    """A gateway, and a neighbour that knows the way to the customer's network."""
    names = ("own-addresses-gw", "own-addresses-far")
    spaces = [netns.create(name) for name in names]
    try:
        with NetlinkSocket() as netlink:
            netlink.submit([link_kinds.veth(*(VethEnd("port", netns=space, mtu=9100) for space in spaces))])
        with NetlinkSocket(netns=spaces[1]) as netlink:
            index = links.get(netlink, "port").index
            netlink.submit([links.change(index, up=True), *(addresses.add(index, each) for each in FAR)])
        yield spaces[0], spaces[1]
    finally:
        for space in spaces:
            space.close()
            netns.delete(space.name)


def state(*own: object) -> RouterState:
    interfaces = [VrfInterface(name="port", parent="port", mtu=9100, addresses=LINK)]
    if own:
        interfaces.append(VrfInterface(name="vrf-x", parent="vrf-x", mtu=8500, addresses=OWN))
    vrf = Vrf(name="vrf-x", connection="x", table=1001, asn=64512, router_id="198.18.0.1", interfaces=tuple(interfaces))
    return RouterState(node="gw", provider="test", ports={"port": 9100}, vrfs=(vrf,))


def apply(space: Netns, wanted: RouterState) -> list[str]:
    with space.entered(), closing(RouterKernel()) as kernel:
        return kernel.apply(wanted)


def held(space: Netns) -> set[str]:
    with NetlinkSocket(netns=space) as netlink:
        index = links.get(netlink, "vrf-x").index
        return {str(each.interface) for each in addresses.dump(netlink, index) if not each.link_local}


def ping(space: Netns, *arguments: str) -> int:
    with space.entered():
        return subprocess.run(["ping", "-c", "1", "-W", "2", *arguments], capture_output=True, check=False).returncode


def test_addresses_come_stay_and_go(gateway: tuple[Netns, Netns]) -> None:
    space, _far = gateway
    changed = apply(space, state(OWN))
    assert f"vrf-x {OWN[0]} added" in changed
    assert held(space) == {str(each) for each in OWN}
    assert apply(space, state(OWN)) == []
    assert f"vrf-x {OWN[0]} removed" in apply(space, state())
    assert held(space) == set()
    assert apply(space, state()) == []


def test_the_router_answers_for_the_customers_network(gateway: tuple[Netns, Netns]) -> None:
    space, far = gateway
    apply(space, state(OWN))
    with NetlinkSocket(netns=far) as netlink:
        index = links.get(netlink, "port").index

        def seen() -> str | None:
            there = links.get(netlink, "port")
            return None if there.operstate == "UP" else there.operstate

        wait_until("the link to be up", seen, Deadline(5), interval=0.01)
        for network, via in (("10.20.0.0/24", LINK[0]), ("fd00:10:20::/64", LINK[1])):
            hop = NextHop(ip_address(via.ip), index)
            netlink.submit([routes.replace(ip_network(network), [hop])])
    for own, back in zip(OWN, FAR, strict=True):
        assert ping(far, str(own.ip)) == 0
        assert ping(space, "-I", "vrf-x", str(back.ip)) == 0
        # With the address as source, which the neighbour answers to because it knows the way to the customer's network.
        assert ping(space, "-I", "vrf-x", "-I", str(own.ip), str(back.ip)) == 0


def test_an_address_given_anew_is_announced_again_and_so_is_the_link_local_one(gateway: tuple[Netns, Netns]) -> None:
    space, _far = gateway
    apply(space, state())
    with NetlinkSocket(netns=space) as netlink:
        index = links.get(netlink, "port").index

        def seen() -> str | None:
            there = [str(each.interface) for each in addresses.dump(netlink, index)]
            return None if len(there) == 3 else f"{there}"

        wait_until("the link-local address", seen, Deadline(5), interval=0.01)
        before = {each.interface for each in addresses.dump(netlink, index)}
        renewed = {LINK[1], *(each for each in before if each.version == 6 and each.ip.is_link_local)}
        with closing(Monitor(space, Watch.ADDRESSES)) as monitor:
            with space.entered(), closing(RouterKernel()) as kernel:
                kernel.renew("port", LINK[1])
            told: dict[bool, set[object]] = {True: set(), False: set()}

            def heard() -> str | None:
                # The kernel says so a moment later (the end of duplicate detection, even where there is none).
                for change in monitor.drain():
                    if isinstance(change, AddressChange) and (change.deleted or change.address.interface in told[True]):
                        told[change.deleted].add(change.address.interface)
                return None if told[False] == renewed else f"{told}"

            wait_until("the addresses to be announced", heard, Deadline(5), interval=0.01)
        assert {each.interface for each in addresses.dump(netlink, index)} == before
    assert told[True] == renewed
