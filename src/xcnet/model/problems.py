"""Mistakes in files: where each stands, what is wrong, what would be right; several of them as one error."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from xcnet.errors import InputError

Path = tuple[str | int, ...]
"""The way to a value: field names and list positions."""


class Place(NamedTuple):
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Problem:
    """One mistake.

    :param file: the file's name, put in by whoever knows it.
    :param place: None concerns the file as a whole.
    :param at_key: it is the field's name that is wrong, not its value.
    """

    path: Path
    cause: str
    remedy: str
    file: str = ""
    place: Place | None = None
    at_key: bool = False

    @property
    def where(self) -> str:
        """``file:line:column, field.path``."""
        start = ":".join([self.file, *(str(number) for number in self.place or ())])
        return f"{start}, {field_path(self.path)}" if self.path else start

    def at(self, file: str, place: Place | None) -> Problem:
        return replace(self, file=file, place=place)


class TopologyError(InputError):
    """A topology or profile has mistakes: all that were found, in the order of the file.

    :param problems: at least one.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        found = sorted(problems, key=lambda problem: (problem.file, problem.place or (0, 0)))
        self.problems = tuple(found)
        if len(found) == 1:
            super().__init__(found[0].cause, where=found[0].where, remedy=found[0].remedy)
            return
        items = [
            f"{number}. {problem.cause}\n     where: {problem.where}\n     remedy: {problem.remedy}"
            for number, problem in enumerate(found, 1)
        ]
        super().__init__("\n  ".join([f"{len(found)} mistakes", *items]), where=found[0].file)


def field_path(path: Path) -> str:
    """``interconnects[0].channels[1].name``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant; None if no word is near, or several are as near."""
    found = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    if len(found) == 2 and len({difflib.SequenceMatcher(None, each, word).ratio() for each in found}) == 1:
        return None
    return found[0] if found else None


def did_you_mean(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """A remedy: the nearest known word, and all of them."""
    words = list(known)
    near = nearest(word, words)
    listed = f"known here: {', '.join(words)}" if words else otherwise
    return f"did you mean '{near}'? {listed}" if near else (listed or otherwise)


def twice(kind: str, named: Iterable[tuple[Path, str]]) -> Iterator[Problem]:
    """A problem for each name that stood before. :param kind: what it names, in the singular."""
    seen = set()
    for path, name in named:
        if name in seen:
            plural = kind[:-1] + "ies" if kind.endswith("y") else kind + "s"
            yield Problem(path, f"there are two {plural} '{name}'", "give each its own name")
        seen.add(name)


def name_index(names: Iterable[str]) -> Mapping[str, int]:
    """Name -> its first position."""
    index: dict[str, int] = {}
    for position, name in enumerate(names):
        index.setdefault(name, position)
    return index


__all__ = ["Path", "Place", "Problem", "TopologyError", "did_you_mean", "field_path", "name_index", "nearest", "twice"]
