"""Compares two OpenAPI documents operation by operation, and tells differences that are known from those that are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from xcnet.errors import InputError
from xcnet.spec.shapes import JSON, Call, Parameter, Shape, calls, shape
from xcnet.spec.source import Node, Place, Source

ABSENT = "absent"
PRESENT = "present"


class Kind(StrEnum):
    """What differs. Missing and extra are said of ours."""

    OPERATION_MISSING = "operation-missing"
    OPERATION_EXTRA = "operation-extra"
    METHOD = "method"
    PATH = "path"
    TAGS = "tags"
    PARAMETER_MISSING = "parameter-missing"
    PARAMETER_EXTRA = "parameter-extra"
    PARAMETER_REQUIRED = "parameter-required"
    PARAMETER_STYLE = "parameter-style"
    BODY_MISSING = "body-missing"
    BODY_EXTRA = "body-extra"
    BODY_REQUIRED = "body-required"
    RESPONSE_MISSING = "response-missing"
    RESPONSE_EXTRA = "response-extra"
    FIELD_MISSING = "field-missing"
    FIELD_EXTRA = "field-extra"
    FIELD_REQUIRED = "field-required"
    TYPE = "type"
    FORMAT = "format"
    ENUM = "enum"
    LIMIT = "limit"
    READ_ONLY = "read-only"
    NULLABLE = "nullable"
    DEPRECATED = "deprecated"


@dataclass(frozen=True, slots=True)
class Difference:
    """:param where: ``GetFeature/Feature.updatable``, ``ListIssues/query.pageSize``, ``AddComment/body``."""

    kind: Kind
    where: str
    ours: str
    theirs: str


@dataclass(frozen=True, slots=True)
class Known:
    """A difference that is meant.

    :param where: with ``*`` for anything. :param source: what asks for it. :param why: its justification.
    :param ours: what stands on our side, where anything else would not be meant. :param theirs: on the other side.
    """

    kind: Kind
    where: str
    source: str
    why: str
    ours: str | None = None
    theirs: str | None = None

    def explains(self, difference: Difference) -> bool:
        return (
            self.kind is difference.kind
            and fnmatchcase(difference.where, self.where)
            and self.ours in (None, difference.ours)
            and self.theirs in (None, difference.theirs)
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """:param explained: each with what explains it. :param stale: known differences that there are no more."""

    explained: tuple[tuple[Difference, Known], ...]
    unexplained: tuple[Difference, ...]
    stale: tuple[Known, ...]

    @property
    def clean(self) -> bool:
        return not self.unexplained and not self.stale


def compare(ours: Source, theirs: Source) -> list[Difference]:
    """All differences, in the order of their operations, then of ours.

    :raises InputError: a document cannot be read as one.
    """
    try:
        return list(_Walk(calls(ours.root), calls(theirs.root)).differences())
    except RecursionError:
        raise InputError(
            "a document is nested too deep to compare",
            where=f"{theirs.place} or {ours.place}",
            remedy="use a whole, unchanged copy of the specification",
        ) from None


def explain(differences: Iterable[Difference], known: Iterable[Known]) -> Comparison:
    """Each difference with the first entry that explains it; entries that explain none are stale."""
    table = list(known)
    explained: list[tuple[Difference, Known]] = []
    unexplained: list[Difference] = []
    for difference in differences:
        entry = next((each for each in table if each.explains(difference)), None)
        if entry is None:
            unexplained.append(difference)
        else:
            explained.append((difference, entry))
    met = {id(entry) for _, entry in explained}
    return Comparison(tuple(explained), tuple(unexplained), tuple(each for each in table if id(each) not in met))


class _Walk:
    """Goes through both documents side by side; a pair of named schemas is compared where it is first met."""

    def __init__(self, ours: Mapping[str, Call], theirs: Mapping[str, Call]) -> None:
        self._ours = ours
        self._theirs = theirs
        self._met: set[tuple[Place, Place]] = set()

    def differences(self) -> Iterator[Difference]:
        for name, theirs in self._theirs.items():
            ours = self._ours.get(name)
            if ours is None:
                yield Difference(Kind.OPERATION_MISSING, name, ABSENT, f"{theirs.method} {theirs.path}")
            else:
                yield from self._call(ours, theirs)
        for name, ours in self._ours.items():
            if name not in self._theirs:
                yield Difference(Kind.OPERATION_EXTRA, name, f"{ours.method} {ours.path}", ABSENT)

    def _call(self, ours: Call, theirs: Call) -> Iterator[Difference]:
        where = ours.id
        yield from _unequal(Kind.METHOD, where, ours.method, theirs.method)
        yield from _unequal(Kind.PATH, where, ours.path, theirs.path)
        yield from _unequal(Kind.TAGS, where, sorted(ours.tags), sorted(theirs.tags))
        yield from _unequal(Kind.DEPRECATED, where, ours.deprecated, theirs.deprecated)
        both, missing, extra = _sides(ours.parameters, theirs.parameters)
        yield from (Difference(Kind.PARAMETER_MISSING, f"{where}/{name}", ABSENT, PRESENT) for name in missing)
        yield from (Difference(Kind.PARAMETER_EXTRA, f"{where}/{name}", PRESENT, ABSENT) for name in extra)
        for name in both:
            yield from self._parameter(f"{where}/{name}", ours.parameters[name], theirs.parameters[name])
        yield from self._body(f"{where}/body", ours, theirs)
        both, missing, extra = _sides(ours.responses, theirs.responses)
        yield from (Difference(Kind.RESPONSE_MISSING, f"{where}/responses.{name}", ABSENT, PRESENT) for name in missing)
        yield from (Difference(Kind.RESPONSE_EXTRA, f"{where}/responses.{name}", PRESENT, ABSENT) for name in extra)
        for name in both:
            kinds = (Kind.RESPONSE_MISSING, Kind.RESPONSE_EXTRA)
            yield from self._content(f"{where}/responses.{name}", kinds, ours.responses[name], theirs.responses[name])

    def _parameter(self, where: str, ours: Parameter, theirs: Parameter) -> Iterator[Difference]:
        yield from _unequal(Kind.PARAMETER_REQUIRED, where, ours.required, theirs.required)
        yield from _unequal(Kind.DEPRECATED, where, ours.deprecated, theirs.deprecated)
        yield from _unequal(Kind.PARAMETER_STYLE, where, ours.style, theirs.style)
        yield from self._maybe(where, ours.schema, theirs.schema)

    def _body(self, where: str, ours: Call, theirs: Call) -> Iterator[Difference]:
        if ours.body is None or theirs.body is None:
            if ours.body is not None:
                yield Difference(Kind.BODY_EXTRA, where, PRESENT, ABSENT)
            if theirs.body is not None:
                yield Difference(Kind.BODY_MISSING, where, ABSENT, PRESENT)
            return
        yield from _unequal(Kind.BODY_REQUIRED, where, ours.body_required, theirs.body_required)
        yield from self._content(where, (Kind.BODY_MISSING, Kind.BODY_EXTRA), ours.body, theirs.body)

    def _content(
        self, where: str, kinds: tuple[Kind, Kind], ours: Mapping[str, Node | None], theirs: Mapping[str, Node | None]
    ) -> Iterator[Difference]:
        both, missing, extra = _sides(ours, theirs)
        yield from (Difference(kinds[0], f"{where} ({media})", ABSENT, PRESENT) for media in missing)
        yield from (Difference(kinds[1], f"{where} ({media})", PRESENT, ABSENT) for media in extra)
        for media in both:
            yield from self._maybe(where if media == JSON else f"{where} ({media})", ours[media], theirs[media])

    def _maybe(self, where: str, ours: Node | None, theirs: Node | None) -> Iterator[Difference]:
        if ours is not None and theirs is not None:
            yield from self._schema(where, ours, theirs)
        else:
            yield from _unequal(Kind.TYPE, where, _type_of(ours), _type_of(theirs))

    def _schema(self, where: str, ours: Node, theirs: Node) -> Iterator[Difference]:
        mine, other = shape(ours), shape(theirs)
        yield from _unequal(Kind.READ_ONLY, where, mine.read_only, other.read_only)
        yield from _unequal(Kind.DEPRECATED, where, mine.deprecated, other.deprecated)
        yield from _unequal(Kind.NULLABLE, where, mine.nullable, other.nullable)
        pair = (mine.place, other.place)
        if pair in self._met:
            return
        self._met.add(pair)
        name = mine.name or other.name
        yield from self._structure(f"{where.partition('/')[0]}/{name}" if name else where, mine, other)

    def _structure(self, where: str, ours: Shape, theirs: Shape) -> Iterator[Difference]:
        yield from _unequal(Kind.TYPE, where, ours.type, theirs.type)
        yield from _unequal(Kind.FORMAT, where, ours.format, theirs.format)
        yield from _unequal(Kind.ENUM, where, ours.enum, theirs.enum)
        for keyword in sorted({*ours.limits, *theirs.limits}):
            mine, other = ours.limits.get(keyword), theirs.limits.get(keyword)
            if mine != other:
                yield Difference(Kind.LIMIT, where, _limit(keyword, mine), _limit(keyword, other))
        yield from _unequal(Kind.LIMIT, where, _closed(ours), _closed(theirs))
        both, missing, extra = _sides(ours.properties, theirs.properties)
        yield from (Difference(Kind.FIELD_MISSING, f"{where}.{name}", ABSENT, PRESENT) for name in missing)
        yield from (Difference(Kind.FIELD_EXTRA, f"{where}.{name}", PRESENT, ABSENT) for name in extra)
        for name in both:
            yield from _unequal(Kind.FIELD_REQUIRED, f"{where}.{name}", name in ours.required, name in theirs.required)
            yield from self._schema(f"{where}.{name}", ours.properties[name], theirs.properties[name])
        if ours.items is not None or theirs.items is not None:
            yield from self._maybe(f"{where}[]", ours.items, theirs.items)
        if ours.values is not None or theirs.values is not None:
            yield from self._maybe(f"{where}.*", ours.values, theirs.values)
        if len(ours.alternatives) != len(theirs.alternatives):
            counts = (f"{len(each.alternatives)} alternatives" for each in (ours, theirs))
            yield Difference(Kind.TYPE, where, *counts)
        for index, (mine, other) in enumerate(zip(ours.alternatives, theirs.alternatives, strict=False)):
            yield from self._schema(f"{where}|{index}", mine, other)


def _sides(ours: Iterable[str], theirs: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Names on both sides, only on theirs, only on ours."""
    mine, others = list(ours), list(theirs)
    return (
        [name for name in others if name in mine],
        [name for name in others if name not in mine],
        [name for name in mine if name not in others],
    )


def _unequal(kind: Kind, where: str, ours: Any, theirs: Any) -> Iterator[Difference]:
    if ours != theirs:
        yield Difference(kind, where, _said(ours), _said(theirs))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value))
    return "none" if value is None else str(value)


def _limit(keyword: str, value: Any) -> str:
    return f"no {keyword}" if value is None else f"{keyword} {value}"


def _closed(given: Shape) -> str:
    return "no other properties" if given.closed else "any other properties"


def _type_of(node: Node | None) -> str | None:
    return shape(node).type if node is not None else None


__all__ = ["ABSENT", "PRESENT", "Comparison", "Difference", "Kind", "Known", "compare", "explain"]
