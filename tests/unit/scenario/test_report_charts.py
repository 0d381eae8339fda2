"""Scales, ticks, clusters and strips: what every picture is built on."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xcnet.scenario.report.charts.area import Series, Step, area_chart
from xcnet.scenario.report.charts.cluster import Mark, Tone, cluster
from xcnet.scenario.report.charts.frame import LEFT, RIGHT, WIDTH, time_scale
from xcnet.scenario.report.charts.scale import Linear, Logarithmic, nice_step, nice_ticks, nice_top, tick_words
from xcnet.scenario.report.charts.strip import Bundle, Thread, strip_chart
from xcnet.scenario.report.charts.svg import clean, fit, short

_VALUES = st.floats(-1e9, 1e9, allow_nan=False)
_SPANS = st.tuples(_VALUES, st.floats(1e-6, 1e9)).map(lambda pair: (pair[0], pair[0] + pair[1]))
_REAL_SPANS = _SPANS.filter(lambda span: span[1] - span[0] > 1e-9 * max(abs(span[0]), abs(span[1]), 1e-3))


@given(_REAL_SPANS, st.integers(2, 20))
def test_ticks_lie_within_the_axis_ascend_and_are_no_more_than_asked_for(span: tuple[float, float], most: int) -> None:
    low, high = span
    ticks = nice_ticks(low, high, most)
    assert len(ticks) <= most
    assert all(low <= tick <= high for tick in ticks)
    assert list(ticks) == sorted(set(ticks))


@given(st.floats(1e-6, 1e12), st.integers(1, 20))
def test_a_step_is_one_two_or_five_times_a_power_of_ten(span: float, most: int) -> None:
    step = nice_step(span, most)
    mantissa = step / 10.0 ** math.floor(math.log10(step) + 1e-9)
    assert any(math.isclose(mantissa, nice) for nice in (1, 2, 5))
    assert step * most >= span * (1 - 1e-6)


@given(st.floats(0, 1e12))
def test_an_axis_from_zero_holds_its_highest_value_with_little_room_to_spare(value: float) -> None:
    top = nice_top(value)
    assert top >= value * (1 - 1e-6)
    assert top <= 2.6 * value or value < 1e-9


@given(_REAL_SPANS, _VALUES)
def test_a_scale_never_leaves_its_pixels_and_keeps_order(span: tuple[float, float], value: float) -> None:
    scale = Linear(*span, 10.0, 500.0)
    assert 10.0 <= scale(value) <= 500.0
    assert scale(value) <= scale(value + 1.0)
    assert scale(span[0]) == 10.0
    assert scale(span[1]) == 500.0


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e6), st.floats(-1e3, 1e9))
def test_a_logarithmic_scale_never_leaves_its_pixels(low: float, factor: float, value: float) -> None:
    scale = Logarithmic(low, low * factor, 300.0, 20.0)
    assert 20.0 <= scale(value) <= 300.0
    assert len(scale.ticks(5)) <= 5


@pytest.mark.parametrize("span", [(1.0, 1.0), (2.0, 1.0), (0.0, math.inf), (math.nan, 1.0)])
def test_a_scale_without_extent_is_refused(span: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="a scale from"):
        Linear(*span, 0.0, 1.0)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((0.0, 0.5, 1.0), ("0", "0.5", "1.0")),
        ((0.0, 1000.0, 2000.0), ("0", "1,000", "2,000")),
        ((20.0, 20.05, 20.1), ("20.00", "20.05", "20.10")),
    ],
)
def test_ticks_have_as_few_digits_as_tell_them_apart(values: tuple[float, ...], words: tuple[str, ...]) -> None:
    assert tick_words(values) == words


@given(st.lists(st.floats(-5, 65), max_size=400), st.sampled_from(list(Tone)))
def test_clusters_hold_every_mark_once_cover_none_and_stay_in_the_plot(times: list[float], tone: Tone) -> None:
    time = time_scale(0.0, 60.0)
    clusters = cluster([Mark(at, tone, str(at)) for at in times], time)
    held = [mark.at for each in clusters for mark in each.marks]
    assert held == sorted(at for at in times if 0 <= at <= 60)
    for each in clusters:
        assert each.x - each.width / 2 + 1e-6 >= LEFT
        assert each.x + each.width / 2 <= WIDTH - RIGHT + 1e-6


def test_marks_far_apart_stay_alone_and_near_ones_are_counted_together() -> None:
    marks = [Mark(at, Tone.PLAIN, "") for at in (1.0, 1.01, 1.02, 30.0)]
    assert [len(each.marks) for each in cluster(marks, time_scale(0.0, 60.0))] == [3, 1]


def test_a_cluster_with_a_loss_and_a_recovery_is_bad_and_says_that_it_is_mixed() -> None:
    (each,) = cluster([Mark(1.0, Tone.GOOD, "up"), Mark(1.0, Tone.BAD, "down")], time_scale(0.0, 60.0))
    assert each.tone is Tone.BAD
    assert each.mixed
    assert each.tip(1) == "up\nand 1 more"


def test_a_strip_is_no_larger_than_its_pixels_however_many_losses_there_are() -> None:
    few, many = (
        strip_chart("t", [Bundle("b", (Thread("f", tuple((i * 60 / n, 1e-4) for i in range(n))),))], 0.0, 60.0, ())
        for n in (500, 50_000)
    )
    assert len(many) < 1.5 * len(few)


def test_a_strip_shows_even_the_shortest_loss() -> None:
    assert "lost0" in strip_chart("t", [Bundle("b", (Thread("f", ((59.9999, 1e-6),)),))], 0.0, 60.0, ())


def test_a_gap_in_a_series_is_a_gap_in_its_line() -> None:
    steps = (Step(0, 1, 5.0), Step(1, 2, None), Step(2, 3, 5.0))
    chart = area_chart("t", "n", [Series(steps, "median")], 0.0, 3.0, ())
    (d,) = re.findall(r'class="median stroke" d="([^"]*)"', chart)
    assert d.count("M") == 2


@pytest.mark.parametrize(("value", "text"), [(12.0, "12"), (12.04, "12"), (12.06, "12.1"), (-0.01, "0")])
def test_coordinates_are_short(value: float, text: str) -> None:
    assert short(value) == text


def test_what_a_document_must_not_hold_is_replaced() -> None:
    assert clean("a\x00b\x1b[0m\ud800\u202ec\n") == "a\ufffdb\ufffd[0m\ufffd\ufffdc\n"


def test_text_is_cut_to_its_room() -> None:
    assert fit("a-very-long-name", 60, 10) == "a-very-lo…"
    assert fit("short", 60, 10) == "short"
