"""Customers' commands: a connection's making, its changes, its end."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, ClassVar

from pydantic import Field

from xcnet.coordinator.acts import activation, attachments
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.commands.base import ConnectionInput, Input, Subject
from xcnet.coordinator.config import EnvironmentConfig
from xcnet.coordinator.policy.bandwidth import check_capacity, check_size
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionState
from xcnet.errors import InputError, LabError
from xcnet.spec import activation_key
from xcnet.spec.activation_key import ActivationKeyError
from xcnet.spec.errors import ApiError
from xcnet.spec.names import ResourceName, ResourceNameError


class Attach(Input):
    """What a connection is attached to. :param port: the gateway's port to a host. :param networks: the customer's, CIDR."""

    name: Annotated[str | None, Field(max_length=11, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")] = None
    port: str | None = None
    networks: tuple[str, ...]


class IntentInput(Input):
    environment: str
    mbps: int
    account: str
    peer_account: str
    attach: Attach


class AcceptInput(Input):
    key: str
    account: str
    attach: Attach
    defer: bool = False


class ResizeInput(ConnectionInput):
    mbps: int


class MigrateInput(ConnectionInput):
    """:param to: the interconnect; the one with most free bandwidth where absent."""

    to: str | None = None


class CustomerCommands(Subject):
    """Of a customer who has an account here."""

    NAMES: ClassVar = ("intent", "accept", "resize", "migrate", "disconnect")

    def _intent(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = IntentInput.model_validate(parameters)
        environment = self._environment(given.environment)
        self._account(given.account)
        check_size(given.mbps, environment.sizes_mbps)
        self._quota(given.account)
        if not any(self._has_room(each.name, given.mbps) for each in environment.interconnects):
            raise LabError(
                f"no interconnect of {environment.name} has {given.mbps} Mbit/s free",
                where=environment.name,
                remedy="ask for less, or disconnect something",
            )
        uuid = self._world.new_id()
        row = self._attach(uuid, given.account, given.attach)
        workflow = self._engine.start(
            "intent",
            uuid,
            "asking",
            {
                "environment": environment.name,
                "peer": environment.peer,
                "mbps": given.mbps,
                "account": given.account,
                "peer_account": given.peer_account,
            },
        )
        return {"workflow": workflow, "uuid": uuid, "name": row.name, "environment": environment.name}

    def _accept(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = AcceptInput.model_validate(parameters)
        self._account(given.account)
        clear, environment = self._read_key(given.key)
        if clear.destination_account_id != given.account:
            raise LabError(
                "the activation key is for another account",
                where=f"account {given.account}",
                remedy="accept it as the account that it was made for, or have another made",
            )
        check_size(clear.connection_size_mbps, environment.sizes_mbps)
        uuid = clear.shared_connection_uuid
        if attachments.attachment(self._db, uuid) is not None or records.connections(self._db, uuid):
            raise LabError(
                "the activation key has been accepted here already",
                where=uuid,
                remedy="see 'xcnet connections'; a key is good for one connection",
            )
        self._quota(given.account)
        if not any(self._has_room(each.name, clear.connection_size_mbps) for each in environment.interconnects):
            raise LabError(
                f"no interconnect of {environment.name} has {clear.connection_size_mbps} Mbit/s free any more",
                where=environment.name,
                remedy="have a key made for less, or disconnect something",
            )
        row = self._attach(uuid, given.account, given.attach)
        workflow = self._engine.start(
            "connect",
            uuid,
            "confirming",
            {
                "environment": environment.name,
                "peer": environment.peer,
                "mbps": clear.connection_size_mbps,
                "account": given.account,
                "encoded": given.key,
                "fingerprint": activation_key.fingerprint(given.key),
                "defer": given.defer,
            },
        )
        return {
            "workflow": workflow,
            "uuid": uuid,
            "name": row.name,
            "environment": environment.name,
            "mbps": clear.connection_size_mbps,
        }

    def _read_key(self, text: str) -> tuple[activation_key.ActivationKey, EnvironmentConfig]:
        pairs = activation.key_pairs(self._world)
        try:
            clear = activation_key.open_key(activation_key.parse(text), pairs)
            name = ResourceName.parse(clear.destination_environment_uri)
        except (ActivationKeyError, ResourceNameError) as error:
            raise InputError(
                f"this is no activation key that {self._world.config.display_name} can read: {error}",
                where="activation key",
                remedy="paste it as it was printed, whole; it may also be for another provider",
            ) from None
        environment = self._world.config.environment(name.id) if name.collection == "environments" else None
        if environment is None or name.get("providers") != environment.peer:
            raise InputError(
                f"the activation key is for {clear.destination_environment_uri!r}, which is not an environment here",
                where="activation key",
                remedy=f"accept it at the provider that it was made for; here: {self._environments()}",
            )
        return clear, environment

    def _resize(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = ResizeInput.model_validate(parameters)
        row = self._connection(given)
        config = self._world.config.interconnect(row.interconnect)
        assert config is not None
        self._not_busy(row)
        if row.state is ConnectionState.TENTATIVE:
            raise LabError("the connection is not at both sides yet", where=self._name(row), remedy="wait until it is")
        check_size(given.mbps, config.sizes_mbps)
        if given.mbps == row.bandwidth_mbps:
            raise LabError(
                f"the connection has {given.mbps} Mbit/s already",
                where=self._name(row),
                remedy="say another bandwidth; 'xcnet environments' shows what is offered",
            )
        try:
            check_capacity(given.mbps - row.bandwidth_mbps, connection_acts.free_mbps(self._world, row.interconnect))
        except ApiError as error:
            raise LabError(
                error.message, where=row.interconnect, remedy="migrate the connection to an interconnect with room"
            ) from None
        workflow = self._engine.start(
            "update", row.uuid, "calling", {"interconnect": row.interconnect, "mbps": given.mbps}
        )
        return self._started(workflow, row)

    def _migrate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = MigrateInput.model_validate(parameters)
        row = self._connection(given)
        self._not_busy(row)
        if row.state is not ConnectionState.AVAILABLE:
            raise LabError("the connection is not up yet", where=self._name(row), remedy="wait until it is verified")
        environment = self._world.config.environment_of(row.interconnect)
        others = [each for each in environment.interconnects if each.name != row.interconnect and not each.closed]
        if given.to is not None:
            others = [each for each in others if each.name == given.to]
        free = {each.name: connection_acts.free_mbps(self._world, each.name) for each in others}
        chosen = max(sorted(free), key=lambda name: free[name], default=None)
        if chosen is None or free[chosen] < row.bandwidth_mbps:
            known = ", ".join(f"{name} ({mbps} Mbit/s free)" for name, mbps in free.items()) or "none"
            raise LabError(
                f"no other interconnect of {environment.name} has {row.bandwidth_mbps} Mbit/s free",
                where=self._name(row),
                remedy=f"others are: {known}",
            )
        workflow = self._engine.start(
            "migrate", row.uuid, "creating", {"old": row.interconnect, "new": chosen, "account": row.own_account}
        )
        return self._started(workflow, row) | {"to": chosen}

    def _disconnect(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = ConnectionInput.model_validate(parameters)
        found = self._find(given.connection)
        if not found:
            return self._discard(given.connection)
        row = found[-1]
        self._authorise(row, given.account)
        started = []
        for each in found:
            if each.state is ConnectionState.DELETING:
                continue
            for kind in ("connect", "provision", "feature", "withdraw", "update", "disable-connection", "migrate"):
                for workflow in self._engine.running(kind, each.uuid):
                    self._engine.cancel(workflow, "the connection was disconnected")
            started.append(self._engine.start("delete", each.uuid, "calling", {"interconnect": each.interconnect}))
        if not started:
            raise LabError("the connection is being deleted already", where=self._name(row))
        return self._started(started[-1], row)

    def _discard(self, named: str) -> dict[str, Any]:
        """An activation key that was never used. :raises LabError: there is nothing of that name."""
        held = self._db.one("SELECT * FROM attachments WHERE uuid = ? OR name = ?", named, named)
        if held is None or self._engine.running("connect", held["uuid"]):
            raise self._unknown(named)
        self._db.execute("UPDATE activations SET state = 'dead', encoded = NULL WHERE uuid = ?", held["uuid"])
        for workflow in self._engine.running("intent", held["uuid"]):
            self._engine.cancel(workflow, "the connection was disconnected")
        connection_acts.forget(self._world, held["uuid"])
        return {"workflow": None, "uuid": held["uuid"], "name": held["name"]}

    def _environments(self) -> str:
        return ", ".join(each.name for each in self._world.config.environments)

    def _environment(self, name: str) -> EnvironmentConfig:
        found = self._world.config.environment(name)
        if found is None:
            raise InputError(
                f"there is no environment {name!r}", where="--environment", remedy=f"there are: {self._environments()}"
            )
        return found

    def _account(self, account: str) -> None:
        if account not in self._world.config.accounts:
            known = ", ".join(self._world.config.accounts) or "none"
            raise InputError(
                f"{self._world.config.display_name} has no account {account!r}",
                where="account",
                remedy=f"accounts are: {known}",
            )

    def _quota(self, account: str) -> None:
        rules = self._world.rules
        held = int(self._db.value("SELECT count(*) FROM attachments WHERE account = ?", account))
        if held >= rules.connections_per_account:
            raise LabError(
                f"the account has {held} connections; {rules.connections_per_account} are allowed",
                where=f"account {account}",
                remedy="disconnect one, or raise coordinator.quotas in the provider's profile",
            )
        pending = int(
            self._db.value(
                "SELECT count(*) FROM activations WHERE own_account = ? AND state IN ('issued', 'confirmed')", account
            )
        )
        if pending >= rules.pending_per_account:
            raise LabError(
                f"{pending} activation keys of the account are unused; {rules.pending_per_account} are allowed",
                where=f"account {account}",
                remedy="accept or disconnect one, or raise coordinator.quotas in the provider's profile",
            )

    def _has_room(self, interconnect: str, mbps: int) -> bool:
        config = self._world.config.interconnect(interconnect)
        return config is not None and not config.closed and connection_acts.free_mbps(self._world, interconnect) >= mbps

    def _attach(self, uuid: str, account: str, attach: Attach) -> attachments.AttachmentRow:
        networks = tuple(str(ip_network(each)) for each in attach.networks)
        return attachments.create(
            self._world, uuid, account=account, name=attach.name, port=attach.port, networks=networks
        )


__all__ = ["CustomerCommands"]
