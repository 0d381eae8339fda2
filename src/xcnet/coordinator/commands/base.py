"""What commands of all subjects need: what they are given, whom and what it is about, and how a refusal is worded."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict

from xcnet.coordinator.acts import attachments
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState
from xcnet.coordinator.world import World
from xcnet.errors import InputError, LabError


class Input(BaseModel):
    """A command's parameters."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectionInput(Input):
    """:param connection: name or UUID."""

    connection: str
    account: str | None = None


class ChannelInput(Input):
    channel: str


class Subject:
    """The commands of one subject: a method for each of :attr:`NAMES`, which is given the parameters inside the transaction."""

    NAMES: ClassVar[tuple[str, ...]] = ()

    def __init__(self, world: World, engine: Engine) -> None:
        self._world = world
        self._db = world.db
        self._engine = engine

    def run(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises XcnetError: refused. :raises ApiError: likewise. :raises pydantic.ValidationError: malformed."""
        answer: dict[str, Any] = getattr(self, f"_{command.replace('-', '_')}")(parameters)
        return answer

    def _tell(
        self,
        subject: str,
        peer: str,
        operation: str,
        ids: dict[str, str],
        body: dict[str, Any],
        *,
        query: dict[str, str] | None = None,
        forever: bool = False,
    ) -> str:
        data = {
            "peer": peer,
            "operation": operation,
            "ids": ids,
            "query": query or {},
            "body": body,
            "forever": forever,
        }
        return self._engine.start("tell", subject, "calling", data)

    def _find(self, named: str) -> list[ConnectionRow]:
        uuid = self._db.value("SELECT uuid FROM attachments WHERE name = ? OR uuid = ?", named, named)
        return records.connections(self._db, uuid) if uuid is not None else []

    def _connection(self, given: ConnectionInput) -> ConnectionRow:
        """The newest of its UUID."""
        found = self._find(given.connection)
        if not found:
            raise self._unknown(given.connection)
        row = found[-1]
        self._authorise(row, given.account)
        if row.state is ConnectionState.DELETING:
            raise LabError("the connection is being deleted", where=self._name(row))
        return row

    def _unknown(self, named: str) -> InputError:
        known = ", ".join(row["name"] for row in self._db.all("SELECT name FROM attachments ORDER BY name")) or "none"
        return InputError(
            f"there is no connection {named!r} at {self._world.config.display_name}",
            where="connection",
            remedy=f"there are: {known}",
        )

    def _authorise(self, row: ConnectionRow, account: str | None) -> None:
        if account is not None and account != row.own_account:
            raise LabError(
                "the connection is another account's", where=f"account {account}", remedy="use the account that made it"
            )

    def _not_busy(self, row: ConnectionRow) -> None:
        running = any(self._engine.running(kind, row.uuid) for kind in ("update", "migrate"))
        # The peer migrates it where there are two of them.
        if running or len(records.connections(self._db, row.uuid)) > 1:
            raise LabError(
                "another change of the connection is under way",
                where=self._name(row),
                remedy="wait until it is over; see 'xcnet describe'",
            )

    def _name(self, row: ConnectionRow) -> str:
        held = attachments.attachment(self._db, row.uuid)
        return held.name if held is not None else row.uuid

    def _started(self, workflow: str, row: ConnectionRow) -> dict[str, Any]:
        return {"workflow": workflow, "uuid": row.uuid, "name": self._name(row), "interconnect": row.interconnect}

    def _channel(self, name: str) -> Any:
        found = self._world.config.channel(name)
        if found is None:
            known = ", ".join(
                channel.name
                for environment in self._world.config.environments
                for interconnect in environment.interconnects
                for channel in interconnect.channels
            )
            raise InputError(f"there is no channel {name!r}", where="channel", remedy=f"there are: {known}")
        return found


__all__ = ["ChannelInput", "ConnectionInput", "Input", "Subject"]
