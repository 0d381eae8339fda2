"""Every test of the tree: those marked ``lab`` run inside the engine, wherever pytest itself runs."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

# Where the result decides about somebody's change, the same examples are tried each time; elsewhere new ones are looked for.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

pytest_plugins = ["plugins.lab_runner", "plugins.beside", "plugins.ordinary_user"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write the expected texts anew; look at them before keeping"
    )
    parser.addoption(
        "--all", action="store_true", help="run the exhaustive tests too: all scenarios, in all their variants"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--all"):
        return
    exhaustive = [item for item in items if item.get_closest_marker("exhaustive")]
    config.hook.pytest_deselected(items=exhaustive)
    items[:] = [item for item in items if item not in exhaustive]


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden", default=False))
