"""The wire types' schemas as OpenAPI 3.0 writes them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic.json_schema import models_json_schema

from xcnet.spec.base import WireModel

_PREFIX = "#/components/schemas/"
_ORDER = ("allOf", "type", "format", "enum", "minimum", "maximum", "readOnly", "deprecated", "description")
"""Keywords in the order in which a person reads them; others follow."""


def reference(model: type[WireModel]) -> dict[str, Any]:
    """A reference to a model's schema among the document's components."""
    return {"$ref": _PREFIX + model.__name__}


def schemas(models: Iterable[type[WireModel]]) -> dict[str, Any]:
    """The schemas of models and of all that is in them, by name and in the alphabet's order."""
    wanted = list(dict.fromkeys(models))
    _, defined = models_json_schema([(model, "validation") for model in wanted], ref_template=_PREFIX + "{model}")
    return {name: _schema(schema) for name, schema in sorted(defined["$defs"].items())}


def _schema(given: dict[str, Any]) -> dict[str, Any]:
    """One schema, without what only 2020-12 knows: null as a type, ``const``, keywords beside a reference.

    An optional field may be left out, and may not be null.
    """
    # Titles are pydantic's, from the Python names; a default of null means that the field may be left out.
    schema = {name: value for name, value in given.items() if name not in ("title", "default")}
    alternatives = [each for each in schema.pop("anyOf", []) if each != {"type": "null"}]
    if alternatives:
        (only,) = alternatives
        schema = {**only, **schema}
        schema.pop("title", None)
    if "description" in schema:
        # What follows the first paragraph is for readers of the code.
        schema["description"] = schema["description"].partition("\n\n")[0]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if "$ref" in schema and len(schema) > 1:
        schema["allOf"] = [{"$ref": schema.pop("$ref")}]
    if "items" in schema:
        schema["items"] = _schema(schema["items"])
    if "properties" in schema:
        schema["properties"] = {name: _schema(each) for name, each in schema["properties"].items()}
    if schema.get("properties") == {}:
        del schema["properties"]
    return {name: schema[name] for name in sorted(schema, key=_rank)}


def _rank(keyword: str) -> int:
    return _ORDER.index(keyword) if keyword in _ORDER else len(_ORDER)


__all__ = ["reference", "schemas"]
