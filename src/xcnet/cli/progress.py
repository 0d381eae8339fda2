"""Progress on standard error: a live line on a terminal, one line a step elsewhere."""

from __future__ import annotations

import time
from types import TracebackType

from rich.markup import escape
from rich.status import Status

from xcnet.cli.output import err


class Progress:
    """Steps of something slow. On a terminal the current one spins; finished ones stay with how long they took.

    :param quiet: show nothing (``--json``).
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._status: Status | None = None
        self._current = ""
        self._since = 0.0

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._finish("[red]✗[/]" if kind is not None else "[green]✓[/]")

    def step(self, text: str) -> None:
        """The step before is done; this one begins."""
        self._finish("[green]✓[/]")
        self._current = text
        self._since = time.monotonic()
        if not self._quiet and err.is_terminal:
            self._status = err.status(escape(text))
            self._status.start()

    def detail(self, text: str) -> None:
        """Something happened within the step."""
        if self._status is not None:
            self._status.update(f"{escape(self._current)} [dim]{escape(text)}[/]")

    def _finish(self, mark: str) -> None:
        if self._status is not None:
            self._status.stop()
            self._status = None
        if self._current and not self._quiet:
            err.print(f"{mark} {escape(self._current)} [dim]{time.monotonic() - self._since:.1f} s[/]")
        self._current = ""


__all__ = ["Progress"]
