"""Lengths of time, for people."""

from __future__ import annotations


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: ``42s``, ``3m05s``, ``2h14m``, ``5d03h``."""
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02d}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02d}h"


__all__ = ["duration"]
