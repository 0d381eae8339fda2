"""Waiting for bgpd to know its addresses, with a daemon that learns of them one look after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_address, ip_interface
from typing import Any, cast

import pytest

from xcnet.frr import addresses
from xcnet.frr.vty import Answer, Vty
from xcnet.model.desired import BgpNeighbor, RouterState, Vrf, VrfInterface
from xcnet.waiting import Deadline

OWN = {ip_address("10.0.0.1"), ip_address("fd00::1")}


class Learning:
    """Answers each look at a VRF with the next of the texts, the last one for ever."""

    def __init__(self, texts: Sequence[tuple[str, int]]) -> None:
        self.asked: list[str] = []
        self._texts = iter(texts)
        self._last = ("", 0)

    def try_run(self, commands: Sequence[str]) -> list[Answer]:
        answers = []
        for command in commands:
            self.asked.append(command)
            self._last = next(self._texts, self._last)
            answers.append(Answer(command, *self._last))
        return answers


@pytest.fixture(autouse=True)
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(addresses.time, "sleep", lambda _seconds: None)
    return iter(())


def wait(daemon: Learning, wanted: dict[str, Any], seconds: float = 5.0) -> dict[str, Any]:
    return addresses.wait_for_addresses(cast(Vty, daemon), wanted, Deadline(seconds))


def known(*each: str) -> str:
    lines = [f"addr: {address}, count: 1 :  edge1.1025,\n" for address in each]
    return "self nexthop database:\n" + "".join(lines) + "Tunnel-ip database:\n"


def test_it_returns_when_all_are_known_and_asks_no_more():
    daemon = Learning([(known(), 0), (known("10.0.0.1"), 0), (known("10.0.0.1", "fd00::1"), 0)])
    assert wait(daemon, {"vrf-a": OWN}) == {}
    assert daemon.asked == ["show bgp vrf vrf-a martian next-hop"] * 3


def test_what_is_never_learned_is_named():
    assert wait(Learning([(known("10.0.0.1"), 0)]), {"vrf-a": OWN}, 0.01) == {"vrf-a": {ip_address("fd00::1")}}


def test_a_release_without_the_command_is_not_waited_for():
    daemon = Learning([("% Unknown command", 2)])
    assert wait(daemon, {"vrf-a": OWN, "vrf-b": OWN}) == {}
    assert len(daemon.asked) == 2


def test_nothing_is_asked_where_no_session_begins():
    daemon = Learning([])
    assert wait(daemon, {}) == {}
    assert daemon.asked == []


def test_own_addresses_are_those_that_share_a_subnet_with_a_neighbour():
    vrf = Vrf(
        name="vrf-a",
        connection="a",
        table=1000,
        asn=64512,
        router_id=ip_address("1.1.1.1"),
        interfaces=(
            VrfInterface(
                name="edge1.1025",
                parent="edge1",
                vlan=1025,
                mtu=8500,
                addresses=(ip_interface("10.0.0.1/31"), ip_interface("fd00::1/127")),
            ),
            VrfInterface(name="app", parent="app", mtu=8500, addresses=(ip_interface("10.9.0.1/24"),)),
        ),
        neighbors=(
            BgpNeighbor(address=ip_address("10.0.0.0"), remote_asn=64512, interface="edge1.1025"),
            BgpNeighbor(address=ip_address("fd00::"), remote_asn=64512, interface="edge1.1025"),
        ),
    )
    state = RouterState(node="gw", provider="aws", vrfs=(vrf,))
    assert addresses.session_addresses(state, {"vrf-a"}) == {"vrf-a": OWN}
    assert addresses.session_addresses(state, set()) == {}
