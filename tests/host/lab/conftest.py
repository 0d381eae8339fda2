import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fault_tool import LAB
from lab_snapshot import Onlooker
from labtool import Xcnet, default_topology


@pytest.fixture(scope="session")
def default_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Xcnet]:
    """The shipped default lab, up and established, shared by the tests that leave it as it was.

    Its monitors hold for seconds: channels that tests break one after the other look like flapping, and are drained.
    """
    folder = tmp_path_factory.mktemp("default")
    xcnet = Xcnet(folder)
    xcnet.ok("up", str(default_topology(folder, "{hold_seconds: 4}")), "--name", "default", timeout=300)
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


@pytest.fixture(scope="session")
def onlooker(default_lab: Xcnet) -> Iterator[Onlooker]:
    """Has seen the default lab without a fault."""
    with Onlooker(default_lab, LAB) as found:
        yield found


@pytest.fixture
def faulty(default_lab: Xcnet, onlooker: Onlooker) -> Iterator[Xcnet]:
    """The lab, to be broken; as it was afterwards, whatever the test did."""
    yield default_lab
    default_lab.ok("fault", "end", "--all", "-n", LAB)
    onlooker.wait_until_as_before()


@pytest.fixture
def busy_host() -> Iterator[None]:
    """A process for each processor that wants it whole."""
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(os.cpu_count() or 1)]
    yield
    for hog in hogs:
        hog.kill()
        hog.wait()
