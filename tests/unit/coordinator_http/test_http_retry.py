"""Calls that are tried again: which, how often, how much later, and never before an unknown outcome is settled."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from http_world import CONNECTION, HOME, RecordingService, connection, run, world

from xcnet.clock import FakeClock
from xcnet.coordinator.http.caller import Body
from xcnet.coordinator.http.client import CoordinatorClient
from xcnet.coordinator.http.client_base import ids_of
from xcnet.coordinator.http.faults import FaultKind, FaultPoint, FaultRule
from xcnet.coordinator.http.outcomes import Answer, BadAnswerError, NotSentError, UnknownOutcomeError
from xcnet.coordinator.http.retry import RetryingCaller, RetryPolicy
from xcnet.coordinator.policy.retry import Backoff
from xcnet.secret import Secret
from xcnet.spec.connections import Connection
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import OPERATIONS, Operation
from xcnet.spec.resources import Empty

GET, CREATE, NOTIFY = (OPERATIONS[each] for each in ("GetConnection", "CreateConnection", "NotifyConnectionStatus"))
NEW = {"connectionId": CONNECTION.id}
DONE = Answer(connection())
LATER = ApiError(Reason.UNAVAILABLE, "later")
LOST = UnknownOutcomeError("no answer")
DOWN = NotSentError("not reached")
MISSING = ApiError(Reason.NOT_FOUND, "none")


@dataclass
class Scripted:
    """Answers each call with the next of the script; keeps what it was asked."""

    script: list[Answer | Exception]
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    async def call(
        self,
        operation: Operation,
        ids: Mapping[str, str],
        query: Mapping[str, str | int] | None = None,
        body: Body | None = None,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
        seconds: float | None = None,
    ) -> Answer:
        del ids, query, body, proof, seconds
        self.asked.append((operation.id, request_id))
        answer = self.script.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None: ...


@dataclass
class Trial:
    """A caller that tries again, under a clock that only its own pauses move."""

    script: list[Answer | Exception]
    policy: RetryPolicy | None = None

    def __post_init__(self) -> None:
        self.clock = FakeClock()
        self.pauses: list[float] = []
        self.under = Scripted(self.script)
        self.caller = RetryingCaller(self.under, self.policy, rng=random.Random(1), clock=self.clock, pause=self._pause)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.clock.advance(seconds)

    def get(self) -> Answer | Exception:
        return self._made(GET, ids_of(CONNECTION), None, None)

    def create(self) -> Answer | Exception:
        return self._made(CREATE, ids_of(HOME), NEW, connection())

    def notify(self) -> Answer | Exception:
        return self._made(NOTIFY, ids_of(CONNECTION), None, None)

    def _made(
        self, operation: Operation, ids: Mapping[str, str], query: Mapping[str, str | int] | None, body: Body | None
    ) -> Answer | Exception:
        made: list[Answer | Exception] = []

        async def go() -> None:
            try:
                made.append(await self.caller.call(operation, ids, query, body))
            except Exception as error:
                made.append(error)

        run(go)
        return made[0]

    @property
    def asked(self) -> list[str]:
        return [name for name, _ in self.under.asked]


@pytest.mark.parametrize(
    "passing",
    [LATER, ApiError(Reason.RATE_LIMITED, ""), ApiError(Reason.INTERNAL, ""), DOWN, LOST, BadAnswerError("what?")],
    ids=lambda each: type(each).__name__ + str(getattr(each, "status", "")),
)
def test_what_may_pass_is_tried_again(passing: Exception) -> None:
    trial = Trial([passing, passing, DONE])
    assert trial.get() is DONE
    assert trial.asked == ["GetConnection"] * 3
    assert len(trial.pauses) == 2


@pytest.mark.parametrize(
    "reason", [each for each in Reason if each not in (Reason.RATE_LIMITED, Reason.INTERNAL, Reason.UNAVAILABLE)]
)
def test_a_refusal_for_good_is_passed_on(reason: Reason) -> None:
    error = ApiError(reason, "no")
    trial = Trial([error])
    assert trial.create() is error
    assert trial.pauses == []


def test_all_attempts_of_a_change_have_one_request_id_and_those_of_two_changes_have_two() -> None:
    trial = Trial([DOWN, DOWN, DONE, DOWN, DONE])
    trial.create()
    trial.create()
    ids = [request_id for _, request_id in trial.under.asked]
    assert ids[0] == ids[1] == ids[2] != ids[3] == ids[4]
    assert None not in ids


def test_reads_have_no_request_id_of_their_own() -> None:
    trial = Trial([DOWN, DONE])
    trial.get()
    assert trial.under.asked == [("GetConnection", None)] * 2


def test_the_server_is_given_the_time_that_it_asks_for() -> None:
    trial = Trial([ApiError(Reason.RATE_LIMITED, "", retry_after=17), DONE])
    assert trial.get() is DONE
    assert trial.pauses[0] >= 17


def test_a_time_beyond_the_patience_is_not_waited_for() -> None:
    error = ApiError(Reason.RATE_LIMITED, "", retry_after=3600)
    trial = Trial([error])
    assert trial.get() is error
    assert trial.pauses == []


def test_it_ends_after_so_many_attempts() -> None:
    trial = Trial([LATER] * 10, RetryPolicy(attempts=4))
    assert trial.get() is LATER
    assert len(trial.asked) == 4


def test_it_ends_after_so_much_time() -> None:
    trial = Trial([DOWN] * 1000, RetryPolicy(attempts=1000, backoff=Backoff(initial=1.0, maximum=5.0, total=30.0)))
    assert trial.get() is DOWN
    assert sum(trial.pauses) < 30.0
    assert len(trial.asked) > 5


@pytest.mark.parametrize("unknown", [LOST, LATER, BadAnswerError("what?", status=200)])
def test_a_change_of_unknown_outcome_is_looked_for_and_not_made_twice(unknown: Exception) -> None:
    trial = Trial([unknown, DONE])
    assert trial.create() is DONE
    assert trial.asked == ["CreateConnection", "GetConnection"]


def test_a_change_that_is_seen_not_to_have_been_made_is_made_under_the_same_id() -> None:
    trial = Trial([LOST, MISSING, DONE])
    assert trial.create() is DONE
    assert trial.asked == ["CreateConnection", "GetConnection", "CreateConnection"]
    assert trial.under.asked[0] == trial.under.asked[2]


def test_what_leaves_nothing_to_look_at_is_sent_again_under_the_same_id() -> None:
    done = Answer(Empty())
    trial = Trial([LOST, done])
    assert trial.notify() is done
    assert trial.under.asked[0] == trial.under.asked[1]


def test_looking_is_tried_again_too() -> None:
    trial = Trial([LOST, DOWN, LOST, LATER, DONE])
    assert trial.create() is DONE
    assert trial.asked == ["CreateConnection", *["GetConnection"] * 4]


@pytest.mark.parametrize("answer", [ApiError(Reason.WRONG_PROVIDER, "no"), LOST])
def test_what_nobody_can_tell_is_said_to_be_unknown(answer: Exception) -> None:
    trial = Trial([LOST, *[answer] * 20])
    error = trial.create()
    assert isinstance(error, UnknownOutcomeError)
    assert "whether CreateConnection was done cannot be told" in error.cause
    assert trial.asked.count("CreateConnection") == 1


def test_over_the_wire_lost_answers_leave_one_change() -> None:
    """A server that keeps what it is given, a client that loses every other answer."""
    kept: dict[str, Connection] = {}

    def create(request: object) -> Connection:
        made = request.body  # type: ignore[attr-defined]
        if request.query["connectionId"] in kept:  # type: ignore[attr-defined]
            raise ApiError(Reason.ALREADY_EXISTS, "twice")
        kept[request.query["connectionId"]] = made  # type: ignore[attr-defined]
        return connection()

    def get(request: object) -> Connection:
        found = kept.get(request.ids["connection"])  # type: ignore[attr-defined]
        if found is None:
            raise MISSING
        return found

    async def go() -> None:
        faults = FaultPoint()
        faults.add(FaultRule(kind=FaultKind.ANSWER_LOST, probability=0.3, seed=7))
        faults.add(FaultRule(kind=FaultKind.REQUEST_LOST, probability=0.3, seed=8))
        service = RecordingService({"CreateConnection": create, "GetConnection": get})
        async with world(service, client_faults=faults) as both:
            policy = RetryPolicy(attempts=20, backoff=Backoff(initial=0.0, maximum=0.0, total=60.0))
            client = CoordinatorClient(RetryingCaller(both.caller, policy))
            for number in range(50):
                made = await client.create_connection(HOME, f"c-{number}", connection())
                assert made.bandwidth_mbps == 1000
            assert len(kept) == 50
            assert sum(each.fired for each in faults.report()) > 20

    run(go)
