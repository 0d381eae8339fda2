"""The course of a fault, read off the time line: when it was told, withdrawn, routed around, and when all was as before."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from xcnet.events import Event
from xcnet.scenario.results import Entry, FaultSpan, Layer, Phase

_TELLS = (Layer.LINK, Layer.MACSEC, Layer.BFD)
_STATES = {
    "link.carrier_lost": False,
    "link.carrier_found": True,
    "macsec.closed": False,
    "macsec.secured": True,
    "bfd.down": False,
    "bfd.up": True,
    "bgp.down": False,
    "bgp.established": True,
    "fib.lost": False,
    "fib.restored": True,
}
_FLIGHT = 0.05
"""Seconds: what is sent until a route changes is lost a little later than the change is told."""


@dataclass(frozen=True, slots=True)
class Restoration:
    """:param at: when the last thing that was lost was back, on the events' clock; None while something is missing.
    :param missing: those that are, in words.
    """

    at: float | None
    missing: tuple[str, ...]


def restoration(events: Iterable[Event], since: float) -> Restoration:
    """Whether everything that was lost since a moment is as it was then.

    A session or port counts as back when it is up again; a route when it has the next hops that it had before.
    """
    wanted: dict[tuple[str, str, str], tuple[str, ...]] = {}
    lost: dict[tuple[str, str, str], None] = {}
    last = since
    for event in sorted(events, key=lambda each: each.monotonic):
        up = _STATES.get(event.kind)
        if up is None or event.monotonic < since:
            continue
        layer = event.kind.partition(".")[0]
        key = (event.source.partition(".")[0], layer, event.subject)
        if layer == "fib":
            before = wanted.setdefault(key, tuple(event.data.get("was", ())))
            up = tuple(event.data.get("interfaces", ())) == before
        if up and key in lost:
            del lost[key]
            last = event.monotonic
        elif not up:
            lost[key] = None
    missing = tuple(f"{layer} {subject} at {node}" for node, layer, subject in lost)
    return Restoration(None if missing else last, missing)


def first(entries: Iterable[Entry], since: float, until: float, channels: Sequence[str]) -> Entry | None:
    """The first of them within a span that concerns one of the channels; any, where there are none."""
    for entry in entries:
        if since <= entry.at <= until and (not channels or set(entry.channels) & set(channels)):
            return entry
    return None


def phases(
    span: FaultSpan, entries: Sequence[Entry], losses: Sequence[tuple[float, float]], restored: float | None, end: float
) -> Phase:
    """:param losses: (start, length) of every loss window. :param restored: when all was as before; None if it is not.
    :param end: of the run.
    """
    until = span.ended if span.ended is not None else end
    told = [entry for entry in entries if entry.layer in _TELLS and entry.bad]
    detected = first(told, span.began, until, span.channels)
    gone = [entry for entry in entries if entry.kind in ("bgp.down", "fib.lost")]
    withdrawn = first(gone, span.began, until, ())
    over = max((start + length for start, length in losses if span.began - _FLIGHT <= start <= until), default=None)
    changes = [entry.at for entry in entries if entry.layer is Layer.FIB and span.began <= entry.at <= until]
    rerouted = None
    if withdrawn is not None and over is not None:
        rerouted = max((at for at in changes if at <= over + _FLIGHT), default=None)
    return Phase(
        fault=span.name,
        detection=detected.at - span.began if detected is not None else None,
        withdrawal=withdrawn.at - (detected.at if detected is not None else span.began)
        if withdrawn is not None
        else None,
        reroute=rerouted - withdrawn.at if rerouted is not None and withdrawn is not None else None,
        restoration=restored - span.ended
        if restored is not None and span.ended is not None and restored > span.ended
        else None,
    )


__all__ = ["Restoration", "first", "phases", "restoration"]
