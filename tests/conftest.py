"""Every test of the tree: those marked ``lab`` run inside the engine, wherever pytest itself runs."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Where the result decides about somebody's change, the same examples are tried each time; elsewhere new ones are looked for.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

pytest_plugins = ["plugins.lab_runner", "plugins.ordinary_user"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the expected texts anew; look at them before keeping"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))
