"""What every operation makes of what nobody should send: one structured refusal each, and nothing reaches the service."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import pytest
from http_world import CHANNEL, CONNECTION, Heard, World, example, hear, run, world

from xcnet.coordinator.http.client_base import ids_of
from xcnet.spec.base import WireModel
from xcnet.spec.document import document
from xcnet.spec.errors import ErrorBody, Reason
from xcnet.spec.issues import AddCommentRequest, Comment
from xcnet.spec.operations import OPERATIONS, Operation, QueryType

IDS = {
    **ids_of(CONNECTION),
    **ids_of(CHANNEL),
    "macSecKey": "k-1",
    "feature": "f-1",
    "issue": "7",
}
UUID = "5f0c2f8e-3ad0-4a0e-9b1a-0b6f3f6a9a10"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

NO_IDS = (
    *("-x", "x-", ".", "..", "~", "*", "a" * 129, "a;b", "a:b", "a,b", "a=b", "$(a)", "'a'"),
    *(
        "%ff",
        "%00",
        "%0a",
        "a%0d%0ab",
        "%2e%2e",
        "a%20b",
        "a+b",
        "%C3%A9",
        "a%2Fb",
        "a%2fb",
        "a%5cb",
        "%",
        "%zz",
        "%25",
    ),
)
"""Path segments, as they are on the wire, that are no resource's id."""

NO_BODIES: dict[str, bytes] = {
    "half an object": b'{"a":',
    "two objects": b"{}{}",
    "a list": b"[]",
    "text": b'"{}"',
    "a number": b"1",
    "null": b"null",
    "a comment": b"{} // so",
    "a comma at the end": b'{"a": 1,}',
    "single quotes": b"{'a': 1}",
    "a name without quotes": b"{a: 1}",
    "no UTF-8": b'{"a": "\xff\xfe"}',
    "UTF-16": '{"a": 1}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "a control character": b'{"a": "\x01"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": -Infinity}',
    "an integer of 5000 digits": b'{"a": ' + b"9" * 5000 + b"}",
    "a name twice": b'{"name": "a", "name": "b"}',
    "an unknown name twice": b'{"a": 1, "a": 1}',
    "a name twice, deep inside": b'{"a": [{"b": {"c": 1, "c": 2}}]}',
    "ten thousand lists": b'{"a": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
    "ten thousand objects": b'{"a":' * 10_000 + b"1" + b"}" * 10_000,
    "gzip": bytes.fromhex("1f8b08000000000000ff"),
}

WRONG_VALUES = (
    *("1e400", "-1e400", "9" * 400, "-1", "1.5", "-0.0", "true", '""', '"x"', '"\\ud800"', '"\\u0000"', "[]", "{}"),
    *("[[[]]]", "[{}]", '[""]', "[null]", '{"a": {}}', "[" * 400 + "]" * 400, '{"name":' * 400 + "1" + "}" * 400),
)


def target(operation: Operation, **other: str) -> str:
    """Its path with what it needs in its query. :param other: segments of the path, as on the wire."""
    path = operation.path.format_map({**IDS, **other})
    return f"{path}?{operation.creates}=new-1" if operation.creates else path


def body_of(operation: Operation) -> bytes:
    if operation.request is None:
        return b""
    model: WireModel
    model = AddCommentRequest(comment=Comment(body="b")) if operation.id == "AddComment" else example(operation.request)
    return json.dumps(model.to_wire(reveal=True)).encode()


def add(url: str, query: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{query}"


class Talk:
    """One connection, on which every request must be answered."""

    def __init__(self, both: World, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.both, self._reader, self._writer = both, reader, writer

    async def ask(self, method: str, url: str, body: bytes = b"", headers: Mapping[str, str] | None = None) -> Heard:
        self._writer.write(self.both.signed(method, url, body, headers=headers))
        return await hear(self._reader)

    async def refused(
        self,
        status: int,
        reason: Reason,
        method: str,
        url: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> ErrorBody:
        heard = await self.ask(method, url, body, headers)
        assert (heard.status, heard.headers["content-type"]) == (status, "application/json"), (
            url,
            body[:80],
            heard.body,
        )
        error = ErrorBody.model_validate_json(heard.body)
        assert (error.code, error.details[0].reason, error.title) == (status, reason.value, reason.value)
        assert error.message
        return error

    def close(self) -> None:
        self._writer.close()


def talk(test: Any) -> None:
    async def go() -> None:
        async with world() as both:
            talking = Talk(both, *await both.raw())
            await test(talking)
            talking.close()

    run(go)


every_operation = pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
every_body = pytest.mark.parametrize(
    "operation",
    [each for each in OPERATIONS.values() if each.request is not None],
    ids=[each.id for each in OPERATIONS.values() if each.request is not None],
)


@every_operation
def test_asked_as_it_should_be_it_reaches_the_service_once(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        heard = await on.ask(operation.method, target(operation), body_of(operation))
        assert heard.status == 200, heard.body
        assert operation.response.model_validate_json(heard.body) is not None
        (asked,) = on.both.service.asked
        assert (asked.operation, asked.caller) == (operation, "aws")
        assert asked.ids == {name: IDS[name] for name in operation.path_parameters}

    talk(test)


@every_operation
def test_ids_that_nothing_can_have_are_not_found(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        for name in set(operation.path_parameters) - {"provider"}:
            for wrong in NO_IDS:
                await on.refused(
                    404, Reason.NOT_FOUND, operation.method, target(operation, **{name: wrong}), body_of(operation)
                )
        assert on.both.service.asked == []

    talk(test)


@every_operation
def test_another_providers_tree_is_closed(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        for wrong in ("azure", "AWS", "aws.", "-", "%00", "aw%73x", "aws%00", "*"):
            if "provider" in operation.path_parameters:
                url = target(operation, provider=wrong)
                await on.refused(403, Reason.WRONG_PROVIDER, operation.method, url, body_of(operation))
        assert on.both.service.asked == []

    talk(test)


@every_operation
def test_paths_around_it_are_not_found(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        path = operation.path.format_map(IDS)
        for wrong in (path + "/", path + "/x/y/z", "/" + path, path + "//", "/v1" + path, path.upper(), path + ":x"):
            heard = await on.ask(operation.method, wrong, body_of(operation))
            # What looks like one more id of a collection, or like another provider's tree, is answered as that.
            assert heard.status in (403, 404, 405), (wrong, heard.body)
            assert ErrorBody.model_validate_json(heard.body).code == heard.status
        assert on.both.service.asked == []

    talk(test)


@every_operation
def test_other_methods_are_told_the_right_ones(operation: Operation) -> None:
    allowed = {each.method for each in OPERATIONS.values() if each.path == operation.path}

    async def test(on: Talk) -> None:
        for method in METHODS:
            if method in allowed:
                continue
            heard = await on.ask(method, target(operation), b"{}" if method not in ("GET", "OPTIONS") else b"")
            assert heard.status == 405
            assert heard.headers["allow"] == ", ".join(sorted(allowed))
            assert ErrorBody.model_validate_json(heard.body).title == "METHOD_NOT_ALLOWED"
        assert on.both.service.asked == []

    talk(test)


@every_operation
def test_query_parameters_are_what_they_should_be_or_refused(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        url, body = target(operation), body_of(operation)

        async def wrong(query: str, field: str | None, reason: Reason = Reason.INVALID_ARGUMENT) -> None:
            error = await on.refused(400, reason, operation.method, add(url, query), body)
            assert error.details[0].field == field

        for text in ("", "1", UUID[:-1], UUID + "0", UUID.replace("-", ""), f"%7B{UUID}%7D", f"urn:uuid:{UUID}", "%00"):
            await wrong(f"requestId={text}", "requestId")
        await wrong(f"requestId={UUID}&requestId={UUID}", "requestId")
        await wrong("a=%ff", None, Reason.MALFORMED)
        await wrong("&".join(f"a{number}=" for number in range(60)), None, Reason.MALFORMED)
        for parameter in operation.query:
            name = parameter.name
            if parameter.type is QueryType.NUMBER:
                for text in (
                    "",
                    "a",
                    "-1",
                    "1.0",
                    "1e1",
                    "0x1",
                    "1_0",
                    "%201",
                    "%D9%A1",
                    "2147483648",
                    "9" * 400,
                    "%00",
                ):
                    await wrong(f"{name}={text}", name)
            if parameter.pattern is not None:
                for text in (",", "a,,b", "a.", ".a", "a%20b", "a,%0a,b"):
                    await wrong(f"{name}={text}", name)
            await wrong(f"{name}=1&{name}=1", name)
        assert on.both.service.asked == []
        # What is not declared is passed over, however often it is there.
        given = add(url, f"alt=json&alt=&{'x' * 200}&requestId={UUID}")
        assert (await on.ask(operation.method, given, body)).status == 200
        assert on.both.service.last.request_id == UUID
        assert set(on.both.service.last.query) == ({operation.creates} if operation.creates else set())

    talk(test)


@every_body
def test_bodies_that_are_no_json_objects_are_refused(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        for body in NO_BODIES.values():
            await on.refused(400, Reason.MALFORMED, operation.method, target(operation), body)
        for media in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "application/jsonx",
            "",
        ):
            await on.refused(400, Reason.MALFORMED, operation.method, target(operation), b"{}", {"Content-Type": media})
        assert on.both.service.asked == []

    talk(test)


@every_body
def test_no_body_is_taken_for_an_empty_one_only_where_that_says_something(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        for body in (b"", b" \r\n\t"):
            if operation.needs_body:
                error = await on.refused(400, Reason.INVALID_ARGUMENT, operation.method, target(operation), body)
                assert error.details[0].field == "body"
            else:
                assert (await on.ask(operation.method, target(operation), body)).status == 200

    talk(test)


@every_body
def test_fields_of_any_value_are_taken_or_refused_and_no_defect(operation: Operation) -> None:
    model = operation.request
    assert model is not None

    async def test(on: Talk) -> None:
        good = json.loads(body_of(operation))
        names = [field.alias or name for name, field in model.model_fields.items()]
        for name in [*names, "unknownField"]:
            others = "".join(f", {json.dumps(key)}: {json.dumps(value)}" for key, value in good.items() if key != name)
            for value in WRONG_VALUES:
                body = f'{{"{name}": {value}{others}}}'.encode()
                heard = await on.ask(operation.method, add(target(operation), f"requestId={UUID}"), body)
                assert heard.status in (200, 400), (body[:200], heard.body)
                if name == "unknownField":
                    assert heard.status == 200, body[:200]
                if heard.status == 400:
                    assert ErrorBody.model_validate_json(heard.body).title in ("INVALID_ARGUMENT", "MALFORMED")

    talk(test)


@pytest.mark.parametrize(
    "operation", [each for each in OPERATIONS.values() if each.request is None], ids=lambda each: each.id
)
def test_a_body_where_none_belongs_is_not_looked_at(operation: Operation) -> None:
    async def test(on: Talk) -> None:
        for body in (b"\xff", b"{", b"[" * 10_000):
            assert (await on.ask(operation.method, target(operation), body, {"Content-Type": "x/y"})).status == 200
            assert on.both.service.last.body is None

    talk(test)


def test_the_served_document_is_the_versions_own_and_names_every_operation() -> None:
    async def go() -> None:
        async with world(document=document) as both:
            talking = Talk(both, *await both.raw())
            heard = await talking.ask("GET", "/openapi.json")
            served = json.loads(heard.body)
            assert served == document()
            named = {each["operationId"] for path in served["paths"].values() for each in path.values()}
            assert named == set(OPERATIONS)
            await talking.refused(405, Reason.METHOD_NOT_ALLOWED, "POST", "/openapi.json")
            talking.close()

    run(go)
