"""What the host and the guest agree upon."""

from __future__ import annotations

IN_ENGINE = "XCNET_IN_ENGINE"
"""Set in the environment of tests that run inside the engine."""

ENTRY = "plugins.lab_guest:application"

DEFAULT_TIMEOUT = 180.0
"""Seconds for a lab test that says nothing else with ``@pytest.mark.timeout``."""
