"""Calls to peers as they stand in the outbox, and what can come of one attempt."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from xcnet.spec.base import WireModel
from xcnet.spec.errors import ApiError
from xcnet.spec.operations import OPERATIONS, Operation


@dataclass(frozen=True, slots=True)
class Call:
    """One call that is to be made until its outcome is known.

    :param ids: path parameters. :param body: JSON with its secrets; None for none.
    :param request_id: the same for every attempt. :param account: whose proof goes with it; None for none.
    :param forever: never given up. :param unsettled: an attempt may have been executed: to be settled before the next.
    """

    id: str
    workflow: str
    peer: str
    operation: Operation
    ids: dict[str, str]
    query: dict[str, str]
    body: dict[str, Any] | None
    request_id: str
    account: str | None
    forever: bool
    attempt: int
    unsettled: bool
    due: float
    first: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> Call:
        return cls(
            id=row["id"],
            workflow=row["workflow"],
            peer=row["peer"],
            operation=OPERATIONS[row["operation"]],
            ids=json.loads(row["ids"]),
            query=json.loads(row["query"]),
            body=json.loads(row["body"]) if row["body"] is not None else None,
            request_id=row["request_id"],
            account=row["account"],
            forever=bool(row["forever"]),
            attempt=row["attempt"],
            unsettled=bool(row["unsettled"]),
            due=row["due"],
            first=row["first"],
        )

    @property
    def settling(self) -> Operation | None:
        """The operation that tells whether a change of unknown outcome was made; None if trying again is as good."""
        return OPERATIONS.get(_SETTLED_BY.get(self.operation.id, ""))

    @property
    def settling_ids(self) -> dict[str, str]:
        """Path parameters of :attr:`settling`: those of the resource itself."""
        if self.operation.creates is None:
            return self.ids
        kind = (self.operation.collection or "").removesuffix("s")
        return {**self.ids, kind: self.query[self.operation.creates]}


_SETTLED_BY = {
    "CreateConnection": "GetConnection",
    "UpdateConnection": "GetConnection",
    "DeleteConnection": "GetConnection",
    "CreateFeature": "GetFeature",
    "DeleteFeature": "GetFeature",
    "CreateMacSecKey": "GetMacSecKey",
    "DeleteMacSecKey": "GetMacSecKey",
    "CreateIssue": "GetIssue",
    "CloseIssue": "GetIssue",
}


@dataclass(frozen=True, slots=True)
class Answered:
    """It was done. :param headers: lower-case names."""

    body: WireModel
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Refused:
    """The peer said no; nothing was done."""

    error: ApiError


@dataclass(frozen=True, slots=True)
class NotSent:
    """The peer was not reached; nothing was done."""

    why: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It was sent, and nothing came back: it may have been done."""

    why: str


Outcome = Answered | Refused | NotSent | Unknown


__all__ = ["Answered", "Call", "NotSent", "Outcome", "Refused", "Unknown"]
