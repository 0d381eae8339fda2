"""What makes a probe unfit, and what /proc/stat says of a host."""

from __future__ import annotations

import pytest

from xcnet.probe.analysis import Lateness
from xcnet.probe.load import HostLoad, LoadSample, LoadWatch, host_load, judge, parse_stat
from xcnet.probe.plan import Limits
from xcnet.waiting import Deadline, wait_until

FINE = (Lateness(3.0, 0, 1000), 0, HostLoad(0.0, 0.4))


def test_a_quiet_run_is_fit() -> None:
    quality = judge(*FINE, Limits())
    assert quality.fit
    assert (quality.worst_lateness_ms, quality.run_queue) == (3.0, 0.4)


@pytest.mark.parametrize(
    ("late", "drops", "load", "words"),
    [
        (Lateness(240.0, 1, 1000), 0, FINE[2], "a packet was sent 240 ms after its time; the limit is 100 ms"),
        (Lateness(20.0, 50, 1000), 0, FINE[2], "5.0% of packets were sent more than 10 ms late; the limit is 1.0%"),
        (FINE[0], 7, FINE[2], "the probe's own receivers had no room for 7 packets; the limit is 0"),
        (FINE[0], 0, HostLoad(0.25, 0.4), "25.0% of the host's processor time went to other machines"),
        (FINE[0], 0, HostLoad(0.0, 1.5), "1.50 tasks for each of the host's processors; the limit is 1"),
    ],
)
def test_what_is_beyond_its_limit_is_said_with_figures(late: Lateness, drops: int, load: HostLoad, words: str) -> None:
    quality = judge(late, drops, load, Limits())
    assert not quality.fit
    assert len(quality.problems) == 1
    assert words in quality.problems[0]


def test_limits_themselves_are_still_fit() -> None:
    assert judge(Lateness(100.0, 10, 1000), 0, HostLoad(0.1, 1.0), Limits()).fit


def test_steal_and_queue_are_read_from_the_kernels_own_words() -> None:
    stat = "cpu  100 2 30 800 10 0 5 53 0 0\ncpu0 1 2 3 4 5 6 7 8 9 10\nctxt 5\nprocs_running 3\nprocs_blocked 0\n"
    assert parse_stat(stat) == LoadSample(steal=53, total=1000, running=3)
    assert parse_stat("") == LoadSample(0, 0, 0)


def test_load_leaves_out_the_one_who_looks() -> None:
    samples = [LoadSample(0, 0, 1), LoadSample(10, 50, 3), LoadSample(20, 100, 2)]
    assert host_load(samples, 2) == HostLoad(steal_share=0.2, run_queue=0.5)
    assert host_load([], 2) == HostLoad()


def test_a_watch_sees_this_machine_until_it_is_closed() -> None:
    watch = LoadWatch()
    watch.start()
    wait_until("a sample", lambda: None if watch._samples else "none", Deadline(5.0))
    watch.close()
    watch.close()
    assert watch.load.run_queue >= 0
