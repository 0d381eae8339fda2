"""Where FRR is installed on this machine, and which version it is."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from pathlib import Path

from xcnet.errors import RoutingError

FOLDERS = (Path("/usr/lib/frr"), Path("/usr/libexec/frr"), Path("/usr/local/sbin"), Path("/usr/sbin"), Path("/usr/bin"))
"""Where distributions put daemons and vtysh: Debian, Fedora, source builds."""

SUPPORTED = ((8, 4), (11, 0))
"""Versions from the first, included, to the second, excluded."""

_REMEDY = "install FRR 8.4 or newer (Debian and Ubuntu: apt install frr); 'xcnet doctor' shows what is found"


@functools.cache
def find_program(name: str) -> str:
    """Full path of one of FRR's programs: ``zebra``, ``bgpd``, ``bfdd``, ``vtysh``.

    :raises RoutingError: it is not installed.
    """
    for folder in FOLDERS:
        path = folder / name
        if os.access(path, os.X_OK):
            return str(path)
    found = shutil.which(name)
    if found is None:
        raise RoutingError(
            f"FRR's {name} is not installed",
            where=", ".join(str(folder) for folder in FOLDERS) + " and PATH",
            remedy=_REMEDY,
        )
    return found


@functools.cache
def version() -> tuple[int, int, int]:
    """The installed version, asked of bgpd once: ``(8, 4, 4)``.

    :raises RoutingError: not installed, or it does not say.
    """
    program = find_program("bgpd")
    return parse_version(_said(program, "--version"), program)


@functools.cache
def has_option(name: str, option: str) -> bool:
    """Whether a daemon takes this option, asked of it once: versions differ in more than their numbers tell.

    :raises RoutingError: not installed, or it does not say.
    """
    return re.search(rf"{re.escape(option)}\b", _said(find_program(name), "--help")) is not None


def _said(program: str, question: str) -> str:
    try:
        return subprocess.run(
            [program, question], capture_output=True, text=True, timeout=30, check=True, stdin=subprocess.DEVNULL
        ).stdout
    except (OSError, subprocess.SubprocessError) as error:
        raise RoutingError(f"FRR does not answer {question}: {error}", where=program, remedy=_REMEDY) from error


def parse_version(text: str, where: str = "") -> tuple[int, int, int]:
    """The version in the answer to ``--version``: ``bgpd version 10.1-dev`` is ``(10, 1, 0)``.

    :raises RoutingError: there is none in it.
    """
    match = re.search(r"version\s+(\d+)\.(\d+)(?:\.(\d+))?", text)
    if match is None:
        raise RoutingError(f"FRR does not tell its version; it says {text.strip()[:80]!r}", where=where, remedy=_REMEDY)
    return int(match[1]), int(match[2]), int(match[3] or 0)


def supported(found: tuple[int, int, int]) -> bool:
    """Whether this program knows how to talk to that version."""
    first, beyond = SUPPORTED
    return first <= found[:2] < beyond


__all__ = ["FOLDERS", "SUPPORTED", "find_program", "has_option", "parse_version", "supported", "version"]
