"""Faults of the API: what each does to an exchange, whom it strikes, and that it counts."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from http_world import CONNECTION, HOME, RecordingService, World, connection, run, world
from pydantic import ValidationError

from xcnet.clock import FakeClock
from xcnet.coordinator.http.fault_transport import FaultyTransport
from xcnet.coordinator.http.faults import SERVER_KINDS, Fault, FaultKind, FaultPoint, FaultRule
from xcnet.coordinator.http.network import RawAnswer
from xcnet.coordinator.http.outcomes import NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.transport import ClientLimits, OutgoingRequest
from xcnet.errors import InputError
from xcnet.events import EventWriter
from xcnet.spec.errors import ApiError, Reason
from xcnet.waiting import Deadline, wait_until_async

ALL = frozenset(FaultKind)


def struck(point: FaultPoint, operation: str = "GetConnection", peer: str = "gcp") -> Fault | None:
    return point.strike(operation, peer, ALL)


# -- rules


def test_a_rule_strikes_what_it_names() -> None:
    point = FaultPoint()
    point.add(FaultRule(kind=FaultKind.PEER_DOWN, operations="Create*", peer="gcp"))
    assert struck(point, "CreateFeature") is not None
    assert struck(point, "GetFeature") is None
    assert struck(point, "CreateFeature", "azure") is None
    assert point.strike("CreateFeature", "gcp", (FaultKind.DELAYED,)) is None


def test_it_counts_and_ends_with_its_count() -> None:
    point = FaultPoint()
    fault = point.add(FaultRule(kind=FaultKind.PEER_DOWN, count=2))
    assert [struck(point) is fault for _ in range(4)] == [True, True, False, False]
    assert (fault.fired, fault.matched, point.standing) == (2, 2, ())
    assert fault.until is not None


def test_it_ends_with_its_time() -> None:
    clock = FakeClock()
    point = FaultPoint(clock=clock)
    fault = point.add(FaultRule(kind=FaultKind.PEER_DOWN, duration=3600))
    clock.advance(3599)
    assert struck(point) is fault
    clock.advance(1)
    assert struck(point) is None
    assert point.standing == ()
    assert point.report() == (fault,)


def test_chance_can_be_had_again() -> None:
    def run_of(seed: int) -> list[bool]:
        point = FaultPoint()
        point.add(FaultRule(kind=FaultKind.PEER_DOWN, probability=0.5, seed=seed))
        return [struck(point) is not None for _ in range(64)]

    assert run_of(1) == run_of(1) != run_of(2)
    assert 10 < sum(run_of(1)) < 54


def test_faults_are_taken_away_and_still_counted() -> None:
    point = FaultPoint()
    first, second = (point.add(FaultRule(kind=FaultKind.PEER_DOWN)) for _ in range(2))
    struck(point)
    assert point.remove(first.id) is first
    assert point.standing == (second,)
    point.clear()
    assert struck(point) is None
    assert [each.fired for each in point.report()] == [1, 0]
    with pytest.raises(InputError, match="no fault 9"):
        point.remove(9)


@pytest.mark.parametrize(
    "wrong", [{"kind": "typo"}, {"count": 0}, {"probability": 0}, {"probability": 1.1}, {"delay": -1}, {"colour": 1}]
)
def test_a_rule_that_is_none_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        FaultRule.model_validate({"kind": "delayed", **wrong})


def test_every_strike_is_an_event(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    point = FaultPoint(events=EventWriter(path, "aws-coord"))
    point.add(FaultRule(kind=FaultKind.DELAYED))
    struck(point)
    (line,) = path.read_text().splitlines()
    assert "fault.api" in line
    assert "delayed" in json.dumps(json.loads(line))


# -- at a client


async def one(both: World) -> Exception | None:
    try:
        await both.client.get_connection(CONNECTION)
    except (NotSentError, UnknownOutcomeError, ApiError) as error:
        return error
    return None


@pytest.mark.parametrize(
    ("rule", "outcome", "arrived"),
    [
        (FaultRule(kind=FaultKind.PEER_DOWN), NotSentError, 0),
        (FaultRule(kind=FaultKind.REQUEST_LOST), UnknownOutcomeError, 0),
        (FaultRule(kind=FaultKind.ANSWER_LOST), UnknownOutcomeError, 1),
        (FaultRule(kind=FaultKind.DUPLICATED), type(None), 2),
        (FaultRule(kind=FaultKind.DUPLICATED, verbatim=True), type(None), 1),
        (FaultRule(kind=FaultKind.DELAYED, delay=0.01), type(None), 1),
    ],
    ids=lambda each: each.kind.value if isinstance(each, FaultRule) else None,
)
def test_at_a_client(rule: FaultRule, outcome: type, arrived: int) -> None:
    async def go() -> None:
        point = FaultPoint()
        fault = point.add(rule)
        async with world(client_faults=point) as both:
            error = await one(both)
            assert isinstance(error, outcome)
            assert (len(both.service.asked), fault.fired) == (arrived, 1)
            point.clear()
            assert await one(both) is None
            assert fault.fired == 1

    run(go)


def test_what_a_duplicate_was_answered_is_kept() -> None:
    async def go() -> None:
        point = FaultPoint()
        anew = point.add(FaultRule(kind=FaultKind.DUPLICATED, count=1))
        async with world(client_faults=point) as both:
            assert await one(both) is None
            assert anew.statuses == [200]
            verbatim = point.add(FaultRule(kind=FaultKind.DUPLICATED, count=1, verbatim=True))
            assert await one(both) is None
            # A replay, which the server keeps out.
            assert verbatim.statuses == [401]

    run(go)


def test_a_lost_answer_is_one_of_a_request_that_was_committed() -> None:
    async def go() -> None:
        point = FaultPoint()
        fault = point.add(FaultRule(kind=FaultKind.ANSWER_LOST, operations="CreateConnection"))
        async with world(client_faults=point) as both:
            with pytest.raises(UnknownOutcomeError):
                await both.client.create_connection(HOME, "c-1", connection())
            assert both.service.last.query == {"connectionId": "c-1"}
            both.service.answers["CreateConnection"] = ApiError(Reason.RESERVED, "full")
            with pytest.raises(UnknownOutcomeError):
                await both.client.create_connection(HOME, "c-2", connection())
            assert fault.statuses == [200, 409]

    run(go)


class Wire:
    """A transport that keeps the order of what reaches the peer."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def send(self, request: OutgoingRequest, seconds: float) -> RawAnswer:
        del seconds
        await asyncio.sleep(0)
        self.sent.append(request.operation)
        return RawAnswer(200, {}, b"{}")

    async def close(self) -> None: ...


def request(operation: str, peer: str = "gcp") -> OutgoingRequest:
    return OutgoingRequest(peer, operation, "GET", "/", (), b"", sign=tuple)


def test_a_reordered_request_is_overtaken_by_the_next_to_that_peer() -> None:
    async def go() -> None:
        point, wire = FaultPoint(), Wire()
        fault = point.add(FaultRule(kind=FaultKind.REORDERED, count=1))
        transport = FaultyTransport(wire, point)
        held = asyncio.create_task(transport.send(request("first"), 30))

        async def struck_once() -> str | None:
            return None if fault.fired else "not struck"

        await wait_until_async("the first is held", struck_once, Deadline(30))
        await transport.send(request("elsewhere", "azure"), 30)
        assert not held.done()
        await transport.send(request("second"), 30)
        await held
        assert wire.sent == ["elsewhere", "second", "first"]
        assert fault.in_vain == 0

    run(go)


def test_a_reordered_request_that_nobody_overtakes_goes_on() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def go() -> None:
        point, wire = FaultPoint(), Wire()
        fault = point.add(FaultRule(kind=FaultKind.REORDERED, delay=7))
        await FaultyTransport(wire, point, pause=pause).send(request("first"), 30)
        assert (wire.sent, fault.in_vain, pauses) == (["first"], 1, [7.0])

    run(go)


def test_a_lost_request_is_missed_after_its_time_and_no_later_than_it_is_waited_for() -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def go() -> None:
        point, wire = FaultPoint(), Wire()
        transport = FaultyTransport(wire, point, pause=pause)
        for delay in (7, 3600):
            point.add(FaultRule(kind=FaultKind.REQUEST_LOST, delay=delay, count=1))
            with pytest.raises(UnknownOutcomeError):
                await transport.send(request("lost"), 30)
        assert wire.sent == []
        assert pauses == [7, 30]

    run(go)


def test_a_delayed_request_arrives_even_if_its_caller_has_given_up() -> None:
    async def go() -> None:
        point = FaultPoint()
        fault = point.add(FaultRule(kind=FaultKind.DELAYED, operations="CreateConnection", delay=0.2))
        async with world(client_faults=point, client_limits=ClientLimits(call_seconds=0.1)) as both:
            with pytest.raises(UnknownOutcomeError):
                await both.client.create_connection(HOME, "c-1", connection())
            assert both.service.asked == []

            async def answered() -> str | None:
                return None if fault.statuses else f"{len(both.service.asked)} requests"

            await wait_until_async("the late request", answered, Deadline(30))
            assert fault.statuses == [200]
            assert both.service.last.query == {"connectionId": "c-1"}

    run(go)


# -- at a server


@pytest.mark.parametrize(
    ("kind", "served", "outcome"),
    [
        (FaultKind.REQUEST_LOST, 0, UnknownOutcomeError),
        (FaultKind.ANSWER_LOST, 1, UnknownOutcomeError),
        (FaultKind.DELAYED, 1, type(None)),
    ],
)
def test_at_a_server(kind: FaultKind, served: int, outcome: type) -> None:
    async def go() -> None:
        point = FaultPoint()
        fault = point.add(FaultRule(kind=kind, peer="aws", operations="GetConnection", delay=0.01))
        async with world(server_faults=point) as both:
            assert isinstance(await one(both), outcome)
            assert (len(both.service.asked), fault.fired) == (served, 1)
            # Others are served, and so is this one again.
            await both.client.list_connections(HOME)
            point.clear()
            assert await one(both) is None

    assert kind in SERVER_KINDS
    run(go)


def test_a_refusal_is_no_answer_that_a_fault_takes_after_the_deed() -> None:
    async def go() -> None:
        point = FaultPoint()
        fault = point.add(FaultRule(kind=FaultKind.ANSWER_LOST))
        service = RecordingService({"GetConnection": ApiError(Reason.NOT_FOUND, "none")})
        async with world(service, server_faults=point) as both:
            assert isinstance(await one(both), ApiError)
            assert fault.fired == 0

    run(go)
