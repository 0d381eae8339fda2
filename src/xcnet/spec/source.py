"""An OpenAPI document as it is written, with references that are followed only when somebody goes there.

Everything read is given with its place, a file and a JSON pointer (RFC 6901), so that errors can name it. References in
circles between schemas are nothing special: nobody walks them to their end.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from xcnet.errors import InputError

_MOST_STEPS = 50
"""References from one to the next before there is a value."""
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_REMEDY = "use a whole, unchanged copy of the specification"


@dataclass(frozen=True, slots=True)
class Place:
    """:param file: relative to the document's folder. :param pointer: ``/paths/~1providers``; empty for the whole.
    :param folder: that folder, as errors name it.
    """

    file: str
    pointer: str = ""
    folder: str = ""

    def at(self, key: str | int) -> Place:
        token = str(key).replace("~", "~0").replace("/", "~1")
        return replace(self, pointer=f"{self.pointer}/{token}")

    def __str__(self) -> str:
        file = posixpath.join(self.folder, self.file)
        return f"{file}#{self.pointer}" if self.pointer else file


class DocumentError(InputError):
    """An OpenAPI document that cannot be read as one."""

    def __init__(self, cause: str, place: Place | str, remedy: str = _REMEDY) -> None:
        super().__init__(cause, where=str(place), remedy=remedy)


@dataclass(slots=True)
class Source:
    """One document in one file or several.

    :param place: of its first file. :param read: gives another file's data by its name relative to the folder; None: there
        is but one file.
    """

    place: Place
    data: Any
    read: Callable[[str, Place], Any] | None = None
    _files: dict[str, Any] = field(default_factory=dict)

    @property
    def root(self) -> Node:
        return Node(self, self.place, self.data)

    def follow(self, reference: str, place: Place) -> Node:
        """Where a reference leads that stands at ``place``; that may be a reference again.

        :raises DocumentError: it leads to nothing, or out of the folder.
        """
        path, _, fragment = reference.partition("#")
        if _SCHEME.match(path) or path.startswith(("/", "\\")):
            raise DocumentError(f"the reference {_short(reference)} leads out of the specification's folder", place)
        name = posixpath.normpath(posixpath.join(posixpath.dirname(place.file), unquote(path))) if path else place.file
        if name == ".." or name.startswith("../"):
            raise DocumentError(f"the reference {_short(reference)} leads out of the specification's folder", place)
        if name != self.place.file and self.read is None:
            raise DocumentError(f"the reference {_short(reference)} leads to another file, and there is but one", place)
        value, here = self._data_of(name, place), Place(name, folder=place.folder)
        for token in _tokens(unquote(fragment), reference, place):
            found, value = _step(value, token)
            if not found:
                raise DocumentError(f"the reference {_short(reference)} leads to nothing", place)
            here = here.at(token)
        return Node(self, here, value)

    def _data_of(self, name: str, place: Place) -> Any:
        if name == self.place.file or self.read is None:
            return self.data
        if name not in self._files:
            self._files[name] = self.read(name, place)
        return self._files[name]


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the document, and where it stands."""

    source: Source
    place: Place
    value: Any

    def resolved(self) -> Node:
        """The value itself, where this one only refers to it. :raises DocumentError: it leads nowhere, or round in circles."""
        here = self
        for _ in range(_MOST_STEPS):
            if not isinstance(here.value, Mapping) or "$ref" not in here.value:
                return here
            reference = here.value["$ref"]
            if not isinstance(reference, str):
                raise DocumentError("a reference ($ref) is not text", here.place)
            here = self.source.follow(reference, here.place)
        raise DocumentError("a reference ($ref) leads from one to the next and never to a value", self.place)

    def get(self, key: str) -> Node | None:
        """A field of this mapping; None if it is not there."""
        return Node(self.source, self.place.at(key), self.value[key]) if key in self.mapping() else None

    def mapping(self) -> Mapping[str, Any]:
        """:raises DocumentError: the value is no mapping."""
        if not isinstance(self.value, Mapping):
            raise DocumentError(f"here must be a mapping, and is {_kind(self.value)}", self.place)
        return self.value

    def fields(self) -> Iterator[tuple[str, Node]]:
        for key in self.mapping():
            yield str(key), Node(self.source, self.place.at(key), self.value[key])

    def items(self) -> Iterator[Node]:
        """:raises DocumentError: the value is no list."""
        if not isinstance(self.value, list):
            raise DocumentError(f"here must be a list, and is {_kind(self.value)}", self.place)
        for index, each in enumerate(self.value):
            yield Node(self.source, self.place.at(index), each)

    def text(self, key: str) -> str | None:
        """:raises DocumentError: it is there, and no text."""
        value = self.mapping().get(key)
        if value is not None and not isinstance(value, str):
            raise DocumentError(f"'{key}' must be text, and is {_kind(value)}", self.place.at(key))
        return value

    def flag(self, key: str) -> bool:
        """:raises DocumentError: it is there, and neither true nor false."""
        value = self.mapping().get(key, False)
        if not isinstance(value, bool):
            raise DocumentError(f"'{key}' must be true or false, and is {_kind(value)}", self.place.at(key))
        return value


def _tokens(fragment: str, reference: str, place: Place) -> list[str]:
    if fragment and not fragment.startswith("/"):
        raise DocumentError(f"the reference {_short(reference)} is no JSON pointer: no '/' after its '#'", place)
    return [token.replace("~1", "/").replace("~0", "~") for token in fragment.split("/")[1:]]


def _step(value: Any, token: str) -> tuple[bool, Any]:
    if isinstance(value, Mapping) and token in value:
        return True, value[token]
    if isinstance(value, list) and token.isascii() and token.isdigit() and len(token) < 8 and int(token) < len(value):
        return True, value[int(token)]
    return False, None


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "empty" if value is None else "a single value"


def _short(text: str) -> str:
    return f"'{text}'" if len(text) <= 100 else f"'{text[:97]}...'"


__all__ = ["DocumentError", "Node", "Place", "Source"]
