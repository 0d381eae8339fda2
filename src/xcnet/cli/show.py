"""A lab's state as tables for people."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from xcnet.cli.durations import duration
from xcnet.cli.tables import Column, NarrowingTable
from xcnet.lab.status import ChannelEndStatus, ChannelStatus, Health, LabStatus, SessionStatus

_COLOUR = {Health.UP: "green", Health.DEGRADED: "yellow", Health.DOWN: "red"}


def health_text(health: Health) -> Text:
    """In one coloured word."""
    return Text(health.value, style=_COLOUR[health])


_REFUSED = (
    "InPktsNotValid",
    "InPktsLate",
    "InPktsNotUsingSA",
    "InPktsNoSCI",
    "InPktsBadTag",
    "InPktsUnknownSCI",
    "InPktsOverrun",
)


def refused(end: ChannelEndStatus) -> int:
    """Frames that its SecY has not let in."""
    return sum(end.counters.get(name, 0) for name in _REFUSED)


def _number(value: int | None) -> str:
    return "-" if value is None else str(value)


def _channel_row(table: NarrowingTable, channel: ChannelStatus, end: ChannelEndStatus, first: bool) -> None:
    agreement = "key server" if end.key_server else "member"
    if end.key_server is None:
        agreement = "-"
    if end.key_agreement != "xcnet":
        agreement = f"{end.key_agreement}"
    table.add_row(
        channel.name if first else "",
        channel.facility if first else "",
        end.node,
        Text("secured", style="green") if end.secured else Text("closed", style="red"),
        end.cipher_suite or "-",
        (end.association or "-")[:8],
        agreement,
        _number(end.association_number),
        _number(end.key_number),
        _number(end.next_packet_number),
        _number(end.counters.get("OutPktsEncrypted")),
        _number(end.counters.get("InPktsOK")),
        str(refused(end)),
    )


def _channels(status: LabStatus) -> NarrowingTable:
    table = NarrowingTable(
        "Channels",
        [
            Column("channel"),
            Column("facility", spare=5),
            Column("router"),
            Column("MACsec"),
            Column("cipher suite", spare=1),
            Column("CKN", spare=6),
            Column("MKA"),
            Column("AN", number=True, spare=3),
            Column("KN", number=True, spare=4),
            Column("next PN", number=True, spare=2),
            Column("out", number=True, spare=7),
            Column("in ok", number=True, spare=1),
            Column("dropped", number=True),
        ],
    )
    for channel in status.channels:
        for index, end in enumerate(channel.ends):
            _channel_row(table, channel, end, index == 0)
    return table


def _session_row(table: NarrowingTable, session: SessionStatus) -> None:
    up = session.state == "Established"
    bfd = session.bfd or "-"
    table.add_row(
        session.node,
        session.connection,
        session.peer,
        session.description,
        "eBGP" if session.external else "iBGP",
        Text(session.state, style="green" if up else "red"),
        duration(session.established_seconds),
        _number(session.prefixes_received),
        "yes" if session.md5 else "no",
        Text(bfd, style="green" if bfd == "up" else ("dim" if bfd == "-" else "red")),
        "-" if session.bfd_detection_ms is None else f"{session.bfd_detection_ms} ms",
    )


def _sessions(status: LabStatus, *, internal: bool) -> NarrowingTable:
    table = NarrowingTable(
        "BGP and BFD sessions" + ("" if internal else " between the providers (--all shows the internal ones too)"),
        [
            Column("router"),
            Column("connection", spare=3),
            Column("peer"),
            Column("to", spare=4),
            Column("kind", spare=6),
            Column("state"),
            Column("up for", number=True, spare=1),
            Column("prefixes", number=True, spare=2),
            Column("MD5", spare=5),
            Column("BFD"),
            Column("detection", number=True, spare=5),
        ],
    )
    for session in status.sessions:
        if internal or session.external:
            _session_row(table, session)
    return table


def _routes(status: LabStatus) -> NarrowingTable:
    table = NarrowingTable(
        "Routes at the gateways",
        [
            Column("gateway"),
            Column("connection", spare=1),
            Column("prefix"),
            Column("next hops", number=True),
        ],
    )
    for route in status.routes:
        complete = len(route.next_hops) >= route.expected_next_hops
        table.add_row(
            route.node,
            route.connection,
            route.prefix,
            Text(f"{len(route.next_hops)} of {route.expected_next_hops}", style="green" if complete else "red"),
        )
    return table


def _nodes(status: LabStatus) -> NarrowingTable:
    table = NarrowingTable(
        "Nodes",
        [
            Column("node"),
            Column("kind", spare=2),
            Column("provider", spare=1),
            Column("state"),
            Column("processes"),
        ],
    )
    for node in status.nodes:
        processes = ", ".join(
            name if state == "running" else f"{name} ({state})" for name, state in sorted(node.processes.items())
        )
        table.add_row(node.name, node.kind, node.provider or "-", health_text(node.health), processes or "-")
    return table


def status_view(status: LabStatus, *, everything: bool = False) -> RenderableType:
    """The whole picture; ``everything`` adds the sessions inside each provider."""
    head = Text.assemble(
        ("lab ", "bold"),
        (status.name, "bold cyan"),
        f" (topology {status.topology}, engine {status.engine}, kernel {status.kernel}), up for ",
        duration(status.uptime_seconds),
        ": ",
        health_text(status.health),
    )
    gap = Text("")
    return Group(
        head,
        gap,
        _nodes(status),
        gap,
        _channels(status),
        gap,
        _sessions(status, internal=everything),
        gap,
        _routes(status),
    )


__all__ = ["health_text", "refused", "status_view"]
