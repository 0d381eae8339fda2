"""How the command line speaks: colour only on a terminal, results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from rich.console import Console
from rich.markup import escape

from xcnet.errors import XcnetError

PIPED_WIDTH = 200
"""Columns for tables that go to a file or a pipe, where nothing says how wide the reader's window is (COLUMNS does, if set)."""


def _width(terminal: bool) -> int | None:
    return None if terminal or os.environ.get("COLUMNS") else PIPED_WIDTH


out = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=_width(sys.stdout.isatty()))
err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def print_json(value: Any) -> None:
    """A value as indented JSON, never coloured, so that it can be piped as it is."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
    sys.stdout.flush()


def print_error(error: XcnetError) -> None:
    """An error with its place and remedy, on standard error."""
    err.print(f"[bold red]error:[/] {escape(error.cause)}")
    if error.where:
        err.print(f"  [dim]where:[/] {escape(error.where)}")
    if error.remedy:
        err.print(f"  [dim]remedy:[/] {escape(error.remedy)}")


def note(text: str) -> None:
    """A line of progress or explanation, on standard error."""
    err.print(f"[dim]{escape(text)}[/]")


__all__ = ["PIPED_WIDTH", "err", "note", "out", "print_error", "print_json"]
