"""Somebody without privileges, for tests that show that none are needed."""

from __future__ import annotations

import os
import pwd
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from plugins.installed import virtual_environment


@dataclass(frozen=True)
class OrdinaryUser:
    """Somebody without privileges: another user where this is root, else this one.

    :param home: a folder of that user's own. :param python: a Python with the program, which that user can reach.
    :param become: options of :class:`subprocess.Popen` that start a process as that user.
    """

    uid: int
    home: Path
    python: Path
    become: dict[str, Any]


@pytest.fixture(scope="session")
def ordinary_user() -> Iterator[OrdinaryUser]:
    # Not in pytest's own folders: root's are for root alone.
    folder = Path(tempfile.mkdtemp(prefix="xcnet-user-", dir="/var/tmp"))
    home = folder / "home"
    home.mkdir()
    try:
        if os.geteuid() != 0:
            yield OrdinaryUser(os.geteuid(), home, Path(sys.executable), {})
            return
        folder.chmod(0o755)
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        python = virtual_environment(folder / "venv")
        become = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": "/"}
        yield OrdinaryUser(nobody.pw_uid, home, python, become)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


__all__ = ["OrdinaryUser", "ordinary_user"]
