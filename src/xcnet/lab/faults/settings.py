"""Faults from what a person or a scenario wrote: each wrong field named, with what would be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from pydantic import ValidationError

from xcnet.errors import InputError
from xcnet.model.faults import FAULT, Fault
from xcnet.model.problems import did_you_mean


def fault_classes() -> dict[str, type[Any]]:
    """Kind -> its model, in the order in which they are declared."""
    union, *_ = get_args(Fault)
    return {get_args(each.model_fields["fault"].annotation)[0]: each for each in get_args(union)}


def read_fault(raw: Mapping[str, Any]) -> Fault:
    """:raises InputError: there is no such kind, or one of its fields is wrong, missing, or not one of its own."""
    classes = fault_classes()
    kind = raw.get("fault")
    if kind not in classes:
        raise InputError(f"there is no fault {str(kind)!r}", where="fault", remedy=did_you_mean(str(kind), classes))
    try:
        return FAULT.validate_python(dict(raw))
    except ValidationError as error:
        # A field that there is not first: it is the one that is missing, written wrong.
        found = error.errors(include_url=False, include_input=False)
        first = min(found, key=lambda each: each["type"] != "extra_forbidden")
        # The first part of the place is the kind again.
        field = ".".join(str(part) for part in first["loc"][1:])
        fields = [name for name in classes[kind].model_fields if name != "fault"]
        match first["type"]:
            case "extra_forbidden":
                raise InputError(
                    f"a fault of kind {kind} has no {field}", where=field, remedy=did_you_mean(field, fields)
                ) from None
            case "missing":
                raise InputError(
                    f"a fault of kind {kind} needs {field}", where=field, remedy=f"give its {field}"
                ) from None
            case _:
                raise InputError(
                    f"{field} of a fault of kind {kind} cannot be that", where=field, remedy=first["msg"]
                ) from None


__all__ = ["fault_classes", "read_fault"]
