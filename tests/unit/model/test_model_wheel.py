"""An installed package finds its topologies and profiles without the repository."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import xcnet

PACKAGE = Path(xcnet.__file__).parent
ROOT = PACKAGE.parents[1]

SCRIPT = """
import xcnet
from xcnet.model.load import load_profile, load_topology, shipped_topologies
print(xcnet.__file__)
for name in shipped_topologies():
    print(load_topology(name).source)
print(load_profile("aws").asn)
"""


def test_files_laid_out_as_the_wheel_has_them_are_enough(tmp_path: Path) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["src/xcnet"]
    shutil.copytree(PACKAGE, tmp_path / "xcnet", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in wheel["force-include"].items():
        shutil.copytree(ROOT / source, tmp_path / target)
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
