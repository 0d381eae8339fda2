"""The state of one of the lab's processes, as the kernel tells it."""

from __future__ import annotations

from pathlib import Path


def state_of(pid: int) -> str:
    """One letter as in ps: R, S, D, T (stopped), Z ...; empty where there is no such process."""
    try:
        # The name stands in brackets and may hold anything; the state follows the last of them.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


__all__ = ["state_of"]
