"""Long stories of mishaps drawn from a seed: whatever happened, ports that share their CAs agree once the link is well."""

from __future__ import annotations

import random
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mka_world import CAK, CKN, OTHER_CAK, OTHER_CKN, World

Mishap = Callable[[World, random.Random, int], None]


def _restart(world: World, _chance: random.Random, number: int) -> None:
    world.restart(number)


def _cut(world: World, chance: random.Random, number: int) -> None:
    world.cut.add((number, chance.choice(list(world.nodes))))


def _heal(world: World, _chance: random.Random, _number: int) -> None:
    world.cut.clear()


def _lose_carrier(world: World, chance: random.Random, number: int) -> None:
    world.do(number, lambda port, now: port.carrier_lost(now))
    world.run(chance.random() * 4)
    world.do(number, lambda port, now: port.carrier_found(now))


def _leave(world: World, chance: random.Random, number: int) -> None:
    if len(world.nodes[number].cas) > 1:
        world.remove_ca(number, chance.choice([CKN, OTHER_CKN]))


def _join(world: World, chance: random.Random, number: int) -> None:
    world.add_ca(number, OTHER_CKN, OTHER_CAK, preferred=chance.random() < 0.5)


def _rekey(world: World, _chance: random.Random, number: int) -> None:
    world.do(number, lambda port, now: port.request_rekey(now, "asked for"))


def _kernel_refusal(world: World, _chance: random.Random, number: int) -> None:
    world.do(number, lambda port, now: port.start_over(now, "the kernel refused an order"))


MISHAPS: tuple[Mishap, ...] = (_restart, _cut, _heal, _lose_carrier, _leave, _join, _rekey, _kernel_refusal)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32), ports=st.sampled_from([2, 2, 2, 3, 4]))
def test_ports_agree_after_any_story(seed: int, ports: int) -> None:
    chance = random.Random(seed)
    world = World(
        seed,
        loss=chance.choice([0, 0.1, 0.3]),
        double=chance.choice([0, 0.3]),
        jitter=chance.choice([0, 0.01, 0.5]),
        delay=chance.choice([0.0001, 0.001, 0.05]),
    )
    cas = chance.choice([{CKN: CAK}, {CKN: CAK, OTHER_CKN: OTHER_CAK}])
    rekey = chance.choice([0, 0, 3, 20])
    for number in range(1, ports + 1):
        world.add(number, priority=chance.choice([None, 7]), rekey=rekey, cas=cas)
        world.run(chance.random() * chance.choice([0, 0.1, 3]))
    for _ in range(chance.randint(0, 8)):
        chance.choice(MISHAPS)(world, chance, chance.randint(1, ports))
        world.run(chance.random() * chance.choice([0.01, 0.1, 2, 10]))
    world.loss = world.double = world.jitter = 0
    world.cut.clear()
    world.run(30)
    held = [set(node.cas) for node in world.nodes.values()]
    common = set.intersection(*held)
    # In a group whose members hold different keys, which of them are together is a matter of preference.
    if common and (ports == 2 or all(each == common for each in held)):
        assert world.run_until(world.agreed, 3)
