"""Operators' commands: channels and connections out of use and back, keys, maintenance, policy time."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar

from pydantic import Field

from xcnet.coordinator.acts import holds, keys, status
from xcnet.coordinator.acts import maintenance as maintenance_acts
from xcnet.coordinator.commands.base import ChannelInput, ConnectionInput, Input, Subject
from xcnet.coordinator.policy.keys import check_rotation_request
from xcnet.coordinator.policy.maintenance import Window, check_schedule
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import FeatureState
from xcnet.coordinator.workflows.admin import admin_hold
from xcnet.errors import InputError, LabError
from xcnet.spec.errors import ApiError
from xcnet.spec.resources import AdminState


class RotateInput(ChannelInput):
    reason: str = ""


class ScheduleInput(ChannelInput):
    """:param start: seconds from now, policy time. :param duration: seconds."""

    start: Annotated[float, Field(ge=0)]
    duration: Annotated[float, Field(gt=0)]
    emergency: bool = False


class MaintenanceInput(Input):
    maintenance: str


class WithdrawInput(ConnectionInput):
    channel: str


class AdvanceInput(Input):
    seconds: Annotated[float, Field(gt=0, le=10 * 365 * 86400)]


class OperatorCommands(Subject):
    """Of the provider's own people."""

    NAMES: ClassVar = (
        "withdraw",
        "disable-connection",
        "enable-connection",
        "rotate",
        "disable-channel",
        "enable-channel",
        "schedule",
        "cancel",
        "advance",
    )

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
        if held is not None and held.level != holds.DRAIN:
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
        if held is None or held.level == holds.DRAIN:
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

    def _advance(self, parameters: dict[str, Any]) -> dict[str, Any]:
        given = AdvanceInput.model_validate(parameters)
        self._world.advance(given.seconds)
        self._world.emit("clock.advanced", self._world.me, seconds=given.seconds)
        return {"now": self._world.now()}


__all__ = ["OperatorCommands"]
