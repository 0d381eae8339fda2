"""Tables that say what they leave out: on a narrow terminal whole columns go, the least needed first, never half a word."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

Cell = str | Text

_GAP = 2
_TIGHT = 1
"""Spaces between columns where there is room, and where there is not: the space goes before the first column does."""


@dataclass(frozen=True)
class Column:
    """One column: its heading, how it is aligned, and how readily it is given up.

    ``spare`` 0 means that the column always stays; of the others the highest goes first, the rightmost among equals.
    """

    heading: str
    number: bool = False
    spare: int = 0


class NarrowingTable:
    """A table that gives up whole columns until it fits, and names below itself the ones it gave up."""

    def __init__(self, title: str, columns: Sequence[Column]) -> None:
        self.title = title
        self.columns = tuple(columns)
        self.rows: list[tuple[Cell, ...]] = []

    def add_row(self, *cells: Cell) -> None:
        """Appends a row.

        Raises:
            ValueError: there are not as many cells as columns.
        """
        if len(cells) != len(self.columns):
            raise ValueError(f"a row of {len(cells)} cells in a table of {len(self.columns)} columns")
        self.rows.append(cells)

    def _table(self, shown: Sequence[int], gap: int) -> Table:
        table = Table(header_style="bold", pad_edge=False, box=None, padding=(0, gap, 0, 0))
        for index in shown:
            column = self.columns[index]
            table.add_column(column.heading, justify="right" if column.number else "left", no_wrap=True)
        for row in self.rows:
            table.add_row(*(row[index] for index in shown))
        return table

    def _given_up(self) -> Iterator[int]:
        """The columns that may go, in the order in which they go."""
        spare = [index for index, column in enumerate(self.columns) if column.spare]
        yield from sorted(spare, key=lambda index: (-self.columns[index].spare, -index))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        unbounded = options.update(max_width=10_000)

        def fits(table: Table) -> bool:
            return Measurement.get(console, unbounded, table).maximum <= options.max_width

        shown = list(range(len(self.columns)))
        table = self._table(shown, _GAP)
        if not fits(table):
            table = self._table(shown, _TIGHT)
            for index in self._given_up():
                if fits(table):
                    break
                shown.remove(index)
                table = self._table(shown, _TIGHT)
        yield Text(self.title, style="bold")
        yield table
        hidden = [column.heading for index, column in enumerate(self.columns) if index not in shown]
        if hidden:
            yield Text(f"no room for {', '.join(hidden)}: widen the terminal, or --json", style="dim")


__all__ = ["Cell", "Column", "NarrowingTable"]
