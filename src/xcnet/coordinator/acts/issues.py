"""Issues in the store: those that a peer opened here, and those that this provider opened at a peer."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from xcnet.coordinator.world import World
from xcnet.spec.base import timestamp
from xcnet.spec.errors import ApiError, Reason
from xcnet.spec.issues import (
    ChannelContext,
    Comment,
    ConnectionContext,
    FeatureContext,
    InterconnectContext,
    Issue,
    IssueContext,
    IssueState,
)
from xcnet.spec.names import ResourceName

IN, OUT = "in", "out"

_Context = ChannelContext | ConnectionContext | FeatureContext | InterconnectContext


def find(world: World, direction: str, peer: str, identifier: str) -> sqlite3.Row | None:
    return world.db.one("SELECT * FROM issues WHERE direction = ? AND peer = ? AND id = ?", direction, peer, identifier)


def shown(row: sqlite3.Row) -> Issue:
    """As the API shows it."""
    content = Issue.model_validate_json(row["content"])
    return content.model_copy(update={"state": IssueState(row["state"])})


def open_issue(world: World, direction: str, peer: str, identifier: str, body: Issue) -> Issue:
    """:param peer: who has opened it (``in``), or at whom it is opened (``out``)."""
    caller = peer if direction == IN else world.me
    issue = body.model_copy(
        update={
            "name": str(ResourceName.provider(caller).child("issues", identifier)),
            "create_time": timestamp(world.now()),
            "local_issue_id": f"{world.me}-{identifier}" if direction == IN else None,
        }
    )
    world.db.insert(
        "issues",
        direction=direction,
        peer=peer,
        id=identifier,
        state=IssueState.OPEN,
        content=issue.model_dump_json(by_alias=True, exclude_none=True),
        created=world.now(),
    )
    world.emit("issue.opened", identifier, direction=direction, peer=peer, title=issue.title[:200])
    return issue.model_copy(update={"state": IssueState.OPEN})


def set_state(world: World, row: sqlite3.Row, state: IssueState) -> None:
    if row["state"] != state:
        world.db.execute("UPDATE issues SET state = ? WHERE seq = ?", state, row["seq"])
        world.emit("issue.state", row["id"], direction=row["direction"], peer=row["peer"], state=str(state))


def add_comment(world: World, row: sqlite3.Row, author: str, body: str) -> Comment:
    seq = world.db.insert("comments", issue=row["seq"], author=author, body=body, created=world.now())
    world.emit("issue.commented", row["id"], direction=row["direction"], by=author)
    comment = world.db.one("SELECT * FROM comments WHERE seq = ?", seq)
    assert comment is not None
    return shown_comment(world, comment)


def comments(world: World, row: sqlite3.Row) -> list[Comment]:
    """The newest first."""
    rows = world.db.all("SELECT * FROM comments WHERE issue = ? ORDER BY seq DESC", row["seq"])
    return [shown_comment(world, each) for each in rows]


def shown_comment(world: World, row: sqlite3.Row) -> Comment:
    config = world.config
    names = {config.provider: config.display_name} | {key: peer.display_name for key, peer in config.peers.items()}
    return Comment(
        body=row["body"],
        create_time=timestamp(row["created"]),
        display_name=names.get(row["author"], row["author"]),
        local_comment_id=str(row["seq"]),
    )


def check_contexts(world: World, caller: str, body: Issue) -> None:
    """:raises ApiError: a context that its kind demands is missing, or one names what the caller has not got."""
    if not body.title.strip() or "\n" in body.title:
        raise ApiError(Reason.INVALID_ARGUMENT, "title must be one line", field="title")
    if not body.body.strip():
        raise ApiError(Reason.INVALID_ARGUMENT, "body is empty", field="body")
    if body.issue_context is IssueContext.CONNECTION and not body.connection_contexts:
        raise ApiError(Reason.INVALID_ARGUMENT, "a connection's issue needs its context", field="connectionContexts")
    if body.issue_context is IssueContext.INTERCONNECT and not body.interconnect_contexts:
        raise ApiError(
            Reason.INVALID_ARGUMENT, "an interconnect's issue needs its context", field="interconnectContexts"
        )
    contexts: dict[str, tuple[str, Sequence[_Context] | None]] = {
        "channelContexts": ("channels", body.channel_contexts),
        "connectionContexts": ("connections", body.connection_contexts),
        "featureContexts": ("features", body.feature_contexts),
        "interconnectContexts": ("interconnects", body.interconnect_contexts),
    }
    for field, (collection, given) in contexts.items():
        for index, context in enumerate(given or ()):
            where = f"{field}[{index}].name"
            try:
                name = ResourceName.parse(context.name)
            except ValueError:
                raise ApiError(Reason.INVALID_ARGUMENT, f"{where} is not a resource name", field=where) from None
            if name.collection != collection or name.get("providers") != caller:
                raise ApiError(
                    Reason.INVALID_ARGUMENT, f"{where} does not name one of the caller's {collection}", field=where
                )
            if not _known(world, caller, name):
                raise ApiError(Reason.INVALID_ARGUMENT, f"{where} names what is not there", field=where)


def _known(world: World, caller: str, name: ResourceName) -> bool:
    environment = world.config.environment(name.get("environments"))
    if environment is None or environment.peer != caller:
        return False
    interconnect = next((each for each in environment.interconnects if each.name == name.get("interconnects")), None)
    if interconnect is None:
        return False
    db = world.db
    match name.collection:
        case "channels":
            return any(each.name == name.id for each in interconnect.channels)
        case "connections":
            found = db.value(
                "SELECT 1 FROM connections WHERE interconnect = ? AND uuid = ?", interconnect.name, name.id
            )
            return found is not None
        case "features":
            found = db.value(
                "SELECT 1 FROM features WHERE interconnect = ? AND uuid = ? AND id = ?",
                interconnect.name,
                name.get("connections"),
                name.id,
            )
            return found is not None
        case _:
            return True


__all__ = [
    "IN",
    "OUT",
    "add_comment",
    "check_contexts",
    "comments",
    "find",
    "open_issue",
    "set_state",
    "shown",
    "shown_comment",
]
