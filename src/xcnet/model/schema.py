"""The JSON schema of topology files, for editors and other tools."""

from __future__ import annotations

import copy
from typing import Any

from xcnet.model.profile import Profile
from xcnet.model.topology import Topology

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def topology_schema() -> dict[str, Any]:
    """The schema (draft 2020-12) of a topology. Checks across fields are the program's alone."""
    schema = Topology.model_json_schema()
    definitions = schema.setdefault("$defs", {})
    overrides = definitions["Provider"]["properties"]["overrides"]
    overrides.pop("additionalProperties", None)
    overrides["$ref"] = _partial(definitions, profile_schema())
    return {"$schema": DIALECT, **schema, "title": "xcnet topology"}


def profile_schema() -> dict[str, Any]:
    """The schema of a provider profile."""
    return {"$schema": DIALECT, **Profile.model_json_schema(), "title": "xcnet provider profile"}


def _partial(definitions: dict[str, Any], profile: dict[str, Any]) -> str:
    """The profile with every field optional, under names of its own; returns the reference to it."""
    parts = {**profile.pop("$defs"), "Profile": profile}
    for name, part in parts.items():
        definitions[f"Override{name}"] = _optional(copy.deepcopy(part))
    profile_part = definitions["OverrideProfile"]
    for key in ("$schema", "title"):
        profile_part.pop(key, None)
    return "#/$defs/OverrideProfile"


def _optional(part: Any) -> Any:
    if isinstance(part, list):
        return [_optional(item) for item in part]
    if not isinstance(part, dict):
        return part
    part = {key: _optional(value) for key, value in part.items() if not (key == "required" and isinstance(value, list))}
    reference = part.get("$ref")
    if isinstance(reference, str):
        part["$ref"] = reference.replace("#/$defs/", "#/$defs/Override")
    return part


__all__ = ["DIALECT", "profile_schema", "topology_schema"]
