"""What a check found, and the proof made of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

if TYPE_CHECKING:
    from rich.table import Table


class CheckResult(BaseModel):
    """:param subject: what was checked: a channel, a direction, a connection. :param measured: what was seen, in words."""

    model_config = ConfigDict(frozen=True)

    check: str
    subject: str
    expected: str
    measured: str
    ok: bool


class Proof(BaseModel):
    """All checks of one run. It holds only if there is at least one and every one holds."""

    model_config = ConfigDict(frozen=True)

    lab: str
    results: tuple[CheckResult, ...]
    seconds: float

    @property
    def ok(self) -> bool:
        return bool(self.results) and all(result.ok for result in self.results)

    @property
    def held(self) -> int:
        return sum(result.ok for result in self.results)

    def as_table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        table = Table(
            title=f"Proof of lab {self.lab}", title_justify="left", title_style="bold", box=None, pad_edge=False
        )
        for column in ("", "check", "subject", "expected", "measured"):
            table.add_column(column, header_style="bold", overflow="fold")
        for result in self.results:
            mark = Text("✓", style="green") if result.ok else Text("✗", style="bold red")
            table.add_row(mark, result.check, result.subject, result.expected, result.measured)
        return table


__all__ = ["CheckResult", "Proof"]
