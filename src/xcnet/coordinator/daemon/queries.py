"""What a coordinator can be asked without changing anything, as its admin socket answers it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict

from xcnet.coordinator.acts import attachments, findings, holds, issues, maintenance
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.acts.attachments import AttachmentRow
from xcnet.coordinator.commands import COMMANDS
from xcnet.coordinator.config import ChannelConfig, EnvironmentConfig, InterconnectConfig
from xcnet.coordinator.core import Core
from xcnet.coordinator.daemon import views
from xcnet.coordinator.engine.machine import WorkflowRow
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import OWN, ConnectionRow, FeatureRow
from xcnet.coordinator.workflows import MACHINES
from xcnet.errors import InputError
from xcnet.model import naming
from xcnet.model.network import ProviderNetwork
from xcnet.model.routers import render
from xcnet.spec.resources import AdminState

_TABLES = {machine.TABLE.kind: machine.TABLE for machine in MACHINES}


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConnectionQuery(_Input):
    """:param connection: name, UUID, or the beginning of it."""

    connection: str


class SubjectQuery(_Input):
    subject: str = ""


class WorkflowQuery(_Input):
    workflow: str


class Queries:
    """:meth:`run` takes a query's name and parameters; the answer can be written as JSON."""

    def __init__(self, core: Core, network: ProviderNetwork) -> None:
        self._core = core
        self._network_of = network
        self._world = core.world
        self._db = core.database
        self._known: dict[str, Callable[[dict[str, Any]], Any]] = {
            "network": self._network,
            "environments": self._environments,
            "connections": self._connections,
            "describe": self._describe,
            "activation-key": self._activation_key,
            "maintenance": self._maintenance,
            "issues": self._issues,
            "monitor": self._monitor,
            "workflows": self._workflows,
            "outcome": self._outcome,
            "clock": self._clock,
        }

    def run(self, query: str, parameters: dict[str, Any]) -> Any:
        """:raises InputError: there is no such query, or nothing of that name. :raises pydantic.ValidationError: malformed."""
        found = self._known.get(query)
        if found is None:
            raise InputError(f"the coordinator knows no query {query!r}", remedy="use xcnet of the same version")
        return found(parameters)

    # -- what was agreed on

    def environments(self) -> list[views.EnvironmentView]:
        """Those of this provider."""
        return [self._environment(each) for each in self._world.config.environments]

    def _environments(self, _parameters: dict[str, Any]) -> list[dict[str, Any]]:
        return [each.model_dump(mode="json") for each in self.environments()]

    def _environment(self, config: EnvironmentConfig) -> views.EnvironmentView:
        return views.EnvironmentView(
            name=config.name,
            provider=self._world.me,
            peer=config.peer,
            sites={site.provider: site.display_name for site in config.sites},
            sizes_mbps=config.sizes_mbps,
            public=config.public,
            defer=config.defer,
            interconnects=tuple(self._interconnect(config.name, each) for each in config.interconnects),
        )

    def _interconnect(self, environment: str, config: InterconnectConfig) -> views.InterconnectView:
        return views.InterconnectView(
            name=config.name,
            environment=environment,
            closed=config.closed,
            capacity_mbps=config.capacity_mbps,
            free_mbps=connection_acts.free_mbps(self._world, config.name),
            connections=len(records.connections_on(self._db, config.name)),
            channels=tuple(self._channel(each) for each in config.channels),
        )

    def _channel(self, config: ChannelConfig) -> views.ChannelView:
        name = config.name
        fact = self._world.facts.channels.get(name)
        found = holds.of(self._db, name)
        return views.ChannelView(
            name=name,
            edge=config.edge,
            demarc=config.demarc,
            size_gbps=config.size_gbps,
            manager=config.macsec_manager,
            enabled=not found,
            holds=tuple(each.reason for each in found),
            drained=any(each.drained for each in found),
            down=holds.is_down(self._world, name),
            association=fact.association if fact is not None else None,
            keys=tuple(
                views.KeyView(id=key.id, ckn=key.ckn, active=key.active, preferred=key.preferred, created=key.created)
                for key in records.keys(self._db, name)
            ),
            features=int(self._db.value("SELECT count(*) FROM features WHERE channel = ?", name)),
        )

    # -- connections

    def _network(self, _parameters: dict[str, Any]) -> dict[str, Any]:
        """What the routers are to hold, keys and passwords included, and the connections: for the lab's own process."""
        view = self._core.network()
        states = render(self._network_of, view.channels, view.attachments)
        return {
            "generation": view.generation,
            "applied": self._world.facts.applied,
            "routers": {node: json.loads(state.reveal_json()) for node, state in states.items()},
            "connections": self._connections({}),
        }

    def connections(self) -> list[views.ConnectionView]:
        """All of this provider's customers, in the order in which they came."""
        rows = self._db.all("SELECT * FROM attachments ORDER BY number")
        return [self._connection(AttachmentRow.of(row)) for row in rows]

    def _connections(self, _parameters: dict[str, Any]) -> list[dict[str, Any]]:
        return [each.model_dump(mode="json") for each in self.connections()]

    def _describe(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return self._connection(self._find(ConnectionQuery.model_validate(parameters).connection)).model_dump(
            mode="json"
        )

    def _find(self, named: str) -> AttachmentRow:
        row = self._db.one("SELECT uuid FROM attachments WHERE name = ? OR uuid = ?", named, named)
        if row is None and len(named) >= 6:
            found = self._db.all("SELECT uuid FROM attachments WHERE substr(uuid, 1, ?) = ?", len(named), named)
            row = found[0] if len(found) == 1 else None
        held = attachments.attachment(self._db, row["uuid"]) if row is not None else None
        if held is None:
            names = ", ".join(each["name"] for each in self._db.all("SELECT name FROM attachments ORDER BY name"))
            raise InputError(
                f"there is no connection {named!r} at {self._world.config.display_name}",
                where="connection",
                remedy=f"there are: {names or 'none'}",
            )
        return held

    def _connection(self, row: AttachmentRow) -> views.ConnectionView:
        legs = records.connections(self._db, row.uuid)
        state = self._db.value("SELECT state FROM activations WHERE uuid = ?", row.uuid)
        return views.ConnectionView(
            uuid=row.uuid,
            name=row.name,
            account=row.account,
            peer_account=legs[-1].peer_account if legs else None,
            port=row.port,
            networks=row.networks,
            vrf=naming.vrf_device(row.name),
            table=naming.FIRST_TABLE + row.number - 1,
            legs=tuple(self._leg(each) for each in legs),
            activation=str(state) if state is not None else None,
            workflows=tuple(self.under_way(row.uuid)),
        )

    def _leg(self, row: ConnectionRow) -> views.LegView:
        return views.LegView(
            interconnect=row.interconnect,
            environment=self._world.config.environment_of(row.interconnect).name,
            peer=row.peer,
            role=row.role,
            drives=row.driver == OWN,
            state=str(row.state),
            bandwidth_mbps=row.bandwidth_mbps,
            target_mbps=row.target_mbps,
            enabled=row.admin is AdminState.ENABLED,
            peer_enabled=None if row.peer_admin is None else row.peer_admin is AdminState.ENABLED,
            final=row.own_final,
            acknowledged=row.acknowledged,
            peer_final=row.peer_final,
            verified=row.verified,
            created=row.created,
            features=tuple(self._feature(each) for each in records.features(self._db, row.interconnect, row.uuid)),
        )

    def _feature(self, row: FeatureRow) -> views.FeatureView:
        facts = self._world.facts
        return views.FeatureView(
            id=row.id,
            channel=row.channel,
            state=str(row.state),
            made_here=row.maker == OWN,
            vlan=row.vlan,
            mtu=row.mtu,
            subnets=tuple(each for each in (row.ipv4, row.ipv6) if each is not None),
            own=tuple(each for each in (row.own_ipv4, row.own_ipv6) if each is not None),
            peer=tuple(each for each in (row.peer_ipv4, row.peer_ipv6) if each is not None),
            own_asn=row.own_asn,
            peer_asn=row.peer_asn,
            up=facts.up.get((row.uuid, row.channel)),
            carrying=facts.carrying.get((row.uuid, row.channel)),
        )

    def _activation_key(self, parameters: dict[str, Any]) -> dict[str, Any]:
        row = self._find(ConnectionQuery.model_validate(parameters).connection)
        key = self._db.one("SELECT * FROM activations WHERE uuid = ?", row.uuid)
        if key is None or key["encoded"] is None:
            raise InputError(
                f"connection {row.name!r} has no activation key that is still to be used",
                where="activation key",
                remedy="only the provider at which it was asked for has it, and only until it is accepted",
            )
        return {"key": key["encoded"], "version": key["version"], "expires": key["expires"], "state": key["state"]}

    # -- what is under way

    def _workflows(self, parameters: dict[str, Any]) -> list[dict[str, Any]]:
        subject = SubjectQuery.model_validate(parameters).subject
        return [each.model_dump(mode="json") for each in self.under_way(subject)]

    def under_way(self, subject: str = "") -> list[views.WorkflowView]:
        """Of one subject; of all where it is empty."""
        rows = self._db.all("SELECT * FROM workflows WHERE ? IN ('', subject) ORDER BY started, id", subject)
        found = []
        for each in map(WorkflowRow.of, rows):
            waits = _TABLES[each.kind].waits.get(each.state, "")
            found.append(
                views.WorkflowView(
                    id=each.id,
                    kind=each.kind,
                    subject=each.subject,
                    state=each.state,
                    waits_for=waits,
                    since=each.started,
                )
            )
        return found

    def calls(self) -> dict[str, int]:
        """Peer -> calls to it that are still to be answered; all peers."""
        held = dict.fromkeys(self._world.config.peers, 0)
        rows = self._db.all("SELECT peer, count(*) AS number FROM calls GROUP BY peer")
        return held | {row["peer"]: int(row["number"]) for row in rows}

    def _outcome(self, parameters: dict[str, Any]) -> dict[str, Any] | None:
        """None while it runs."""
        row = self._db.one("SELECT * FROM outcomes WHERE id = ?", WorkflowQuery.model_validate(parameters).workflow)
        if row is None:
            return None
        return views.OutcomeView(
            id=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            state=row["state"],
            message=row["message"],
            seconds=round(row["ended"] - row["started"], 6),
        ).model_dump(mode="json")

    def _maintenance(self, _parameters: dict[str, Any]) -> list[dict[str, Any]]:
        now = self._world.now()
        found = []
        for window in maintenance.every(self._world):
            if window.end <= now:
                continue
            state = "under way" if window.start <= now else "scheduled"
            view = views.MaintenanceView(
                id=window.id,
                channel=window.channel,
                owner=window.owner,
                start=window.start,
                end=window.end,
                emergency=window.emergency,
                state=state,
            )
            found.append(view.model_dump(mode="json"))
        return found

    def _issues(self, _parameters: dict[str, Any]) -> list[dict[str, Any]]:
        found = []
        for row in self._db.all("SELECT * FROM issues ORDER BY seq"):
            issue = issues.shown(row)
            contexts = (
                *(issue.channel_contexts or ()),
                *(issue.connection_contexts or ()),
                *(issue.feature_contexts or ()),
                *(issue.interconnect_contexts or ()),
            )
            view = views.IssueView(
                id=row["id"],
                direction=row["direction"],
                peer=row["peer"],
                state=row["state"],
                title=issue.title,
                body=issue.body,
                severity=str(issue.priority or ""),
                context=str(issue.issue_context or ""),
                about=tuple(context.name.rpartition("/")[2] for context in contexts),
                created=row["created"],
                comments=tuple(
                    views.CommentView(
                        by=each.display_name or "",
                        body=each.body,
                        time=each.create_time.isoformat() if each.create_time is not None else "",
                    )
                    for each in reversed(issues.comments(self._world, row))
                ),
            )
            found.append(view.model_dump(mode="json"))
        return found

    def monitor(self) -> views.MonitorView:
        """What the monitor has found, and what it does about it."""
        return views.MonitorView(
            enabled=self._world.rules.monitor.enabled,
            findings=tuple(
                views.FindingView(
                    kind=each.kind,
                    subject=each.subject,
                    interconnect=each.interconnect,
                    priority=each.priority,
                    words=each.words,
                    issue=each.issue,
                    since=each.since,
                )
                for each in findings.every(self._db)
            ),
            held=tuple(sorted(findings.held(self._db))),
            opened=findings.opened(self._world),
        )

    def _monitor(self, _parameters: dict[str, Any]) -> dict[str, Any]:
        return self.monitor().model_dump(mode="json")

    def _clock(self, _parameters: dict[str, Any]) -> dict[str, Any]:
        now = self._world.now()
        ahead = round(now - self._world.wall(), 3)
        return views.ClockView(provider=self._world.me, policy=now, ahead=ahead).model_dump(mode="json")

    def health(self, *, ready: bool) -> views.HealthView:
        world = self._world
        return views.HealthView(
            provider=world.me,
            display_name=world.config.display_name,
            ready=ready,
            generation=self._core.generation,
            applied=world.facts.applied,
            calls=int(self._db.value("SELECT count(*) FROM calls")),
            workflows=int(self._db.value("SELECT count(*) FROM workflows")),
            commands=COMMANDS,
        )


__all__ = ["Queries"]
