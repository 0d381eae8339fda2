"""Every test of the tree: those marked ``lab`` run inside the engine, wherever pytest itself runs."""

from __future__ import annotations

pytest_plugins = ["plugins.lab_runner"]
