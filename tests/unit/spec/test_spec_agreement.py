"""The wire types take exactly what the served document's schemas take, as another validator sees them."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker

from xcnet.spec import rfc3339
from xcnet.spec.base import parse_request
from xcnet.spec.document import document
from xcnet.spec.operations import OPERATIONS, Operation

DOCUMENT = document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]
REQUESTS = [operation for operation in OPERATIONS.values() if operation.request is not None]

FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    try:
        rfc3339.parse(value)
    except ValueError:
        return False
    return True


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
TIMES = st.sampled_from(["2026-05-18T09:30:00Z", "0000-01-01T00:00:00.123+23:59", "2026-05-18", "now", "1700000000"])


def for_requests(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema as it holds for requests: what is read-only in it may be anything."""
    properties = {
        name: {} if each.get("readOnly") else for_requests(each) for name, each in schema.get("properties", {}).items()
    }
    made = {**schema, "properties": properties}
    if "items" in schema:
        made["items"] = for_requests(schema["items"])
    return made


def near(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values that mostly fit a schema, and often miss it by little."""
    return st.integers(0, 29).flatmap(lambda dice: JUNK if dice == 0 else fitting(schema))


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "allOf" in schema:
        return near(schema["allOf"][0])
    if "$ref" in schema:
        return near(SCHEMAS[schema["$ref"].rpartition("/")[2]])
    if "enum" in schema:
        return st.sampled_from([*schema["enum"], *schema["enum"], *schema["enum"], schema["enum"][0].lower(), ""])
    match schema.get("type"):
        case "string":
            return TIMES if schema.get("format") == "date-time" else st.text(max_size=6)
        case "integer":
            low, high = schema["minimum"], schema["maximum"]
            edges = st.sampled_from([low, high, low - 1, high + 1, 1.0, 0.5, 1e12, -0.0])
            return st.integers(low, high) | st.integers(0, 5000).map(float) | edges
        case "boolean":
            return st.booleans()
        case "array":
            return st.lists(near(schema["items"]), max_size=2)
        case "object":
            return objects(schema)
    raise AssertionError(schema)


def objects(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    known = {name: near(each) for name, each in schema.get("properties", {}).items()}
    required = set(schema.get("required", []))
    whole = st.fixed_dictionaries(
        {name: each for name, each in known.items() if name in required},
        optional={name: each for name, each in known.items() if name not in required},
    )
    more = st.just({}) | st.dictionaries(st.text(max_size=5).filter(lambda name: name not in known), JUNK, max_size=1)
    less = st.sampled_from([(), (), (), *((name,) for name in required)])
    return st.tuples(whole, more, less).map(
        lambda parts: {name: each for name, each in {**parts[0], **parts[1]}.items() if name not in parts[2]}
    )


def validator(operation: Operation) -> Draft202012Validator:
    assert operation.request is not None
    components = {"schemas": {name: for_requests(each) for name, each in SCHEMAS.items()}}
    schema = {"$ref": f"#/components/schemas/{operation.request.__name__}", "components": components}
    return Draft202012Validator(schema, format_checker=FORMATS)


@pytest.mark.parametrize("operation", REQUESTS, ids=lambda each: each.id)
def test_a_body_is_taken_if_and_only_if_it_fits_the_schema(operation: Operation) -> None:
    assert operation.request is not None
    judge = validator(operation)
    name = operation.request.__name__

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(near(SCHEMAS[name]))
    def agree(value: Any) -> None:
        assert operation.request is not None
        try:
            parse_request(operation.request, json.dumps(value).encode())
            taken = True
        except ValueError:
            taken = False
        event(f"taken: {taken}")
        assert taken == judge.is_valid(value)

    agree()


def test_the_other_validator_can_say_no() -> None:
    judge = validator(OPERATIONS["CreateConnection"])
    assert judge.is_valid({"bandwidthMbps": 1.0, "adminState": 5})
    for wrong in ({"bandwidthMbps": True}, {"bandwidthMbps": "1"}, {"name": None}, [], None):
        assert not judge.is_valid(wrong)
    assert not validator(OPERATIONS["NotifyMaintenance"]).is_valid({"events": [{"startTime": "now"}]})
