"""From a YAML document to a model: pydantic's findings put into words, with the place and the remedy of each."""

from __future__ import annotations

import types
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from xcnet.model.fields import shown
from xcnet.model.problems import Path, Problem, did_you_mean
from xcnet.model.yamldoc import YamlDocument

Model = TypeVar("Model", bound=BaseModel)

_SECRET_FIELDS = frozenset({"key", "md5"})
"""Never shown, not even when they are wrong."""

_KINDS = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text",
    "bool_type": "true or false",
    "float_type": "a number",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "tuple_type": "a list",
    "list_type": "a list",
}


def validate(model: type[Model], data: Any) -> tuple[Model | None, list[Problem]]:
    """The model, or everything wrong with the data (paths relative to it)."""
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        details = error.errors(include_url=False)
        return None, [_problem(model, detail) for detail in details if not _only_a_consequence(detail)]


def placed(problems: list[Problem], document: YamlDocument, below: Path = ()) -> list[Problem]:
    """The same problems with their place in a document, below a path of it."""
    found = []
    for problem in problems:
        path = (*below, *problem.path)
        moved = Problem(path, problem.cause, problem.remedy, at_key=problem.at_key)
        found.append(moved.at(document.name, document.place(path, key=problem.at_key)))
    return found


def _only_a_consequence(detail: ErrorDetails) -> bool:
    """A list is called too short when its entries are wrong, however many there are."""
    entries = detail["input"]
    return detail["type"] == "too_short" and isinstance(entries, list) and len(entries) >= detail["ctx"]["min_length"]


def _problem(model: type[BaseModel], detail: ErrorDetails) -> Problem:
    loc: Path = tuple(detail["loc"])
    at_key = bool(loc) and loc[-1] == "[key]"
    if at_key:
        loc = loc[:-1]
    cause, remedy = _words(model, detail, loc)
    kind = detail["type"]
    # A missing field has no place of its own: the mapping that lacks it has.
    return Problem(loc, cause, remedy, at_key=at_key or kind == "extra_forbidden")


def _words(model: type[BaseModel], detail: ErrorDetails, loc: Path) -> tuple[str, str]:
    kind, value, context = detail["type"], detail["input"], detail.get("ctx", {})
    field = str(loc[-1]) if loc else ""
    seen = "this value (kept secret)" if _SECRET_FIELDS.intersection(loc) else shown(value)
    if kind == "xcnet":
        return context["cause"], context["remedy"]
    if kind == "missing":
        return f"'{field}' is missing", _add(model, loc)
    if kind == "extra_forbidden":
        return f"there is no field '{field}' here", did_you_mean(field, _fields(model, loc[:-1]))
    if kind in ("enum", "literal_error"):
        choices = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return f"{seen} is not one of the choices", did_you_mean(str(value), choices)
    if kind in _KINDS and value is None:
        return f"'{field}' has no value", _write(model, loc, _KINDS[kind])
    if kind in _KINDS:
        return f"{seen} is not {_KINDS[kind]}", _write(model, loc, _KINDS[kind])
    bounds = {
        "greater_than": (f"{seen} is too small", f"write more than {context.get('gt')}"),
        "greater_than_equal": (f"{seen} is too small", f"write {context.get('ge')} or more"),
        "less_than": (f"{seen} is too large", f"write less than {context.get('lt')}"),
        "less_than_equal": (f"{seen} is too large", f"write {context.get('le')} or less"),
        "too_short": (
            f"'{field}' has {context.get('actual_length')} entries",
            f"write {context.get('min_length')} or more",
        ),
        "too_long": (
            f"'{field}' has {_count(value, context)} entries",
            f"write {context.get('max_length')} or fewer",
        ),
        "string_too_short": (f"'{field}' is empty", _write(model, loc, "text")),
        "string_too_long": (f"{seen} is too long", f"write at most {context.get('max_length')} characters"),
    }
    if kind in bounds:
        return bounds[kind]
    return f"{seen}: {detail['msg'][:1].lower()}{detail['msg'][1:]}", _write(model, loc, "another value")


def _count(value: Any, context: dict[str, Any]) -> Any:
    # Of a mapping that is too long pydantic does not say how long it is.
    return len(value) if isinstance(value, dict) else context.get("actual_length")


def _add(model: type[BaseModel], loc: Path) -> str:
    described = _description(model, loc)
    return f"add '{loc[-1]}': {described}" if described else f"add '{loc[-1]}'"


def _write(model: type[BaseModel], loc: Path, kind: str) -> str:
    described = _description(model, loc)
    fields = _fields(model, loc) if kind == "a mapping" else []
    if fields:
        return f"write a mapping with the fields {', '.join(fields)}"
    return f"write {kind}: {described}" if described else f"write {kind}"


def _description(model: type[BaseModel], loc: Path) -> str:
    around = _model_at(model, loc[:-1])
    if around is None or not loc:
        return ""
    info = around.model_fields.get(str(loc[-1]))
    return (info.description or "") if info else ""


def _fields(model: type[BaseModel], loc: Path) -> list[str]:
    found = _model_at(model, loc)
    return list(found.model_fields) if found else []


def _model_at(model: type[BaseModel], loc: Path) -> type[BaseModel] | None:
    """The model that describes the mapping at a path."""
    here: Any = model
    for part in loc:
        here = _step(here, part)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _step(annotation: Any, part: str | int) -> Any:
    """The annotation of one field, list entry or mapping's value; None where the path leaves the models."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        info = annotation.model_fields.get(str(part))
        return _bare(info.annotation) if info else None
    if get_origin(annotation) in (tuple, list):
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) is dict:
        return _bare(get_args(annotation)[1])
    return None


def _bare(annotation: Any) -> Any:
    """Without ``Annotated`` and ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(part for part in get_args(annotation) if part is not types.NoneType))
    return annotation


__all__ = ["placed", "validate"]
