"""Named network namespaces: made, opened, entered and deleted by this thread, without any helper process.

The names stand in ``/run/netns``, so that ``ip netns`` and everything built on it sees them.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno as errnos
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from xcnet.errors import KernelError

DIRECTORY = Path("/run/netns")
_SELF = "/proc/thread-self/ns/net"

_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_SHARED = 1 << 20
_MNT_DETACH = 2

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


@dataclass
class Netns:
    """A network namespace held open.

    :param name: as it is shown to people; its name in ``/run/netns`` where it has one.
    :param fd: an open descriptor of it; stays valid when the name goes.
    """

    name: str
    fd: int

    @classmethod
    def current(cls) -> Netns:
        """The calling thread's own."""
        return cls("this namespace", os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC))

    @property
    def path(self) -> Path:
        return DIRECTORY / self.name

    @property
    def inode(self) -> int:
        """Identifies the namespace: two handles with the same inode are the same namespace."""
        return os.fstat(self.fd).st_ino

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread is in this namespace inside the block; sockets opened there stay in it.

        Do not await inside: other tasks of the thread would run there too.
        """
        back = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("setns", self.fd, _CLONE_NEWNET)
            try:
                yield
            finally:
                _call("setns", back, _CLONE_NEWNET)
        finally:
            os.close(back)

    def enter(self) -> None:
        """Move the calling thread here for good: for a process that has just been forked to live here."""
        try:
            _call("setns", self.fd, _CLONE_NEWNET)
        except OSError as error:
            raise _failed("enter", self.name, error) from error

    def close(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def create(name: str) -> Netns:
    """Make a namespace of that name and hold it. Its ``lo`` is down.

    :raises KernelError: the name is taken, or no permission.
    """
    path = _path(name)
    try:
        _prepare()
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o444))
    except FileExistsError as error:
        raise KernelError(
            f"there is a namespace {name} already",
            where=str(path),
            remedy="take down the lab it belongs to, or choose another name",
            errno=errnos.EEXIST,
        ) from error
    except OSError as error:
        raise _failed("make", name, error) from error
    try:
        back = os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call("unshare", _CLONE_NEWNET)
            try:
                _call("mount", _SELF.encode(), os.fsencode(path), b"none", ctypes.c_ulong(_MS_BIND), None)
                return Netns(name, os.open(_SELF, os.O_RDONLY | os.O_CLOEXEC))
            finally:
                _call("setns", back, _CLONE_NEWNET)
        finally:
            os.close(back)
    except OSError as error:
        delete(name)
        raise _failed("make", name, error) from error


def open_named(name: str) -> Netns:
    """:raises KernelError: there is none of that name (errno ENOENT)."""
    try:
        return Netns(name, os.open(_path(name), os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        raise _failed("open", name, error) from error


def delete(name: str) -> bool:
    """Take the name away; the namespace and its interfaces go when nothing holds them. False if there was none.

    :raises KernelError: no permission.
    """
    path = _path(name)
    try:
        try:
            _call("umount2", os.fsencode(path), _MNT_DETACH)
        except OSError as error:
            # EINVAL: not a mount point - left by someone who was interrupted between the file and the mount.
            if error.errno != errnos.EINVAL:
                raise
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _failed("delete", name, error) from error
    return True


def names() -> list[str]:
    """The names that stand in ``/run/netns``, sorted."""
    try:
        return sorted(entry.name for entry in DIRECTORY.iterdir())
    except FileNotFoundError:
        return []


def _path(name: str) -> Path:
    if not name or "/" in name or name in (".", "..") or len(name) > 255:
        raise KernelError(f"{name!r} cannot be the name of a namespace", remedy="use letters, digits and hyphens")
    return DIRECTORY / name


def _prepare() -> None:
    """Make ``/run/netns`` a mount shared between mount namespaces, as ``ip netns`` does: a name that is taken away in one
    would otherwise keep its namespace alive in every other."""
    DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
    directory = os.fsencode(DIRECTORY)
    share = ctypes.c_ulong(_MS_SHARED | _MS_REC)
    try:
        _call("mount", b"", directory, b"none", share, None)
    except OSError as error:
        if error.errno != errnos.EINVAL:
            raise
        _call("mount", directory, directory, b"none", ctypes.c_ulong(_MS_BIND | _MS_REC), None)
        _call("mount", b"", directory, b"none", share, None)


def _failed(verb: str, name: str, error: OSError) -> KernelError:
    remedy = {
        errnos.ENOENT: "check the name; `ip netns list` shows those that are there",
        errnos.EPERM: "run as root (CAP_SYS_ADMIN is needed)",
        errnos.EACCES: "run as root (CAP_SYS_ADMIN is needed)",
    }.get(error.errno or 0, "")
    return KernelError(
        f"cannot {verb} namespace {name}: {error.strerror}",
        where=str(DIRECTORY / name),
        remedy=remedy,
        errno=error.errno or 0,
    )


__all__ = ["DIRECTORY", "Netns", "create", "delete", "names", "open_named"]
