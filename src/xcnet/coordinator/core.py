"""The core of a coordinator: requests, answers, observations and time go in; calls to make and a network to have come out.

It has a store and no other I/O. One thread uses it; after anything went in, :meth:`Core.pump` lets workflows go on.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from xcnet.coordinator.acts import chores, findings, holds, keys, status
from xcnet.coordinator.commands import COMMANDS, Commands
from xcnet.coordinator.config import CoordinatorConfig
from xcnet.coordinator.engine.calls import Call, Outcome
from xcnet.coordinator.engine.engine import CALL_POINTS, Engine
from xcnet.coordinator.monitor.machine import Outcome as MonitorOutcome
from xcnet.coordinator.policy.idempotency import check_request_id, is_replay, scope_of
from xcnet.coordinator.policy.paging import Pager
from xcnet.coordinator.seed import Seed, plant
from xcnet.coordinator.serve import connections, features, issues, resources
from xcnet.coordinator.serve import keys as key_handlers
from xcnet.coordinator.serve.context import Handler, KeptError, Serving
from xcnet.coordinator.service import ApiRequest, ApiResponse
from xcnet.coordinator.store.database import CrashHook, Database, StoreFullError
from xcnet.coordinator.view import NetworkView, network_view
from xcnet.coordinator.workflows import MACHINES
from xcnet.coordinator.world import ChannelFact, Emit, World
from xcnet.secret import Secret
from xcnet.spec.activation_key import KeyPair
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.operations import OPERATIONS

HANDLERS: dict[str, Handler] = {
    **resources.HANDLERS,
    **connections.HANDLERS,
    **features.HANDLERS,
    **key_handlers.HANDLERS,
    **issues.HANDLERS,
}

START, OBSERVE, APPLIED, CHORES, MONITOR = "start", "observe", "applied", "chores", "monitor"

_PAGER_KEY = "pager_key"
_WRITABLE_KEY = "writable_since"


def commit_points() -> tuple[str, ...]:
    """Every commit point there is, by name: each is one transaction of the store, and a place where the process may end."""
    return (
        START,
        OBSERVE,
        APPLIED,
        CHORES,
        MONITOR,
        *CALL_POINTS,
        *(f"serve.{operation.id}" for operation in OPERATIONS.values() if operation.mutates),
        *(f"command.{command}" for command in COMMANDS),
        *(point for machine in MACHINES for point in machine.TABLE.commit_points()),
    )


class Core:
    """:param path: the store's file; None keeps it in memory.
    :param wall: seconds since the epoch. :param seed: what a fresh store begins with.
    :param crash: told of each commit point.
    """

    def __init__(
        self,
        config: CoordinatorConfig,
        path: Path | None,
        *,
        wall: Callable[[], float],
        rng: random.Random,
        emit: Emit = lambda _kind, _subject, _data: None,
        seed: Seed | None = None,
        crash: CrashHook | None = None,
        key_source: Callable[[int], Secret] = Secret.random,
        make_key_pair: Callable[[], KeyPair] = KeyPair.generate,
    ) -> None:
        missing = set(OPERATIONS) - set(HANDLERS)
        assert not missing, missing
        self._make_key_pair = make_key_pair
        self.database = Database(path, commit_points(), crash)
        self.world = World(config, self.database, wall=wall, rng=rng, emit=emit, key_source=key_source)
        self.engine = Engine(self.world, MACHINES)
        with self.database.transaction(START):
            if self.world.meta(_PAGER_KEY) is None:
                self.world.set_meta(_PAGER_KEY, key_source(32).reveal().hex())
                if seed is not None:
                    plant(self.world, seed)
            chores.run(self.world, self.engine, make_key_pair)
        self._pager = Pager(Secret(bytes.fromhex(self.world.meta(_PAGER_KEY) or "")))
        self.commands = Commands(self.world, self.engine)
        self.engine.wake_all()

    def close(self) -> None:
        self.database.close()

    # -- requests of peers

    def serve(self, request: ApiRequest) -> ApiResponse:
        """:class:`xcnet.coordinator.service.Service`. :raises ApiError: refused, or it could not be committed."""
        try:
            return self._serve(request)
        except StoreFullError as error:
            raise ApiError(Reason.UNAVAILABLE, error.cause, retry_after=1) from error

    def _serve(self, request: ApiRequest) -> ApiResponse:
        operation = request.operation
        handler = HANDLERS[operation.id]
        serving = Serving(self.world, self.engine, request, self._pager)
        if not operation.mutates:
            return _response(handler(serving))
        refused: KeptError | None = None
        answer = None
        with self.database.transaction(f"serve.{operation.id}"):
            recorded = self._recorded(request)
            if recorded is not None:
                return recorded
            try:
                answer = _response(handler(serving))
            except KeptError as error:
                refused = error
            else:
                self._record(request, answer)
        if refused is not None:
            raise refused
        assert answer is not None
        return answer

    def _scope(self, request: ApiRequest) -> tuple[str, str, str]:
        return scope_of(request.caller, request.operation, request.ids, request.query)

    def _recorded(self, request: ApiRequest) -> ApiResponse | None:
        if request.request_id is None:
            return None
        caller, operation, resource = self._scope(request)
        row = self.database.one(
            "SELECT * FROM requests WHERE caller = ? AND operation = ? AND resource = ? AND id = ?",
            caller,
            operation,
            resource,
            check_request_id(request.request_id),
        )
        if row is None or not is_replay(row["digest"], request.digest):
            return None
        body = request.operation.response.model_validate_json(row["answer"])
        return ApiResponse(body, json.loads(row["headers"]))

    def _record(self, request: ApiRequest, answer: ApiResponse) -> None:
        if request.request_id is None:
            return
        caller, operation, resource = self._scope(request)
        self.database.insert(
            "requests",
            caller=caller,
            operation=operation,
            resource=resource,
            id=check_request_id(request.request_id),
            digest=request.digest,
            answer=json.dumps(answer.body.to_wire(reveal=True)),
            headers=json.dumps(dict(answer.headers)),
            time=self.world.wall(),
        )

    # -- calls to peers

    def calls(self) -> list[Call]:
        """The outbox: every call that is still to be answered. Which of them are under way is the caller's to know."""
        return self.engine.calls()

    def outbox(self) -> list[tuple[str, str, float]]:
        """(id, peer, policy time at which it is due) of every call that is still to be answered, those due first."""
        return self.engine.outbox()

    def call(self, identifier: str) -> Call:
        """:raises KeyError: it has been answered, or is not needed any more."""
        return self.engine.call(identifier)

    def call_ended(self, call: Call, outcome: Outcome) -> None:
        """One attempt of a call is over."""
        self.engine.call_ended(call, outcome)

    # -- the network

    def network(self) -> NetworkView:
        """What the own network should be now."""
        return network_view(self.world)

    @property
    def generation(self) -> int:
        """Grows with every change of :meth:`network`."""
        return self.world.generation

    def applied(self, generation: int) -> None:
        """The routers hold :meth:`network` as it was at ``generation``."""
        self.world.facts.applied = generation
        with self.database.transaction(APPLIED):
            for channel in self._channels():
                keys.note(self.world, self.engine, channel)
                holds.note(self.world, self.engine, channel)
            for row in self.database.all("SELECT DISTINCT uuid FROM connections WHERE deprefer = 1"):
                status.note(self.world, self.engine, row["uuid"])
        # Whoever waits for it: workflows about channels and connections alike.
        self.engine.wake_all()

    def observe(
        self,
        channels: dict[str, ChannelFact] | None = None,
        up: dict[tuple[str, str], bool] | None = None,
        carrying: dict[tuple[str, str], bool] | None = None,
    ) -> None:
        """The network shows this now; what is not mentioned is as it was. See :class:`Facts`.

        :raises StoreFullError: it counts as not observed.
        """
        facts = self.world.facts
        before = dict(facts.channels), dict(facts.up), dict(facts.carrying)
        new_channels = {name: fact for name, fact in (channels or {}).items() if facts.channels.get(name) != fact}
        new_up = {key: value for key, value in (up or {}).items() if facts.up.get(key) != value}
        new_carrying = {key: value for key, value in (carrying or {}).items() if facts.carrying.get(key) != value}
        if not (new_channels or new_up or new_carrying):
            return
        facts.channels.update(new_channels)
        facts.up.update(new_up)
        facts.carrying.update(new_carrying)
        touched = {*new_channels, *(channel for _uuid, channel in new_carrying)}
        uuids = {uuid for uuid, _channel in (*new_up, *new_carrying)}
        try:
            with self.database.transaction(OBSERVE):
                for channel in sorted(touched):
                    keys.note(self.world, self.engine, channel)
                    holds.note(self.world, self.engine, channel)
                for uuid in sorted(uuids):
                    status.note(self.world, self.engine, uuid)
        except StoreFullError:
            facts.channels, facts.up, facts.carrying = before
            raise
        self.world.wake(*touched, *(channel for _uuid, channel in new_up), *uuids)

    def forget(self, gone: Iterable[tuple[str, str]]) -> None:
        """(connection UUID, channel) pairs that are no longer configured: what was seen of them does not count."""
        for key in gone:
            self.world.facts.up.pop(key, None)
            self.world.facts.carrying.pop(key, None)

    def monitored(self, outcome: MonitorOutcome) -> bool:
        """The monitor has found this, and nothing else. Returns whether anything follows of it that did not before."""
        if not findings.differs(self.world, outcome):
            return False
        with self.database.transaction(MONITOR):
            findings.follow(self.world, self.engine, outcome)
        return True

    def _channels(self) -> Collection[str]:
        return [
            channel.name
            for environment in self.world.config.environments
            for interconnect in environment.interconnects
            for channel in interconnect.channels
        ]

    # -- time

    def pump(self) -> None:
        """Let everything go on whose moment has come."""
        if chores.next_due(self.world) <= self.world.now():
            with self.database.transaction(CHORES):
                chores.run(self.world, self.engine, self._make_key_pair)
        self.engine.pump()

    def try_store(self) -> None:
        """Commit something, after it was impossible; workflows then look again at all that came meanwhile.

        :raises StoreFullError: it still is.
        """
        with self.database.transaction(CHORES):
            self.world.set_meta(_WRITABLE_KEY, str(self.world.wall()))
        self.engine.wake_all()

    def next_timer(self) -> float:
        """Policy time at which :meth:`pump` is due next, the outbox apart."""
        due = self.engine.next_timer()
        chore = chores.next_due(self.world)
        return chore if due is None else min(due, chore)

    def next_due(self) -> float:
        """Policy time at which :meth:`pump` or a call of the outbox is due next."""
        due = self.engine.next_due()
        chore = chores.next_due(self.world)
        return chore if due is None else min(due, chore)


def _response(answer: object) -> ApiResponse:
    return answer if isinstance(answer, ApiResponse) else ApiResponse(answer)  # type: ignore[arg-type]


__all__ = ["HANDLERS", "Core", "commit_points"]
