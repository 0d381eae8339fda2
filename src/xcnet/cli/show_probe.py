"""What a probe found, as tables for people."""

from __future__ import annotations

from collections import Counter

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from xcnet.cli.tables import Column, NarrowingTable
from xcnet.probe.results import ProbeResult


def _seconds(seconds: float) -> str:
    return "-" if not seconds else f"{seconds:.3f} s"


def _bad(number: int) -> Text:
    return Text(f"{number:,}", style="red" if number else "")


def _streams(result: ProbeResult) -> NarrowingTable:
    table = NarrowingTable(
        "Datagrams",
        [
            Column("from"),
            Column("to"),
            Column("IP", number=True),
            Column("flows", number=True, spare=3),
            Column("sent", number=True),
            Column("lost", number=True),
            Column("flows hit", number=True, spare=2),
            Column("longest loss", number=True),
            Column("duplicates", number=True, spare=4),
            Column("reordered", number=True, spare=4),
            Column("p50 ms", number=True, spare=1),
            Column("p99 ms", number=True, spare=1),
            Column("worst ms", number=True, spare=1),
        ],
    )
    for stream in result.streams:
        table.add_row(
            stream.source,
            stream.target,
            f"v{stream.version}",
            str(len(stream.flows)),
            f"{stream.sent:,}",
            _bad(stream.lost),
            str(stream.flows_hit),
            _seconds(stream.longest_loss),
            _bad(stream.duplicated),
            _bad(stream.reordered),
            f"{stream.delay.p50:.2f}",
            f"{stream.delay.p99:.2f}",
            f"{stream.delay.worst:.2f}",
        )
    return table


def _channels(result: ProbeResult) -> NarrowingTable:
    table = NarrowingTable("Channels", [Column("channel"), Column("frames", number=True), Column("share", number=True)])
    frames: Counter[str] = Counter()
    for share in result.shares:
        frames.update(share.frames)
    for channel, count in frames.items():
        table.add_row(channel, f"{count:,}", f"{count / max(1, frames.total()):.1%}")
    return table


def _transfers(result: ProbeResult) -> NarrowingTable:
    columns = [
        Column("from"),
        Column("to"),
        Column("IP"),
        Column("Mbit/s", number=True),
        Column("sent again", number=True),
    ]
    table = NarrowingTable("TCP transfers", columns)
    for each in result.transfers:
        table.add_row(each.source, each.target, f"v{each.version}", f"{each.mbps:.1f}", _bad(each.retransmits))
    return table


def _requests(result: ProbeResult) -> NarrowingTable:
    table = NarrowingTable(
        "HTTP requests",
        [
            Column("from"),
            Column("to"),
            Column("IP"),
            Column("sent", number=True),
            Column("failed", number=True),
            Column("longest outage", number=True),
            Column("p50 ms", number=True, spare=1),
            Column("p99 ms", number=True, spare=1),
            Column("worst ms", number=True, spare=1),
        ],
    )
    for each in result.requests:
        table.add_row(
            each.source,
            each.target,
            f"v{each.version}",
            f"{each.sent:,}",
            _bad(each.failed),
            _seconds(max((outage.length for outage in each.outages), default=0.0)),
            f"{each.times.p50:.1f}",
            f"{each.times.p99:.1f}",
            f"{each.times.worst:.1f}",
        )
    return table


def _quality(result: ProbeResult) -> Text:
    quality = result.quality
    words = (
        f"the latest packet left {quality.worst_lateness_ms:.1f} ms after its time, {quality.late_share:.2%} more than 10 ms; "
        f"host: {quality.run_queue:.2f} tasks for each processor, {quality.steal_share:.1%} taken by others"
    )
    if quality.fit:
        return Text.assemble(("fit to judge", "green"), f": {words}")
    return Text.from_markup(
        "\n".join(["[yellow]inconclusive[/]: " + escape(words), *(f"  {escape(each)}" for each in quality.problems)])
    )


def probe_view(result: ProbeResult) -> RenderableType:
    """Streams, channels, what else was tried, and whether it may be believed."""
    gap = Text("")
    parts: list[RenderableType] = [_streams(result), gap, _channels(result), gap]
    if result.transfers:
        parts += [_transfers(result), gap]
    if result.requests:
        parts += [_requests(result), gap]
    return Group(*parts, _quality(result))


__all__ = ["probe_view"]
