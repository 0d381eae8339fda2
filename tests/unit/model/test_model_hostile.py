"""Whatever stands in a file: a topology, or an InputError with cause and remedy; never another exception."""

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from xcnet.errors import InputError
from xcnet.model.load import parse_topology, read_shipped
from xcnet.model.planner import make_plan
from xcnet.model.yamldoc import decode

TEXT = read_shipped("two-interconnects")
DATA: dict[str, Any] = json.loads(json.dumps(YAML(typ="safe").load(TEXT)))

hostile = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

WORDS = st.sampled_from(
    [
        "",
        "aws",
        "gcp",
        "ch1",
        "edge1",
        "lo",
        "1Gbps",
        "10.0.0.0/8",
        "::/0",
        "fd00::/64",
        "-1",
        "é",
        "a" * 300,
        "<<",
        "*x",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=6,
)


def judged(text: str) -> None:
    try:
        loaded = parse_topology(text, "lab.yaml")
    except InputError as error:
        assert error.cause
        for problem in getattr(error, "problems", [error]):
            assert problem.cause and problem.remedy and problem.where.startswith("lab.yaml")
    else:
        make_plan(loaded)


def paths_of(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [here] if here else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += paths_of(inner, (*here, key))
    return found


PATHS = paths_of(DATA)


@hostile
@given(st.binary(max_size=200))
def test_any_bytes(raw: bytes) -> None:
    try:
        text = decode(raw, "lab.yaml")
    except InputError:
        return
    judged(text)


@hostile
@given(
    st.integers(0, len(TEXT)), st.integers(0, 40), st.text(max_size=10) | st.sampled_from("{}[]:,&*!|>'\"%@`-?#\t\n")
)
def test_any_edit_of_a_good_file(start: int, length: int, put: str) -> None:
    judged(TEXT[:start] + put + TEXT[start + length :])


@hostile
@given(st.lists(st.tuples(st.sampled_from(PATHS), VALUES), min_size=1, max_size=3), st.booleans())
def test_any_value_in_any_place(changes: list[tuple[tuple[Any, ...], Any]], remove: bool) -> None:
    data = copy.deepcopy(DATA)
    for path, value in changes:
        here: Any = data
        try:
            for part in path[:-1]:
                here = here[part]
            if remove:
                del here[path[-1]]
            else:
                here[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    judged(json.dumps(data))


@hostile
@given(st.sampled_from(["overrides", "link", "addressing", "key"]), st.dictionaries(WORDS, VALUES, max_size=3), VALUES)
def test_any_mapping_in_optional_fields(field: str, value: dict[str, Any], other: Any) -> None:
    data = copy.deepcopy(DATA)
    target = {
        "overrides": data["providers"]["aws"],
        "link": data["interconnects"][0]["channels"][0],
        "addressing": data["connections"][0],
        "key": data["interconnects"][1]["channels"][1],
    }[field]
    target[field] = {**value, "macsec": other} if field == "overrides" else value
    judged(json.dumps(data))
