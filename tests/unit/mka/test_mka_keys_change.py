"""Keys replaced under traffic: a new SAK, another CAK, exhausted packet numbers - without losing a frame."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mka_world import CAK, CKN, OTHER_CAK, OTHER_CKN, World, pair

from xcnet.mka.config import LIFE_TIME
from xcnet.model.desired import CipherSuite

_LIMITS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def under_traffic(seed: int = 1, **conditions: float) -> World:
    world = pair(seed, **conditions)
    assert world.run_until(world.agreed, 30)
    world.run(1)
    world.traffic(0.001)
    world.run(0.1)
    return world


def assert_nothing_lost(world: World) -> None:
    world.traffic(None)
    world.run(1)
    assert not world.lost_data
    assert world.delivered_data > 100


def principals(world: World) -> set[bytes | None]:
    return {node.port.principal.ckn if node.port.principal else None for node in world.nodes.values()}


def on_key_of(world: World, ckn: bytes) -> bool:
    latest = [node.port.associations.latest for node in world.nodes.values()]
    return world.agreed() and all(sak is not None and sak.ckn == ckn and sak.transmits for sak in latest)


@_LIMITS
@given(seed=st.integers(0, 2**32), jitter=st.floats(0, 0.02), loss=st.floats(0, 0.2))
def test_a_new_sak_costs_no_frame(seed: int, jitter: float, loss: float) -> None:
    # Three hellos lost together are a silent peer, and close the port as they should.
    world = under_traffic(seed, jitter=jitter, loss=loss, in_a_row=1)
    before = world.nodes[1].key_id
    world.do(1, lambda port, now: port.request_rekey(now, "asked for"))
    assert world.run_until(lambda: world.agreed() and world.nodes[1].key_id != before, 20)
    world.run(4)
    assert_nothing_lost(world)


def test_only_the_key_server_answers_a_request_for_a_new_sak() -> None:
    world = under_traffic()
    before = world.nodes[1].key_id
    world.do(2, lambda port, now: port.request_rekey(now, "asked for"))
    world.run(5)
    assert world.nodes[1].key_id == before


def test_association_numbers_go_round_and_old_ones_are_given_back() -> None:
    world = under_traffic()
    seen = []
    for _ in range(9):
        before = world.nodes[1].key_id
        world.do(1, lambda port, now: port.request_rekey(now, "asked for"))
        assert world.run_until(lambda before=before: world.agreed() and world.nodes[1].key_id != before, 10)
        seen.append(world.nodes[1].secy.encoding_sa)
        world.run(4)
        for node in world.nodes.values():
            assert len(node.secy.transmit) == 1
            assert all(len(associations) == 1 for associations in node.secy.receive.values())
    assert seen == [1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert_nothing_lost(world)


def test_saks_are_replaced_at_their_age() -> None:
    world = World()
    for number in (1, 2):
        world.add(number, rekey=10.0)
    world.run(101)
    assert 9 <= world.nodes[1].count("mka.sak_generated") <= 11
    assert world.agreed()


def test_an_age_shorter_than_retirement_does_not_make_a_port_spin() -> None:
    world = World()
    for number in (1, 2):
        world.add(number, rekey=0.5)
    world.run(20)
    assert world.agreed()


@pytest.mark.parametrize("reporter", [1, 2], ids=["key server", "member"])
@pytest.mark.parametrize(
    ("cipher", "number"),
    [(CipherSuite.GCM_AES_256, 0xC0000000), (CipherSuite.GCM_AES_XPN_128, 0xC000000000000000)],
)
def test_packet_numbers_that_run_out_at_either_end_bring_a_new_sak(
    reporter: int, cipher: CipherSuite, number: int
) -> None:
    world = World()
    for each in (1, 2):
        world.add(each, cipher=cipher)
    assert world.run_until(world.agreed, 1)
    before = world.nodes[1].key_id
    an = world.nodes[reporter].secy.encoding_sa
    world.do(reporter, lambda port, now: port.report_packet_number(now, an, transmitted=number - 1, received=1))
    world.run(5)
    assert world.nodes[1].key_id == before
    # Whoever sends knows first; whoever receives sees it in the numbers that come in.
    for each in (1, 2):
        world.do(each, lambda port, now: port.report_packet_number(now, an, transmitted=number, received=1))
    assert world.run_until(lambda: world.agreed() and world.nodes[1].key_id != before, 5)


def roll(world: World) -> None:
    """The order in which a CAK is rolled: beside the old, preferred, alone."""
    for number in (1, 2):
        world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=False)
        world.run(0.05)
    world.run(0.5)
    for number in (2, 1):
        world.add_ca(number, CKN, CAK, preferred=False)
        world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=True)
        world.run(0.05)
    assert world.run_until(lambda: on_key_of(world, OTHER_CKN), 30)
    assert principals(world) == {OTHER_CKN}
    for number in (1, 2):
        world.remove_ca(number, CKN)
        world.run(0.05)
    world.run(LIFE_TIME + 4)
    assert on_key_of(world, OTHER_CKN)


@_LIMITS
@given(seed=st.integers(0, 2**32), jitter=st.floats(0, 0.02), loss=st.floats(0, 0.15))
def test_a_cak_is_rolled_over_without_losing_a_frame(seed: int, jitter: float, loss: float) -> None:
    # Three hellos lost together are a silent peer, and close the port as they should.
    world = under_traffic(seed, jitter=jitter, loss=loss, in_a_row=1)
    roll(world)
    assert_nothing_lost(world)


def test_the_key_server_does_not_lead_to_a_preferred_association_that_a_member_is_not_in_yet() -> None:
    world = World()
    for number in (1, 2, 3):
        world.add(number)
    assert world.run_until(world.agreed, 10)
    world.traffic(0.01)
    for number in (1, 2):
        world.add_ca(number, CKN, CAK, preferred=False)
        world.add_ca(number, OTHER_CKN, OTHER_CAK)
    world.run(2 * LIFE_TIME)
    assert on_key_of(world, CKN)
    assert principals(world) == {CKN}
    world.add_ca(3, OTHER_CKN, OTHER_CAK)
    assert world.run_until(lambda: on_key_of(world, OTHER_CKN), 10)
    world.run(LIFE_TIME)
    assert_nothing_lost(world)


def test_a_member_that_prefers_another_association_follows_the_key_server() -> None:
    world = pair()
    for number in (1, 2):
        world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=number == 2)
    world.add_ca(2, CKN, CAK, preferred=False)
    assert world.run_until(lambda: on_key_of(world, CKN) and principals(world) == {CKN}, 10)
    world.run(1)
    before = world.nodes[2].count("mka.principal_changed")
    world.run(5 * LIFE_TIME)
    assert on_key_of(world, CKN)
    assert principals(world) == {CKN}
    assert world.nodes[2].count("mka.principal_changed") == before


@_LIMITS
@given(seed=st.integers(0, 2**32), first=st.sampled_from([1, 2]), gap=st.floats(0, 0.02))
def test_a_cak_replaced_in_one_step_at_both_ends_is_agreed_on_quickly(seed: int, first: int, gap: float) -> None:
    world = pair(seed)
    assert world.run_until(world.agreed, 1)
    for number in (first, 3 - first):
        world.add_ca(number, OTHER_CKN, OTHER_CAK)
        world.remove_ca(number, CKN)
        world.run(gap)
    assert world.run_until(lambda: on_key_of(world, OTHER_CKN), 1)


@_LIMITS
@given(seed=st.integers(0, 2**32), moment=st.floats(0, 0.012), who=st.sampled_from([(1, 2), (2, 1), (1,), (2,)]))
def test_an_association_removed_while_its_sak_is_on_its_way_leaves_nobody_stuck(
    seed: int, moment: float, who: tuple[int, ...]
) -> None:
    world = pair(seed)
    for number in (1, 2):
        world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=False)
    world.run(moment)
    for number in who:
        world.remove_ca(number, CKN)
    world.run(2 * LIFE_TIME)
    assert on_key_of(world, OTHER_CKN)


def test_a_removed_key_is_not_used_for_longer_than_the_life_time() -> None:
    world = pair()
    for number in (1, 2):
        world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=False)
    assert world.run_until(lambda: on_key_of(world, CKN), 1)
    # The member leaves; the key server, which still has both, does not hear of it in time.
    world.remove_ca(2, CKN)
    world.run(LIFE_TIME + 4)
    latest = world.nodes[2].port.associations.latest
    assert latest is None or latest.ckn == OTHER_CKN


def test_removing_the_only_association_closes_at_once() -> None:
    world = under_traffic()
    world.remove_ca(2, CKN)
    assert not world.nodes[2].secy.open
    assert not world.nodes[2].secy.transmit
    world.run(LIFE_TIME + 1)
    assert not world.nodes[1].secy.open
