"""Reading a copy of the specification: files and references, from that folder only, and errors that name file and pointer."""

from pathlib import Path
from typing import Any

import pytest

from xcnet.errors import InputError
from xcnet.spec.shapes import calls, shape
from xcnet.spec.source import DocumentError, Node, Place, Source
from xcnet.spec.upstream import load

FIRST = """\
openapi: 3.0.3
paths:
  /things:
    $ref: paths/things.yaml#/All
  /things/{thing}:
    $ref: 'paths/things.yaml#/~1one~0'
"""
THINGS = """\
All:
  get:
    operationId: ListThings
    responses:
      200:
        content: {application/json: {schema: {$ref: "../schemas.yaml#/Thing"}}}
/one~:
  get:
    operationId: GetThing
    parameters:
    - $ref: "../parameters.yaml#/list/0"
    responses:
      default:
        content: {application/json: {schema: {$ref: "../schemas.yaml#/Thing"}}}
"""
SCHEMAS = """\
Thing:
  type: object
  properties:
    inner: {$ref: "#/Thing"}
    made: {type: string, example: 2000-01-23T04:56:07Z}
"""
PARAMETERS = "list: [{name: thing, in: path, required: true, schema: {type: string}}]\n"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    (folder / "paths").mkdir(parents=True)
    (folder / "openapi.yaml").write_text(FIRST)
    (folder / "paths" / "things.yaml").write_text(THINGS)
    (folder / "schemas.yaml").write_text(SCHEMAS)
    (folder / "parameters.yaml").write_text(PARAMETERS)
    return folder


def walked(folder: Path) -> None:
    """Everything in it, looked at as deep as it is written."""
    source = load(folder)
    for call in calls(source.root).values():
        for content in call.responses.values():
            for node in content.values():
                if node is not None:
                    for inner in shape(node).properties.values():
                        shape(inner)


def refused(folder: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        walked(folder)
    assert caught.value.cause and caught.value.remedy
    return caught.value


# -- what is read


def test_a_document_in_several_files_is_read(copy: Path) -> None:
    found = calls(load(copy).root)
    assert [(each.id, each.method, each.path) for each in found.values()] == [
        ("ListThings", "GET", "/things"),
        ("GetThing", "GET", "/things/{thing}"),
    ]
    assert set(found["GetThing"].parameters) == {"path.thing"}
    assert list(found["ListThings"].responses) == ["200"]


def test_the_first_file_may_be_in_the_specifications_own_folder(copy: Path) -> None:
    outer = copy.parent / "outer"
    outer.mkdir()
    copy.rename(outer / "connection-coordinator")
    assert set(calls(load(outer).root)) == {"ListThings", "GetThing"}


def test_schemas_in_circles_are_read_as_far_as_somebody_goes(copy: Path) -> None:
    node = calls(load(copy).root)["ListThings"].responses["200"]["application/json"]
    assert node is not None
    for _ in range(500):
        node = shape(node).properties["inner"]
    assert shape(node).place == Place("schemas.yaml", "/Thing", str(copy))


def test_a_file_that_nothing_leads_to_may_be_anything(copy: Path) -> None:
    (copy / "other.yaml").write_text("{ not yaml")
    walked(copy)


def test_dates_are_text(copy: Path) -> None:
    thing = load(copy).root.source.follow("schemas.yaml#/Thing/properties/made/example", Place("openapi.yaml"))
    assert thing.value == "2000-01-23T04:56:07Z"


# -- what is refused


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    error = refused(tmp_path / "nowhere")
    assert error.cause == "there is no such folder"
    assert error.where == str(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["\0", "x" * 5000])
def test_a_folder_that_cannot_be_is_said(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path / name).cause == "there is no such folder"


def test_a_file_is_no_folder(copy: Path) -> None:
    assert refused(copy / "openapi.yaml").cause == "this is not a folder"


def test_a_folder_without_the_first_file_is_said(tmp_path: Path) -> None:
    assert refused(tmp_path).cause == "there is no openapi.yaml in this folder, nor in connection-coordinator below it"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", "never closed"),
        ("a: b: c", "':'"),
        ("a: 1\na: 2", "twice"),
        ("", "empty"),
        ("- 1", "a list"),
        ("a: !!python/object:os.system x", "means nothing here"),
        ("a: \t- x\n\tb: 1", ""),
        ("&a [*a]", ""),
        ("a: &a [*a]", "refers to itself"),
        ("x" * 300_000, "bytes"),
        ("a: " + "[" * 20_000, ""),
    ],
    ids=range(11),
)
def test_a_file_that_is_no_yaml_is_named_with_its_line(copy: Path, text: str, words: str) -> None:
    (copy / "schemas.yaml").write_text(text)
    error = refused(copy)
    assert words in error.cause
    assert error.where.startswith(str(copy / "schemas.yaml"))


def test_a_file_of_other_bytes_is_named(copy: Path) -> None:
    (copy / "schemas.yaml").write_bytes(b"a: \xff")
    assert refused(copy).where.startswith(f"{copy / 'schemas.yaml'}:1:")


def test_aliases_of_aliases_do_not_fill_the_memory(copy: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    (copy / "schemas.yaml").write_text("\n".join(lines))
    assert "values" in refused(copy).cause


@pytest.mark.parametrize(
    ("reference", "cause"),
    [
        ("gone.yaml#/Thing", "a reference leads to a file that is not there: 'gone.yaml'"),
        ("schemas.yaml#/Gone", "the reference 'schemas.yaml#/Gone' leads to nothing"),
        ("schemas.yaml#/Thing/type/x", "the reference 'schemas.yaml#/Thing/type/x' leads to nothing"),
        ("parameters.yaml#/list/1", "the reference 'parameters.yaml#/list/1' leads to nothing"),
        ("parameters.yaml#/list/-1", "the reference 'parameters.yaml#/list/-1' leads to nothing"),
        ("parameters.yaml#/list/²", "the reference 'parameters.yaml#/list/²' leads to nothing"),
        ("#/Thing", "the reference '#/Thing' leads to nothing"),
        ("schemas.yaml#Thing", "the reference 'schemas.yaml#Thing' is no JSON pointer: no '/' after its '#'"),
        ("../outside.yaml#/x", "the reference '../outside.yaml#/x' leads out of the specification's folder"),
        (
            "paths/../../outside.yaml",
            "the reference 'paths/../../outside.yaml' leads out of the specification's folder",
        ),
        ("%2e%2e/outside.yaml", "the reference '%2e%2e/outside.yaml' leads out of the specification's folder"),
        ("/etc/passwd", "the reference '/etc/passwd' leads out of the specification's folder"),
        ("file:///etc/passwd", "the reference 'file:///etc/passwd' leads out of the specification's folder"),
        (
            "https://example.org/x.yaml",
            "the reference 'https://example.org/x.yaml' leads out of the specification's folder",
        ),
        ("link.yaml#/x", "a reference leads out of the specification's folder: 'link.yaml'"),
        ("paths", "this is not a file"),
        ("a%00b", "a reference leads to a file that is not there: 'a\\x00b'"),
    ],
)
def test_a_reference_that_leads_nowhere_good_is_named_by_file_and_pointer(
    copy: Path, reference: str, cause: str
) -> None:
    (copy.parent / "outside.yaml").write_text("x: {get: {operationId: Secret}}")
    (copy / "link.yaml").symlink_to(copy.parent / "outside.yaml")
    (copy / "openapi.yaml").write_text(f"openapi: 3.0.3\npaths: {{/things: {{$ref: '{reference}'}}}}\n")
    error = refused(copy)
    assert error.cause == cause
    assert error.where in (f"{copy}/openapi.yaml#/paths/~1things", f"{copy}/paths")


def test_a_reference_that_refers_to_itself_is_said(copy: Path) -> None:
    (copy / "openapi.yaml").write_text(
        "openapi: 3.0.3\npaths: {/a: {$ref: '#/paths/~1b'}, /b: {$ref: '#/paths/~1a'}}\n"
    )
    error = refused(copy)
    assert "never to a value" in error.cause
    assert error.where == f"{copy}/openapi.yaml#/paths/~1a"


@pytest.mark.parametrize(
    ("text", "cause", "pointer"),
    [
        ("swagger: '2.0'\npaths: {}", "this is not an OpenAPI document: 'openapi' or 'paths' is missing", ""),
        ("openapi: 3.0.3", "this is not an OpenAPI document: 'openapi' or 'paths' is missing", ""),
        ("openapi: 3.0.3\npaths: []", "here must be a mapping, and is a list", "#/paths"),
        ("openapi: 3.0.3\npaths: {/a: 5}", "here must be a mapping, and is a single value", "#/paths/~1a"),
        ("openapi: 3.0.3\npaths: {/a: {get: }}", "here must be a mapping, and is empty", "#/paths/~1a/get"),
        ("openapi: 3.0.3\npaths: {/a: {$ref: 5}}", "a reference ($ref) is not text", "#/paths/~1a"),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {operationId: [x]}}}",
            "'operationId' must be text, and is a list",
            "#/paths/~1a/get/operationId",
        ),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {operationId: A}, put: {operationId: A}}}",
            "two operations are called A",
            "#/paths/~1a/put",
        ),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {parameters: {}}}}",
            "here must be a list, and is a mapping",
            "#/paths/~1a/get/parameters",
        ),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {parameters: [{name: x, in: body}]}}}",
            "a parameter has no name, or is in no known place ('in')",
            "#/paths/~1a/get/parameters/0",
        ),
        (
            "openapi: 3.0.3\npaths: {/a: {get: {deprecated: maybe}}}",
            "'deprecated' must be true or false, and is a single value",
            "#/paths/~1a/get/deprecated",
        ),
    ],
)
def test_what_is_no_openapi_is_named_by_file_and_pointer(copy: Path, text: str, cause: str, pointer: str) -> None:
    (copy / "openapi.yaml").write_text(text)
    error = refused(copy)
    assert isinstance(error, DocumentError)
    assert (error.cause, error.where) == (cause, f"{copy}/openapi.yaml{pointer}")


def test_a_document_of_one_file_has_no_other() -> None:
    source = Source(Place("https://h/openapi.json"), {"a": {"$ref": "other.json#/x"}})
    node = source.root.get("a")
    assert node is not None
    with pytest.raises(DocumentError) as caught:
        node.resolved()
    assert caught.value.where == "https://h/openapi.json#/a"


# -- schemas in one form


def schema(value: Any, **components: Any) -> Any:
    source = Source(Place("x"), {"components": {"schemas": components}, "in": {"s": value}})
    return shape(Node(source, Place("x", "/in/s"), value))


REF = {"$ref": "#/components/schemas/T"}
T = {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "value",
    [
        REF,
        {"allOf": [REF]},
        {"allOf": [REF], "description": "x", "example": 1},
        {**REF, "description": "3.1 allows it"},
        {"allOf": [{"allOf": [REF]}], "title": "y"},
    ],
)
def test_the_ways_to_use_a_named_schema_are_one(value: Any) -> None:
    made = schema(value, T=T)
    assert (made.name, made.place.pointer) == ("T", "/components/schemas/T")
    assert (made.type, set(made.properties), made.required) == ("object", {"a"}, {"a"})


@pytest.mark.parametrize(
    "value",
    [
        {"allOf": [REF], "readOnly": True},
        {**REF, "readOnly": True},
        {"allOf": [REF], "description": "Output only. Set by the server."},
        {"type": "string", "description": "OUTPUT ONLY"},
    ],
)
def test_the_ways_to_be_read_only_are_one(value: Any) -> None:
    assert schema(value, T=T).read_only
    assert not schema(REF, T=T).read_only


@pytest.mark.parametrize(
    "value",
    [
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"type": "string"}]},
    ],
)
def test_the_ways_to_allow_null_are_one(value: Any) -> None:
    made = schema(value)
    assert (made.type, made.nullable, made.alternatives) == ("string", True, ())


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        ({"type": "uint32"}, 0, 2**32 - 1),
        ({"type": "integer", "format": "uint32"}, 0, 2**32 - 1),
        ({"type": "integer", "minimum": 0, "maximum": 2**32 - 1}, 0, 2**32 - 1),
        ({"type": "integer", "format": "int32"}, -(2**31), 2**31 - 1),
        ({"type": "integer", "format": "int32", "minimum": 0, "maximum": 2**40}, 0, 2**31 - 1),
    ],
)
def test_widths_of_integers_are_bounds(value: Any, low: int, high: int) -> None:
    made = schema(value)
    assert (made.type, made.limits) == ("integer", {"minimum": low, "maximum": high})


def test_an_enum_of_one_and_a_const_are_one() -> None:
    assert schema({"const": "A"}).enum == schema({"enum": ["A"]}).enum == ("A",)


def test_all_of_several_is_all_that_they_say() -> None:
    made = schema({"allOf": [REF, {"properties": {"b": {}}, "required": ["b"]}]}, T=T)
    assert (set(made.properties), made.required, made.name) == ({"a", "b"}, {"a", "b"}, "")


def test_a_schema_made_of_itself_is_read_once() -> None:
    assert schema(REF, T={"allOf": [REF, {"type": "string"}]}).type == "string"
    assert schema(REF, T={"allOf": [REF]}).type == "any"
    doubled = {f"D{n}": {"allOf": [{"$ref": f"#/components/schemas/D{n + 1}"}] * 2} for n in range(60)}
    assert schema({"$ref": "#/components/schemas/D0"}, **doubled, D60={"type": "string"}).type == "string"


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"type": 5}, "/in/s/type"),
        ({"type": "strange"}, "/in/s/type"),
        ({"enum": "A"}, "/in/s/enum"),
        ({"required": "a"}, "/in/s/required"),
        ({"properties": []}, "/in/s/properties"),
        ({"allOf": {}}, "/in/s/allOf"),
        ({"readOnly": "yes"}, "/in/s/readOnly"),
        ("string", "/in/s"),
        (None, "/in/s"),
    ],
)
def test_what_is_no_schema_is_named(value: Any, pointer: str) -> None:
    with pytest.raises(DocumentError) as caught:
        schema(value)
    assert caught.value.where == f"x#{pointer}"
