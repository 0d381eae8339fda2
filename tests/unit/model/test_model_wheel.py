"""An installed package finds its topologies and profiles without the repository."""

import os
import subprocess
import sys
from pathlib import Path

from plugins.installed import lay_out

SCRIPT = """
import xcnet
from xcnet.model.load import load_profile, load_topology, shipped_topologies
print(xcnet.__file__)
for name in shipped_topologies():
    print(load_topology(name).source)
print(load_profile("aws").asn)
"""


def test_files_laid_out_as_the_wheel_has_them_are_enough(tmp_path: Path) -> None:
    lay_out(tmp_path)
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = result.stdout.splitlines()
    assert len(lines) == 5
    assert all(line.startswith(str(tmp_path)) for line in lines[:4])
    assert lines[4] == "64512"
