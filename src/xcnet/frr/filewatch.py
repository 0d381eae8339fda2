"""Files that grow and appear, as this kernel announces it (inotify); writes of another kernel's processes it does not."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator
from pathlib import Path

_IN_MODIFY = 0x002
_IN_MOVED_TO = 0x080
_IN_CREATE = 0x100

_HEADER = struct.Struct("iIII")
_READ = 64 * 1024

_libc = ctypes.CDLL(None, use_errno=True)


class FileWatch:
    """Use with an event loop: ``loop.add_reader(watch.fileno(), ...)``, then :meth:`drain`."""

    def __init__(self) -> None:
        self._fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC))
        self._paths: dict[int, Path] = {}

    def growth_of(self, file: Path) -> None:
        """:raises FileNotFoundError: there is none."""
        self._add(file, _IN_MODIFY)

    def new_in(self, folder: Path) -> None:
        """:raises FileNotFoundError: there is none."""
        self._add(folder, _IN_CREATE | _IN_MOVED_TO)

    def _add(self, path: Path, mask: int) -> None:
        number = _checked(_libc.inotify_add_watch(self._fd, os.fsencode(path), ctypes.c_uint32(mask)), path)
        self._paths[number] = path

    def fileno(self) -> int:
        return self._fd

    def drain(self) -> set[Path]:
        """The files that grew, and those that are new, since the last call. Never blocks."""
        found: set[Path] = set()
        while True:
            try:
                events = os.read(self._fd, _READ)
            except BlockingIOError:
                return found
            for number, name in _split(events):
                path = self._paths.get(number)
                if path is None:
                    # Too much at once: the kernel says only that it dropped something.
                    found |= set(self._paths.values())
                else:
                    found.add(path / name if name else path)

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _split(events: bytes) -> Iterator[tuple[int, str]]:
    offset = 0
    while offset < len(events):
        number, _mask, _cookie, length = _HEADER.unpack_from(events, offset)
        offset += _HEADER.size
        yield number, os.fsdecode(events[offset : offset + length].rstrip(b"\0"))
        offset += length


def _checked(result: int, path: Path | None = None) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), None if path is None else str(path))
    return result


__all__ = ["FileWatch"]
