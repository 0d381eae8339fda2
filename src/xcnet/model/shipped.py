"""What comes with the program: topologies and profiles, found in an installed wheel and in a source tree alike."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

_SUFFIX = ".yaml"


def topologies() -> dict[str, Traversable]:
    """Name -> file of each shipped topology."""
    folder: Traversable = files("xcnet") / "_data" / "topologies"
    if not folder.is_dir():
        # A source tree (an editable install): the folder stands beside src/.
        folder = Path(__file__).parents[3] / "topologies"
    return _named(folder)


def profiles() -> dict[str, Traversable]:
    """Name -> file of each shipped provider profile."""
    return _named(files("xcnet.model") / "profiles")


def _named(folder: Traversable) -> dict[str, Traversable]:
    if not folder.is_dir():
        return {}
    found = {item.name.removesuffix(_SUFFIX): item for item in folder.iterdir() if item.name.endswith(_SUFFIX)}
    return dict(sorted(found.items()))


__all__ = ["profiles", "topologies"]
