"""A copy of the public specification in a folder: several YAML files, read from nowhere but that folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from xcnet.errors import InputError
from xcnet.model import yamldoc
from xcnet.model.problems import TopologyError
from xcnet.spec.source import DocumentError, Place, Source

FIRST_FILE = "openapi.yaml"
_FOLDERS = (".", "connection-coordinator")
_MOST_FILES = 200
_REMEDY = "correct the file, or take a whole, unchanged copy of the specification"


def load(directory: Path) -> Source:
    """The document whose first file is ``openapi.yaml``, in the folder or in its ``connection-coordinator``.

    References are followed within the folder only, symbolic links included.

    :raises InputError: there is none, or it is not YAML. Files that are referred to are read, and refused, once somebody
        goes there.
    """
    try:
        root = directory.resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        raise InputError(
            "there is no such folder", where=str(directory), remedy="name the folder with a copy of the specification"
        ) from None
    if not root.is_dir():
        raise InputError(
            "this is not a folder", where=str(directory), remedy=f"name the folder that {FIRST_FILE} is in"
        )
    for folder in _FOLDERS:
        if (root / folder / FIRST_FILE).is_file():
            files = _Files(root, directory)
            place = Place((Path(folder) / FIRST_FILE).as_posix(), folder=str(directory))
            return Source(place, files(place.file, place), files)
    raise InputError(
        f"there is no {FIRST_FILE} in this folder, nor in {_FOLDERS[1]} below it",
        where=str(directory),
        remedy="name the folder with a copy of the specification",
    )


class _Files:
    """:param root: where files may come from. :param shown: how errors name it."""

    def __init__(self, root: Path, shown: Path) -> None:
        self._root = root
        self._shown = shown
        self._read = 0

    def __call__(self, name: str, place: Place) -> Any:
        try:
            path = (self._root / name).resolve(strict=True)
        except (OSError, ValueError, RuntimeError):
            raise DocumentError(f"a reference leads to a file that is not there: {name!r}", place) from None
        if not path.is_relative_to(self._root):
            raise DocumentError(f"a reference leads out of the specification's folder: {name!r}", place)
        self._read += 1
        if self._read > _MOST_FILES:
            raise DocumentError(f"the specification has more than {_MOST_FILES} files", place)
        return self._data(path, str(self._shown / name))

    def _data(self, path: Path, shown: str) -> Any:
        try:
            if not path.is_file():
                raise InputError("this is not a file", where=shown, remedy=_REMEDY)
            with path.open("rb") as file:
                raw = file.read(yamldoc.MAX_BYTES + 1)
        except OSError as error:
            raise InputError(
                f"the file cannot be read: {error.strerror}", where=shown, remedy="make it readable"
            ) from None
        try:
            return yamldoc.parse(yamldoc.decode(raw, shown), shown).data
        except TopologyError as error:
            first = error.problems[0]
            raise InputError(first.cause, where=first.where, remedy=_REMEDY) from None


__all__ = ["FIRST_FILE", "load"]
