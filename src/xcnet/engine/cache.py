"""Where what can be fetched or found out again is kept."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/xcnet/uml``, else the user's ``~/.cache/xcnet/uml``."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base).absolute() / "xcnet" / "uml"


__all__ = ["cache_folder"]
