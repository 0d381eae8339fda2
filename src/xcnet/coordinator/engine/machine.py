"""One workflow: its row, and the base of the classes that say what its events do."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from xcnet.coordinator.engine.calls import Answered, Refused
from xcnet.coordinator.engine.tables import DONE, FAILED, StateTable
from xcnet.coordinator.world import World
from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError

if TYPE_CHECKING:
    from xcnet.coordinator.engine.engine import Engine


@dataclass
class WorkflowRow:
    """:param subject: what it is about: a connection's UUID, a channel, an issue.
    :param due: policy time of its timer. :param parent: the workflow that waits for it.
    """

    id: str
    kind: str
    subject: str
    state: str
    data: dict[str, Any]
    due: float | None
    started: float
    parent: str | None

    @classmethod
    def of(cls, row: sqlite3.Row) -> WorkflowRow:
        return cls(
            id=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            state=row["state"],
            data=json.loads(row["data"]),
            due=row["due"],
            started=row["started"],
            parent=row["parent"],
        )


class Machine:
    """Base of a kind of workflow. A subclass has a table, and for each of its transitions a method ``STATE_EVENT``.

    Such a method runs inside the transition's transaction, changes the store, and returns the next state. ``guard`` is
    asked whenever something changed that may concern the workflow, and names the event that has come, if any: it depends
    on the store, the facts and the time alone, so that nothing is missed by a process that ended in between.
    """

    TABLE: ClassVar[StateTable]

    def __init__(self, world: World, row: WorkflowRow, engine: Engine) -> None:
        self.world = world
        self.db = world.db
        self.row = row
        self.engine = engine

    def begin(self) -> None:
        """The deeds that go with its start, in the same transaction."""

    @property
    def data(self) -> dict[str, Any]:
        return self.row.data

    @property
    def subject(self) -> str:
        return self.row.subject

    def guard(self) -> str | None:
        """The event that the state waited for, if it has come. Timers are looked after elsewhere."""
        return None

    # -- for the methods of transitions

    def timer(self, seconds: float | None) -> None:
        """Have the event ``timer`` come after so many seconds of policy time; None for never."""
        self.row.due = None if seconds is None else self.world.now() + seconds

    def fail(self, message: str) -> str:
        """End without success. :param message: what the customer or operator is told."""
        self.data["message"] = message
        return FAILED

    def done(self, message: str = "") -> str:
        if message:
            self.data["message"] = message
        return DONE

    def call(
        self,
        operation: str,
        peer: str,
        ids: dict[str, str],
        body: WireModel | None = None,
        *,
        query: dict[str, str] | None = None,
        account: str | None = None,
        forever: bool = False,
        after: float = 0.0,
    ) -> None:
        """Put a call into the outbox; ``answered``, ``refused`` or ``gave_up`` comes of it.

        :param ids: path parameters, ``provider`` (this one) apart. :param account: whose proof goes with it.
        :param forever: try until the peer has answered; otherwise as long as the provider's rules say.
        :param after: seconds until the first attempt.
        """
        now = self.world.now()
        self.db.insert(
            "calls",
            id=self.world.new_id(),
            workflow=self.row.id,
            peer=peer,
            operation=operation,
            ids=json.dumps({"provider": self.world.me, **ids}),
            query=json.dumps(query or {}),
            body=json.dumps(body.to_wire(reveal=True)) if body is not None else None,
            request_id=self.world.new_id(),
            account=account,
            forever=int(forever),
            due=now + after,
            first=now,
        )

    def has_call(self) -> bool:
        return self.db.value("SELECT 1 FROM calls WHERE workflow = ?", self.row.id) is not None

    def children(self) -> int:
        """Workflows started by this one that have not ended."""
        return int(self.db.value("SELECT count(*) FROM workflows WHERE parent = ?", self.row.id))

    @staticmethod
    def error(payload: object) -> ApiError:
        """The error in a ``refused`` event."""
        assert isinstance(payload, Refused)
        return payload.error

    @staticmethod
    def answer(payload: object) -> Answered:
        assert isinstance(payload, Answered)
        return payload


__all__ = ["Machine", "WorkflowRow"]
