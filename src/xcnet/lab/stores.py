"""File systems of their own for coordinators' stores, in memory: one can be full without anybody else noticing."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sqlite3
from pathlib import Path

from xcnet.engine.guest_mounts import mount
from xcnet.errors import LabError

FOLDER = "store"
"""Under a coordinator's folder of sockets."""

ROOM = 64 * 2**20
"""Bytes that a store may take: a hundred times what hundreds of connections do."""

_MS_REMOUNT, _MNT_DETACH = 32, 2
_libc = ctypes.CDLL(None, use_errno=True)


def make(folder: Path) -> None:
    """The folder, on a file system of its own where this user may mount one; else an ordinary one, which cannot be filled."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(OSError):
        mount("tmpfs", str(folder), "tmpfs", data=f"mode=0700,size={ROOM}")


def unmount_all(root: Path) -> None:
    """Every file system below a folder; what is in it is lost."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        where = Path(line.split()[1])
        if where.name == FOLDER and root in where.parents:
            _libc.umount2(str(where).encode(), _MNT_DETACH)


def is_apart(folder: Path) -> bool:
    """Whether it is a file system of its own."""
    return folder.is_mount()


def resize(folder: Path, room: int) -> None:
    """:param room: bytes that it may hold altogether, more than none. :raises LabError: refused."""
    try:
        mount("tmpfs", str(folder), "tmpfs", _MS_REMOUNT, f"size={room}")
    except OSError as error:
        raise LabError(
            f"the file system cannot be given {room} bytes: {error.strerror}", where=str(folder), remedy="try again"
        ) from None


def used(folder: Path) -> int:
    """Bytes that its files take."""
    held = os.statvfs(folder)
    return (held.f_blocks - held.f_bfree) * held.f_frsize


def free(folder: Path) -> int:
    """Bytes that its files may grow by."""
    held = os.statvfs(folder)
    return held.f_bavail * held.f_frsize


def put_away_log(database: Path) -> bool:
    """Have SQLite's write-ahead log written to the database and cut to nothing, so that a commit needs room.

    :returns: False: somebody is using it just now.
    """
    with contextlib.closing(sqlite3.connect(database, timeout=1.0)) as connection:
        (busy, _log, _done) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


__all__ = ["FOLDER", "ROOM", "free", "is_apart", "make", "put_away_log", "resize", "unmount_all", "used"]
