"""Where everything stands in the drawing of a lab: clouds at the sides, buildings in the middle, one row for each channel."""

from __future__ import annotations

from dataclasses import dataclass, field

from xcnet.model.graph import channel_words, node_words
from xcnet.model.plan import NodeKind, Plan, PlannedChannel

ROW = 64.0
MARGIN = 28.0
HEADER = 92.0
PANEL_HEADER = 58.0
PANEL_PADDING = 22.0
FACILITY_HEADER = 40.0
FACILITY_GAP = 30.0
FACILITY_WIDTH = 190.0
EDGE_HEIGHT = 46.0
HOST_HEIGHT = 62.0
COORDINATOR_GAP = 24.0
COLUMN_GAP = 58.0
FIBRE_GAP = 120.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle; pixels, from the top left."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass
class Layout:
    """Positions of all parts.

    :param left: the providers drawn at the left; the others stand at the right.
    :param rows: channel -> the height at which it passes its facility.
    :param ports: (channel, edge) -> the height of its port at the edge.
    """

    left: tuple[str, ...]
    width: float = 0.0
    height: float = 0.0
    nodes: dict[str, Box] = field(default_factory=dict)
    panels: dict[str, Box] = field(default_factory=dict)
    rows: dict[str, float] = field(default_factory=dict)
    ports: dict[tuple[str, str], float] = field(default_factory=dict)

    def is_left(self, provider: str) -> bool:
        return provider in self.left


def text_width(text: str, size: float) -> float:
    """A safe guess: no font is at hand to measure with."""
    return len(text) * size * 0.6


def lay_out(plan: Plan) -> Layout:
    """Place a lab."""
    layout = Layout(_left_providers(plan))
    _place_rows(plan, layout)
    widths = {key: _Widths(plan, key) for key in plan.providers}
    left_width = max((widths[key].panel for key in plan.providers if layout.is_left(key)), default=0.0)
    words = [text_width(channel_words(plan, channel), 10.5) for channel in plan.channels]
    gap = max([FIBRE_GAP, *(width + 20 for width in words)])
    middle = MARGIN + left_width + gap
    for node, box in layout.nodes.items():
        layout.nodes[node] = Box(middle, box.y, box.width, box.height)
    right_edge = middle + FACILITY_WIDTH + gap
    for at_left in (True, False):
        _place_side(plan, layout, at_left, MARGIN + left_width if at_left else right_edge, widths)
    boxes = [*layout.nodes.values(), *layout.panels.values()]
    layout.width = max(box.right for box in boxes) + MARGIN
    layout.height = max(box.bottom for box in boxes) + MARGIN
    return layout


def _left_providers(plan: Plan) -> tuple[str, ...]:
    """Neighbours on different sides, as far as that goes (three that all know each other cannot)."""
    side: dict[str, bool] = {}
    for start in plan.providers:
        queue = [start] if start not in side else []
        side.setdefault(start, True)
        for here in queue:
            for channel in plan.channels:
                ends = [end.provider for end in channel.ends]
                if here in ends:
                    other = ends[1 - ends.index(here)]
                    if other not in side:
                        side[other] = not side[here]
                        queue.append(other)
    return tuple(key for key, left in side.items() if left)


def _place_rows(plan: Plan, layout: Layout) -> None:
    order = {node.name: index for index, node in enumerate(plan.nodes)}

    def place(channel: PlannedChannel) -> tuple[int, int]:
        return min((0 if layout.is_left(end.provider) else 1, order[end.node]) for end in channel.ends)

    y = HEADER
    for facility in (node.name for node in plan.nodes if node.kind is NodeKind.FACILITY):
        channels = sorted((channel for channel in plan.channels if channel.facility == facility), key=place)
        top = y
        # The first row leaves room for the providers' headers beside it.
        y += max(FACILITY_HEADER, PANEL_HEADER if top == HEADER else 0) + ROW / 2
        for channel in channels:
            layout.rows[channel.name] = y
            y += ROW
        bottom = y - ROW / 2 + 4
        layout.nodes[facility] = Box(0, top, FACILITY_WIDTH, max(bottom - top, FACILITY_HEADER))
        y = bottom + FACILITY_GAP


class _Widths:
    """Columns of one provider, as wide as what is written in them."""

    def __init__(self, plan: Plan, provider: str) -> None:
        columns = {NodeKind.HOST: 0.0, NodeKind.GATEWAY: 0.0, NodeKind.EDGE: 0.0, NodeKind.COORDINATOR: 0.0}
        for node in plan.nodes:
            if node.provider == provider:
                words = [text_width(line, 10.5) for line in node_words(plan, node.name)]
                needed = max([text_width(node.name, 13), *words]) + 24
                columns[node.kind] = max(columns[node.kind], needed)
        self.host = columns[NodeKind.HOST]
        self.gateway = columns[NodeKind.GATEWAY]
        self.edge = columns[NodeKind.EDGE]
        self.coordinator = columns[NodeKind.COORDINATOR]
        hosts = self.host + COLUMN_GAP if self.host else 0.0
        routers = hosts + self.gateway + COLUMN_GAP + self.edge
        self.panel = 2 * PANEL_PADDING + max(routers, self.coordinator)


def _place_side(plan: Plan, layout: Layout, at_left: bool, border: float, widths: dict[str, _Widths]) -> None:
    """Providers of one side below each other; ``border`` is the line that their edges face."""
    sides = [key for key in plan.providers if layout.is_left(key) == at_left]
    top = HEADER
    for key in sorted(sides, key=lambda key: _wanted_middle(plan, layout, key)):
        width = widths[key]

        def x_of(offset: float, size: float, panel: float = width.panel) -> float:
            return border - panel + offset if at_left else border + panel - offset - size

        edges = _place_edges(plan, layout, key, top + PANEL_HEADER, at_left, border, width.edge)
        middle = (edges[0].y + edges[-1].bottom) / 2 if edges else top + PANEL_HEADER + HOST_HEIGHT / 2
        hosts = [node.name for node in plan.nodes if node.provider == key and node.kind is NodeKind.HOST]
        stack = len(hosts) * HOST_HEIGHT + max(len(hosts) - 1, 0) * 14
        middle = max(middle, top + PANEL_HEADER + stack / 2)
        y = middle - stack / 2
        for host in hosts:
            layout.nodes[host] = Box(x_of(PANEL_PADDING, width.host), y, width.host, HOST_HEIGHT)
            y += HOST_HEIGHT + 14
        offset = PANEL_PADDING + (width.host + COLUMN_GAP if width.host else 0.0)
        for node in plan.nodes:
            if node.provider == key and node.kind is NodeKind.GATEWAY:
                box = Box(x_of(offset, width.gateway), middle - 32, width.gateway, 64)
                layout.nodes[node.name] = box
        lowest = max([middle + stack / 2, middle + 32, *(edge.bottom for edge in edges)])
        for node in plan.nodes:
            if node.provider == key and node.kind is NodeKind.COORDINATOR:
                offset = width.panel - PANEL_PADDING - width.coordinator
                box = Box(x_of(offset, width.coordinator), lowest + COORDINATOR_GAP, width.coordinator, EDGE_HEIGHT)
                layout.nodes[node.name] = box
                lowest = box.bottom
        panel = Box(x_of(0, width.panel), top, width.panel, lowest + PANEL_PADDING - top)
        layout.panels[key] = panel
        top = panel.bottom + FACILITY_GAP


def _wanted_middle(plan: Plan, layout: Layout, provider: str) -> float:
    rows = [layout.rows[c.name] for c in plan.channels for end in c.ends if end.provider == provider]
    return sum(rows) / len(rows) if rows else float("inf")


def _place_edges(
    plan: Plan, layout: Layout, provider: str, top: float, at_left: bool, border: float, width: float
) -> list[Box]:
    """Edges beside the rows of their channels, pushed down where they would overlap."""
    ends = [(channel.name, end.node) for channel in plan.channels for end in channel.ends if end.provider == provider]
    edges = [node.name for node in plan.nodes if node.provider == provider and node.kind is NodeKind.EDGE]
    rows = {edge: sorted(layout.rows[channel] for channel, node in ends if node == edge) for edge in edges}
    x = border - PANEL_PADDING - width if at_left else border + PANEL_PADDING
    placed: list[Box] = []
    floor = top
    for edge in sorted(edges, key=lambda edge: sum(rows[edge]) / len(rows[edge]) if rows[edge] else float("inf")):
        own = rows[edge]
        # Channels in neighbouring rows enter a tall edge straight; scattered ones bend towards a small one.
        straight = bool(own) and own[-1] - own[0] <= ROW * (len(own) - 1)
        height = EDGE_HEIGHT + (own[-1] - own[0] if straight else 10.0 * max(len(own) - 1, 0))
        wanted = sum(own) / len(own) - height / 2 if own else floor
        box = Box(x, max(wanted, floor), width, height)
        channels = sorted((channel for channel, node in ends if node == edge), key=lambda name: layout.rows[name])
        for index, channel in enumerate(channels):
            if straight and box.y == wanted:
                layout.ports[channel, edge] = layout.rows[channel]
            else:
                layout.ports[channel, edge] = box.y + height * (index + 1) / (len(channels) + 1)
        layout.nodes[edge] = box
        placed.append(box)
        floor = box.bottom + 16
    return placed


__all__ = ["Box", "Layout", "lay_out", "text_width"]
