"""What an OpenAPI document says, whichever way it says it: schemas and operations brought into one form for comparing.

OpenAPI 3.0 and 3.1 write null, single values and references with something beside them differently; the public specification
adds ways of its own (``type: uint32``, "Output only" in place of ``readOnly``). None of that is a difference.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from xcnet.spec.source import DocumentError, Node, Place

ANY = "any"
JSON = "application/json"
_METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_JSON_TYPES = frozenset(("object", "array", "string", "integer", "number", "boolean", "null"))
_WIDTHS = {
    "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1),
    "uint32": (0, 2**32 - 1),
    "uint64": (0, 2**64 - 1),
}
"""Formats of integers, which documents also write as types."""
_LIMITS = (
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
)
_BESIDE = frozenset(
    ("description", "title", "readOnly", "deprecated", "nullable", "example", "examples", "$ref", "allOf")
)
"""What may stand beside a reference and say something of the place it is used in, not of the schema."""
_OUTPUT_ONLY = "output only"


@dataclass(slots=True)
class Shape:
    """A schema.

    :param place: of what it is made of: the same for all uses of a named schema. :param name: where it has one.
    :param type: a JSON type, several with ``|`` between them, or ``any``. :param closed: takes no other properties.
    :param values: of properties that are not named. :param alternatives: of which it is one.
    """

    place: Place
    name: str = ""
    type: str = ANY
    format: str | None = None
    enum: tuple[str, ...] | None = None
    limits: dict[str, Any] = field(default_factory=dict)
    nullable: bool = False
    read_only: bool = False
    deprecated: bool = False
    required: frozenset[str] = frozenset()
    properties: dict[str, Node] = field(default_factory=dict)
    items: Node | None = None
    closed: bool = False
    values: Node | None = None
    alternatives: tuple[Node, ...] = ()


@dataclass(slots=True)
class Parameter:
    """:param where: ``path``, ``query``, ``header`` or ``cookie``."""

    name: str
    where: str
    required: bool
    deprecated: bool
    style: str
    schema: Node | None


@dataclass(slots=True)
class Call:
    """An operation. :param parameters: by ``query.pageSize``. :param responses: status -> media type -> schema."""

    id: str
    method: str
    path: str
    tags: tuple[str, ...]
    deprecated: bool
    parameters: dict[str, Parameter]
    body: dict[str, Node | None] | None
    body_required: bool
    responses: dict[str, dict[str, Node | None]]


def shape(node: Node) -> Shape:
    """:raises DocumentError: it is no schema."""
    made = Shape(_structure(node))
    tokens = made.place.pointer.split("/")
    # A file's own top level, or the components of a document, give names.
    if len(tokens) == 2 or (tokens[1:3] == ["components", "schemas"] and len(tokens) == 4):
        made.name = tokens[-1]
    _merge(node, made, set())
    if made.format in _WIDTHS and made.type == "integer":
        low, high = _WIDTHS[made.format]
        made.limits["minimum"] = max(low, _number(made.limits.get("minimum"), low))
        made.limits["maximum"] = min(high, _number(made.limits.get("maximum"), high))
        if made.format.startswith("u"):
            made.format = None
    return made


def _number(value: Any, otherwise: int) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else otherwise


def _structure(node: Node) -> Place:
    """The schema that a node is a use of: itself, or what it refers to with nothing but notes beside the reference."""
    seen = set()
    while node.place not in seen:
        seen.add(node.place)
        resolved = node.resolved()
        only = resolved.value if isinstance(resolved.value, dict) else {}
        members = only.get("allOf")
        if not isinstance(members, list) or len(members) != 1 or not set(only) <= _BESIDE:
            return resolved.place
        node = Node(resolved.source, resolved.place.at("allOf").at(0), members[0])
    return node.place


def _merge(node: Node, made: Shape, seen: set[Place]) -> None:
    """Add what a schema says. Said twice is said once, so no schema is gone into again."""
    if isinstance(node.value, dict) and "$ref" in node.value:
        made.read_only |= node.flag("readOnly")
        made.deprecated |= node.flag("deprecated")
        made.read_only |= (node.text("description") or "").lower().startswith(_OUTPUT_ONLY)
    node = node.resolved()
    if node.place in seen or node.value is True:
        return
    seen.add(node.place)
    value = node.mapping()
    made.read_only |= node.flag("readOnly") or (node.text("description") or "").lower().startswith(_OUTPUT_ONLY)
    made.deprecated |= node.flag("deprecated")
    made.nullable |= node.flag("nullable")
    _merge_type(node, made)
    made.format = node.text("format") or made.format
    options = value.get("enum", [value["const"]] if "const" in value else None)
    if options is not None:
        if not isinstance(options, list):
            raise DocumentError("'enum' must be a list", node.place.at("enum"))
        made.enum = tuple(sorted(str(each) for each in options if each is not None))
    made.limits |= {keyword: value[keyword] for keyword in _LIMITS if keyword in value}
    _merge_object(node, made)
    made.items = node.get("items") or made.items
    for member in _members(node, "allOf"):
        _merge(member, made, seen)
    for keyword in ("anyOf", "oneOf"):
        members = [each for each in _members(node, keyword) if not _is_null(each)]
        if len(members) < len(list(_members(node, keyword))):
            made.nullable = True
        if len(members) == 1:
            _merge(members[0], made, seen)
        else:
            made.alternatives += tuple(members)


def _merge_type(node: Node, made: Shape) -> None:
    given = node.mapping().get("type")
    types = given if isinstance(given, list) else [] if given is None else [given]
    if not all(isinstance(each, str) for each in types):
        raise DocumentError("'type' must be the name of a type, or several", node.place.at("type"))
    if "null" in types:
        made.nullable = True
    named = sorted(each for each in types if each != "null")
    for index, each in enumerate(named):
        if each in _WIDTHS:
            named[index], made.format = "integer", each
        elif each not in _JSON_TYPES:
            raise DocumentError(f"there is no type '{each[:40]}'", node.place.at("type"))
    if named:
        made.type = "|".join(named)


def _merge_object(node: Node, made: Shape) -> None:
    required = node.mapping().get("required", [])
    if not isinstance(required, list) or not all(isinstance(each, str) for each in required):
        raise DocumentError("'required' must be a list of property names", node.place.at("required"))
    made.required |= frozenset(required)
    properties = node.get("properties")
    if properties is not None:
        made.properties |= dict(properties.fields())
    others = node.get("additionalProperties")
    if others is not None and others.value is False:
        made.closed = True
    elif others is not None and others.value is not True:
        made.values = others


def _members(node: Node, keyword: str) -> Iterator[Node]:
    found = node.get(keyword)
    if found is not None:
        yield from found.items()


def _is_null(node: Node) -> bool:
    return isinstance(node.value, dict) and node.value.get("type") == "null"


def calls(root: Node) -> dict[str, Call]:
    """The operations by operationId, those without one by ``GET /path``.

    :raises DocumentError: this is no OpenAPI document, or something in it is not what it must be.
    """
    paths = root.get("paths")
    if paths is None or "openapi" not in root.mapping():
        raise DocumentError(
            "this is not an OpenAPI document: 'openapi' or 'paths' is missing", root.place, "name one of OpenAPI 3"
        )
    found: dict[str, Call] = {}
    for path, given in paths.fields():
        item = given.resolved()
        for method, node in item.fields():
            if method not in _METHODS:
                continue
            call = _call(path, method.upper(), node, item)
            if call.id in found:
                raise DocumentError(f"two operations are called {call.id}", node.place)
            found[call.id] = call
    return found


def _call(path: str, method: str, node: Node, item: Node) -> Call:
    parameters: dict[str, Parameter] = {}
    for level in (item, node):
        for each in _members(level, "parameters"):
            parameter = _parameter(each.resolved())
            parameters[f"{parameter.where}.{parameter.name}"] = parameter
    body = node.get("requestBody")
    body = body.resolved() if body is not None else None
    responses = node.get("responses")
    tags = node.get("tags")
    return Call(
        node.text("operationId") or f"{method} {path}",
        method,
        path,
        tuple(str(each.value) for each in tags.items()) if tags is not None else (),
        node.flag("deprecated"),
        parameters,
        _media(body) if body is not None else None,
        body.flag("required") if body is not None else False,
        {status: _media(each.resolved()) for status, each in responses.fields()} if responses is not None else {},
    )


def _parameter(node: Node) -> Parameter:
    name, where = node.text("name"), node.text("in")
    if name is None or where not in ("path", "query", "header", "cookie"):
        raise DocumentError("a parameter has no name, or is in no known place ('in')", node.place)
    schema = node.get("schema")
    style = node.text("style") or ("simple" if where in ("path", "header") else "form")
    if schema is not None and shape(schema).type in ("array", "object"):
        style += ", exploded" if node.value.get("explode", style == "form") else ", not exploded"
    # Names of header fields are the same in any case.
    name = name.lower() if where == "header" else name
    return Parameter(name, where, node.flag("required"), node.flag("deprecated"), style, schema)


def _media(node: Node) -> dict[str, Node | None]:
    content = node.get("content")
    return {media: each.get("schema") for media, each in content.fields()} if content is not None else {}


__all__ = ["ANY", "JSON", "Call", "Parameter", "Shape", "calls", "shape"]
