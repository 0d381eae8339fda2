"""What the client's methods share: names as path parameters, answers as their types, pages as one stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import TracebackType
from typing import Self, TypeVar

from xcnet.coordinator.http.caller import Body, Caller
from xcnet.coordinator.http.outcomes import BadAnswerError
from xcnet.errors import InputError
from xcnet.secret import Secret
from xcnet.spec.base import WireModel
from xcnet.spec.names import ResourceName
from xcnet.spec.operations import OPERATIONS

Target = ResourceName | Mapping[str, str]
"""A resource: its name, or the ids in it by path parameter (``{"provider": "aws", "environment": ...}``)."""

M = TypeVar("M", bound=WireModel)
Item = TypeVar("Item")


def ids_of(target: Target) -> dict[str, str]:
    """Path parameters of a resource: the names of its collections, in the singular, and its ids."""
    if isinstance(target, ResourceName):
        return {collection.removesuffix("s"): identifier for collection, identifier in target.parts}
    return dict(target)


class ClientBase:
    """:param caller: how calls are made: once each, or again where that may help."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """End all connections to the peer."""
        await self._caller.close()

    async def _call(
        self,
        answer: type[M],
        operation_id: str,
        target: Target,
        query: Mapping[str, str | int | None] | None = None,
        body: Body | None = None,
        *,
        request_id: str | None = None,
        proof: Secret | None = None,
    ) -> M:
        """:raises InputError: the resource is not of the operation's kind; else as :meth:`Caller.call`."""
        operation = OPERATIONS[operation_id]
        ids = ids_of(target)
        if set(ids) != set(operation.path_parameters):
            raise InputError(
                f"{operation_id} is about {operation.path}, not about a resource with {', '.join(ids) or 'no ids'}",
                where="/".join(ids.values()),
                remedy="give the name of the resource, or of that in which it is created or listed",
            )
        given = {name: value for name, value in (query or {}).items() if value is not None}
        made = await self._caller.call(operation, ids, given, body, request_id=request_id, proof=proof)
        if not isinstance(made.body, answer):
            raise AssertionError(f"{operation_id} answers {type(made.body).__name__}, not {answer.__name__}")
        return made.body


async def pages(fetch: Callable[[str | None], Awaitable[tuple[list[Item] | None, str | None]]]) -> AsyncIterator[Item]:
    """All items of all pages.

    :param fetch: a page by its token; None is the first. Gives items and the next token.
    :raises BadAnswerError: a page leads back to itself.
    """
    token: str | None = None
    while True:
        items, following = await fetch(token)
        for item in items or ():
            yield item
        if not following:
            return
        if following == token:
            raise BadAnswerError(
                "a page of the list leads to itself", remedy="compare both ends' versions of the API", status=200
            )
        token = following


__all__ = ["ClientBase", "Target", "ids_of", "pages"]
