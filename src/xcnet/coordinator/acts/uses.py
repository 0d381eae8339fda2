"""Which connections use which channels, as the monitor asks once a second: read in one go, however many there are."""

from __future__ import annotations

from dataclasses import dataclass

from xcnet.coordinator.acts import findings, holds
from xcnet.coordinator.store.records import ConnectionState, FeatureState
from xcnet.coordinator.world import World
from xcnet.spec.connections import ProvisioningState
from xcnet.spec.resources import AdminState


@dataclass(frozen=True, slots=True)
class Use:
    """A connection on a channel, in use: neither being made nor changed away nor leaving.

    :param name: the connection's. :param mbps: its bandwidth. :param vlan: its tag on the channel. :param final: it works at this side, as the peer is told.
    :param peer_final: as the peer has told; None: it has not.
    """

    uuid: str
    interconnect: str
    channel: str
    name: str
    vlan: int
    mbps: int
    final: bool
    peer_final: bool | None


def every(world: World) -> list[Use]:
    rows = world.db.all(
        "SELECT f.uuid, f.interconnect, f.channel, f.vlan, f.state, f.peer_state, c.bandwidth_mbps, a.name FROM features f"
        " JOIN connections c USING (interconnect, uuid) JOIN attachments a USING (uuid)"
        " WHERE f.proven = 1 AND f.state IN (?, ?) AND c.state = ? AND c.admin = ? AND c.deprefer = 0"
        " AND coalesce(c.peer_admin, ?) = ? ORDER BY c.seq",
        FeatureState.PENDING,
        FeatureState.FINAL,
        ConnectionState.AVAILABLE,
        AdminState.ENABLED,
        AdminState.ENABLED,
        AdminState.ENABLED,
    )
    return [
        Use(
            uuid=row["uuid"],
            interconnect=row["interconnect"],
            channel=row["channel"],
            name=row["name"],
            vlan=row["vlan"],
            mbps=row["bandwidth_mbps"],
            final=row["state"] == FeatureState.FINAL,
            peer_final=None if row["peer_state"] is None else row["peer_state"] == ProvisioningState.FINAL,
        )
        for row in rows
    ]


def planned(world: World, channel: str) -> bool:
    """Whether anybody but the monitor has the channel out of use."""
    return any(each.reason != findings.REASON for each in holds.of(world.db, channel))


__all__ = ["Use", "every", "planned"]
