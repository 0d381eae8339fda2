"""Datagrams survive their way to bytes and back; plans refuse what cannot be probed with."""

from __future__ import annotations

from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xcnet.probe.packets import HEADER, Datagram, blank, read, stamp
from xcnet.probe.plan import Directions, ProbePlan, bucket_seconds

_U32 = st.integers(0, 2**32 - 1)


@given(_U32, st.integers(0, 4095), _U32, st.integers(0, 2**63 - 1), st.integers(HEADER.size, 9000))
def test_a_stamped_datagram_reads_as_it_was_made(run: int, flow: int, sequence: int, sent: int, size: int) -> None:
    buffer = blank(run, flow, size)
    stamp(buffer, 7, 7)
    stamp(buffer, sequence, sent)
    assert len(buffer) == size
    assert read(buffer, run) == Datagram(run, flow, sequence, sent)


@given(st.binary(max_size=64))
def test_what_is_no_datagram_of_this_run_is_none(data: bytes) -> None:
    assert read(data, 1) is None or data.startswith(b"xcpr\0\0\0\1")
    assert read(blank(2, 0, 64), 1) is None
    assert read(blank(1, 0, 64)[: HEADER.size - 1], 1) is None


@given(st.integers(4, 4096), st.sampled_from(list(Directions)), st.sampled_from([(4,), (6,), (4, 6)]))
def test_flows_are_spread_evenly_and_each_belongs_to_one_stream(
    flows: int, directions: Directions, versions: tuple[int, ...]
) -> None:
    plan = ProbePlan(flows=flows, directions=directions, versions=versions)
    ranges = [plan.flows_of(stream) for stream in range(plan.streams)]
    assert list(chain.from_iterable(ranges)) == list(range(flows))
    assert max(map(len, ranges)) - min(map(len, ranges)) <= 1


@pytest.mark.parametrize(
    "settings",
    [
        {"flows": 3},
        {"flows": 0},
        {"rate": 0},
        {"versions": ()},
        {"versions": (4, 4)},
        {"versions": (5,)},
        {"payload": HEADER.size - 1},
        {"source": "aws-app"},
        {"source": "aws-app", "target": "aws-app"},
        {"raw": "../elsewhere.csv"},
        {"raw": "a/b.csv"},
        {"raw": "lab.json"},
        {"duration": 0},
        {"colour": "red"},
    ],
)
def test_a_plan_that_cannot_be_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ProbePlan.model_validate(settings)


@given(st.floats(0, 86_400))
def test_a_result_has_no_more_buckets_than_can_be_drawn(seconds: float) -> None:
    bucket = bucket_seconds(seconds)
    assert bucket >= 0.1
    assert seconds / bucket <= 601
