"""Small helpers for tests that boot the demonstration application."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from xcnet.engine.base import LaunchSpec
from xcnet.engine.client import LabConnection
from xcnet.engine.uml import UmlEngine

ENTRY = "xcnet.engine.demo:application"
MEMORY = 384


@contextmanager
def demo(run_dir: Path, name: str = "demo") -> Iterator[UmlEngine]:
    """The demonstration in a user-mode kernel; gone afterwards, whatever happened."""
    engine = UmlEngine()
    engine.start(LaunchSpec(name, run_dir, ENTRY, memory=MEMORY), lambda _text: None)
    try:
        yield engine
    finally:
        engine.kill(run_dir)


def ask(run_dir: Path, *argv: str, stdin: bytes = b"") -> tuple[int, bytes]:
    """A request's status and output."""

    async def go() -> tuple[int, bytes]:
        chunks: list[bytes] = []
        async with LabConnection(run_dir) as lab:
            status = await lab.stream(argv, chunks.append, stdin=stdin)
        return status, b"".join(chunks)

    return asyncio.run(asyncio.wait_for(go(), 60))


def processes_of(run_dir: Path) -> list[str]:
    """Command lines of the host's living processes that name this run, or whose environment or files do."""
    listing = subprocess.run(["ps", "-eo", "stat=,args=", "ww"], capture_output=True, text=True, check=True).stdout
    return [line for line in listing.splitlines() if str(run_dir) in line and not line.startswith("Z")]
