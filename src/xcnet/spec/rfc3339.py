"""Moments as the API writes them: RFC 3339, section 5.6, read to the letter and written in UTC to the millisecond."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

_FIRST = datetime.min.replace(tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)
_DATE_TIME = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d\d)-(?P<day>\d\d)[Tt]"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d+))?"
    r"(?:[Zz]|(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d))",
    re.ASCII,
)
_GREGORIAN_CYCLE = 400
"""Years after which dates repeat themselves, leap days included."""


def parse(text: str) -> datetime:
    """The moment, in UTC, cut to the microsecond.

    Python tells moments of the years 1 to 9999 only: what lies before or after is the first or the last of these. A leap
    second, where there can be one, is the second after it.

    :raises ValueError: not RFC 3339; an offset from UTC is not left out.
    """
    match = _DATE_TIME.fullmatch(text)
    if match is None:
        raise ValueError("must be a date and time with its offset, e.g. 2026-05-18T09:30:00Z")
    year, month, day, hour, minute, second = (int(match[index]) for index in range(1, 7))
    offset = timedelta(hours=int(match["hours"] or 0), minutes=int(match["minutes"] or 0))
    if offset >= timedelta(days=1) or int(match["minutes"] or 0) > 59:
        raise ValueError("must have an offset from UTC of less than a day")
    zone = timezone(-offset if match["sign"] == "-" else offset)
    micro = int((match["fraction"] or "").ljust(6, "0")[:6])
    leap = second == 60
    moment = datetime(year or _GREGORIAN_CYCLE, month, day, hour, minute, 59 if leap else second, micro, zone)
    if year == 0:
        return _FIRST
    told = in_utc(moment)
    if not leap:
        return told
    if (told.hour, told.minute) != (23, 59):
        raise ValueError("must have a leap second at the end of a day in UTC, if at all")
    return told + timedelta(seconds=1) if told < _LAST - timedelta(seconds=1) else _LAST


def in_utc(moment: datetime) -> datetime:
    """The same moment in UTC; one without an offset is taken to be in UTC."""
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return _FIRST if moment.year == 1 else _LAST


def write(moment: datetime) -> str:
    """``2026-05-18T09:30:00.000Z``. :param moment: with an offset."""
    return in_utc(moment).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


__all__ = ["in_utc", "parse", "write"]
