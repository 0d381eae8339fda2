"""The file systems of a user-mode kernel: the host's own tree, with what must be the guest's own laid over it."""

# The first process does without pathlib, which is slow to import.
# ruff: noqa: PTH101, PTH103, PTH123, PTH211

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence

_MS_BIND = 4096
_libc = ctypes.CDLL(None, use_errno=True)

OWN = ("/run", "/var/tmp", "/dev/shm")
"""Memory of the guest's own: sockets cannot live on the host's tree, nor should the guest's state stay there. The host's
``/tmp`` stays visible: a checkout or a run folder may lie in it."""


def mount(source: str, target: str, kind: str, flags: int = 0, data: str = "") -> None:
    """mount(2). :raises OSError: the kernel refused."""
    if _libc.mount(source.encode(), target.encode(), kind.encode() or None, flags, data.encode() or None) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def mount_all(visible: Sequence[str]) -> None:
    """Lay the guest's own file systems over the host's tree.

    :param visible: folders of the host that must be seen even where they lie under one of those.
    """
    mount("proc", "/proc", "proc")
    mount("sysfs", "/sys", "sysfs")
    if not _is_mounted("/dev"):
        mount("devtmpfs", "/dev", "devtmpfs")
    for folder in ("/dev/pts", "/dev/shm"):
        os.makedirs(folder, exist_ok=True)
    mount("devpts", "/dev/pts", "devpts", data="ptmxmode=0666,mode=0620,gid=5")
    _link_descriptors()
    _share_processor()
    for folder in OWN:
        mount("tmpfs", folder, "tmpfs", data="mode=1777" if folder != "/run" else "mode=0755")
    for folder in ("/run/lock", "/run/netns", "/run/tmp", "/run/home"):
        os.makedirs(folder, exist_ok=True)
    os.chmod("/run/tmp", 0o1777)  # noqa: S103 - as /tmp is everywhere
    for folder in visible:
        if any(folder == own or folder.startswith(own + "/") for own in ("/dev", *OWN)):
            show(folder)


def show(folder: str) -> None:
    """Mount a folder of the host where it lies there. :raises OSError: the kernel refused."""
    os.makedirs(folder, exist_ok=True)
    mount("none", folder, "hostfs", data=folder)


def bind(source: str, target: str) -> None:
    """Show ``source`` at ``target`` too. :raises OSError: the kernel refused."""
    mount(source, target, "", _MS_BIND)


def _is_mounted(target: str) -> bool:
    with open("/proc/self/mounts") as mounts:
        return any(line.split()[1] == target for line in mounts)


def _share_processor() -> None:
    """Control groups, with which processes can be given less of the processor; a kernel without them goes without."""
    try:
        mount("cgroup2", "/sys/fs/cgroup", "cgroup2")
        with open("/sys/fs/cgroup/cgroup.subtree_control", "w") as control:
            control.write("+cpu")
    except OSError:
        pass


def _link_descriptors() -> None:
    """What a device manager would make: shells' process substitution and many programs expect them."""
    for name, target in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        if not os.path.lexists(f"/dev/{name}"):
            os.symlink(f"/proc/self/{target}", f"/dev/{name}")


__all__ = ["OWN", "bind", "mount", "mount_all", "show"]
