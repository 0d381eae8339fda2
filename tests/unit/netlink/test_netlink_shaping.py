"""The numbers of a shaper's token bucket, and what may be shaped at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from xcnet.model.desired import LEAST_RATE, MOST_RATE, VrfInterface
from xcnet.netlink.shaping import Shaper

RATES = st.integers(LEAST_RATE, MOST_RATE)
MTUS = st.integers(1280, 65535)


@given(RATES, MTUS)
def test_every_frame_fits_into_the_burst_and_every_number_into_the_kernels_fields(rate: int, mtu: int) -> None:
    shaper = Shaper.of(rate, mtu)
    assert shaper.burst > mtu + 18
    assert shaper.burst < shaper.limit < 2**32
    assert shaper.burst * 8e9 / rate / 64 < 2**32


@given(RATES, MTUS)
def test_a_burst_lasts_no_shorter_than_the_coarsest_tick(rate: int, mtu: int) -> None:
    assert Shaper.of(rate, mtu).burst * 8 / rate > 0.0099


@given(RATES, MTUS)
def test_what_waits_leaves_soon_except_where_it_is_but_a_few_frames(rate: int, mtu: int) -> None:
    shaper = Shaper.of(rate, mtu)
    queue = shaper.limit - shaper.burst
    assert queue * 8 / rate <= 0.051 or queue == 16 * (mtu + 18)


def test_shapers_are_alike_when_the_kernel_cannot_tell_them_apart() -> None:
    asked = Shaper.of(333_333_333, 8500)
    # Whole bytes per second, and the burst in ticks of 64 nanoseconds.
    assert asked.like(Shaper(333_333_328, asked.burst - 2, asked.limit))
    assert not asked.like(None)
    assert not asked.like(Shaper.of(333_333_400, 8500))
    assert not asked.like(Shaper(asked.rate, asked.burst // 2, asked.limit))
    assert not asked.like(Shaper(asked.rate, asked.burst, asked.limit + 1))


@pytest.mark.parametrize("rate", [0, -1, LEAST_RATE - 1, MOST_RATE + 1])
def test_rates_that_no_bucket_can_hold_are_refused(rate: int) -> None:
    with pytest.raises(ValueError, match="a rate is"):
        Shaper.of(rate, 1500)
    with pytest.raises(ValidationError):
        VrfInterface(name="in0.5", parent="in0", vlan=5, mtu=1500, rate=rate)


def test_a_whole_port_is_not_shaped() -> None:
    with pytest.raises(ValidationError, match="is no VLAN"):
        VrfInterface(name="in0", parent="in0", mtu=1500, rate=10**8)
