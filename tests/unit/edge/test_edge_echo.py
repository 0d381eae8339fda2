"""Echo requests, the account of those sent, and what is probed."""

from __future__ import annotations

import struct

import pytest

from xcnet.edge.echo import PATIENCE, Echoes, reply, request
from xcnet.edge.prober import targets
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan

IP_HEADER = bytes([0x45]) + bytes(19)


def answered(version: int, packet: bytes) -> bytes:
    """As the neighbour's kernel answers, and a raw socket gives it."""
    kind = {4: 0, 6: 129}[version]
    return (IP_HEADER if version == 4 else b"") + bytes([kind]) + packet[1:]


@pytest.mark.parametrize("version", [4, 6])
def test_an_answer_is_known_by_its_identifier_and_sequence(version: int) -> None:
    packet = answered(version, request(version, 4711, 65535))
    assert reply(version, packet, 4711) == 65535
    assert reply(version, packet, 4712) is None


@pytest.mark.parametrize("version", [4, 6])
def test_requests_and_garbage_are_no_answers(version: int) -> None:
    header = IP_HEADER if version == 4 else b""
    assert reply(version, header + request(version, 1, 1), 1) is None
    for length in range(40):
        assert reply(version, bytes(length), 1) is None
    assert reply(version, b"\xff" * 40, 1) is None


def test_the_checksum_is_the_one_of_rfc_1071() -> None:
    packet = request(4, 0x1234, 0x0001)
    total = sum(struct.unpack(f"!{len(packet) // 2}H", packet))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    assert total == 0xFFFF


def test_what_does_not_come_in_time_is_lost_and_comes_to_nothing_later() -> None:
    echoes = Echoes()
    first, second = echoes.next(10.0), echoes.next(10.0)
    echoes.came(first, 10.004)
    assert (echoes.sent, echoes.answered, echoes.lost) == (2, 1, 0)
    echoes.begin(10.0 + PATIENCE / 2)
    assert echoes.lost == 0
    echoes.begin(10.0 + PATIENCE)
    assert echoes.lost == 1
    echoes.came(second, 11.5)
    assert (echoes.answered, echoes.lost) == (1, 1)


def test_an_echo_that_comes_twice_counts_once() -> None:
    echoes = Echoes()
    number = echoes.next(1.0)
    echoes.came(number, 1.01)
    echoes.came(number, 1.02)
    assert echoes.answered == 1


def test_what_could_not_be_sent_is_not_lost() -> None:
    echoes = Echoes()
    echoes.unsent(echoes.next(1.0))
    echoes.begin(9.0)
    assert (echoes.sent, echoes.lost) == (0, 0)


def test_the_round_trip_time_is_the_median_of_the_last_burst() -> None:
    echoes = Echoes()
    assert echoes.rtt is None
    for late in (0.001, 0.002, 0.5):
        echoes.came(echoes.next(1.0), 1.0 + late)
    assert echoes.rtt == pytest.approx(0.002)
    echoes.begin(2.0)
    assert echoes.rtt is None


def test_sequence_numbers_go_round() -> None:
    echoes = Echoes()
    for _ in range(2**16):
        echoes.came(echoes.next(1.0), 1.0)
    assert echoes.next(1.0) == 0
    assert echoes.answered == 2**16


def test_each_channel_is_probed_in_the_connection_that_may_send_most() -> None:
    plan = make_plan(load_topology("aws-google"))
    state = plan.routers["aws-edge2"]
    found = targets(state)
    assert found.keys() == {"ch2"}
    (vrf,) = state.vrfs
    assert found["ch2"].vrf == vrf.name
    assert found["ch2"].interface == "ch2.1100"
    assert found["ch2"].peer.version == 4
    outside = next(each for each in vrf.interfaces if each.name == "ch2.1100")
    smaller = vrf.model_copy(
        update={
            "name": "vrf-small",
            "interfaces": (outside.model_copy(update={"name": "ch2.1200", "rate": 64_000}),),
            "neighbors": tuple(
                each.model_copy(update={"interface": "ch2.1200"})
                for each in vrf.neighbors
                if each.interface == "ch2.1100"
            ),
        }
    )
    assert targets(state.model_copy(update={"vrfs": (smaller, vrf)}))["ch2"].interface == "ch2.1100"
    assert targets(state.model_copy(update={"vrfs": (smaller,)}))["ch2"].interface == "ch2.1200"


def test_gateways_and_channels_out_of_use_are_not_probed() -> None:
    plan = make_plan(load_topology("aws-google"))
    assert targets(plan.routers["aws-gw"]) == {}
    state = plan.routers["aws-edge2"]
    off = tuple(each.model_copy(update={"enabled": False}) for each in state.channels)
    assert targets(state.model_copy(update={"channels": off})) == {}
