"""Two and three ports under a fake clock: they agree whatever the link does, and never do what a kernel would refuse."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mka_world import CAK, CKN, OTHER_CAK, OTHER_CKN, World, pair

from xcnet.mka.config import LIFE_TIME
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

_LIMITS = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.mark.parametrize("cipher", list(CipherSuite))
@pytest.mark.parametrize("cak", [CAK, OTHER_CAK], ids=["128-bit CAK", "256-bit CAK"])
def test_two_ports_agree_within_a_few_round_trips(cipher: CipherSuite, cak: Secret) -> None:
    world = World()
    for number in (1, 2):
        world.add(number, cipher=cipher, cas={CKN: cak})
    assert world.run_until(world.agreed, 0.2)
    assert all(len(node.sent) < 12 for node in world.nodes.values())


@pytest.mark.parametrize("ckn", [b"\0", b"x" * 32], ids=["1 byte", "32 bytes"])
def test_association_names_of_the_least_and_greatest_length_work(ckn: bytes) -> None:
    world = World()
    for number in (1, 2):
        world.add(number, cas={ckn: CAK})
    assert world.run_until(world.agreed, 0.2)


def test_the_lowest_priority_wins_the_election_and_the_lowest_sci_a_tie() -> None:
    for priorities, winner in (((200, 5), 2), ((5, 200), 1), ((7, 7), 1)):
        world = World()
        for number, priority in enumerate(priorities, start=1):
            world.add(number, priority=priority)
        assert world.run_until(world.agreed, 0.2)
        assert [node.port.principal.is_server for node in world.nodes.values() if node.port.principal] == [
            number == winner for number in world.nodes
        ]


def test_a_port_that_starts_later_does_not_wait_for_a_hello() -> None:
    world = World()
    world.add(1)
    world.run(17.3)
    world.add(2)
    assert world.run_until(world.agreed, 0.2)


@_LIMITS
@given(
    seed=st.integers(0, 2**32),
    loss=st.floats(0, 0.3),
    double=st.floats(0, 0.3),
    jitter=st.floats(0, 0.5),
    second=st.floats(0, 3),
)
def test_two_ports_agree_whatever_is_lost_doubled_or_overtaken(
    seed: int, loss: float, double: float, jitter: float, second: float
) -> None:
    world = World(seed, loss=loss, double=double, jitter=jitter)
    world.add(1)
    world.run(second)
    world.add(2)
    world.run(20)
    world.loss = world.double = world.jitter = 0
    world.run(2 * LIFE_TIME)
    assert world.agreed()


@_LIMITS
@given(seed=st.integers(0, 2**32), loss=st.floats(0, 0.2), jitter=st.floats(0, 0.2))
def test_three_ports_agree_on_one_key_and_all_hear_each_other(seed: int, loss: float, jitter: float) -> None:
    world = World(seed, loss=loss, jitter=jitter, double=0.1)
    for number in (1, 2, 3):
        world.add(number)
        world.run(world.random.random())
    world.run(20)
    world.loss = world.double = world.jitter = 0
    world.run(2 * LIFE_TIME)
    assert world.agreed()


@pytest.mark.parametrize("number", [1, 2], ids=["key server", "member"])
def test_a_restarted_port_is_taken_back_at_once(number: int) -> None:
    world = pair()
    assert world.run_until(world.agreed, 1)
    world.run(5)
    world.restart(number)
    assert world.run_until(world.agreed, 0.5)


@_LIMITS
@given(
    seed=st.integers(0, 2**32),
    first=st.sampled_from([1, 2]),
    gap=st.floats(0, 8),
    second=st.sampled_from([1, 2]),
    loss=st.floats(0, 0.2),
)
def test_ports_agree_after_any_restarts(seed: int, first: int, gap: float, second: int, loss: float) -> None:
    world = pair(seed, loss=loss, jitter=0.01)
    world.run(world.random.random() * 3)
    world.restart(first)
    world.run(gap)
    world.restart(second)
    world.run(3 * LIFE_TIME)
    world.loss = 0
    world.run(2 * LIFE_TIME)
    assert world.agreed()


@_LIMITS
@given(
    seed=st.integers(0, 2**32),
    silence=st.floats(0.5, 20),
    direction=st.sampled_from([((1, 2),), ((2, 1),), ((1, 2), (2, 1))]),
)
def test_ports_agree_again_after_any_silence_in_one_or_both_directions(
    seed: int, silence: float, direction: tuple[tuple[int, int], ...]
) -> None:
    world = pair(seed)
    assert world.run_until(world.agreed, 1)
    world.run(world.random.random() * 4)
    world.cut |= set(direction)
    world.run(silence)
    world.cut.clear()
    world.run(3 * LIFE_TIME)
    assert world.agreed()


def test_both_ends_close_when_the_peer_is_silent_for_the_life_time() -> None:
    world = pair()
    assert world.run_until(world.agreed, 1)
    world.cut |= {(1, 2), (2, 1)}
    world.run(LIFE_TIME + 0.1)
    for node in world.nodes.values():
        assert not node.secy.open
        assert not node.secy.transmit
        assert not node.secy.receive


def test_lost_carrier_closes_at_once_and_its_return_opens_again() -> None:
    world = pair()
    assert world.run_until(world.agreed, 1)
    for number in (1, 2):
        world.do(number, lambda port, now: port.carrier_lost(now))
        assert not world.nodes[number].secy.open
    world.cut |= {(1, 2), (2, 1)}
    world.run(4)
    world.cut.clear()
    for number in (1, 2):
        world.do(number, lambda port, now: port.carrier_found(now))
    assert world.run_until(world.agreed, 0.5)


def test_carrier_lost_at_one_end_only_is_made_good_without_waiting_for_the_life_time() -> None:
    for number in (1, 2):
        world = pair()
        assert world.run_until(world.agreed, 1)
        world.run(3)
        world.do(number, lambda port, now: port.carrier_lost(now))
        world.run(0.5)
        world.do(number, lambda port, now: port.carrier_found(now))
        assert world.run_until(world.agreed, 0.5)


def test_another_cak_under_the_same_name_never_secures() -> None:
    world = World()
    world.add(1, cas={CKN: CAK})
    world.add(2, cas={CKN: Secret(bytes(16))})
    world.run(60)
    for node in world.nodes.values():
        assert node.changes == 0
        assert not node.port.secured


def test_another_cipher_suite_never_secures() -> None:
    world = World()
    world.add(1, cipher=CipherSuite.GCM_AES_256)
    world.add(2, cipher=CipherSuite.GCM_AES_XPN_256)
    world.run(30)
    for node in world.nodes.values():
        assert not node.port.secured
        assert not node.secy.open


def test_nothing_changes_and_little_is_said_while_nothing_happens() -> None:
    world = pair()
    world.run(30)
    changes = [node.changes for node in world.nodes.values()]
    sent = [len(node.sent) for node in world.nodes.values()]
    world.run(600)
    assert [node.changes for node in world.nodes.values()] == changes
    assert all(300 <= len(node.sent) - before <= 301 for node, before in zip(world.nodes.values(), sent, strict=True))


def test_a_changed_cak_under_a_known_name_takes_the_place_of_the_former() -> None:
    world = pair()
    assert world.run_until(world.agreed, 1)
    for number in (1, 2):
        world.add_ca(number, CKN, OTHER_CAK)
    assert world.run_until(world.agreed, 1)
    keys = {node.port.participants[CKN].cak for node in world.nodes.values()}
    assert keys == {OTHER_CAK}


def test_without_associations_a_port_says_nothing() -> None:
    world = World()
    node = world.add(1, cas={})
    world.run(60)
    assert node.sent == []
    assert OTHER_CKN not in node.port.participants
