"""A user-mode kernel's place on the host's processors: where it begins, when it moves, what moves with it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from xcnet.engine.uml_processor import (
    CROWDED,
    WORTH_IT,
    Keeper,
    allowed_processors,
    any_processor,
    better,
    busy_seconds,
    choose,
    interval,
    pin,
)

STAT = """\
cpu  30 0 30 140 20 0 0 0 0 0
cpu0 10 0 20 60 10 0 0 0 4 0
cpu1 20 0 10 80 10 5 5 10 20 0
intr 1 2 3
ctxt 4
"""


def test_busy_time_is_all_but_idle_and_waiting_for_disks_and_counts_guests_once() -> None:
    tick = 1 / os.sysconf("SC_CLK_TCK")
    assert busy_seconds(STAT) == pytest.approx({0: 30 * tick, 1: 50 * tick})


def test_the_freest_processor_is_chosen_and_any_of_several_that_are_as_free() -> None:
    assert choose({0: 0.5, 1: 0.1, 2: 0.3}) == 1
    assert {choose({0: 0.0, 1: 0.0, 2: 0.4}) for _ in range(100)} == {0, 1}


@pytest.mark.parametrize(
    ("shares", "target"),
    [
        ({0: 0.0, 1: 0.0}, None),
        ({0: CROWDED - 0.01, 1: 0.0}, None),
        ({0: 1.0, 1: 0.0}, 1),
        ({0: 1.0, 1: 1.0}, None),
        ({0: CROWDED + 0.01, 1: CROWDED + 0.01 - WORTH_IT + 0.01}, None),
        ({0: 0.9, 1: 0.6, 2: 0.2}, 2),
        ({0: 1.0}, None),
    ],
    ids=["idle", "nearly idle", "crowded", "crowded everywhere", "not worth it", "the best of them", "the only one"],
)
def test_a_kernel_leaves_a_crowded_processor_for_one_that_is_much_freer(
    shares: dict[int, float], target: int | None
) -> None:
    assert better(0, shares) == target


def test_a_processor_that_has_gone_is_not_missed() -> None:
    assert better(7, {0: 0.9, 1: 0.0}) is None


def test_two_looks_are_never_the_same_time_apart() -> None:
    assert len({interval() for _ in range(20)}) > 1
    assert all(0.5 < interval() < 1.5 for _ in range(20))


@pytest.fixture
def family() -> Iterator[tuple[int, int]]:
    """A process with a thread and a child."""
    child = "import time; time.sleep(60)"
    parent = (
        "import subprocess, sys, threading, time\n"
        "threading.Thread(target=time.sleep, args=(60,), daemon=True).start()\n"
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}])\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    grandchild = int(process.stdout.readline())
    try:
        yield process.pid, grandchild
    finally:
        os.kill(grandchild, 9)
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_kernel_moves_with_its_threads_and_its_processes(family: tuple[int, int]) -> None:
    kernel, child = family
    threads = [int(name) for name in os.listdir(f"/proc/{kernel}/task")]  # noqa: PTH208
    assert len(threads) == 2
    for processor in sorted(allowed_processors()):
        pin(kernel, processor)
        assert all(os.sched_getaffinity(each) == {processor} for each in (*threads, child))


def test_it_begins_where_it_may_run() -> None:
    assert any_processor() in allowed_processors()


def test_the_first_look_has_nothing_to_compare_with(family: tuple[int, int]) -> None:
    keeper = Keeper(family[0], any_processor())
    assert not keeper.look(1.0)
    assert not keeper.look(1.0)
    assert keeper.moves == 0


def test_a_kernel_that_has_ended_is_looked_at_without_harm() -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    keeper = Keeper(process.pid, any_processor())
    keeper.look(1.0)
    keeper.look(2.0)
