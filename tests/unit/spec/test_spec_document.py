"""The served document: whole, valid, read by the tools that matter, and true to operations and wire types."""

import json
import re
from typing import Any

import pytest
import schemathesis
from fastapi.openapi.models import OpenAPI
from jsonschema import Draft202012Validator

from xcnet.spec.document import document
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.names import valid_id
from xcnet.spec.operations import OPERATIONS, PROOF_HEADER, Operation

DOCUMENT = document()
SCHEMAS: dict[str, Any] = DOCUMENT["components"]["schemas"]


def described(operation: Operation) -> dict[str, Any]:
    found = DOCUMENT["paths"][operation.path][operation.method.lower()]
    assert isinstance(found, dict)
    return found


def parameters(operation: Operation) -> dict[str, dict[str, Any]]:
    given = [
        DOCUMENT["components"]["parameters"][each["$ref"].rpartition("/")[2]] if "$ref" in each else each
        for each in described(operation)["parameters"]
    ]
    return {f"{each['in']}.{each['name']}": each for each in given}


def everything(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(each for part in inner for each in everything(part))]


def test_the_document_is_json_and_made_anew_each_time() -> None:
    assert json.loads(json.dumps(DOCUMENT)) == DOCUMENT
    changed = document()
    changed["components"]["schemas"].clear()
    assert document() == DOCUMENT


def test_every_operation_is_in_it_under_its_own_name() -> None:
    named = [each["operationId"] for path in DOCUMENT["paths"].values() for each in path.values()]
    assert sorted(named) == sorted(OPERATIONS)
    for operation in OPERATIONS.values():
        assert described(operation)["operationId"] == operation.id
        assert described(operation)["tags"] == [operation.tag]
    assert {each["name"] for each in DOCUMENT["tags"]} == {operation.tag for operation in OPERATIONS.values()}


def test_every_reference_leads_somewhere_and_every_component_is_used() -> None:
    referred = {each["$ref"] for each in everything(DOCUMENT) if isinstance(each, dict) and "$ref" in each}
    there = {f"#/components/{kind}/{name}" for kind, each in DOCUMENT["components"].items() for name in each}
    assert referred == there


def test_it_is_an_openapi_document_to_fastapi() -> None:
    OpenAPI.model_validate(DOCUMENT)


def test_schemathesis_reads_every_operation() -> None:
    read = [each.ok() for each in schemathesis.openapi.from_dict(document()).get_all_operations()]
    assert sorted(each.definition.raw["operationId"] for each in read) == sorted(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: each.id)
def test_parameters_are_those_of_the_operation(operation: Operation) -> None:
    found = parameters(operation)
    wanted = {f"path.{name}" for name in operation.path_parameters} | {f"query.{each.name}" for each in operation.query}
    wanted |= {"query.requestId"} | ({f"header.{PROOF_HEADER}"} if operation.proven else set())
    assert set(found) == wanted
    required = {name for name, each in found.items() if each.get("required")}
    assert required == {
        name for name in wanted if name.startswith(("path.", "header.")) or name == f"query.{operation.creates}"
    }
    assert found["query.requestId"]["schema"] == {"type": "string", "format": "uuid"}
    assert all(each["description"] for each in found.values())


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=lambda each: each.id)
def test_bodies_and_answers_are_those_of_the_operation(operation: Operation) -> None:
    found = described(operation)
    if operation.request is None:
        assert "requestBody" not in found
    else:
        schema = found["requestBody"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": f"#/components/schemas/{operation.request.__name__}"}
        assert found["requestBody"].get("required", False) is operation.needs_body
    assert set(found["responses"]) == {"default", "4XX", "5XX"}
    schema = found["responses"]["default"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": f"#/components/schemas/{operation.response.__name__}"}


def test_a_body_is_needed_where_the_request_says_nothing_without() -> None:
    assert {operation.id for operation in OPERATIONS.values() if operation.needs_body} == {
        "CreateMacSecKey",
        "CreateConnection",
        "UpdateConnection",
        "CreateFeature",
        "UpdateFeature",
        "CreateIssue",
        "AddComment",
    }


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=list(SCHEMAS))
def test_schemas_say_nothing_that_openapi_3_0_does_not_know(schema: dict[str, Any]) -> None:
    known = {"type", "properties", "required", "items", "allOf", "$ref", "enum", "format", "minimum", "maximum"}
    known |= {"readOnly", "deprecated", "description"}

    def check(given: dict[str, Any]) -> None:
        assert set(given) <= known
        assert "$ref" not in given or len(given) == 1
        for inner in [
            *given.get("properties", {}).values(),
            *given.get("allOf", []),
            *([given["items"]] if "items" in given else []),
        ]:
            check(inner)

    check(schema)
    Draft202012Validator.check_schema(schema)


def test_read_only_deprecated_and_bounds_are_written() -> None:
    assert SCHEMAS["Connection"]["properties"]["adminState"]["readOnly"] is True
    assert SCHEMAS["ConfirmActivationKeyRequest"]["properties"]["key"]["deprecated"] is True
    assert SCHEMAS["ConfirmActivationKeyRequest"]["properties"]["encodedKey"]["format"] == "byte"
    assert SCHEMAS["MaintenanceEvent"]["properties"]["startTime"]["format"] == "date-time"
    asn = SCHEMAS["ASNRange"]["properties"]["start"]
    assert (asn["type"], asn["minimum"], asn["maximum"]) == ("integer", 0, 4294967295)
    mtu = SCHEMAS["L3BaseConfig"]["properties"]["mtuBytes"]
    assert (mtu["format"], mtu["minimum"], mtu["maximum"]) == ("int32", -(2**31), 2**31 - 1)
    assert SCHEMAS["FeatureType"]["enum"] == ["FEATURE_TYPE_L3_BASE"]
    assert set(SCHEMAS["ListProvidersResponse"]["properties"]) == {"environments", "providers", "nextPageToken"}


def test_secrets_are_text_and_nothing_more_is_said_of_them() -> None:
    for name, field in (("MacSecKey", "cak"), ("Connection", "activationKey"), ("L3BaseConfig", "md5BgpPassword")):
        found = SCHEMAS[name]["properties"][field]
        assert {key: value for key, value in found.items() if key != "description"} == {"type": "string"}


@pytest.mark.parametrize(
    "text", ["a", "a-b", "-a", "a-", "", "x" * 128, "x" * 129, "a b", "a\n", "0b8e7f2c-5d7e", "ä", "a/b"]
)
def test_the_pattern_of_new_ids_is_the_rule_for_names(text: str) -> None:
    for operation in OPERATIONS.values():
        if operation.creates is not None:
            pattern = parameters(operation)[f"query.{operation.creates}"]["schema"]["pattern"]
            # JSON Schema has no \Z: its $ is the very end of the text.
            assert (re.search(pattern.replace("$", r"\Z"), text) is not None) == valid_id(text)


def test_an_error_fits_what_is_declared_for_errors_and_for_successes() -> None:
    for reason in Reason:
        body = ApiError(reason, "no", field="x").to_wire()
        for operation in OPERATIONS.values():
            if operation.response.__name__ == "ActivationKeyParameters":
                continue
            for name in ("ErrorBody", operation.response.__name__):
                schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}}
                assert Draft202012Validator(schema).is_valid(body), (reason, name)
