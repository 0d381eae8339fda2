"""A customer's attachment at this provider: its name, its numbers on the routers, its links between edges and gateway."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network

from xcnet.coordinator.store.database import Database
from xcnet.coordinator.world import World
from xcnet.errors import InputError

_FIRST_INTERNAL_VLAN, _LAST_INTERNAL_VLAN = 1025, 4094


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """:param number: from 1: the routing table's. :param port: the gateway's port to the customer's host."""

    uuid: str
    name: str
    number: int
    internal_vlan: int
    account: str
    port: str | None
    networks: tuple[str, ...]

    @classmethod
    def of(cls, row: sqlite3.Row) -> AttachmentRow:
        values = dict(row)
        values["networks"] = tuple(json.loads(row["networks"]))
        return cls(**values)


def attachment(db: Database, uuid: str) -> AttachmentRow | None:
    row = db.one("SELECT * FROM attachments WHERE uuid = ?", uuid)
    return AttachmentRow.of(row) if row is not None else None


def create(
    world: World,
    uuid: str,
    *,
    account: str,
    name: str | None = None,
    port: str | None = None,
    networks: tuple[str, ...] = (),
    number: int | None = None,
    internal_vlan: int | None = None,
) -> AttachmentRow:
    """Give a connection its place on the routers.

    :param name: as the customer calls it; made of the UUID where absent.
    :raises InputError: the name or the port is another connection's.
    """
    db = world.db
    chosen = name or f"x{uuid.replace('-', '')[:8]}"
    taken = db.one("SELECT * FROM attachments WHERE name = ? OR port = ?", chosen, port)
    if taken is not None:
        what = f"the name {chosen!r}" if taken["name"] == chosen else f"the port {port!r}"
        raise InputError(
            f"{what} is another connection's at {world.config.display_name}",
            where=taken["name"],
            remedy="choose another with --connection-name or --attach, or disconnect that one first",
        )
    row = AttachmentRow(
        uuid=uuid,
        name=chosen,
        number=number or _free(db, "number", 1),
        internal_vlan=internal_vlan or _free_vlan(db),
        account=account,
        port=port,
        networks=networks,
    )
    db.insert(
        "attachments",
        uuid=uuid,
        name=row.name,
        number=row.number,
        internal_vlan=row.internal_vlan,
        account=account,
        port=port,
        networks=json.dumps(list(networks)),
    )
    return row


def release(world: World, uuid: str) -> None:
    """Forget it, with its links. For connections that are on no interconnect any more."""
    world.db.execute("DELETE FROM attachments WHERE uuid = ?", uuid)


def link_edges(world: World, uuid: str, edges: set[str]) -> None:
    """Make sure that there are addresses between the gateway and these edges."""
    db = world.db
    have = {row["edge"] for row in db.all("SELECT edge FROM internal_links WHERE uuid = ?", uuid)}
    for edge in sorted(edges - have):
        slot = _free(db, "slot", 0, "internal_links")
        ipv4, ipv6 = subnets(world, slot)
        db.insert("internal_links", uuid=uuid, edge=edge, slot=slot, ipv4=str(ipv4), ipv6=str(ipv6))


def subnets(world: World, slot: int) -> tuple[IPv4Network | IPv6Network, IPv4Network | IPv6Network]:
    """The slot's subnets. :raises InputError: the pool has no more."""
    pools = world.config.internal
    return _nth(pools.ipv4, pools.ipv4_length, slot), _nth(pools.ipv6, pools.ipv6_length, slot)


def _nth(pool: str, length: int, slot: int) -> IPv4Network | IPv6Network:
    within = ip_network(pool)
    if slot >= 1 << (length - within.prefixlen):
        raise InputError(
            f"the pool {pool} has no free /{length} left",
            where="addressing.internal",
            remedy="give the provider's profile a larger pool",
        )
    first = int(within.network_address) + (slot << (within.max_prefixlen - length))
    return ip_network((first, length))


def _free(db: Database, column: str, lowest: int, table: str = "attachments") -> int:
    """The lowest number that no row has."""
    if db.value(f"SELECT 1 FROM {table} WHERE {column} = ?", lowest) is None:
        return lowest
    return int(
        db.value(f"SELECT min({column}) + 1 FROM {table} WHERE {column} + 1 NOT IN (SELECT {column} FROM {table})")
    )


def _free_vlan(db: Database) -> int:
    vlan = _free(db, "internal_vlan", _FIRST_INTERNAL_VLAN)
    if vlan > _LAST_INTERNAL_VLAN:
        raise InputError(
            "the routers have no free internal VLAN left",
            where="attachments",
            remedy="disconnect connections that are no longer needed",
        )
    return vlan


__all__ = ["AttachmentRow", "attachment", "create", "link_edges", "release", "subnets"]
