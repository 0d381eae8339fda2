"""What the benchmarks share: a lab of their own, and results as a table and as JSON."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from xcnet.lab.manager import bring_up, take_down
from xcnet.lab.paths import LabPaths

HERE = Path(__file__).resolve().parent


class Silent:
    """Progress for nobody."""

    def step(self, text: str) -> None:
        """Nothing is shown."""

    def detail(self, text: str) -> None:
        """Nothing is shown."""


def parser(description: str) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--json", action="store_true", help="print JSON only")
    made.add_argument("--engine", default="auto", help="native, uml or auto")
    return made


@contextlib.contextmanager
def own_state() -> Iterator[None]:
    """A state folder of this run alone, so that no lab of the user's is touched."""
    with tempfile.TemporaryDirectory(prefix="xcnet-bench-") as folder:
        before = os.environ.get("XCNET_STATE")
        os.environ["XCNET_STATE"] = folder
        try:
            yield
        finally:
            if before is None:
                del os.environ["XCNET_STATE"]
            else:
                os.environ["XCNET_STATE"] = before


@contextlib.contextmanager
def running_lab(
    topology: str, engine: str, *, fast: bool = False, bare: bool = False
) -> Iterator[tuple[LabPaths, Any]]:
    """A lab that is up, and what bringing it up said; taken down at the end."""
    name = f"bench-{os.getpid()}"
    with own_state():
        result = bring_up(topology, name=name, engine=engine, fast=fast, bare=bare, progress=Silent())
        try:
            yield LabPaths.of(name), result
        finally:
            take_down(name)


def report(title: str, figures: Mapping[str, Any], *, target: str, ok: bool, as_json: bool) -> int:
    """Print the figures; the exit status says whether the target is met."""
    machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
    if as_json:
        print(
            json.dumps({"benchmark": title, "target": target, "ok": ok, "figures": figures, "host": machine}, indent=2)
        )
    else:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=False)
        for name, value in figures.items():
            table.add_row(name, f"{value:.3f}" if isinstance(value, float) else str(value))
        table.add_row("target", target)
        table.add_row("", "[green]met[/]" if ok else "[red]NOT met[/]")
        Console().print(table)
    return 0 if ok else 1


sys.path.insert(0, str(HERE))

__all__ = ["HERE", "Silent", "own_state", "parser", "report", "running_lab"]
