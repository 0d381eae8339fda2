"""The JSON schema of scenario files, for editors and other tools."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from xcnet.model.monitoring import MonitorPolicy
from xcnet.model.schema import DIALECT
from xcnet.scenario.document import Scenario
from xcnet.scenario.load import ACTIONS, CHECKS, FAULTS

_OF_STEPS = ("name", "at", "when")


def scenario_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a scenario. Names of channels and steps, and formulas, are the program's alone to check."""
    schema = Scenario.model_json_schema()
    definitions: dict[str, Any] = {}
    own = schema["$defs"]["Step"]["properties"]
    around = {name: own[name] for name in _OF_STEPS}
    around["for"] = {**own["lasts"], "title": "For"}
    _keep(definitions, schema, "When", "Traffic", "Timers", "Capture", "Group", "Sabotage", "Spoiled")
    _keep(definitions, schema, "MonitorPolicy", *MonitorPolicy.model_json_schema()["$defs"])
    steps = [_part(definitions, model, around, also=("for",)) for model in FAULTS.values()]
    steps += [_part(definitions, model, {name: own[name] for name in _OF_STEPS}) for model in ACTIONS.values()]
    checks = [_part(definitions, model, {}) for model in CHECKS.values()]
    schema["$defs"] = definitions
    schema["properties"]["steps"]["items"] = {"anyOf": steps}
    schema["properties"]["expect"]["items"] = {"anyOf": checks}
    return {"$schema": DIALECT, **schema, "title": "xcnet scenario"}


def _part(
    definitions: dict[str, Any], model: type[BaseModel], around: dict[str, Any], also: tuple[str, ...] = ()
) -> dict[str, str]:
    """A model with the fields of what it stands in, as one definition; the reference to it."""
    part = model.model_json_schema()
    definitions.update(part.pop("$defs", {}))
    part["properties"] = {
        **{name: value for name, value in around.items() if name in _OF_STEPS or name in also},
        **part["properties"],
    }
    part["additionalProperties"] = False
    definitions[model.__name__] = part
    return {"$ref": f"#/$defs/{model.__name__}"}


def _keep(definitions: dict[str, Any], schema: dict[str, Any], *names: str) -> None:
    for name in names:
        if name in schema["$defs"]:
            definitions[name] = schema["$defs"][name]


__all__ = ["scenario_schema"]
