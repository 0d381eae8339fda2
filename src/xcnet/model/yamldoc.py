"""YAML as data with the place of every value, and without YAML's traps: duplicate keys, odd tags, endless references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from xcnet.model.problems import Path, Place, Problem, TopologyError

MAX_BYTES = 250_000
MAX_VALUES = 50_000
"""After references are followed; a lab of hundreds of nodes has a tenth of it."""

_TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?[0-9]+")


@dataclass
class YamlDocument:
    """Plain data (dicts, lists, scalars) and where each part of it stands.

    :param name: the file as errors name it.
    """

    name: str
    data: Any
    places: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Of a value (or of its key); of the nearest thing around it where the path leads to nothing."""
        if key and path in self.keys:
            return self.keys[path]
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))


def decode(raw: bytes, name: str) -> str:
    """Text of a file.

    :raises TopologyError: too large, or not UTF-8.
    """
    if len(raw) > MAX_BYTES:
        raise _refused(name, None, f"the file has {len(raw):,} bytes", f"keep it below {MAX_BYTES:,} bytes")
    if b"\0" in raw:
        raise _refused(name, None, "the file is binary, not YAML text", "name a topology file written as UTF-8 text")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        place = Place(before.count(b"\n") + 1, error.start - (before.rfind(b"\n") + 1) + 1)
        raise _refused(
            name, place, f"the file is not UTF-8: byte 0x{raw[error.start]:02x}", "save the file as UTF-8"
        ) from None


def parse(text: str, name: str) -> YamlDocument:
    """Read one YAML document whose top is a mapping.

    :raises TopologyError: it cannot be read; several problems are reported together where reading can go on.
    """
    try:
        # Composed, not constructed: every value keeps its place, and no tag can make anything but plain data.
        node = YAML(typ="rt", pure=True).compose(text)
    except RecursionError:
        raise _refused(name, None, "the file is nested too deep to read", "write it as the shipped ones are") from None
    except ReaderError as error:
        before = text[: error.position]
        place = Place(before.count("\n") + 1, len(before) - before.rfind("\n"))
        raise _refused(
            name, place, f"a control character (0x{ord(text[error.position]):02x}) stands in the file", "delete it"
        ) from None
    except MarkedYAMLError as error:
        raise _syntax(error, text, name) from None
    except YAMLError as error:
        raise _refused(name, None, f"not YAML: {error}", "correct the file") from None
    if node is None or (isinstance(node, ScalarNode) and node.tag == f"{_TAG}null"):
        raise _refused(
            name, None, "the file is empty", "start from a shipped one: 'xcnet topology list' says where they are"
        )
    if not isinstance(node, MappingNode):
        kind = "a list" if isinstance(node, SequenceNode) else "a single value"
        raise _refused(
            name, _place(node), f"the file is {kind}, not a mapping", "write fields at its top, each as 'field: value'"
        )
    reader = _Reader(YamlDocument(name, None))
    try:
        reader.document.data = reader.read(node, ())
    except RecursionError:
        raise _refused(name, None, "the file is nested too deep to read", "write it as the shipped ones are") from None
    if reader.problems:
        raise TopologyError(reader.problems)
    return reader.document


class _Reader:
    """Turns nodes into data, noting places on the way."""

    def __init__(self, document: YamlDocument) -> None:
        self.document = document
        self.problems: list[Problem] = []
        self._open: set[int] = set()
        self._values = 0

    def read(self, node: Node, path: Path) -> Any:
        self._values += 1
        if self._values > MAX_VALUES:
            raise _refused(
                self.document.name,
                _place(node),
                f"the file stands for more than {MAX_VALUES:,} values once its references are followed",
                "write fewer, or fewer references (*name) to references",
            )
        self.document.places.setdefault(path, _place(node))
        if id(node) in self._open:
            raise _refused(
                self.document.name, _place(node), "a value refers to itself (&name, *name)", "write the value out"
            )
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        self._open.add(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._mapping(node, path)
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        finally:
            self._open.discard(id(node))

    def _mapping(self, node: MappingNode, path: Path) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        merges: list[Node] = []
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(key_node, path, "a key is a list or a mapping", "write a plain word as key")
                continue
            # Keys are words here: 'on', '1100' and '~' mean themselves.
            key = self._words(key_node, path)
            if key == "<<" and key_node.style is None:
                merges.append(value_node)
            elif key in result:
                self._problem(key_node, (*path, key), f"'{key}' is written twice", "keep one of them")
            else:
                self.document.keys.setdefault((*path, key), _place(key_node))
                result[key] = self.read(value_node, (*path, key))
        # Merged last, so that a field written here keeps its own place as it keeps its own value.
        for merge in merges:
            for part in self._merge_parts(merge, path):
                result = {**part, **result}
        return result

    def _merge_parts(self, node: Node, path: Path) -> Iterator[dict[Any, Any]]:
        for part in node.value if isinstance(node, SequenceNode) else [node]:
            value = self.read(part, path) if isinstance(part, MappingNode) else None
            if isinstance(value, dict):
                yield value
            else:
                self._problem(part, path, "'<<' merges something that is no mapping", "refer to a mapping")

    def _scalar(self, node: ScalarNode, path: Path) -> Any:
        kind = node.tag.removeprefix(_TAG) if node.tag else "str"
        text = self._words(node, path)
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int" and _INT.fullmatch(text) and len(text) < 40:
            return int(text)
        if kind == "float":
            try:
                return float(text)
            except ValueError:
                return text
        if kind in ("str", "int", "timestamp", "merge", "value"):
            return text
        self._problem(node, path, f"the tag '!!{kind}' means nothing here", "leave the tag out")
        return text

    def _words(self, node: ScalarNode, path: Path) -> str:
        """A scalar's text. Escapes in quotes can spell what a file itself cannot hold."""
        try:
            # JSON spells characters beyond 16 bits as two surrogates; one alone is no character.
            text = str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            self._problem(node, path, "an escape (\\u) stands for half a character", "write the character itself")
            return ""
        if node.style == ">":
            # The reader marks where it folded lines; a file itself cannot hold that character.
            text = text.replace("\a", "")
        if any(ord(character) < 32 and character not in "\n\t" for character in text):
            self._problem(node, path, "an escape (\\0, \\x) stands for a control character", "leave it out")
            return ""
        return text

    def _problem(self, node: Node, path: Path, cause: str, remedy: str) -> None:
        self.problems.append(Problem(path, cause, remedy, self.document.name, _place(node)))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _refused(name: str, place: Place | None, cause: str, remedy: str) -> TopologyError:
    return TopologyError([Problem((), cause, remedy, name, place)])


def _syntax(error: MarkedYAMLError, text: str, name: str) -> TopologyError:
    """The parser's words in ours: it speaks of tokens, a reader of quotes, tabs and brackets."""
    problem = error.problem or str(error)
    unclosed = "stream" in problem or "',' or" in problem
    # What was left open says more than where the parser noticed.
    mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
    place = Place(mark.line + 1, mark.column + 1) if mark else None
    lines = text.splitlines()
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "'\\t'" in problem or line[: len(line) - len(line.lstrip())].count("\t"):
        return _refused(name, place, "a tab stands where YAML wants spaces", "indent with spaces only")
    known = {
        "undefined alias": ("a reference (*name) to nothing", "write '&name' where the value first stands"),
        "duplicate anchor": ("two values have the same anchor (&name)", "give each anchor its own name"),
        "another document": ("a second document starts here ('---')", "keep one topology in one file"),
        "mapping values are not allowed": ("a ':' stands where no field can start", "put quotes around the value"),
        "stream end": ("what opens here is never closed", "close the bracket, brace or quote"),
        "end of stream": ("what opens here is never closed", "close the bracket, brace or quote"),
        "block end": ("this line's indentation fits no line above it", "indent fields of one mapping equally"),
        "cannot start any token": ("a value starts with a character that YAML reserves", "put quotes around the value"),
        "could not find expected ':'": ("a line is neither a field nor part of a value", "write 'field: value'"),
        "',' or": (
            "after this bracket or brace a comma is missing, or its end",
            "separate values with commas, close what opens",
        ),
        "incompatible YAML": ("the file asks for a YAML version that does not exist", "delete the '%YAML' line"),
        "found undefined tag handle": ("a tag (!name) means nothing here", "leave the tag out"),
    }
    for words, (cause, remedy) in known.items():
        if words in problem:
            return _refused(name, place, cause, remedy)
    return _refused(name, place, f"not YAML: {problem}", "correct the file here, or put quotes around the value")


__all__ = ["MAX_BYTES", "MAX_VALUES", "YamlDocument", "decode", "parse"]
