"""What customers and operators can ask of their own provider's coordinator: the commands of its admin socket."""

from __future__ import annotations

import math
from ipaddress import ip_network
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from xcnet.coordinator.acts import activation, attachments, holds, keys, status
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.acts import issues as issue_acts
from xcnet.coordinator.acts import maintenance as maintenance_acts
from xcnet.coordinator.config import EnvironmentConfig
from xcnet.coordinator.engine.engine import Engine
from xcnet.coordinator.policy.bandwidth import check_capacity, check_size
from xcnet.coordinator.policy.keys import check_rotation_request
from xcnet.coordinator.policy.maintenance import Window, check_schedule
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, ConnectionState, FeatureState
from xcnet.coordinator.workflows.admin import admin_hold
from xcnet.coordinator.world import World
from xcnet.errors import InputError, LabError
from xcnet.spec import activation_key
from xcnet.spec.activation_key import ActivationKeyError
from xcnet.spec.errors import ApiError
from xcnet.spec.issues import Comment, Issue, IssueState
from xcnet.spec.names import ResourceName, ResourceNameError
from xcnet.spec.resources import AdminState


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Attach(_Input):
    """What a connection is attached to. :param port: the gateway's port to a host. :param networks: the customer's, CIDR."""

    name: Annotated[str | None, Field(max_length=11, pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$")] = None
    port: str | None = None
    networks: tuple[str, ...]


class IntentInput(_Input):
    environment: str
    mbps: int
    account: str
    peer_account: str
    attach: Attach


class AcceptInput(_Input):
    key: str
    account: str
    attach: Attach
    defer: bool = False


class ConnectionInput(_Input):
    """:param connection: name or UUID."""

    connection: str
    account: str | None = None


class ResizeInput(ConnectionInput):
    mbps: int


class MigrateInput(ConnectionInput):
    """:param to: the interconnect; the one with most free bandwidth where absent."""

    to: str | None = None


class ChannelInput(_Input):
    channel: str


class RotateInput(ChannelInput):
    reason: str = ""


class ScheduleInput(ChannelInput):
    """:param start: seconds from now, policy time. :param duration: seconds."""

    start: Annotated[float, Field(ge=0)]
    duration: Annotated[float, Field(gt=0)]
    emergency: bool = False


class MaintenanceInput(_Input):
    maintenance: str


class WithdrawInput(ConnectionInput):
    channel: str


class IssueInput(_Input):
    peer: str
    issue: dict[str, Any]


class CommentInput(_Input):
    peer: str
    issue: str
    body: str


class IssueNameInput(_Input):
    peer: str
    issue: str


class AdvanceInput(_Input):
    seconds: Annotated[float, Field(gt=0, le=10 * 365 * 86400)]


COMMANDS = (
    "intent",
    "accept",
    "resize",
    "migrate",
    "disconnect",
    "withdraw",
    "disable-connection",
    "enable-connection",
    "rotate",
    "disable-channel",
    "enable-channel",
    "schedule",
    "cancel",
    "open-issue",
    "comment",
    "close-issue",
    "advance",
)
"""Those that change something; each is a commit point, ``command.NAME``."""


class Commands:
    """:meth:`run` takes a command's name and parameters. What it started goes on as a workflow, whose id is in the answer."""

    def __init__(self, world: World, engine: Engine) -> None:
        self._world = world
        self._db = world.db
        self._engine = engine

    def run(self, command: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """:raises XcnetError: refused, with the reason and what to do about it. :raises pydantic.ValidationError: malformed."""
        if command not in COMMANDS:
            raise InputError(f"the coordinator knows no command {command!r}", remedy="use xcnet of the same version")
        with self._db.transaction(f"command.{command}"):
            try:
                answer: dict[str, Any] = getattr(self, f"_{command.replace('-', '_')}")(parameters)
            except ApiError as error:
                raise LabError(error.message, where=error.field or command) from None
        return answer

    # -- customers

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

    # -- operators

    def _withdraw(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = WithdrawInput.model_validate(parameters)
        row = self._connection(given)
        feature = records.feature_on(self._db, row.uuid, given.channel)
        if feature is None or feature.state not in (FeatureState.PENDING, FeatureState.FINAL):
            raise LabError(f"the connection has no feature on {given.channel}", where=self._name(row))
        workflow = self._engine.start(
            "withdraw", row.uuid, "draining", {"interconnect": row.interconnect, "feature": feature.id}
        )
        return self._started(workflow, row)

    def _disable_connection(self, parameters: dict[str, Any]) -> dict[str, Any]:
        row = self._connection(ConnectionInput.model_validate(parameters))
        if row.admin is AdminState.DISABLED or row.deprefer:
            raise LabError("the connection is disabled, or being drained, already", where=self._name(row))
        workflow = self._engine.start("disable-connection", row.uuid, "draining", {"interconnect": row.interconnect})
        return self._started(workflow, row)

    def _enable_connection(self, parameters: dict[str, Any]) -> dict[str, Any]:
        row = self._connection(ConnectionInput.model_validate(parameters))
        self._db.execute("UPDATE connections SET admin = ?, deprefer = 0 WHERE seq = ?", AdminState.ENABLED, row.seq)
        self._world.network_changed()
        self._world.wake(row.uuid)
        self._world.emit("connection.enabled", row.uuid, interconnect=row.interconnect)
        status.changed(self._world, self._engine, row)
        return {"workflow": None, "uuid": row.uuid, "name": self._name(row)}

    def _rotate(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """By this provider if it manages the channel's keys; otherwise its manager is asked to."""
        given = RotateInput.model_validate(parameters)
        interconnect, channel = self._channel(given.channel)
        if not channel.rolls_over:
            raise InputError(
                "an end of the channel runs wpa_supplicant, which cannot roll a key over",
                where=channel.name,
                remedy="rotate a channel whose ends both have key_agreement: xcnet",
            )
        if channel.macsec_manager == self._world.me:
            facts = keys.facts(self._world, interconnect.name)
            try:
                check_rotation_request(facts, self._world.me, channel.macsec_manager, channel.name, self._world.now())
            except ApiError as error:
                raise LabError(
                    error.message,
                    where=channel.name,
                    remedy="wait, or let policy time go on: 'xcnet clock advance 2h'",
                ) from None
            if self._engine.running("rotate", channel.name):
                raise LabError("the channel's key is being rotated", where=channel.name)
            workflow = self._engine.start("rotate", channel.name, "installing")
            return {"workflow": workflow, "channel": channel.name, "manager": self._world.me}
        environment = self._world.config.environment_of(interconnect.name)
        workflow = self._tell(
            channel.name,
            environment.peer,
            "RequestMacSecKeyRotation",
            {"environment": environment.name, "interconnect": interconnect.name, "channel": channel.name},
            {"reason": given.reason or "asked for by an operator"},
        )
        return {"workflow": workflow, "channel": channel.name, "manager": environment.peer}

    def _disable_channel(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _interconnect, channel = self._channel(ChannelInput.model_validate(parameters).channel)
        held = admin_hold(self._db, channel.name)
        if held is not None and held.level == holds.DOWN:
            raise LabError(
                "the channel is disabled already",
                where=channel.name,
                remedy=f"'xcnet channel enable {channel.name}' puts it to use again",
            )
        workflow = self._engine.start("disable-channel", channel.name, "draining")
        return {"workflow": workflow, "channel": channel.name}

    def _enable_channel(self, parameters: dict[str, Any]) -> dict[str, Any]:
        _interconnect, channel = self._channel(ChannelInput.model_validate(parameters).channel)
        held = admin_hold(self._db, channel.name)
        if held is None or held.level != holds.DOWN:
            raise LabError("the channel is not disabled", where=channel.name, remedy="see 'xcnet environments'")
        workflow = self._engine.start("enable-channel", channel.name, "restoring")
        return {"workflow": workflow, "channel": channel.name}

    def _schedule(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = ScheduleInput.model_validate(parameters)
        interconnect, channel = self._channel(given.channel)
        notice = self._world.config.rules.maintenance_notice
        if given.start < notice and not given.emergency:
            hours = math.ceil(notice / 3600)
            raise InputError(
                f"{self._world.config.display_name} announces work {hours} h ahead, not {given.start / 3600:.3g} h",
                where="start",
                remedy=f"let it begin in {hours}h or later, or call it an emergency",
            )
        start = self._world.now() + given.start
        window = Window(
            channel=channel.name,
            id=self._world.new_id(),
            start=start,
            end=start + given.duration,
            owner=self._world.me,
            emergency=given.emergency,
        )
        known = maintenance_acts.windows(self._world, interconnect.name)
        groups = {each.name: frozenset({interconnect.name}) for each in interconnect.channels}
        check_schedule(window, known, groups, self._world.now())
        workflow = self._engine.start(
            "maintenance",
            channel.name,
            "checking",
            {
                "maintenance": window.id,
                "start": window.start,
                "end": window.end,
                "emergency": given.emergency,
            },
        )
        return {"workflow": workflow, "maintenance": window.id, "channel": channel.name}

    def _cancel(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = MaintenanceInput.model_validate(parameters)
        row = self._db.one(
            "SELECT * FROM workflows WHERE kind = 'maintenance' AND json_extract(data, '$.maintenance') LIKE ?",
            f"{given.maintenance}%",
        )
        if row is None:
            raise InputError(
                f"there is no maintenance {given.maintenance!r} of {self._world.config.display_name}",
                where="maintenance",
                remedy="see 'xcnet maintenance list'; only its own provider can cancel one",
            )
        self._db.execute(
            "UPDATE workflows SET data = json_set(data, '$.cancelled', json('true')) WHERE id = ?", row["id"]
        )
        self._world.wake(row["subject"])
        return {"workflow": row["id"], "channel": row["subject"]}

    def _open_issue(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = IssueInput.model_validate(parameters)
        self._peer(given.peer)
        body = Issue.model_validate(given.issue)
        identifier = self._world.new_id()
        issue_acts.open_issue(self._world, issue_acts.OUT, given.peer, identifier, body)
        workflow = self._tell(
            identifier, given.peer, "CreateIssue", {}, body.to_wire(), query={"issueId": identifier}, forever=True
        )
        return {"workflow": workflow, "issue": identifier}

    def _comment(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = CommentInput.model_validate(parameters)
        row, direction = self._issue(given.peer, given.issue)
        comment = Comment(body=given.body)
        if direction == issue_acts.IN:
            issue_acts.add_comment(self._world, row, self._world.me, given.body)
            return {"workflow": None, "issue": given.issue}
        body = {"comment": comment.to_wire()}
        workflow = self._tell(row["id"], given.peer, "AddComment", {"issue": row["id"]}, body, forever=True)
        return {"workflow": workflow, "issue": row["id"]}

    def _close_issue(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = IssueNameInput.model_validate(parameters)
        row, direction = self._issue(given.peer, given.issue)
        if direction == issue_acts.IN:
            issue_acts.set_state(self._world, row, IssueState.CLOSED)
            return {"workflow": None, "issue": row["id"]}
        workflow = self._tell(row["id"], given.peer, "CloseIssue", {"issue": row["id"]}, {}, forever=True)
        return {"workflow": workflow, "issue": row["id"]}

    def _advance(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = AdvanceInput.model_validate(parameters)
        self._world.advance(given.seconds)
        self._world.emit("clock.advanced", self._world.me, seconds=given.seconds)
        return {"now": self._world.now()}

    # -- what several need

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

    def _environments(self) -> str:
        return ", ".join(each.name for each in self._world.config.environments)

    def _environment(self, name: str) -> EnvironmentConfig:
        found = self._world.config.environment(name)
        if found is None:
            raise InputError(
                f"there is no environment {name!r}", where="--environment", remedy=f"there are: {self._environments()}"
            )
        return found

    def _peer(self, name: str) -> None:
        if name not in self._world.config.peers:
            known = ", ".join(self._world.config.peers)
            raise InputError(f"there is no provider {name!r} to write to", where="--to", remedy=f"there are: {known}")

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

    def _issue(self, peer: str, identifier: str) -> Any:
        for direction in (issue_acts.OUT, issue_acts.IN):
            row = self._db.one(
                "SELECT * FROM issues WHERE direction = ? AND peer = ? AND id LIKE ?", direction, peer, f"{identifier}%"
            )
            if row is not None:
                return row, direction
        raise InputError(f"there is no issue {identifier!r} with {peer}", where="issue", remedy="see 'xcnet issues'")


__all__ = ["COMMANDS", "Commands"]
