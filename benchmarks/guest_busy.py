"""How busy the lab's own kernel is; run inside of it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any


def look(_view: dict[str, Any]) -> dict[str, float]:
    """:returns: ``busy``: seconds that its processors have been so since it was booted; ``at``: monotonic seconds."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return {"busy": (sum(ticks) - ticks[3] - ticks[4]) / 100, "at": time.monotonic()}
