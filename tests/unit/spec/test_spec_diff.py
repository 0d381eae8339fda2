"""Comparing documents: every kind of difference is found, named by its place, and explained or not."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from xcnet.errors import InputError
from xcnet.spec.diff import Difference, Kind, Known, compare, explain
from xcnet.spec.document import document
from xcnet.spec.known_differences import AMENDMENTS, KNOWN, LAB, ODDITY, markdown
from xcnet.spec.operations import OPERATIONS
from xcnet.spec.source import Place, Source

BASE: dict[str, Any] = {
    "openapi": "3.0.3",
    "paths": {
        "/things": {
            "get": {
                "operationId": "ListThings",
                "tags": ["Things"],
                "parameters": [
                    {"name": "size", "in": "query", "schema": {"type": "integer", "format": "int32"}},
                    {"name": "X-Who", "in": "header", "schema": {"type": "string"}},
                ],
                "responses": {
                    "default": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Things"}}}}
                },
            },
            "post": {
                "operationId": "CreateThing",
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {
                    "default": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
                },
            },
        }
    },
    "components": {
        "schemas": {
            "Things": {
                "type": "object",
                "properties": {"things": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}}},
            },
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string"},
                    "colour": {"allOf": [{"$ref": "#/components/schemas/Colour"}], "readOnly": True},
                    "inner": {"$ref": "#/components/schemas/Thing"},
                    "place": {"type": "object", "properties": {"x": {"type": "number"}}},
                    "either": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
                },
            },
            "Colour": {"type": "string", "enum": ["RED", "BLUE"]},
        }
    },
}
GET = BASE["paths"]["/things"]["get"]


def source(value: Any, name: str = "doc") -> Source:
    return Source(Place(name), value)


def differences(change: Callable[[dict[str, Any]], object]) -> list[tuple[Kind, str, str, str]]:
    """What is found when theirs is the base, and ours the base with a change."""
    ours = copy.deepcopy(BASE)
    change(ours)
    return [(each.kind, each.where, each.ours, each.theirs) for each in compare(source(ours), source(BASE))]


def get(doc: dict[str, Any]) -> dict[str, Any]:
    found = doc["paths"]["/things"]["get"]
    assert isinstance(found, dict)
    return found


def post(doc: dict[str, Any]) -> dict[str, Any]:
    found = doc["paths"]["/things"]["post"]
    assert isinstance(found, dict)
    return found


def thing(doc: dict[str, Any]) -> dict[str, Any]:
    found = doc["components"]["schemas"]["Thing"]
    assert isinstance(found, dict)
    return found


def test_a_document_does_not_differ_from_itself() -> None:
    assert compare(source(BASE), source(copy.deepcopy(BASE))) == []
    assert compare(source(document()), source(document())) == []


CHANGES: dict[str, tuple[Callable[[dict[str, Any]], object], list[tuple[Kind, str, str, str]]]] = {
    "an operation less": (
        lambda doc: doc["paths"]["/things"].pop("post"),
        [(Kind.OPERATION_MISSING, "CreateThing", "absent", "POST /things")],
    ),
    "an operation more": (
        lambda doc: doc["paths"].update({"/x": {"put": {"operationId": "PutX"}}}),
        [(Kind.OPERATION_EXTRA, "PutX", "PUT /x", "absent")],
    ),
    "an operation without a name": (
        lambda doc: doc["paths"].update({"/x": {"put": {}}}),
        [(Kind.OPERATION_EXTRA, "PUT /x", "PUT /x", "absent")],
    ),
    "another method": (
        lambda doc: doc["paths"]["/things"].update(put=doc["paths"]["/things"].pop("post")),
        [(Kind.METHOD, "CreateThing", "PUT", "POST")],
    ),
    "another path": (
        lambda doc: doc["paths"].update({"/Things": doc["paths"].pop("/things")}),
        [(Kind.PATH, "ListThings", "/Things", "/things"), (Kind.PATH, "CreateThing", "/Things", "/things")],
    ),
    "another tag": (lambda doc: get(doc).update(tags=["T"]), [(Kind.TAGS, "ListThings", "T", "Things")]),
    "a deprecated operation": (
        lambda doc: get(doc).update(deprecated=True),
        [(Kind.DEPRECATED, "ListThings", "yes", "no")],
    ),
    "a parameter less": (
        lambda doc: get(doc)["parameters"].pop(0),
        [(Kind.PARAMETER_MISSING, "ListThings/query.size", "absent", "present")],
    ),
    "a parameter more": (
        lambda doc: get(doc)["parameters"].append({"name": "q", "in": "query", "schema": {}}),
        [(Kind.PARAMETER_EXTRA, "ListThings/query.q", "present", "absent")],
    ),
    "a parameter of the whole path": (
        lambda doc: doc["paths"]["/things"].update(parameters=[{"name": "q", "in": "query", "schema": {}}]),
        [
            (Kind.PARAMETER_EXTRA, "ListThings/query.q", "present", "absent"),
            (Kind.PARAMETER_EXTRA, "CreateThing/query.q", "present", "absent"),
        ],
    ),
    "a parameter elsewhere": (
        lambda doc: get(doc)["parameters"][0].update({"in": "header"}),
        [
            (Kind.PARAMETER_MISSING, "ListThings/query.size", "absent", "present"),
            (Kind.PARAMETER_EXTRA, "ListThings/header.size", "present", "absent"),
        ],
    ),
    "a header in other case": (lambda doc: get(doc)["parameters"][1].update(name="x-who"), []),
    "a required parameter": (
        lambda doc: get(doc)["parameters"][0].update(required=True),
        [(Kind.PARAMETER_REQUIRED, "ListThings/query.size", "yes", "no")],
    ),
    "a parameter of another type": (
        lambda doc: get(doc)["parameters"][0].update(schema={"type": "string"}),
        [
            (Kind.TYPE, "ListThings/query.size", "string", "integer"),
            (Kind.FORMAT, "ListThings/query.size", "none", "int32"),
            (Kind.LIMIT, "ListThings/query.size", "no maximum", "maximum 2147483647"),
            (Kind.LIMIT, "ListThings/query.size", "no minimum", "minimum -2147483648"),
        ],
    ),
    "a parameter of another style": (
        lambda doc: get(doc)["parameters"][0].update(style="pipeDelimited"),
        [(Kind.PARAMETER_STYLE, "ListThings/query.size", "pipeDelimited", "form")],
    ),
    "a parameter that would explode if it were a list": (
        lambda doc: get(doc)["parameters"][0].update(explode=False),
        [],
    ),
    "no body": (
        lambda doc: post(doc).pop("requestBody"),
        [(Kind.BODY_MISSING, "CreateThing/body", "absent", "present")],
    ),
    "a body": (
        lambda doc: get(doc).update(requestBody=post(doc)["requestBody"]),
        [(Kind.BODY_EXTRA, "ListThings/body", "present", "absent")],
    ),
    "a required body": (
        lambda doc: post(doc)["requestBody"].update(required=True),
        [(Kind.BODY_REQUIRED, "CreateThing/body", "yes", "no")],
    ),
    "a body of another media type": (
        lambda doc: post(doc)["requestBody"]["content"].update({"text/xml": {}}),
        [(Kind.BODY_EXTRA, "CreateThing/body (text/xml)", "present", "absent")],
    ),
    "a body of another schema": (
        lambda doc: post(doc)["requestBody"]["content"].update({"application/json": {"schema": {"type": "object"}}}),
        [
            (Kind.FIELD_MISSING, f"CreateThing/Thing.{name}", "absent", "present")
            for name in ("name", "colour", "inner", "place", "either")
        ],
    ),
    "a body without a schema": (
        lambda doc: post(doc)["requestBody"]["content"].update({"application/json": {}}),
        [(Kind.TYPE, "CreateThing/body", "none", "object")],
    ),
    "a response more": (
        lambda doc: get(doc)["responses"].update({"404": {}}),
        [(Kind.RESPONSE_EXTRA, "ListThings/responses.404", "present", "absent")],
    ),
    "a response less": (
        lambda doc: get(doc)["responses"].clear(),
        [(Kind.RESPONSE_MISSING, "ListThings/responses.default", "absent", "present")],
    ),
    "a field less": (
        lambda doc: thing(doc)["properties"].pop("place"),
        [(Kind.FIELD_MISSING, "ListThings/Thing.place", "absent", "present")],
    ),
    "a field more": (
        lambda doc: thing(doc)["properties"].update(size={}),
        [(Kind.FIELD_EXTRA, "ListThings/Thing.size", "present", "absent")],
    ),
    "a field required": (
        lambda doc: thing(doc).update(required=["name", "place"]),
        [(Kind.FIELD_REQUIRED, "ListThings/Thing.place", "yes", "no")],
    ),
    "a field not required": (
        lambda doc: thing(doc).pop("required"),
        [(Kind.FIELD_REQUIRED, "ListThings/Thing.name", "no", "yes")],
    ),
    "a field of another type": (
        lambda doc: thing(doc)["properties"].update(name={"type": "integer"}),
        [(Kind.TYPE, "ListThings/Thing.name", "integer", "string")],
    ),
    "a field inside a field without a name": (
        lambda doc: thing(doc)["properties"]["place"]["properties"].update(x={"type": "string"}),
        [(Kind.TYPE, "ListThings/Thing.place.x", "string", "number")],
    ),
    "a field that can be set": (
        lambda doc: thing(doc)["properties"]["colour"].pop("readOnly"),
        [(Kind.READ_ONLY, "ListThings/Thing.colour", "no", "yes")],
    ),
    "a field that may be null": (
        lambda doc: thing(doc)["properties"]["name"].update(nullable=True),
        [(Kind.NULLABLE, "ListThings/Thing.name", "yes", "no")],
    ),
    "a deprecated field": (
        lambda doc: thing(doc)["properties"]["name"].update(deprecated=True),
        [(Kind.DEPRECATED, "ListThings/Thing.name", "yes", "no")],
    ),
    "another format": (
        lambda doc: thing(doc)["properties"]["name"].update(format="uuid"),
        [(Kind.FORMAT, "ListThings/Thing.name", "uuid", "none")],
    ),
    "a pattern and a length": (
        lambda doc: thing(doc)["properties"]["name"].update(pattern="^a", maxLength=5),
        [
            (Kind.LIMIT, "ListThings/Thing.name", "maxLength 5", "no maxLength"),
            (Kind.LIMIT, "ListThings/Thing.name", "pattern ^a", "no pattern"),
        ],
    ),
    "a value more": (
        lambda doc: doc["components"]["schemas"]["Colour"]["enum"].append("GREEN"),
        [(Kind.ENUM, "ListThings/Colour", "BLUE, GREEN, RED", "BLUE, RED")],
    ),
    "values in another order": (lambda doc: doc["components"]["schemas"]["Colour"]["enum"].reverse(), []),
    "a schema under another name": (
        lambda doc: (
            doc["components"]["schemas"].update(Tint=doc["components"]["schemas"].pop("Colour")),
            thing(doc)["properties"]["colour"].update(allOf=[{"$ref": "#/components/schemas/Tint"}]),
        ),
        [],
    ),
    "a schema without a type": (
        lambda doc: thing(doc).pop("type"),
        [(Kind.TYPE, "ListThings/Thing", "any", "object")],
    ),
    "entries of another type": (
        lambda doc: doc["components"]["schemas"]["Things"]["properties"]["things"].update(items={"type": "string"}),
        [
            (Kind.TYPE, "ListThings/Thing", "string", "object"),
            *(
                (Kind.FIELD_MISSING, f"ListThings/Thing.{name}", "absent", "present")
                for name in ("name", "colour", "inner", "place", "either")
            ),
        ],
    ),
    "entries of any type": (
        lambda doc: doc["components"]["schemas"]["Things"]["properties"]["things"].pop("items"),
        [(Kind.TYPE, "ListThings/Things.things[]", "none", "object")],
    ),
    "no other fields": (
        lambda doc: thing(doc).update(additionalProperties=False),
        [(Kind.LIMIT, "ListThings/Thing", "no other properties", "any other properties")],
    ),
    "other fields of one type": (
        lambda doc: thing(doc).update(additionalProperties={"type": "string"}),
        [(Kind.TYPE, "ListThings/Thing.*", "string", "none")],
    ),
    "an alternative more": (
        lambda doc: thing(doc)["properties"]["either"]["oneOf"].append({"type": "number"}),
        [(Kind.TYPE, "ListThings/Thing.either", "3 alternatives", "2 alternatives")],
    ),
    "another alternative": (
        lambda doc: thing(doc)["properties"]["either"]["oneOf"].__setitem__(1, {"type": "number"}),
        [(Kind.TYPE, "ListThings/Thing.either|1", "number", "boolean")],
    ),
    "other words": (
        lambda doc: (thing(doc).update(description="x", example=1), get(doc).update(description="y", summary="z")),
        [],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_found_and_nothing_else(change: str) -> None:
    make, expected = CHANGES[change]
    assert differences(make) == expected


def test_every_kind_of_difference_is_met_with_above() -> None:
    assert {kind for _, expected in CHANGES.values() for kind, *_ in expected} == set(Kind)


def test_what_differs_one_way_differs_the_other_way_round() -> None:
    ours = copy.deepcopy(BASE)
    thing(ours)["properties"]["size"] = {}
    (found,) = compare(source(BASE), source(ours))
    assert found == Difference(Kind.FIELD_MISSING, "ListThings/Thing.size", "absent", "present")


def test_a_document_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {"type": "array"}
    for _ in range(20_000):
        deep = {"type": "array", "items": deep}
    ours = copy.deepcopy(BASE)
    post(ours)["requestBody"]["content"]["application/json"]["schema"] = deep
    with pytest.raises(InputError) as caught:
        compare(source(ours, "ours"), source(ours, "theirs"))
    assert caught.value.cause == "a document is nested too deep to compare"


# -- explaining

EXTRA = Difference(Kind.FIELD_EXTRA, "GetThing/Thing.size", "present", "absent")


def known(**changes: Any) -> Known:
    return Known(**{"kind": Kind.FIELD_EXTRA, "where": "*/Thing.size", "source": "lab", "why": "because", **changes})


def test_a_known_difference_is_explained() -> None:
    found = explain([EXTRA], [known()])
    assert found.explained == ((EXTRA, known()),)
    assert found.clean


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": Kind.FIELD_MISSING},
        {"where": "*/Thing.siz"},
        {"where": "Thing.size"},
        {"where": "PutThing/Thing.size"},
        {"ours": "absent"},
        {"theirs": "present"},
    ],
)
def test_another_difference_is_not(changes: dict[str, Any]) -> None:
    found = explain([EXTRA], [known(**changes)])
    assert (found.explained, found.unexplained) == ((), (EXTRA,))
    assert found.stale == (known(**changes),)
    assert not found.clean


def test_a_known_difference_that_is_gone_is_stale() -> None:
    found = explain([], [known()])
    assert (found.unexplained, found.stale) == ((), (known(),))
    assert not found.clean


# -- the table


def test_the_table_holds_reasons_and_nothing_twice() -> None:
    sources = {f"amendment {number}" for number in AMENDMENTS} | {ODDITY, LAB}
    assert {entry.source for entry in KNOWN} == sources
    assert all(entry.why.endswith(".") for entry in KNOWN)
    assert len({(entry.kind, entry.where) for entry in KNOWN}) == len(KNOWN)


def test_the_table_speaks_of_operations_and_schemas_that_there_are() -> None:
    schemas = document()["components"]["schemas"]
    for entry in KNOWN:
        operation, _, rest = entry.where.partition("/")
        assert "*" in operation or operation in OPERATIONS
        if operation == "*" and rest and not rest.startswith(("query.", "responses.")):
            schema, _, field = rest.partition(".")
            assert schema in schemas and (not field or field in schemas[schema]["properties"])


def test_the_page_says_what_the_table_says(update_golden: bool) -> None:
    page = Path(__file__).parents[3] / "docs" / "spec-differences.md"
    if update_golden:
        page.write_text(markdown())
    assert page.read_text() == markdown()
