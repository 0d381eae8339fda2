"""What an attacker on the fibre can send: it raises nothing, changes nothing, orders nothing. Then: what a mad peer can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mka_strategies import mkpdus, parameters
from mka_world import CAK, CKN, OTHER_CAK, World, pair, sci_of

from xcnet.mka import outputs as mka
from xcnet.mka.codec import Mkpdu, decode, encode
from xcnet.mka.kdf import derive_ick, derive_kek, wrap_sak
from xcnet.mka.parameters import Basic, DistributedSak, KeyUse, Member, Peers, SakUse
from xcnet.mka.peers import MOST_PEERS
from xcnet.mka.port import MkaPort
from xcnet.model.desired import CipherSuite
from xcnet.secret import Secret

_LIMITS = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ICK = derive_ick(CAK, CKN)
KEK = derive_kek(CAK, CKN)


def picture(port: MkaPort) -> object:
    """Everything of a port that a frame could change, except for the count of refusals."""
    return (
        [
            (ckn, each.mi, each.mn, each.dirty, each.next_hello, each.key_server and each.key_server.mi)
            for ckn, each in port.participants.items()
        ],
        [
            [(p.mi, p.sci, p.mn, p.state, p.heard_until, p.alive_until, p.priority) for p in each.peers]
            for each in port.participants.values()
        ],
        [(s.identifier, s.an, s.phase, set(s.receiving), set(s.transmitting)) for s in port.associations.installed],
        port.principal and port.principal.ckn,
        port.next_deadline(),
    )


def assert_without_effect(world: World, frame: bytes) -> None:
    for node in world.nodes.values():
        before = picture(node.port)
        node.port.receive(world.now, frame)
        outputs = node.port.outputs()
        assert all(isinstance(each, mka.Happened) and each.kind == "mka.mkpdu_refused" for each in outputs)
        assert picture(node.port) == before


def agreed() -> World:
    world = pair()
    assert world.run_until(world.agreed, 1)
    world.run(3)
    return world


def every_frame(world: World) -> list[bytes]:
    return [frame for node in world.nodes.values() for frame in node.sent]


def test_every_replay_of_every_frame_changes_nothing() -> None:
    world = agreed()
    for frame in every_frame(world):
        assert_without_effect(world, frame)


def test_replays_from_before_a_restart_change_nothing() -> None:
    world = agreed()
    recorded = every_frame(world)
    world.restart(2)
    assert world.run_until(world.agreed, 1)
    world.run(20)
    node = world.nodes[1]
    for frame in recorded:
        before = picture(node.port)
        node.port.receive(world.now, frame)
        assert picture(node.port) == before


@_LIMITS
@given(data=st.data())
def test_changed_frames_change_nothing(data: st.DataObject) -> None:
    world = agreed()
    frame = bytearray(data.draw(st.sampled_from(every_frame(world))))
    kind = data.draw(st.sampled_from(["cut", "bits", "insert", "splice", "grow"]))
    if kind == "cut":
        del frame[data.draw(st.integers(0, len(frame) - 1)) :]
    elif kind == "bits":
        for _ in range(data.draw(st.integers(1, 8))):
            frame[data.draw(st.integers(0, len(frame) - 1))] ^= data.draw(st.integers(1, 255))
    elif kind == "insert":
        at = data.draw(st.integers(0, len(frame)))
        frame[at:at] = data.draw(st.binary(min_size=1, max_size=64))
    elif kind == "splice":
        other = data.draw(st.sampled_from(every_frame(world)))
        at = data.draw(st.integers(18, min(len(frame), len(other)) - 1))
        frame[at:] = other[at:]
    else:
        frame += bytes(data.draw(st.integers(1, 9000)))
    assert_without_effect(world, bytes(frame))


@_LIMITS
@given(frame=st.binary(max_size=2000))
def test_noise_changes_nothing(frame: bytes) -> None:
    assert_without_effect(agreed(), frame)


@_LIMITS
@given(mkpdu=mkpdus)
def test_well_formed_mkpdus_without_the_key_change_nothing(mkpdu: Mkpdu) -> None:
    basic = mkpdu.basic
    forged = Basic(3, 0, True, True, 2, basic.sci, basic.member, CKN)
    frame = encode(basic.sci[:6], Mkpdu(forged, mkpdu.parameters), derive_ick(OTHER_CAK, CKN))
    assert_without_effect(agreed(), frame)


def test_own_frames_that_come_back_change_nothing() -> None:
    world = agreed()
    for node in world.nodes.values():
        before = picture(node.port)
        for frame in node.sent:
            node.port.receive(world.now, frame)
        assert picture(node.port) == before


def test_a_flood_of_forgeries_does_not_become_a_flood_of_events() -> None:
    world = agreed()
    port = world.nodes[1].port
    forged = bytearray(world.nodes[2].sent[-1])
    forged[-1] ^= 1
    for _ in range(5000):
        port.receive(world.now, bytes(forged))
        world.now += 0.0005
    assert len(port.outputs()) < 10
    assert port.refused["ICV is wrong"] == 5000


# -- who has the key may end the agreement, but not confuse the port


def signed(
    number: int, mn: int, *sets: Any, mi: bytes = b"stranger....", server: bool = True, priority: int = 0
) -> bytes:
    basic = Basic(3, priority, server, True, 2, sci_of(number), Member(mi, mn), CKN)
    return encode(sci_of(number)[:6], Mkpdu(basic, sets), ICK)


def latest_member(world: World, number: int) -> Member:
    return decode(world.nodes[number].sent[-1]).mkpdu.basic.member


def test_a_peer_that_does_not_hear_us_is_given_nothing() -> None:
    world = pair()
    world.nodes.pop(2)
    for mn in range(1, 60):
        world.inject(1, signed(9, mn))
        world.run(0.5)
    assert not world.nodes[1].secy.receive
    assert all(decode(frame).mkpdu.first(DistributedSak) is None for frame in world.nodes[1].sent)


def offer(world: World, **changed: Any) -> tuple[Peers, SakUse, DistributedSak]:
    suite = changed.pop("suite", CipherSuite.GCM_AES_XPN_256)
    wrapped = changed.pop("wrapped", wrap_sak(KEK, Secret(b"k" * suite.key_length)))
    values = {"an": 0, "confidentiality_offset": 1, "key_number": 1, "cipher_suite": suite, "wrapped": wrapped}
    sak = DistributedSak(**{**values, **changed})
    use = KeyUse(b"stranger....", 1, 0, 1, transmits=True, receives=True)
    return Peers(True, (latest_member(world, 1),)), SakUse(use), sak


def stranger_offers(**changed: Any) -> World:
    world = World()
    world.add(1)
    world.run(0.1)
    world.inject(1, signed(9, 1, *offer(world, **changed)))
    return world


def test_an_offer_as_it_should_be_is_taken() -> None:
    assert stranger_offers().nodes[1].secy.open


def test_offers_that_would_weaken_the_port_are_refused() -> None:
    refused: dict[str, Callable[[], World]] = {
        "no encryption": lambda: stranger_offers(confidentiality_offset=0),
        "offset 30": lambda: stranger_offers(confidentiality_offset=2),
        "offset 50": lambda: stranger_offers(confidentiality_offset=3),
        "no protection": lambda: stranger_offers(wrapped=b""),
        "another suite": lambda: stranger_offers(suite=CipherSuite.GCM_AES_128),
        "another key's wrapping": lambda: stranger_offers(wrapped=wrap_sak(Secret(bytes(16)), Secret(bytes(32)))),
        "key number 0": lambda: stranger_offers(key_number=0),
    }
    for what, attempt in refused.items():
        node = attempt().nodes[1]
        assert node.changes == 0, what
        assert node.count("mka.sak_refused") == 1, what


def test_an_offer_from_who_is_not_the_key_server_is_refused() -> None:
    world = agreed()
    before = world.nodes[1].key_id
    sets = offer(world)
    world.inject(1, signed(9, 1, *sets, priority=200))
    world.run(1)
    assert b"stranger...." not in (world.nodes[1].key_id or b"")
    assert before is not None


def test_more_strangers_than_an_mkpdu_can_list_are_not_all_remembered() -> None:
    world = agreed()
    for number in range(300):
        world.inject(1, signed(9, 1, mi=number.to_bytes(12, "big")))
    principal = world.nodes[1].port.principal
    assert principal is not None
    assert len(list(principal.peers)) <= MOST_PEERS
    assert len(principal.live) == 1
    world.run(10)
    assert max(len(frame) for frame in world.nodes[1].sent) <= 1514
    assert world.agreed()


def test_two_peers_that_keep_changing_do_not_flood_the_link() -> None:
    world = agreed()
    before = len(world.nodes[1].sent)
    for number in range(1000):
        world.inject(1, signed(9, 1, mi=number.to_bytes(12, "big")))
        world.run(0.01)
    assert len(world.nodes[1].sent) - before < 16 + 10 * 8 + 10


_moves = st.one_of(
    st.tuples(st.just("wait"), st.floats(0, 4)),
    st.tuples(st.just("speak"), st.lists(parameters, max_size=4)),
    st.tuples(
        st.just("offer"),
        st.tuples(st.integers(0, 3), st.integers(1, 5), st.booleans(), st.booleans(), st.booleans()),
    ),
    st.tuples(st.just("reborn"), st.integers(0, 3)),
)


@_LIMITS
@given(moves=st.lists(_moves, max_size=25), priority=st.sampled_from([0, 200]))
def test_whatever_a_peer_with_the_key_says_the_kernel_refuses_nothing(
    moves: list[tuple[str, Any]], priority: int
) -> None:
    # The checking SecY raises if an order would be refused, a key used twice, or the open port left without one.
    world = World()
    world.add(1)
    world.run(0.1)
    mn, mi = 0, bytes(12)
    for what, detail in moves:
        mn += 1
        if what == "wait":
            world.run(detail)
        elif what == "reborn":
            mi, mn = bytes([detail]) * 12, 1
        elif what == "speak":
            world.inject(1, signed(9, mn, *detail, mi=mi, priority=priority))
        else:
            an, number, transmits, receives, listed = detail
            wrapped = wrap_sak(KEK, Secret(bytes([number]) * 16 + mi + bytes(4)))
            sak = DistributedSak(an, 1, number, CipherSuite.GCM_AES_XPN_256, wrapped)
            use = SakUse(KeyUse(mi, number, an, 1, transmits=transmits, receives=receives))
            lists = [Peers(True, (latest_member(world, 1),))] if listed else []
            world.inject(1, signed(9, mn, *lists, use, sak, mi=mi, priority=priority))
    world.run(20)
    assert not world.nodes[1].secy.open
    assert not world.nodes[1].secy.receive
