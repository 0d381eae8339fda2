"""A plan becomes namespaces, links, cross-connects and addressed hosts, without a process; and goes without a trace."""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from xcnet.errors import KernelError, LabError
from xcnet.fabric.network import Fabric, build, leftovers, namespace_name, remove_leftovers
from xcnet.model.plan import Impairment, Plan
from xcnet.netlink import addresses, filters, links, netns, qdisc, routes
from xcnet.netlink.monitor import LinkChange, Monitor
from xcnet.netlink.qdisc import Netem
from xcnet.netlink.socket import NetlinkSocket
from xcnet.waiting import Deadline, wait_until

pytestmark = pytest.mark.lab

EAPOL = bytes.fromhex("0180c2000003 020000000005 888e") + bytes(50)
CLEAR = bytes.fromhex("020000000007 020000000005 0800") + bytes(50)


def _children() -> str:
    return Path(f"/proc/self/task/{Path('/proc/thread-self').resolve().name}/children").read_text()


def _await_carrier(fabric: Fabric, node: str, interface: str, wanted: bool = True) -> None:
    with NetlinkSocket(netns=fabric.netns(node)) as netlink:

        def seen() -> str | None:
            link = links.get(netlink, interface)
            return None if (link.operstate == "UP") is wanted else link.operstate

        wait_until(f"{interface} carrier {wanted}", seen, Deadline(5), interval=0.01)


def _tap(fabric: Fabric, node: str, interface: str) -> socket.socket:
    with fabric.netns(node).entered():
        tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    tap.bind((interface, 3))
    tap.settimeout(2)
    return tap


def test_interfaces_are_up_with_the_planned_names_addresses_and_mtus(fabric: Fabric) -> None:
    for link in fabric.plan.links:
        for (node, interface), mac in zip((link.a, link.b), link.mac, strict=True):
            _await_carrier(fabric, node, interface)
            with NetlinkSocket(netns=fabric.netns(node)) as netlink:
                held = links.by_name(netlink)
            assert (held[interface].mtu, held[interface].mac) == (link.mtu, mac)
            assert held["lo"].up


def test_hosts_have_addresses_and_default_routes_of_both_families(fabric: Fabric) -> None:
    with NetlinkSocket(netns=fabric.netns("host")) as netlink:
        index = links.get(netlink, "eth0").index
        given = [a for a in addresses.dump(netlink, index) if not a.link_local]
        table = {str(r.destination): r.nexthops for r in routes.dump(netlink, routes.MAIN_TABLE)}
    assert {a.interface for a in given} == set(fabric.plan.hosts[0].addresses)
    assert not any(a.tentative for a in given)
    assert table["0.0.0.0/0"][0].gateway == ip_address("10.10.0.1")
    assert table["::/0"][0].gateway == ip_address("fd00:10:10::1")


def test_building_starts_no_process(make: Callable[[], Fabric]) -> None:
    before = _children()
    fabric = make()
    assert _children() == before
    assert not any(fabric.node(planned.name).has_shell for planned in fabric.plan.nodes)


def test_the_cross_connect_passes_key_agreement_and_the_gates_pass_nothing_clear(fabric: Fabric) -> None:
    for node in ("edge-a", "edge-b"):
        _await_carrier(fabric, node, "ch1")
    with _tap(fabric, "edge-a", "ch1") as near, _tap(fabric, "edge-b", "ch1") as far:
        with pytest.raises(OSError, match="buffer"):
            near.send(CLEAR)
        near.send(EAPOL)
        assert far.recv(2000) == EAPOL
    with NetlinkSocket(netns=fabric.netns("edge-b")) as netlink:
        counters = filters.gate_counters(netlink, links.get(netlink, "ch1").index)
    assert counters is not None
    ingress, egress = counters
    assert (ingress.eapol, ingress.dropped) == (1, 0)
    # The kernel itself has had nothing to say on a bare port since it came up.
    assert egress.dropped == 0


def test_bare_ports_and_facilities_have_no_ipv6(fabric: Fabric) -> None:
    with NetlinkSocket(netns=fabric.netns("edge-a")) as netlink:
        assert addresses.dump(netlink, links.get(netlink, "ch1").index) == []
    with NetlinkSocket(netns=fabric.netns("fac")) as netlink:
        assert [a for a in addresses.dump(netlink) if a.interface.version == 6] == []


def test_an_impairment_stands_at_the_facilitys_port_and_can_be_changed(fabric: Fabric) -> None:
    facility = fabric.facility("fac")
    assert facility.impairment("ch1-aws").delay == 0.002
    assert facility.impairment("ch1-gcp").idle
    facility.impair("ch1-gcp", Impairment(delay=0.01, loss=0.5, rate=1_000_000))
    assert facility.impairment("ch1-gcp") == Netem(delay=0.01, loss=0.5, rate=1_000_000, limit=1000)
    facility.impair("ch1-gcp", Netem(delay=0.01, duplicate=0.25))
    assert facility.impairment("ch1-gcp").duplicate == 0.25
    facility.impair("ch1-gcp", Impairment())
    with NetlinkSocket(netns=fabric.netns("fac")) as netlink:
        assert [each.kind for each in qdisc.dump(netlink) if each.netem] == ["netem"]


def test_a_cut_fibre_takes_the_routers_carrier_and_a_mended_one_gives_it_back(fabric: Fabric) -> None:
    facility = fabric.facility_of("ch1")
    _await_carrier(fabric, "edge-a", "ch1")
    with Monitor(fabric.netns("edge-a")) as monitor:
        facility.cut("ch1-aws")
        _await_carrier(fabric, "edge-a", "ch1", False)
        lost = [each for each in monitor.drain() if isinstance(each, LinkChange) and each.link.name == "ch1"]
        assert not lost[-1].link.carrier
    _await_carrier(fabric, "edge-b", "ch1")
    facility.mend("ch1-aws")
    _await_carrier(fabric, "edge-a", "ch1")


def test_a_parted_cross_connect_keeps_the_light_and_passes_nothing(fabric: Fabric) -> None:
    facility = fabric.facility("fac")
    for node in ("edge-a", "edge-b"):
        _await_carrier(fabric, node, "ch1")
    assert facility.joined("ch1")
    facility.part("ch1")
    assert not facility.joined("ch1")
    with _tap(fabric, "edge-a", "ch1") as near, _tap(fabric, "edge-b", "ch1") as far:
        far.settimeout(0.1)
        near.send(EAPOL)
        with pytest.raises(TimeoutError):
            far.recv(2000)
        _await_carrier(fabric, "edge-b", "ch1")
        facility.join("ch1")
        far.settimeout(2)
        near.send(EAPOL)
        assert far.recv(2000) == EAPOL


def test_unknown_names_are_refused_with_those_that_there_are(fabric: Fabric) -> None:
    for ask in (
        lambda: fabric.node("nobody"),
        lambda: fabric.netns("nobody"),
        lambda: fabric.facility("host"),
        lambda: fabric.facility_of("ch9"),
        lambda: fabric.facility("fac").cut("ch9-aws"),
        lambda: fabric.facility("fac").part("ch9"),
    ):
        with pytest.raises(LabError) as refused:
            ask()
        assert refused.value.remedy


def test_two_labs_stand_side_by_side_and_one_goes_without_the_other(make: Callable[[str], Fabric]) -> None:
    one, other = make("lab"), make("lab-b")
    assert len(leftovers("lab")) == len(leftovers("lab-b")) == 5
    one.stop()
    one.stop()
    assert leftovers("lab") == []
    assert len(leftovers("lab-b")) == 5
    _await_carrier(other, "edge-a", "ch1")


def test_a_build_that_fails_leaves_nothing_of_its_own(plan: Plan) -> None:
    taken = netns.create(namespace_name("clash", "edge-b"))
    try:
        with pytest.raises(KernelError, match="already"):
            build(plan, "clash")
        assert leftovers("clash") == [taken.name]
    finally:
        taken.close()
        netns.delete(taken.name)


def test_what_a_killed_lab_left_is_found_by_its_name_and_removed(make: Callable[[str], Fabric]) -> None:
    make("killed")
    make("killed-not")
    assert len(remove_leftovers("killed")) == 5
    assert leftovers("killed") == []
    assert len(leftovers("killed-not")) == 5
