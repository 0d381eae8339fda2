from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_lab import demo


@pytest.fixture(scope="module")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One demonstration for all tests of a module that leave it as it was."""
    run_dir = tmp_path_factory.mktemp("shared") / "run"
    with demo(run_dir, "shared"):
        yield run_dir
