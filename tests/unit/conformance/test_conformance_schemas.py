"""Generated requests, as the specification's schemas allow and forbid them, at a live coordinator: no server error, no answer
that is not of the declared shape. By this version's document, and by a copy of the public one where ``XCNET_SPEC_DIR`` names it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import tempfile
import threading
import uuid
from collections import Counter
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
import schemathesis
import yaml
from conformance_world import _unlimited
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from xcnet.conformance.own import subject_of
from xcnet.conformance.registry import rules
from xcnet.conformance.runner import run
from xcnet.conformance.session import new_id
from xcnet.conformance.wire import Reply, Wire
from xcnet.coordinator.daemon.local import LocalCoordinators, local_settings, serving
from xcnet.model.load import load_topology
from xcnet.model.planner import make_plan
from xcnet.secret import Secret
from xcnet.spec.document import document
from xcnet.spec.operations import OPERATIONS

FOLDER = os.environ.get("XCNET_SPEC_DIR", "")
EXAMPLES = int(os.environ.get("XCNET_EXAMPLES", "25"))
"""Requests for each operation, and as many that break its schema."""
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
# What is there at the beginning is there for every operation.
SPARED = ("DeleteConnection", "DeleteFeature", "DeleteMacSecKey")
T = TypeVar("T")

SOURCES = [
    "own",
    pytest.param(
        "public",
        marks=pytest.mark.skipif(
            not FOLDER, reason="XCNET_SPEC_DIR names no folder with a copy of the public specification"
        ),
    ),
]


def _schema(source: str, folder: Path) -> Any:
    """:param folder: empty; for a copy of the public document in which schemas are schemas."""
    if source == "own":
        return schemathesis.openapi.from_dict(document())
    given = Path(FOLDER)
    for path in given.rglob("*.yaml"):
        copy = folder / path.relative_to(given)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(yaml.safe_dump(_readable(yaml.safe_load(path.read_text()))))
    return schemathesis.openapi.from_path(str(folder / "connection-coordinator" / "openapi.yaml"))


def _readable(data: Any) -> Any:
    """``uint32``, which the public document uses for ASNs, is no type of JSON Schema."""
    if isinstance(data, list):
        return [_readable(each) for each in data]
    if not isinstance(data, dict):
        return data
    made = {name: _readable(value) for name, value in data.items()}
    if made.get("type") == "uint32":
        made |= {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}
    return made


def _operations(schema: Any) -> dict[str, Any]:
    found = [each.ok() for each in schema.get_all_operations()]
    return {each.definition.raw["operationId"]: each for each in found}


@pytest.fixture(scope="module", params=SOURCES)
def operations(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """operationId -> operation."""
    return _operations(_schema(request.param, tmp_path_factory.mktemp("public")))


def test_every_public_operation_is_tried(operations: dict[str, Any]) -> None:
    assert set(operations) <= set(OPERATIONS)
    assert len(operations) in (33, len(OPERATIONS))


@dataclass
class Live:
    """A coordinator of Google's that serves in a thread, and one of AWS's in whose name it is asked.

    :param ids: path parameters of what is there. :param statuses: operationId -> how often it was answered so.
    """

    loop: asyncio.AbstractEventLoop
    local: LocalCoordinators
    wire: Wire
    ids: dict[str, str]
    statuses: dict[str, Counter[int]] = field(default_factory=dict)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(60)

    def send(self, operation: str, case: Any) -> Reply:
        """As the generated case says, signed by the caller and proved by the customer."""
        sent = case.as_transport_kwargs(base_url=self.wire.subject.endpoint.url)
        prepared = requests.Request(
            sent["method"], sent["url"], params=sent.get("params"), json=sent.get("json"), data=sent.get("data")
        ).prepare()
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body or b""
        proof = self.do(self._proof(case))
        reply = self.do(self.wire.send(operation, {}, None, body, path=prepared.path_url, proof=proof))
        self.statuses.setdefault(operation, Counter())[reply.status] += 1
        return reply

    async def _proof(self, case: Any) -> Secret | None:
        connection = (case.path_parameters or {}).get("connection")
        with contextlib.suppress(Exception):  # of what is no id nobody proves anything
            return await self.wire.subject.customer.proof(str(connection))
        return None


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
        context = serving(
            local_settings(make_plan(load_topology("aws-google"), bare=True), Path(folder), adjust=_unlimited)
        )

        async def begin() -> tuple[LocalCoordinators, Wire, dict[str, str]]:
            local = await context.__aenter__()
            wire = Wire(subject_of(local, "gcp", "aws"))
            return local, wire, await _what_is_there(local, wire)

        async def end(wire: Wire) -> None:
            await wire.close()
            await context.__aexit__(None, None, None)

        local, wire, ids = asyncio.run_coroutine_threadsafe(begin(), loop).result(60)
        try:
            yield Live(loop, local, wire, ids)
        finally:
            asyncio.run_coroutine_threadsafe(end(wire), loop).result(60)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


async def _what_is_there(local: LocalCoordinators, wire: Wire) -> dict[str, str]:
    """A connection with its features, a channel with its key, an issue."""
    connection = await local.connect("aws", "gcp", 1000, {"aws": "10.10.0.0/24", "gcp": "10.20.0.0/24"}, name="prod")
    (environment,) = local.settings["gcp"].config.environments
    ids = {"provider": "aws", "environment": environment.name, "connection": connection, "issue": new_id()}

    async def first(operation: str, items: str) -> str:
        found = (await wire.send(operation, ids)).object[items]
        return str(found[0]["name"]).rpartition("/")[2]

    ids["interconnect"] = await first("ListInterconnects", "interconnects")
    ids["channel"] = await first("ListChannels", "channels")
    ids["macSecKey"] = await first("ListMacSecKeys", "macSecKeys")
    ids["feature"] = await first("ListFeatures", "features")
    made = await wire.send("CreateIssue", ids, {"issueId": ids["issue"]}, {"title": "One", "body": "That is there."})
    assert made.ok, made
    return ids


def _checked(case: Any, reply: Reply) -> None:
    """:raises FailureGroup: what is answered is not as the document declares it."""
    headers = {name: [value] for name, value in reply.headers.items()}
    request = requests.Request(case.method, "https://coordinator/").prepare()
    case.validate_response(Response(reply.status, headers, reply.raw, request, reply.seconds, True), checks=CHECKS)


def _case(operations: dict[str, Any], identifier: str) -> Any:
    """For looking at an answer: which resource it is about plays no part."""
    parameters = dict.fromkeys(OPERATIONS[identifier].path_parameters, "x")
    return operations[identifier].Case(method=OPERATIONS[identifier].method, path_parameters=parameters)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda each: each.value)
@pytest.mark.parametrize("identifier", sorted(OPERATIONS))
def test_generated_requests_are_answered_as_declared(
    live: Live, operations: dict[str, Any], identifier: str, mode: GenerationMode
) -> None:
    if identifier not in operations:
        pytest.skip("an amendment's operation, which the public document does not have")
    operation = operations[identifier]

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def ask(case: Any, there: bool) -> None:
        if case.path_parameters is not None:
            # Somebody else's tree, whatever is in it, is closed: most must be asked of the own one.
            real = live.ids if there and identifier not in SPARED else {"provider": "aws"}
            case.path_parameters.update({name: real[name] for name in case.path_parameters if name in real})
        if there and case.query and "requestId" in case.query:
            case.query["requestId"] = str(uuid.uuid4())
        _checked(case, live.send(identifier, case))

    try:
        ask()
    except Unsatisfiable:
        # Nothing of it can be broken: its parameters are names, and any text is one.
        assert mode is GenerationMode.NEGATIVE
        assert not operation.body
        assert not operation.query


READS = sorted(each for each, operation in OPERATIONS.items() if operation.method == "GET")


def test_reads_of_what_is_there_have_succeeded(live: Live) -> None:
    """Else the answers looked at above were refusals alone."""
    without = [each for each in READS if not live.statuses.get(each, {}).get(200)]
    assert without == []


def test_every_operation_succeeds_and_is_answered_as_declared(operations: dict[str, Any]) -> None:
    """What schemas cannot say (a VLAN that is free, a key that was ordered) the rules know: their exchanges are looked at."""
    seen: list[Reply] = []

    async def go() -> None:
        with tempfile.TemporaryDirectory(prefix="xcnet-") as folder:
            plan = make_plan(load_topology("aws-google"), bare=True)
            async with serving(local_settings(plan, Path(folder), adjust=_unlimited)) as local:
                await run(subject_of(local, "gcp", "aws"), rules(), exchanged=seen.append)

    asyncio.run(go())
    succeeded = set()
    for reply in seen:
        identifier = reply.operation.id
        if identifier not in operations or reply.method != reply.operation.method:
            continue
        _checked(_case(operations, identifier), reply)
        if reply.ok:
            succeeded.add(identifier)
    # A feature of the one type that there is can never be updated.
    assert set(operations) - succeeded == {"UpdateFeature"} & set(operations)


def test_a_server_that_answers_otherwise_than_declared_is_found(live: Live, operations: dict[str, Any]) -> None:
    case = _case(operations, "GetConnection")
    reply = live.do(live.wire.send("GetConnection", live.ids))
    _checked(case, reply)
    wrong = {**json.loads(reply.raw), "bandwidthMbps": "much"}
    broken = Reply(reply.operation, "GET", 1, 200, reply.headers, json.dumps(wrong).encode(), 0.0)
    with pytest.raises(BaseExceptionGroup, match=r"bandwidthMbps|violates"):
        _checked(case, broken)
    failing = Reply(reply.operation, "GET", 1, 500, reply.headers, reply.raw, 0.0)
    with pytest.raises(BaseExceptionGroup, match=r"[Ss]erver error"):
        _checked(case, failing)
