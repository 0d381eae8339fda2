"""How many files a process may have open: shells give 1,024, and as many as the machine allows are there for the asking."""

from __future__ import annotations

import resource


def allow_open_files(least: int) -> None:
    """Let this process, and those that it starts, have so many; where this user may not, as many as there may be."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= least:
        return
    if hard != resource.RLIM_INFINITY and hard < least:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (least, least))
        except ValueError:
            # Not for this user.
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (least, hard))


__all__ = ["allow_open_files"]
