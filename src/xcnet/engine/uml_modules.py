"""Keeping, of a kernel's modules, those that a network lab can come to need: a tenth of what a distribution packs."""

from __future__ import annotations

import shutil
from pathlib import Path

_KEPT = ("kernel/net/", "kernel/drivers/net/", "kernel/crypto/", "kernel/lib/", "kernel/arch/", "kernel/fs/overlayfs/")


def prune_modules(folder: Path) -> None:
    """Delete the modules that are neither wanted nor needed by wanted ones. :param folder: has a folder for each release."""
    for release in folder.iterdir():
        needs: dict[str, list[str]] = {}
        for line in (release / "modules.dep").read_text().splitlines():
            path, _, rest = line.partition(":")
            needs[path] = rest.split()
        kept = {path for path in needs if path.startswith(_KEPT)}
        kept |= {need for path in kept for need in needs[path]}
        for path in needs.keys() - kept:
            (release / path).unlink(missing_ok=True)
        for empty in sorted((release / "kernel").rglob("*"), reverse=True):
            if empty.is_dir() and not any(empty.iterdir()):
                shutil.rmtree(empty)


__all__ = ["prune_modules"]
