"""What all wire types share: JSON names, tolerance for what is unknown, strictness about what is known, read-only fields."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic.alias_generators import to_camel
from pydantic_core import core_schema

from xcnet.secret import Secret
from xcnet.spec import rfc3339

_INT32_MAX = 2**31 - 1


class WireModel(BaseModel):
    """Base of every JSON object of the API.

    Fields that this version does not know are passed over; fields that it knows must have the declared JSON type
    (``"1"`` is no integer, ``null`` is no string). Absent fields are None and are not written.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_name=True,
        validate_by_alias=True,
        extra="ignore",
        frozen=True,
        use_enum_values=False,
        # What was refused may stand next to a key: errors name fields, and show nothing of what is in them.
        hide_input_in_errors=True,
    )

    def to_wire(self, *, reveal: bool = False) -> dict[str, Any]:
        """The JSON object. :param reveal: with key material, for the peer; without it, for logs and people."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True, context={"reveal": reveal})


M = TypeVar("M", bound=WireModel)


def read_only(description: str) -> Any:
    """A field that only the server sets: on input it is passed over, whatever it holds."""
    return Field(default=None, description=description, json_schema_extra={"readOnly": True})


DEPRECATED: dict[str, Any] = {"deprecated": True}
"""Marks a field that callers are to leave; pydantic's own mark would warn whoever still reads it."""


def _wire_text(value: Any) -> Any:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str):
        raise ValueError("must be text")
    return Secret.from_text(value)


def _shown_text(value: Secret, info: core_schema.SerializationInfo) -> str:
    context = info.context
    return value.reveal_text() if isinstance(context, dict) and context.get("reveal") is True else str(value)


WireSecret = Annotated[
    Secret,
    BeforeValidator(_wire_text),
    PlainSerializer(_shown_text, return_type=str),
    WithJsonSchema({"type": "string"}),
]
"""Text that is key material: a TCP MD5 password, a CAK in hexadecimal, an activation key."""


def _moment(value: Any) -> Any:
    return rfc3339.parse(value) if isinstance(value, str) else value


Timestamp = Annotated[
    datetime,
    BeforeValidator(_moment),
    AfterValidator(rfc3339.in_utc),
    PlainSerializer(rfc3339.write, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
"""RFC 3339, in UTC, to the millisecond."""


def integer(value: Any) -> Any:
    """``1.0`` as the integer that it is to JSON Schema; anything else as it stands."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


Int32 = Annotated[
    int, Field(ge=-_INT32_MAX - 1, le=_INT32_MAX, json_schema_extra={"format": "int32"}), BeforeValidator(integer)
]
Asn = Annotated[int, Field(ge=0, le=2**32 - 1), BeforeValidator(integer)]
"""An AS number: an unsigned integer of 32 bits."""


def timestamp(wall: float) -> datetime:
    """Seconds since the epoch as the API's time, cut to the millisecond."""
    told = datetime.fromtimestamp(wall, UTC)
    return told.replace(microsecond=told.microsecond // 1000 * 1000)


class NullFieldError(ValueError):
    """A known field holds ``null``. :param field: its path in the object."""

    def __init__(self, field: str) -> None:
        super().__init__(f"{field} is null")
        self.field = field


@cache
def _fields(model: type[WireModel]) -> dict[str, tuple[bool, type[WireModel] | None]]:
    """JSON name -> (read-only, the wire type inside it or inside its list)."""
    found = {}
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        only = isinstance(extra, dict) and extra.get("readOnly") is True
        found[field.alias or name] = (only, _inner(field.annotation))
    return found


def _inner(annotation: Any) -> type[WireModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, WireModel):
        return annotation
    for argument in get_args(annotation):
        inner = _inner(argument)
        if inner is not None:
            return inner
    return None


def _accepted(model: type[WireModel], value: Any, path: str) -> Any:
    """``value`` without what a caller may not set. :raises NullFieldError: a known field is null."""
    if isinstance(value, list):
        return [_accepted(model, each, f"{path}[{index}]") for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    known = _fields(model)
    kept = {}
    for name, item in value.items():
        if name not in known:
            continue
        only, inner = known[name]
        if only:
            continue
        where = f"{path}.{name}" if path else name
        if item is None:
            raise NullFieldError(where)
        kept[name] = item if inner is None else _accepted(inner, item, where)
    return kept


def parse_request(model: type[M], body: bytes) -> M:
    """A request body as a model: read-only fields are passed over, unknown ones too, types are taken strictly.

    :raises ValueError: not JSON, a null in place of a known field, or (as pydantic's ValidationError) not of the declared shape.
    """
    value = read_json(body) if body.strip() else {}
    if not isinstance(value, dict):
        raise ValueError("the body is not a JSON object")
    return model.model_validate_json(json.dumps(_accepted(model, value, "")), strict=True, by_name=False, by_alias=True)


def read_json(raw: bytes) -> Any:
    """A value as RFC 8259 has it: in UTF-8, without NaN and Infinity, and with every name in an object once.

    :raises ValueError: it is none, or is nested too deep to read.
    """
    try:
        return json.loads(raw.decode(), parse_constant=_no_constant, object_pairs_hook=_object)
    except RecursionError:
        raise ValueError("the JSON is nested too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of a name that is there twice, one reader takes the first value and another the last (RFC 8259, 4)."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("a name is there more than once")
    return made


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def parse_response(model: type[M], body: bytes) -> M:
    """A peer's answer as a model: whatever it adds is passed over, and its types are taken as they can be read."""
    return model.model_validate_json(body or b"{}", by_name=False, by_alias=True)


__all__ = [
    "DEPRECATED",
    "Asn",
    "Int32",
    "NullFieldError",
    "Timestamp",
    "WireModel",
    "WireSecret",
    "integer",
    "parse_request",
    "parse_response",
    "read_json",
    "read_only",
    "timestamp",
]
