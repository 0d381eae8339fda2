from collections.abc import Iterator
from pathlib import Path

import pytest
from labtool import Xcnet


@pytest.fixture(scope="session")
def default_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xcnet]:
    """The shipped default lab, up and established, shared by the tests that do not change it."""
    xcnet = Xcnet(tmp_path_factory.mktemp("default"))
    xcnet.ok("up", "aws-google", "--name", "default", timeout=300)
    try:
        yield xcnet
    finally:
        xcnet("down", "--all")


@pytest.fixture
def xcnet(tmp_path: Path) -> Iterator[Xcnet]:
    """The command with an empty state folder; whatever labs a test brings up are taken down after it."""
    tool = Xcnet(tmp_path / "state")
    try:
        yield tool
    finally:
        tool("down", "--all")
