"""A result as Markdown and as JSON: what the page says, for readers of text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from xcnet.scenario.report import words
from xcnet.scenario.report.charts.svg import clean
from xcnet.scenario.report.evidence import groups
from xcnet.scenario.report.facts import course, end_of, harm_of, last_moment, phase_of, shares, stream_name
from xcnet.scenario.report.page import link_to, point_in_time, tiles
from xcnet.scenario.report.story import story
from xcnet.scenario.results import Entry, Evidence, RunResult

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_BAR = 48
"""Characters of the text timeline."""


def to_json(result: RunResult) -> str:
    """The result itself; ``RunResult.model_validate_json`` reads it back. Secrets are ``<secret>``."""
    # Settings may hold anything; what JSON has no word for is written as it prints, a secret as such.
    return result.model_dump_json(indent=1, fallback=str) + "\n"


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, and that breaks no table."""
    return _SPECIAL.sub(r"\\\1", " ".join(clean(text).split()))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a table; the cells are escaped."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return lines + [f"| {' | '.join(escape(cell) for cell in row)} |" for row in rows]


def to_markdown(result: RunResult) -> str:
    """The report."""
    lines = [
        f"# {words.VERDICTS[result.verdict]}: {escape(result.title or result.scenario)}",
        "",
        *([escape(result.description), ""] if result.description else []),
        *([f"**{escape(result.variant)}**", ""] if result.variant else []),
        f"Scenario {escape(result.scenario)}, lab {escape(result.lab)}, topology {escape(result.topology)}, "
        f"{point_in_time(result.began)}, {words.seconds(result.seconds)}.",
        "",
    ]
    for paragraph in story(result):
        lines += [escape(paragraph), ""]
    lines += [f"- {escape(reason)}" for reason in result.reasons] + [""] * bool(result.reasons)
    lines += table([tile.name for tile in tiles(result)], [[tile.value for tile in tiles(result)]])
    for section in (
        _checks,
        _faults,
        _timeline,
        _traffic,
        _shares,
        _applications,
        _events,
        _quality,
        _settings,
        _evidence,
    ):
        body = list(section(result))
        if body:
            lines += ["", *body]
    return "\n".join(lines) + "\n"


def _checks(result: RunResult) -> Iterator[str]:
    if result.checks:
        yield from ("## Checks", "")
        rows = (
            (words.VERDICTS[each.verdict], each.name, each.expected, each.measured, each.why) for each in result.checks
        )
        yield from table(["verdict", "check", "expected", "measured", "why"], rows)


def _faults(result: RunResult) -> Iterator[str]:
    if not result.faults:
        return
    yield from ("## Faults", "")
    rows = []
    for fault in sorted(result.faults, key=lambda fault: fault.began):
        phase, harm = phase_of(result, fault), harm_of(result, fault)
        stages = (
            (phase.detection, phase.withdrawal, phase.reroute, phase.restoration)
            if phase is not None
            else (None, None, None, None)
        )
        until = "end" if fault.ended is None else f"{words.moment(fault.ended, 2)} s"
        felt = (
            words.NONE
            if harm is None
            else f"{harm.hit} of {words.count(harm.flows, 'flow')}, {words.seconds(harm.longest)}"
            if harm.hit
            else "nothing"
        )
        rows.append(
            (
                f"{fault.name} ({fault.kind} {fault.target})",
                f"{words.moment(fault.began, 2)} – {until}",
                *(words.seconds(stage) for stage in stages),
                felt,
                fault.artifact,
            )
        )
    head = ["fault", "in place", "detection", "withdrawal", "reroute", "restoration", "users felt", "shown by"]
    yield from table(head, rows)


def _timeline(result: RunResult) -> Iterator[str]:
    """A line of characters for each fault and channel: ``!`` a loss, ``+`` a recovery, ``*`` both, ``.`` another event."""
    last = last_moment(result)
    named = dict.fromkeys(channel for entry in result.timeline for channel in entry.channels)
    names = [place.name for place in result.channels if place.name in named]
    names += [name for name in named if name not in names]
    if not result.timeline:
        return
    yield from ("## Timeline", "", "```text")
    width = max([7, *(len(_cell(name)) for name in names), *(len(_cell(fault.name)) for fault in result.faults)])
    for fault in result.faults:
        first, end = _column(fault.began, last), _column(end_of(result, fault), last)
        yield f"{_cell(fault.name):<{width}}  {' ' * first}{'=' * (end - first + 1)}{' ' * (_BAR - end - 1)}".rstrip()
    for name in [*names, ""]:
        entries = [entry for entry in result.timeline if (name in entry.channels if name else not entry.channels)]
        if entries:
            yield f"{_cell(name) or 'other':<{width}}  {_marks(entries, last)}".rstrip()
    right = f"{words.seconds(last)}"
    yield f"{'':<{width}}  0 s{right:>{_BAR - 3}}"
    yield from ("```", "", "`=` fault in place, `!` lost, `+` found again, `*` both, `.` other.")


def _cell(text: str) -> str:
    # Within a code block nothing is special but its end.
    return " ".join(clean(text).replace("`", "'").split())[:24]


def _column(at: float, last: float) -> int:
    return min(max(int(at / last * _BAR), 0), _BAR - 1)


def _marks(entries: Sequence[Entry], last: float) -> str:
    cells: dict[int, str] = {}
    for entry in entries:
        if entry.at < 0:
            continue
        mark = "!" if entry.bad else "+" if entry.good else "."
        old = cells.get(_column(entry.at, last), ".")
        cells[_column(entry.at, last)] = mark if old in (".", mark) else old if mark == "." else "*"
    return "".join(cells.get(column, " ") for column in range(_BAR))


def _traffic(result: RunResult) -> Iterator[str]:
    if result.probe is None:
        return
    yield from ("## Traffic", "")
    head = ["stream", "sent", "lost", "share", "longest loss", "flows hit", "doubled", "reordered", "p50", "p95", "p99", "worst"]  # fmt: skip
    rows = (
        (
            stream_name(each.source, each.target, each.version),
            f"{each.sent:,}",
            f"{each.lost:,}",
            words.percent(each.lost, each.sent),
            words.seconds(each.longest_loss),
            f"{each.flows_hit} of {len(each.flows)}",
            f"{each.duplicated:,}",
            f"{each.reordered:,}",
            *(
                words.milliseconds(value)
                for value in (each.delay.p50, each.delay.p95, each.delay.p99, each.delay.worst)
            ),
        )
        for each in result.probe.streams
    )
    yield from table(head, rows)


def _shares(result: RunResult) -> Iterator[str]:
    channels = list(dict.fromkeys(name for share in shares(result) for name in share.frames))
    if not channels or not result.faults:
        return
    yield from ("## Shares of the channels", "")
    rows = []
    for fault in sorted(result.faults, key=lambda fault: fault.began):
        for label, frames in course(result, fault):
            total = sum(frames.values())
            rows.append((fault.name, label, *(words.percent(frames.get(name, 0), total) for name in channels)))
    yield from table(["fault", "", *(escape(name) for name in channels)], rows)


def _applications(result: RunResult) -> Iterator[str]:
    probe = result.probe
    if probe is None:
        return
    if probe.transfers:
        yield from ("## TCP transfers", "")
        rows: list[tuple[str, ...]] = [
            (stream_name(each.source, each.target, each.version), f"{each.mbps:,.1f} Mbit/s", f"{each.retransmits:,}")
            for each in probe.transfers
        ]
        yield from table(["from, to", "mean", "retransmits"], rows)
    if probe.transfers and probe.requests:
        yield ""
    if probe.requests:
        yield from ("## HTTP requests", "")
        rows = [
            (
                stream_name(each.source, each.target, each.version),
                f"{each.sent:,}",
                f"{each.failed:,}",
                str(len(each.outages)),
                words.seconds(max((outage.length for outage in each.outages), default=None)),
                words.milliseconds(each.times.p99),
            )
            for each in probe.requests
        ]
        yield from table(["from, to", "asked", "failed", "outages", "longest outage", "p99"], rows)


def _events(result: RunResult) -> Iterator[str]:
    if result.timeline:
        yield from ("## Events", "")
        rows = (
            (
                words.moment(each.at),
                words.LAYERS[each.layer],
                " ".join(each.channels),
                each.source,
                each.kind,
                each.subject,
                words.told(each),
            )
            for each in sorted(result.timeline, key=lambda entry: entry.at)
        )
        yield from table(["time", "layer", "channels", "source", "kind", "subject", "what"], rows)


def _quality(result: RunResult) -> Iterator[str]:
    if result.probe is None:
        return
    quality = result.probe.quality
    yield from ("## Quality of the probe", "")
    if quality.fit:
        yield "The probe and its machine were fit to judge."
    else:
        yield "The probe or its machine was not fit to judge:"
        yield ""
        yield from (f"- {escape(problem)}" for problem in quality.problems)
    yield ""
    yield from table(
        ["latest packet", "packets late", "steal", "runnable tasks for each processor"],
        [
            (
                words.milliseconds(quality.worst_lateness_ms),
                words.percent(quality.late_share, 1),
                words.percent(quality.steal_share, 1),
                f"{quality.run_queue:.2f}",
            )
        ],
    )


def _settings(result: RunResult) -> Iterator[str]:
    yield from ("## Versions and settings", "")
    yield from (f"- {escape(name)}: {escape(value)}" for name, value in result.versions.items())
    yield from (f"- {escape(name)}: {escape(words.spell(value))}" for name, value in result.settings.items())


def _evidence(result: RunResult) -> Iterator[str]:
    if not result.evidence and not result.evidence_problems:
        return
    yield from ("## Evidence", "")
    yield from (f"- {escape(problem)}" for problem in result.evidence_problems)
    for group in groups(result):
        size = "" if group.size is None else f", {words.size(group.size)}"
        yield from ("", f"### {escape(group.title)}{size}", "")
        if group.explanation:
            yield from (escape(group.explanation), "")
        if group.moments:
            yield f"| | {' | '.join(escape(moment) for moment in group.moments)} |"
            yield f"|{'---|' * (len(group.moments) + 1)}"
            for row in group.rows:
                cells = (", ".join(_link(each, each.text) for each in cell) or words.NONE for cell in row.cells)
                yield f"| {escape(row.subject)} | {' | '.join(cells)} |"
            continue
        for each in group.files:
            told = [each.note or each.text, *([words.size(each.size)] if each.size else [])]
            yield f"- {_link(each, each.path)}: {escape(', '.join(told))}"


def _link(file: Evidence, text: str) -> str:
    target = link_to(file.path)
    return f"[{escape(text)}](<{target}>)" if target else escape(text)


__all__ = ["escape", "table", "to_json", "to_markdown"]
