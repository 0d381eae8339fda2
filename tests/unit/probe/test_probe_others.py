"""Outages of an application, reports of iperf3, shares of channels."""

from __future__ import annotations

import pytest

from xcnet.probe.requests import Asked, outages, summarise
from xcnet.probe.results import ChannelShare, LossWindow
from xcnet.probe.shares import Sample, shares
from xcnet.probe.transfer import read_report


def test_an_outage_runs_from_one_good_answer_to_the_next() -> None:
    asked = [Asked(10.0, 0.01), Asked(10.1, 0.01), Asked(10.2, None), Asked(11.2, None), Asked(12.2, 0.05)]
    (outage,) = outages(asked, 10.0, 12.3, 0.1)
    assert outage.start == pytest.approx(10.11)
    assert outage.length == pytest.approx(2.14)
    assert outage.lost == 2


def test_twice_the_pace_is_no_outage_and_the_ends_of_measuring_bound_one() -> None:
    assert list(outages([Asked(10.0, 0.0), Asked(10.125, 0.125)], 10.0, 10.25, 0.125)) == []
    assert list(outages([Asked(10.0, None)], 10.0, 12.0, 0.1)) == [LossWindow(start=10.0, length=2.0, lost=1)]
    late = list(outages([Asked(11.0, 0.0)], 10.0, 11.0, 0.1))
    assert late == [LossWindow(start=10.0, length=1.0, lost=0)]


def test_requests_of_the_warm_up_count_for_nothing() -> None:
    asked = [Asked(9.0, None), Asked(10.0, 0.002), Asked(10.1, None), Asked(10.2, 0.004), Asked(99.0, None)]
    result = summarise("a", "b", 6, asked, began=10.0, ended=10.25, pace=0.2, timeout=0.1)
    assert (result.sent, result.failed, result.timeout, result.version) == (3, 1, 0.1, 6)
    assert (result.times.p50, result.times.worst) == (2.0, 4.0)
    assert result.outages == ()


def _interval(start: float, seconds: float, megabytes: float, again: int) -> dict[str, object]:
    figures = {"bytes": megabytes * 1e6, "bits_per_second": megabytes * 8e6 / seconds, "retransmits": again}
    return {"sum": {"start": start, "end": start + seconds, "seconds": seconds, **figures}}


def test_a_transfer_is_placed_by_its_end_and_its_warm_up_left_out() -> None:
    report = {"intervals": [_interval(0, 1, 9, 5), _interval(1, 1, 2, 1), _interval(2, 0.5, 0.5, 2)]}
    result = read_report(report, "a", "b", 4, began=100.9, ended=102.5)
    assert result.intervals == ((101.0, 16.0), (102.0, 8.0))
    assert result.retransmits == 3
    assert result.mbps == pytest.approx(2.5 * 8 / 1.5)


def test_a_transfer_that_never_connected_moved_nothing() -> None:
    result = read_report({"error": "unable to connect"}, "a", "b", 4, began=1.0, ended=2.0)
    assert (result.mbps, result.intervals) == (0.0, ())


def test_shares_are_gapless_and_sum_up() -> None:
    samples = [
        Sample(at, {"ch1": count, "ch2": 2 * count}) for at, count in ((1.0, 5), (1.2, 10), (1.41, 30), (1.5, 31))
    ]
    assert [each.frames for each in shares(samples, 0.2)] == [
        {"ch1": 5, "ch2": 10},
        {"ch1": 20, "ch2": 40},
        {"ch1": 1, "ch2": 2},
    ]
    whole = shares(samples, 60.0)
    assert whole == (ChannelShare(start=1.0, seconds=0.5, frames={"ch1": 26, "ch2": 52}),)
    assert shares(samples[:1], 0.2) == ()
