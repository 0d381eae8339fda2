"""What the two pytest processes say to each other: one JSON object a line."""

from __future__ import annotations

IN_ENGINE = "XCNET_IN_ENGINE"
"""Set in the environment of tests that run inside the engine."""

ENTRY = "plugins.lab_guest:application"
