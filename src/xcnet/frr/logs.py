"""Lines of FRR's logs as events: BGP sessions and BFD peers going up and down, to the microsecond."""

from __future__ import annotations

import re
from calendar import timegm
from collections.abc import Callable
from typing import Any

from xcnet.events import Event

_LINE = re.compile(
    r"(?P<year>\d{4})[/-](?P<month>\d\d)[/-](?P<day>\d\d)[ T]"
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?Z? "
    r"(?P<daemon>[A-Z0-9_]+): "
    r"(?:\[[A-Z0-9]{5}-[A-Z0-9]{5}\])?(?:\[EC \d+\])? ?"
    r"(?P<text>.*)"
)

_PEER = r"(?P<peer>[0-9a-fA-F.:]+)(?:\(\S*\))?"

_Found = tuple[str, str, dict[str, Any]]
"""Kind, subject, data."""


def _adjacency(match: re.Match[str]) -> _Found:
    peer, vrf = match["peer"], match["vrf"] or "default"
    if match["state"] == "Up":
        return "bgp.established", f"{vrf}/{peer}", {"vrf": vrf, "peer": peer}
    return "bgp.down", f"{vrf}/{peer}", {"vrf": vrf, "peer": peer, "reason": match["reason"] or "unknown"}


def _notification(match: re.Match[str]) -> _Found:
    data = {
        "peer": match["peer"],
        "direction": match["direction"],
        "code": int(match["code"]),
        "subcode": int(match["subcode"]),
        "meaning": match["meaning"],
    }
    return "bgp.notification", match["peer"], data


def _prefix_limit(match: re.Match[str]) -> _Found:
    data = {
        "peer": match["peer"],
        "family": match["family"],
        "received": int(match["received"]),
        "limit": int(match["limit"]),
    }
    return "bgp.prefix_limit_exceeded" if match["word"] else "bgp.prefix_limit_near", match["peer"], data


def _end_of_rib(match: re.Match[str]) -> _Found:
    peer, vrf = match["peer"], match["vrf"] or "default"
    return "bgp.end_of_rib", f"{vrf}/{peer}", {"vrf": vrf, "peer": peer, "family": match["family"]}


def _bfd(match: re.Match[str]) -> _Found:
    peer, vrf = match["peer"], match["vrf"] or "default"
    data = {"vrf": vrf, "peer": peer, "interface": match["interface"] or "", "was": match["was"]}
    if match["reason"]:
        data["reason"] = match["reason"]
    return f"bfd.{match['state'].lower()}", f"{vrf}/{peer}", data


def _address_unknown(match: re.Match[str]) -> _Found:
    return "bgp.address_unknown", match["peer"], {"peer": match["peer"]}


def _started(match: re.Match[str]) -> _Found:
    return "frr.started", match["program"], {"version": match["version"]}


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], _Found]], ...] = (
    (
        re.compile(
            r"%ADJCHANGE: neighbor " + _PEER + r"(?: in vrf (?P<vrf>\S+))? (?P<state>Up|Down)(?: (?P<reason>.*\S))?"
        ),
        _adjacency,
    ),
    (
        re.compile(
            r"%NOTIFICATION(?:\(Hard Reset\))?: (?P<direction>sent to|received from) neighbor "
            + _PEER
            + r" (?P<code>\d+)/(?P<subcode>\d+) \((?P<meaning>[^)]*)\)"
        ),
        _notification,
    ),
    (
        re.compile(
            r"%MAXPFX(?P<word>EXCEED)?: No\. of (?P<family>.+?) prefix received from "
            + _PEER
            + r" (?:reaches )?(?P<received>\d+)(?: exceed, limit|, max) (?P<limit>\d+)"
        ),
        _prefix_limit,
    ),
    (
        re.compile(r".*rcvd End-of-RIB for (?P<family>.+) from " + _PEER + r"(?: in vrf (?P<vrf>\S+))?"),
        _end_of_rib,
    ),
    (
        re.compile(
            r"state-change: \[(?=[^\]]*\bpeer:(?P<peer>[^ \]]+))(?:(?=[^\]]*\bvrf:(?P<vrf>[^ \]]+)))?"
            r"(?:(?=[^\]]*\bifname:(?P<interface>[^ \]]+)))?[^\]]*\] "
            r"(?P<was>[a-zA-Z-]+) -> (?P<state>[a-zA-Z-]+)(?: reason:(?P<reason>.*\S))?"
        ),
        _bfd,
    ),
    (re.compile(_PEER + r": nexthop_set failed, resetting connection"), _address_unknown),
    (re.compile(r"(?P<program>[a-z]+d|zebra) (?P<version>\d+\.\d\S*) starting\b.*"), _started),
)


def parse_log_line(line: str, *, source: str, wall_minus_monotonic: float) -> Event | None:
    """The event that a line tells of; None for any other line, however broken.

    The daemons write UTC, as they are started with it.

    :param source: of the event, e.g. ``aws-edge1.bgpd``.
    :param wall_minus_monotonic: seconds between the two clocks of the kernel that the daemons run in.
    """
    head = _LINE.match(line)
    if head is None:
        return None
    wall = _wall(head)
    if wall is None:
        return None
    for pattern, read in _PATTERNS:
        match = pattern.match(head["text"])
        if match is not None:
            kind, subject, data = read(match)
            return Event(wall - wall_minus_monotonic, wall, source, kind, subject, data)
    return None


def _wall(head: re.Match[str]) -> float | None:
    fields = [int(head[name]) for name in ("year", "month", "day", "hour", "minute", "second")]
    _year, month, day, hour, minute, second = fields
    if not (1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return None
    fraction = head["fraction"]
    return timegm((*fields, 0, 0, 0)) + (int(fraction) / 10 ** len(fraction) if fraction else 0.0)


__all__ = ["parse_log_line"]
