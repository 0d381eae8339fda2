"""Moments: what RFC 3339 takes is read, what it does not is refused, and what is written is read back."""

import contextlib
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xcnet.spec import rfc3339


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-18T09:30:00Z", datetime(2026, 5, 18, 9, 30, tzinfo=UTC)),
        ("2026-05-18t09:30:00z", datetime(2026, 5, 18, 9, 30, tzinfo=UTC)),
        ("2000-01-23T04:56:07.000+00:00", datetime(2000, 1, 23, 4, 56, 7, tzinfo=UTC)),
        ("2026-05-18T09:30:00-00:00", datetime(2026, 5, 18, 9, 30, tzinfo=UTC)),
        ("2026-05-18T09:30:00.5+05:45", datetime(2026, 5, 18, 3, 45, 0, 500_000, tzinfo=UTC)),
        ("2026-05-18T09:30:00.1234567890123Z", datetime(2026, 5, 18, 9, 30, 0, 123_456, tzinfo=UTC)),
        ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2017, 1, 1, tzinfo=UTC)),
        ("2017-01-01T00:59:60.25+01:00", datetime(2017, 1, 1, 0, 0, 0, 250_000, tzinfo=UTC)),
        ("0000-01-01T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("0001-01-01T00:00:00+01:00", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime.max.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:60Z", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_rfc_3339_is_read(text: str, moment: datetime) -> None:
    assert rfc3339.parse(text) == moment
    assert rfc3339.parse(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-05-18",
        "2026-05-18T09:30:00",
        "2026-05-18 09:30:00Z",
        "2026-05-18T09:30Z",
        "2026-05-18T09:30:00.Z",
        "2026-05-18T09:30:00+0200",
        "2026-05-18T09:30:00+24:00",
        "2026-05-18T09:30:00+01:60",
        "2026-02-30T09:30:00Z",
        "2025-02-29T09:30:00Z",
        "2026-13-01T09:30:00Z",
        "2026-05-18T24:00:00Z",
        "2026-05-18T09:60:00Z",
        "2026-05-18T09:30:61Z",
        "2026-05-18T09:30:60Z",
        "0000-02-30T00:00:00Z",
        "12026-05-18T09:30:00Z",
        "2026-05-18T09:30:00Z\n",
        " 2026-05-18T09:30:00Z",
        "٢٠٢٦-05-18T09:30:00Z",
        "1700000000",
        "2026-W20-1T09:30:00Z",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        rfc3339.parse(text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        rfc3339.parse(text)


@settings(deadline=None)
@given(
    st.datetimes(), st.integers(-1439, 1439).map(lambda minutes: timezone(timedelta(minutes=minutes))) | st.just(None)
)
def test_what_is_written_is_read_back_to_the_millisecond(moment: datetime, zone: timezone | None) -> None:
    moment = rfc3339.in_utc(moment.replace(tzinfo=zone))
    text = rfc3339.write(moment)
    assert len(text) == len("2026-05-18T09:30:00.000Z")
    assert rfc3339.parse(text) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def test_a_moment_without_an_offset_is_in_utc() -> None:
    assert rfc3339.write(datetime(2026, 5, 18)) == "2026-05-18T00:00:00.000Z"
