"""The plan on its way from the command line to the lab's own process: JSON on an encrypted session, never in a file."""

from __future__ import annotations

from functools import cache

from pydantic import TypeAdapter, ValidationError

from xcnet.errors import LabError
from xcnet.model.plan import Plan


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def plan_to_wire(plan: Plan) -> bytes:
    """The plan with its secrets, for the session's standard input only."""
    return _adapter().dump_json(plan, context={"reveal": True})


def plan_from_wire(text: bytes) -> Plan:
    """:raises LabError: not a plan; the two ends are of different versions, or the input was cut off."""
    try:
        return _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise LabError(
            f"the lab's process did not understand the plan: {first['msg']}",
            where=".".join(str(part) for part in first["loc"]),
            remedy="use the same version of xcnet for the command and for the lab",
        ) from None


__all__ = ["plan_from_wire", "plan_to_wire"]
