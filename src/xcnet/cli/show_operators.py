"""How maintenance, issues and the transcript are shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from xcnet.cli.tables import Column, NarrowingTable

if TYPE_CHECKING:
    from xcnet.coordinator.http.transcript_reader import Pair


def _span(seconds: float) -> str:
    sign, rest = ("-" if seconds < 0 else ""), abs(round(seconds))
    days, rest = divmod(rest, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    if days:
        return f"{sign}{days}d{hours}h"
    return f"{sign}{hours}h{minutes}m" if hours else f"{sign}{minutes}m{rest}s"


def maintenance_view(
    held: dict[str, list[dict[str, Any]]], now: dict[str, float], names: dict[str, str]
) -> RenderableType:
    """:param now: provider -> its policy time."""
    columns = ("known to", "channel", "of", "state", "begins in", "lasts", "emergency", "id")
    table = NarrowingTable("Maintenance", [Column(each) for each in columns])
    for provider, found in held.items():
        for each in found:
            table.add_row(
                names.get(provider, provider),
                each["channel"],
                names.get(each["owner"], each["owner"]),
                each["state"],
                _span(each["start"] - now[provider]),
                _span(each["end"] - each["start"]),
                "yes" if each["emergency"] else "no",
                each["id"],
            )
    return table


def issues_view(held: dict[str, list[dict[str, Any]]], names: dict[str, str]) -> RenderableType:
    """With their comments."""
    parts: list[RenderableType] = []
    for provider, found in held.items():
        for each in found:
            if each["direction"] == "out":
                continue  # it is shown where it was opened
            parts.append(
                Text.assemble(
                    (each["id"][:8], "cyan"),
                    (f" {_priority(each)}", "yellow"),
                    f" {each['state'].lower().removeprefix('state_')} at {names.get(provider, provider)}, by {names.get(each['peer'], each['peer'])}: ",
                    (each["title"], "bold"),
                )
            )
            if each["about"]:
                parts.append(Text(f"  about {', '.join(each['about'])}", style="dim"))
            parts.append(Text(f"  {each['body']}"))
            parts += [Text(f"  {comment['by']}: {comment['body']}", style="dim") for comment in each["comments"]]
    return Group(*parts)


def _priority(issue: dict[str, Any]) -> str:
    return str(issue["severity"]).removeprefix("PRIORITY_") or "-"


def exchange_line(pair: Pair, at: float) -> Text:
    """One exchange: when, who, what, and what came of it."""
    exchange = pair.client or pair.servers[0]
    caller, server = (exchange.source, exchange.peer) if exchange.side == "client" else (exchange.peer, exchange.source)
    good = 200 <= exchange.status < 300
    status = str(exchange.status) if exchange.status else exchange.ending.value
    line = Text.assemble(
        (f"{at:9.3f} s  ", "dim"),
        f"{caller} → {server}  ".ljust(14),
        (status.ljust(4), "green" if good else "yellow"),
        f" {exchange.method:<6} {exchange.operation or exchange.path} ",
        (f"{exchange.duration * 1000:.0f} ms  {exchange.path}", "dim"),
    )
    if exchange.note:
        line.append(f"  {exchange.note}", "yellow")
    return line


__all__ = ["exchange_line", "issues_view", "maintenance_view"]
