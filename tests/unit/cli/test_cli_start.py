"""Every command, and every completion of one, starts by loading the program: what few commands need is loaded by those."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("asyncssh", "cryptography", "fastapi", "jinja2", "pydantic", "pyroute2", "scapy", "yaml")


def test_a_command_line_is_read_without_what_its_command_may_need() -> None:
    code = f"import sys, xcnet.cli.app; print(*[each for each in {HEAVY!r} if each in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
