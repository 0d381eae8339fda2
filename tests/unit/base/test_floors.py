"""Imports go down the floors only, as docs/architecture.md says."""

from __future__ import annotations

import ast
from pathlib import Path

import xcnet

SOURCE = Path(xcnet.__file__).parent

FLOORS = {
    "errors": 0,
    "secret": 0,
    "clock": 0,
    "waiting": 0,
    "open_files": 0,
    "events": 0,
    "model": 0,
    "spec": 0,
    "netlink": 1,
    "mka": 2,
    "frr": 2,
    "fabric": 2,
    "edge": 3,
    "coordinator": 4,
    "conformance": 5,
    "lab": 6,
    "probe": 5,
    "proof": 5,
    "scenario": 7,
    "cli": 8,
}
BESIDE = "engine"
"""The engine may use floors 0 and 1, and only the lab and the command line use it."""


def imports_of(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.add(node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in found if name.startswith("xcnet.")}


def package_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def test_every_import_goes_down() -> None:
    wrong = []
    for path in sorted(SOURCE.rglob("*.py")):
        package = package_of(path)
        if package in ("__init__", "__main__"):
            continue
        for target in imports_of(path) - {package}:
            if package == BESIDE:
                allowed = target in FLOORS and FLOORS[target] <= 1
            elif target == BESIDE:
                allowed = FLOORS[package] >= 6
            else:
                allowed = FLOORS[target] < FLOORS[package] or (FLOORS[package] == 0 and FLOORS[target] == 0)
            if not allowed:
                wrong.append(f"{path.relative_to(SOURCE)} imports xcnet.{target}")
    assert wrong == []


def test_every_package_has_a_floor() -> None:
    packages = {package_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert packages - set(FLOORS) - {BESIDE} == set()
