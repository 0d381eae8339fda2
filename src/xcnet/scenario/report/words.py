"""Figures and faults in words: rounded for people, with units, never more digits than mean something."""

from __future__ import annotations

from xcnet.scenario.results import Entry, FaultSpan, Layer, Verdict

LAYERS = {
    Layer.FAULT: "fault",
    Layer.LINK: "link",
    Layer.MACSEC: "MACsec",
    Layer.BFD: "BFD",
    Layer.BGP: "BGP",
    Layer.FIB: "FIB",
    Layer.API: "API",
    Layer.STEP: "step",
    Layer.PROBE: "probe",
    Layer.OTHER: "other",
}

VERDICTS = {Verdict.PASS: "Pass", Verdict.FAIL: "Fail", Verdict.INCONCLUSIVE: "Inconclusive"}

NONE = "–"
"""Where there is no figure."""

_HAPPENED = {
    "cut": "was cut",
    "blackhole": "swallowed all frames in silence",
    "loss": "lost frames at random",
    "delay": "was delayed",
    "reorder": "put frames out of order",
    "corrupt": "corrupted frames",
    "duplicate": "doubled frames",
    "rate": "was throttled",
    "flap": "flapped",
    "mtu": "swallowed long frames",
    "power-off": "lost power",
    "kill": "had a daemon killed",
    "stop": "had a daemon stopped",
    "slow-cpu": "was short of processor time",
    "wrong-cak": "had a wrong CAK at one side",
    "mka-drop": "lost its key agreement frames",
    "data-drop": "lost its protected frames",
    "replay": "had old frames sent again",
    "forge": "had forged frames put in",
    "pn-exhaustion": "came near the end of its packet numbers",
    "bgp-shut": "had BGP shut",
    "md5-mismatch": "had another MD5 key at one side",
    "prefix-overflow": "announced too many prefixes",
    "route-leak": "announced a prefix that is not its customer's",
    "api": "met faults in its calls",
    "clock-skew": "had a wrong clock",
    "full-disk": "had a full disk",
    "certificate-expiry": "had an expired certificate",
}
"""What happened to a fault's target, for each kind."""


def seconds(value: float | None) -> str:
    """A span: ``0 s``, ``0.4 ms``, ``12 ms``, ``0.21 s``, ``15.2 s``, ``2 min 5 s``; a dash for none."""
    if value is None:
        return NONE
    size = abs(value)
    if size < 0.000_05:
        return "0 s"
    if size < 0.009_95:
        return f"{value * 1000:.1f} ms"
    if size < 0.099_5:
        return f"{value * 1000:.0f} ms"
    if size < 9.995:
        return f"{value:.2f} s"
    if size < 119.95:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(size), 60)
    return f"{'-' if value < 0 else ''}{minutes:,} min{f' {rest} s' if rest else ''}"


def moment(value: float, digits: int = 3) -> str:
    """A point in time, seconds since the run began: ``5.000``; without ``-0.000``."""
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text


def at(value: float) -> str:
    """A point in time within a sentence: ``5.0 s``."""
    return f"{moment(value, 1)} s"


def milliseconds(value: float) -> str:
    """``0.42 ms``, ``3.1 ms``, ``210 ms``."""
    if value == 0:
        return "0 ms"
    if abs(value) < 0.995:
        return f"{value:.2f} ms"
    return f"{value:.1f} ms" if abs(value) < 99.95 else f"{value:,.0f} ms"


def count(number: int, one: str, many: str = "") -> str:
    """``1 packet``, ``1,234 packets``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def size(number: int | None) -> str:
    """Bytes: ``512 B``, ``1.4 kB``, ``23 MB``; a dash for none."""
    if number is None:
        return NONE
    value, units = float(number), iter(("B", "kB", "MB", "GB"))
    unit = next(units)
    while value >= 999.5 and unit != "GB":
        value, unit = value / 1000, next(units)
    return f"{value:,.0f} {unit}" if unit == "B" or value >= 9.95 else f"{value:.1f} {unit}"


def percent(part: float, whole: float) -> str:
    """A share: ``0 %``, ``< 0.001 %``, ``0.35 %``, ``25 %``, ``100 %``; a dash of nothing."""
    if whole <= 0:
        return NONE
    share = 100 * part / whole
    if part == 0 or part == whole:
        return f"{share:.0f} %"
    if share < 0.001:
        return "< 0.001 %"
    for digits, limit in ((3, 0.01), (2, 1.0), (1, 10.0)):
        if share < limit:
            return f"{share:.{digits}f} %"
    return f"{share:.0f} %" if share < 99.5 else "> 99 %"


def told(entry: Entry) -> str:
    """An event's text where its subject stands beside it: not said twice."""
    if entry.text == entry.subject:
        return ""
    return entry.text.removeprefix(f"{entry.subject} ") if entry.subject else entry.text


def enumeration(parts: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""


def happened(fault: FaultSpan) -> str:
    """``ch2 was cut``; an unknown kind as it is called."""
    target = "each channel" if fault.target == "all" else fault.target
    return f"{target} {_HAPPENED.get(fault.kind, f'met the fault {fault.kind}')}"


def spell(value: object) -> str:
    """A setting's value for a table: short, without Python's or JSON's marks where none are needed."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return NONE
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_within(each)}" for key, each in value.items()) or NONE
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(_within(each) for each in value) or NONE
    return str(value)


def _within(value: object) -> str:
    """A part of another value: where it has several parts itself, it is seen where they end."""
    return f"({spell(value)})" if isinstance(value, dict) and value else spell(value)


__all__ = [
    "LAYERS",
    "NONE",
    "VERDICTS",
    "at",
    "count",
    "enumeration",
    "happened",
    "milliseconds",
    "moment",
    "percent",
    "seconds",
    "size",
    "spell",
    "told",
]
