"""The rows that most of the core works on, as values, and the questions it asks about them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from enum import StrEnum

from xcnet.coordinator.store.database import Database
from xcnet.secret import Secret
from xcnet.spec.resources import AdminState


class ConnectionState(StrEnum):
    """Where a connection stands at this provider.

    ``tentative``: made here, not yet at the peer. ``provisioning``: at both, being configured. ``available``: verified once.
    ``deleting``: off the network, its reservations kept until the peer has let go too.
    """

    TENTATIVE = "tentative"
    PROVISIONING = "provisioning"
    AVAILABLE = "available"
    DELETING = "deleting"


class FeatureState(StrEnum):
    """``proposed``: reserved here, not yet at the peer. ``pending``: at both. ``final``: seen to work here.
    ``withdrawing``: its routes are leaving, then it is deleted."""

    PROPOSED = "proposed"
    PENDING = "pending"
    FINAL = "final"
    WITHDRAWING = "withdrawing"


OWN, PEER = "own", "peer"


@dataclass(frozen=True, slots=True)
class ConnectionRow:
    """A connection on one interconnect. During a migration two of them share a UUID.

    :param role: ``negotiator`` accepted the activation key, ``responder`` made it.
    :param driver: who proposes features, ``own`` or ``peer``.
    :param target_mbps: what an update under way wants. :param update_by: who asked for it.
    :param deprefer: its routes are to be avoided: another one replaces it.
    :param own_final: as the peer is told. :param acknowledged: the peer was told. :param peer_final: as the peer told.
    :param version: counts changes that the peer is to be notified of, of which ``told`` it was. :param notices: counts those that the peer told of.
    :param complete_after: when to look for features that are missing.
    """

    seq: int
    uuid: str
    interconnect: str
    peer: str
    role: str
    driver: str
    state: ConnectionState
    bandwidth_mbps: int
    target_mbps: int | None
    update_by: str | None
    admin: AdminState
    deprefer: bool
    own_final: bool
    acknowledged: bool
    peer_final: bool
    peer_admin: AdminState | None
    version: int
    told: int
    fingerprint: str | None
    own_account: str
    peer_account: str | None
    created: float
    finalised: float | None
    enough_since: float | None
    missing_since: float | None
    audited: float | None
    complete_after: float | None
    notices: int

    @classmethod
    def of(cls, row: sqlite3.Row) -> ConnectionRow:
        values = dict(row)
        values["state"] = ConnectionState(row["state"])
        values["admin"] = AdminState(row["admin"])
        values["peer_admin"] = AdminState(row["peer_admin"]) if row["peer_admin"] is not None else None
        for name in ("deprefer", "own_final", "acknowledged", "peer_final"):
            values[name] = bool(row[name])
        return cls(**values)

    @property
    def verified(self) -> bool:
        """Both sides see it work, and know that the other does."""
        return self.own_final and self.acknowledged and self.peer_final

    @property
    def reserved_mbps(self) -> int:
        return max(self.bandwidth_mbps, self.target_mbps or 0)


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """A connection's layer 3 on one channel. Addresses without length; subnets in CIDR.

    :param proven: it has worked at this side.
    """

    seq: int
    uuid: str
    interconnect: str
    id: str
    channel: str
    state: FeatureState
    maker: str
    vlan: int
    mtu: int
    ipv4: str
    ipv6: str | None
    own_asn: int
    peer_asn: int
    own_ipv4: str
    peer_ipv4: str
    own_ipv6: str | None
    peer_ipv6: str | None
    md5: Secret
    peer_state: str | None
    created: float
    proven: bool

    @classmethod
    def of(cls, row: sqlite3.Row) -> FeatureRow:
        values = dict(row)
        values["state"] = FeatureState(row["state"])
        values["proven"] = bool(row["proven"])
        values["md5"] = Secret.from_text(row["md5"])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A MACsec key on a channel. :param preferred: to be used as soon as the other end has it too."""

    seq: int
    channel: str
    id: str
    ckn: str
    cak: Secret
    active: bool
    preferred: bool
    been_active: bool
    created: float

    @classmethod
    def of(cls, row: sqlite3.Row) -> KeyRow:
        values = dict(row)
        values["cak"] = Secret.from_text(row["cak"])
        for name in ("active", "preferred", "been_active"):
            values[name] = bool(row[name])
        return cls(**values)


def connection(db: Database, interconnect: str, uuid: str) -> ConnectionRow | None:
    row = db.one("SELECT * FROM connections WHERE interconnect = ? AND uuid = ?", interconnect, uuid)
    return ConnectionRow.of(row) if row is not None else None


def connections(db: Database, uuid: str) -> list[ConnectionRow]:
    """Those that share a UUID, the oldest first."""
    return [ConnectionRow.of(row) for row in db.all("SELECT * FROM connections WHERE uuid = ? ORDER BY seq", uuid)]


def connections_on(db: Database, interconnect: str) -> list[ConnectionRow]:
    rows = db.all("SELECT * FROM connections WHERE interconnect = ? ORDER BY seq", interconnect)
    return [ConnectionRow.of(row) for row in rows]


def reserved_mbps(db: Database, interconnect: str) -> int:
    """Bandwidth of all connections on an interconnect, updates under way at the larger of their two values."""
    return int(
        db.value(
            "SELECT coalesce(sum(max(bandwidth_mbps, coalesce(target_mbps, 0))), 0) FROM connections"
            " WHERE interconnect = ?",
            interconnect,
        )
    )


def is_joining(feature: FeatureRow, connection: ConnectionRow, oldest: ConnectionRow) -> bool:
    """Whether a feature joins what carries traffic already, and has not been seen to work yet.

    It is the last to be used until then. Otherwise traffic would be lost: an edge tells its gateway of a route as soon as BGP
    has chosen it, a little before the edge's kernel holds it.

    :param oldest: of the connections with this UUID: during a migration there are two.
    """
    return not feature.proven and (connection.finalised is not None or connection.seq != oldest.seq)


def features(db: Database, interconnect: str, uuid: str) -> list[FeatureRow]:
    rows = db.all("SELECT * FROM features WHERE interconnect = ? AND uuid = ? ORDER BY seq", interconnect, uuid)
    return [FeatureRow.of(row) for row in rows]


def features_on(db: Database, channel: str) -> list[FeatureRow]:
    """All connections' features on a channel, the oldest first."""
    return [FeatureRow.of(row) for row in db.all("SELECT * FROM features WHERE channel = ? ORDER BY seq", channel)]


def feature(db: Database, interconnect: str, uuid: str, identifier: str) -> FeatureRow | None:
    row = db.one(
        "SELECT * FROM features WHERE interconnect = ? AND uuid = ? AND id = ?", interconnect, uuid, identifier
    )
    return FeatureRow.of(row) if row is not None else None


def feature_on(db: Database, uuid: str, channel: str) -> FeatureRow | None:
    row = db.one("SELECT * FROM features WHERE uuid = ? AND channel = ?", uuid, channel)
    return FeatureRow.of(row) if row is not None else None


def keys(db: Database, channel: str) -> list[KeyRow]:
    """A channel's keys, the oldest first."""
    return [KeyRow.of(row) for row in db.all("SELECT * FROM keys WHERE channel = ? ORDER BY seq", channel)]


def key(db: Database, channel: str, identifier: str) -> KeyRow | None:
    row = db.one("SELECT * FROM keys WHERE channel = ? AND id = ?", channel, identifier)
    return KeyRow.of(row) if row is not None else None


__all__ = [
    "OWN",
    "PEER",
    "ConnectionRow",
    "ConnectionState",
    "FeatureRow",
    "FeatureState",
    "KeyRow",
    "connection",
    "connections",
    "connections_on",
    "feature",
    "feature_on",
    "features",
    "key",
    "keys",
    "reserved_mbps",
]
