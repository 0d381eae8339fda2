"""A lab as an SVG picture that stands on its own: no scripts, no fonts, readable on light and on dark pages."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from xcnet.model.graph import channel_words, cipher, node_words, rate_words, subnets
from xcnet.model.graph_layout import MARGIN, Box, Layout, lay_out, text_width
from xcnet.model.plan import NodeKind, Plan

_SIDES = ("#c2620a", "#2563c9", "#15803d", "#7c3aed", "#be185d", "#0e7490")
"""One colour for each provider, in the order of the topology."""

_LINE = 26.0

_LIGHT = {
    "page": "#ffffff", "card": "#ffffff", "ink": "#1b2430", "soft": "#5b6776", "line": "#9aa6b4", "hair": "#d5dce4",
    "wall": "#f3f5f8", "pipe": "#0f8a5f", "core": "#d8f3e6",
}  # fmt: skip
_DARK = {
    "page": "#12171e", "card": "#1b232d", "ink": "#e6edf5", "soft": "#9fb0c2", "line": "#6b7a8b", "hair": "#334050",
    "wall": "#171e27", "pipe": "#34c78f", "core": "#0d3325",
}  # fmt: skip

_SHAPES = """
  text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
  .title { font-size: 22px; font-weight: 650; } .side { font-size: 15px; font-weight: 650; }
  .name { font-size: 13px; font-weight: 600; } .tag { font-size: 11.5px; font-weight: 650; }
  .sub { font-size: 13px; } .words { font-size: 10.5px; }
  .wall { stroke-dasharray: 5 4; } .wire { fill: none; stroke-width: 1.6; } .dashed { stroke-dasharray: 3 4; }
  .pipe { fill: none; stroke-width: 7; } .core { fill: none; stroke-width: 3.4; }
  .pill { stroke-width: 1.4; } .shackle { fill: none; stroke-width: 1.6; }
"""


def _style() -> str:
    # Plain rules, said twice: many programs that show or convert SVG know no CSS variables.
    return f"{_SHAPES}{_colours(_LIGHT)}  @media (prefers-color-scheme: dark) {{\n{_colours(_DARK)}  }}\n"


def _colours(palette: dict[str, str]) -> str:
    fills = {"text": "ink", ".sub": "soft", ".words": "soft", ".tag": "pipe", ".lock": "pipe", ".page": "page"}
    fills |= {".card": "card", ".pill": "card", ".wall": "wall"}
    strokes = {".wall": "line", ".wire": "line", ".pipe": "pipe", ".core": "core", ".pill": "pipe"}
    strokes |= {".shackle": "pipe", ".hair": "hair"}
    rules = [f"{part} {{ fill: {palette[colour]}; }}" for part, colour in fills.items()]
    rules += [f"{part} {{ stroke: {palette[colour]}; }}" for part, colour in strokes.items()]
    return "  " + " ".join(rules) + "\n"


def to_svg(plan: Plan) -> str:
    """The picture as text."""
    layout = lay_out(plan)
    table = _table(plan)
    width = max(layout.width, max(_table_width(row) for row in table) + 2 * MARGIN)
    height = layout.height + len(table) * _LINE + MARGIN
    body = [
        f"<title>{escape(plan.topology)}</title>",
        f"<style>{_style()}</style>",
        f'<rect class="page" width="{width:g}" height="{height:g}" rx="14"/>',
        *_heading(plan),
        *_panels(plan, layout),
        *_wires(plan, layout),
        *_fibres(plan, layout),
        *_facilities(plan, layout),
        *_cards(plan, layout),
        *_connections(table, layout.height, width),
    ]
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" '
        f'width="{width:g}" height="{height:g}" role="img">'
    )
    return "\n".join([opening, *body, "</svg>", ""])


def _text(x: float, y: float, words: str, style: str, anchor: str = "start") -> str:
    return f'<text x="{x:g}" y="{y:g}" class="{style}" text-anchor="{anchor}">{escape(words)}</text>'


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _heading(plan: Plan) -> Iterator[str]:
    facilities = sum(node.kind is NodeKind.FACILITY for node in plan.nodes)
    interconnects = len({channel.interconnect for channel in plan.channels})
    words = [
        _count(interconnects, "interconnect", "interconnects"),
        _count(len(plan.channels), "channel", "channels"),
        _count(facilities, "facility", "facilities"),
        _count(len(plan.connections), "connection", "connections"),
    ]
    yield _text(MARGIN, 42, plan.topology, "title")
    yield _text(MARGIN, 66, " · ".join(words), "sub")


def _colour(plan: Plan, provider: str | None) -> str:
    return _SIDES[list(plan.providers).index(provider) % len(_SIDES)] if provider in plan.providers else "#6b7a8b"


def _panels(plan: Plan, layout: Layout) -> Iterator[str]:
    for key, box in layout.panels.items():
        colour = _colour(plan, key)
        provider = plan.providers[key]
        yield (
            f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="12" '
            f'fill="{colour}" fill-opacity="0.08" stroke="{colour}" stroke-opacity="0.45"/>'
        )
        at_left = layout.is_left(key)
        x, anchor = (box.x + 20, "start") if at_left else (box.right - 20, "end")
        yield _text(x, box.y + 28, provider.display_name, "side", anchor)
        yield _text(x, box.y + 45, f"AS {provider.asn}", "words", anchor)


def _curve(x1: float, y1: float, x2: float, y2: float) -> str:
    if abs(y1 - y2) < 0.5:
        return f"M{x1:g} {y1:g}H{x2:g}"
    bend = (x1 + x2) / 2
    return f"M{x1:g} {y1:g}C{bend:g} {y1:g} {bend:g} {y2:g} {x2:g} {y2:g}"


def _between(a: Box, b: Box) -> tuple[float, float]:
    """The facing borders of two boxes."""
    return (a.right, b.x) if a.x < b.x else (a.x, b.right)


def _around(a: Box, b: Box, *, at_left: bool) -> str:
    """Between two boxes above each other, on the side that faces the facilities."""
    x1, x2 = (a.right, b.right) if at_left else (a.x, b.x)
    bend = max(x1, x2) + 48 if at_left else min(x1, x2) - 48
    return f"M{x1:g} {a.middle:g}C{bend:g} {a.middle:g} {bend:g} {b.middle:g} {x2:g} {b.middle:g}"


def _wires(plan: Plan, layout: Layout) -> Iterator[str]:
    for link in plan.links:
        if link.channel is None:
            a, b = layout.nodes[link.a[0]], layout.nodes[link.b[0]]
            style = "wire dashed" if link.kind == "management" else "wire"
            if a.x < b.right and b.x < a.right:
                path = _around(a, b, at_left=layout.is_left(plan.node(link.a[0]).provider or ""))
            else:
                x1, x2 = _between(a, b)
                path = _curve(x1, a.middle, x2, b.middle)
            yield f'<path class="{style}" d="{path}"/>'


def _fibres(plan: Plan, layout: Layout) -> Iterator[str]:
    for channel in plan.channels:
        facility = layout.nodes[channel.facility]
        row = layout.rows[channel.name]
        suite = cipher(plan, channel)
        for end in channel.ends:
            edge = layout.nodes[end.node]
            x1, x2 = _between(edge, facility)
            port = layout.ports[channel.name, end.node]
            path = _curve(x1, port, x2, row)
            yield f'<path class="pipe" d="{path}"/><path class="core" d="{path}"/>'
            words = suite.removeprefix("GCM-") if layout.is_left(end.provider) else channel_words(plan, channel)
            x, anchor = (x2 - 8, "end") if x1 < x2 else (x2 + 8, "start")
            yield _text(x, row - 9 if port >= row else row + 17, words, "words", anchor)


def _facilities(plan: Plan, layout: Layout) -> Iterator[str]:
    for node in plan.nodes:
        if node.kind is not NodeKind.FACILITY:
            continue
        box = layout.nodes[node.name]
        yield f'<rect class="wall" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="8"/>'
        yield _text(box.x + box.width / 2, box.y + 25, node.name, "name", "middle")
    for channel in plan.channels:
        box = layout.nodes[channel.facility]
        row = layout.rows[channel.name]
        # Both ends at one side: the channel enters and leaves there.
        sides = {layout.is_left(end.provider) for end in channel.ends}
        middle = box.x + box.width / 2
        path = f"M{box.x if True in sides else middle:g} {row:g}H{box.right if False in sides else middle:g}"
        yield f'<path class="pipe" d="{path}"/><path class="core" d="{path}"/>'
        width = text_width(channel.name, 11.5) + 40
        x = middle - width / 2
        yield f'<rect class="pill" x="{x:g}" y="{row - 13:g}" width="{width:g}" height="26" rx="13"/>'
        yield from _lock(x + 12, row)
        yield _text(x + 29, row + 4, channel.name, "tag")


def _lock(x: float, y: float) -> Iterator[str]:
    yield f'<path class="shackle" d="M{x + 2:g} {y - 1:g}v-2.5a3.5 3.5 0 0 1 7 0v2.5"/>'
    yield f'<rect class="lock" x="{x:g}" y="{y - 1:g}" width="11" height="8" rx="1.8"/>'


def _cards(plan: Plan, layout: Layout) -> Iterator[str]:
    for node in plan.nodes:
        if node.kind is NodeKind.FACILITY:
            continue
        box = layout.nodes[node.name]
        colour = _colour(plan, node.provider)
        yield (
            f'<rect class="card" x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" '
            f'rx="{20 if node.kind is NodeKind.HOST else 7}" style="stroke:{colour}"/>'
        )
        words = node_words(plan, node.name)
        y = box.middle + 4.5 - 7.0 * len(words)
        yield _text(box.x + box.width / 2, y, node.name, "name", "middle")
        for index, line in enumerate(words, 1):
            yield _text(box.x + box.width / 2, y + 14.5 * index, line, "words", "middle")


def _table(plan: Plan) -> list[list[str]]:
    """One row for each connection: name, where it lives, what it carries."""
    rows = [
        [
            connection.name,
            f"VLAN {connection.vlan}",
            connection.vrf,
            f"MTU {connection.mtu}",
            rate_words(connection.bandwidth_bps),
            " · ".join(subnets(plan, connection)),
        ]
        for connection in plan.connections
    ]
    return rows or [["no connection"]]


_COLUMNS = (0.0, 110.0, 205.0, 320.0, 415.0, 520.0)


def _table_width(row: list[str]) -> float:
    return _COLUMNS[len(row) - 1] + text_width(row[-1], 12) + MARGIN


def _connections(table: list[list[str]], top: float, width: float) -> Iterator[str]:
    yield f'<line class="hair" x1="{MARGIN:g}" y1="{top:g}" x2="{width - MARGIN:g}" y2="{top:g}"/>'
    for index, row in enumerate(table):
        y = top + _LINE * (index + 1)
        for offset, words in zip(_COLUMNS, row, strict=False):
            yield _text(MARGIN + offset, y, words, "sub" if offset else "name")


__all__ = ["to_svg"]
