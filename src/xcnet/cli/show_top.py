"""How ``xcnet top`` looks: one state as a picture that fits a terminal of any size."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.text import Text

from xcnet.cli.durations import duration
from xcnet.cli.mood import Mood
from xcnet.cli.show import health_text
from xcnet.cli.show_connections import mbps_text
from xcnet.cli.tables import Column, NarrowingTable
from xcnet.cli.top_state import ChannelFigures, ConnectionFigures, EndFigures, EventFigures, TopState
from xcnet.lab.status import Health

ONCE_EVENTS = 10
"""Events where the height does not matter."""

_MOOD_STYLE = {Mood.GOOD: "green", Mood.BAD: "red", Mood.PLAIN: ""}
_FRAME_LINES = 3
"""Lines of a table besides its rows: title, headings, and what there was no room for."""
_LEAST_EVENTS = 3

Row = TypeVar("Row")


def top_view(state: TopState, *, height: int | None = None) -> RenderableType:
    """:param height: lines of the terminal; rows that it has no room for are left out, those that are well first, and
    counted in the title. None: there is room for all.
    """
    parts: list[RenderableType] = [_header(state)]
    if state.missing:
        parts.append(_line("not running: " + "; ".join(state.missing), "red"))
    channels, connections, events = len(state.channels), len(state.connections), ONCE_EVENTS
    if height is not None:
        # Of the three gaps and the events' title one line each, of either table its frame.
        room = height - len(parts) - 4 - 2 * _FRAME_LINES
        channels, connections = _shares(room - _LEAST_EVENTS, channels, connections)
        events = max(1, room - channels - connections)
    shown = _fitting(state.channels, channels, [each.health is not Health.UP or _held(each) for each in state.channels])
    made = _fitting(state.connections, connections, [not each.whole for each in state.connections])
    parts += [Text(), _channels(shown, len(state.channels)), Text(), _connections(made, len(state.connections))]
    parts += [Text(), Text("Events", style="bold"), _events(state.events[-events:])]
    return Group(*parts)


def _shares(room: int, channels: int, connections: int) -> tuple[int, int]:
    """Rows of either table, at least one each: connections give way to a third of the room, then channels do."""
    room = max(room, 2)
    kept = min(connections, max(1, room // 3))
    channels = min(channels, max(1, room - kept))
    return channels, min(connections, max(1, room - channels))


def _fitting(rows: Sequence[Row], room: int, urgent: Sequence[bool]) -> list[Row]:
    """As many as there is room for, in their order; the urgent ones stay before the others do."""
    ranked = sorted(range(len(rows)), key=lambda index: not urgent[index])
    return [rows[index] for index in sorted(ranked[:room])]


def _held(channel: ChannelFigures) -> bool:
    return channel.use != "in use"


def _line(text: str | Text, style: str = "") -> Text:
    line = Text(text, style=style) if isinstance(text, str) else text
    line.no_wrap, line.overflow = True, "ellipsis"
    return line


def _header(state: TopState) -> Text:
    clock = time.strftime("%H:%M:%SZ", time.gmtime(state.wall))
    if round(state.ahead):
        clock += f", policy {'+' if state.ahead > 0 else '-'}{duration(abs(state.ahead))}"
    return _line(
        Text.assemble(
            ("lab ", "bold"),
            (state.lab, "bold cyan"),
            ": ",
            health_text(state.health),
            f"  up for {duration(state.uptime_seconds)}  {clock}",
            (f"  {state.topology}, {state.engine}", "dim"),
        )
    )


def _title(name: str, shown: int, total: int) -> str:
    return name if shown == total else f"{name} ({shown} of {total})"


def _channels(shown: Sequence[ChannelFigures], total: int) -> NarrowingTable:
    table = NarrowingTable(
        _title("Channels", len(shown), total),
        [
            Column("channel"),
            Column("facility", spare=2),
            Column("ends", spare=4),
            Column("MACsec"),
            Column("KN", number=True, spare=1),
            Column("→ /s", number=True),
            Column("← /s", number=True),
            Column("drops", number=True),
            Column("loss %", number=True, spare=3),
            Column("BFD"),
            Column("use"),
        ],
    )
    for channel in shown:
        rates = [_rate(end.frames_per_second) for end in channel.ends]
        keys = {end.key_number for end in channel.ends if end.key_number is not None}
        table.add_row(
            channel.name,
            channel.facility,
            " ⇄ ".join(end.node for end in channel.ends),
            _secured(channel.ends),
            "/".join(str(each) for each in sorted(keys)) or "-",
            rates[0] if rates else "-",
            rates[1] if len(rates) > 1 else "-",
            str(sum(end.refused for end in channel.ends)),
            _loss([end.lost for end in channel.ends if end.lost is not None]),
            _bfd(channel.ends),
            Text(channel.use, style="yellow" if _held(channel) else "green"),
        )
    return table


def _rate(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _loss(lost: Sequence[float]) -> Text:
    """The worse of both ends' probes."""
    if not lost:
        return Text("-", style="dim")
    return Text(f"{max(lost):.1f}", style="red" if max(lost) else "green")


def _secured(ends: Sequence[EndFigures]) -> Text:
    up = sum(end.secured for end in ends)
    if up == len(ends):
        return Text("secured", style="green")
    return Text("one end", style="yellow") if up else Text("closed", style="red")


def _bfd(ends: Sequence[EndFigures]) -> Text:
    """Each end's word, in the order of the ends: no connection over the channel means no session."""
    text = Text()
    for index, end in enumerate(ends):
        if index:
            text.append(" ")
        if not end.bfd_all:
            text.append("-", style="dim")
        elif end.bfd_up == end.bfd_all:
            text.append("up", style="green")
        elif end.bfd_up:
            text.append(f"{end.bfd_up}/{end.bfd_all}", style="yellow")
        else:
            text.append("down", style="red")
    return text


def _connections(shown: Sequence[ConnectionFigures], total: int) -> NarrowingTable:
    table = NarrowingTable(
        _title("Connections", len(shown), total),
        [
            Column("connection"),
            Column("state"),
            Column("bandwidth", number=True),
            Column("features up"),
            Column("next hops", number=True),
        ],
    )
    for each in shown:
        enough = each.next_hops >= each.expected_next_hops
        table.add_row(
            each.name,
            _state(each.states),
            mbps_text(each.mbps) if each.mbps is not None else "-",
            _features(each.features_up),
            Text(f"{each.next_hops} of {each.expected_next_hops}", style="green" if enough else "red"),
        )
    if not total:
        table.add_row("none", "", "", "", "")
    return table


def _state(states: dict[str, str]) -> Text:
    """In one word where all agree."""
    words = set(states.values())
    said = next(iter(words)) if len(words) == 1 else ", ".join(f"{key} {state}" for key, state in states.items())
    return Text(said, style="green" if words == {"verified"} else "yellow")


def _features(up: dict[str, tuple[int, int]]) -> Text:
    text = Text()
    for index, (key, (works, total)) in enumerate(up.items()):
        text.append(", " if index else "")
        text.append(f"{key} {works} of {total}", style="green" if works == total else "red")
    return text


def _events(events: Sequence[EventFigures]) -> Group:
    """A line each; what it says at its end goes first on a narrow terminal."""
    sources = [each.source.removesuffix(".coordinator") for each in events]
    widest = max(map(len, sources), default=0), max((len(each.kind) for each in events), default=0)
    lines = []
    for event, source in zip(events, sources, strict=True):
        details = "".join(f" {key}={_short(each)}" for key, each in event.details.items())
        line = Text.assemble(
            (f"{event.seconds:9.3f}  ", "dim"),
            (source.ljust(widest[0] + 2), "cyan"),
            (event.kind.ljust(widest[1] + 2), _MOOD_STYLE[event.mood]),
            _short(event.subject),
            (details, "dim"),
        )
        lines.append(_line(line))
    return Group(*lines)


def _short(text: str) -> str:
    """UUIDs and CKNs by their beginning."""
    dense = len(text) >= 32 and all(each in "0123456789abcdef-" for each in text)
    return text[:8] if dense else text


__all__ = ["ONCE_EVENTS", "top_view"]
