"""What a fresh store begins with: connections and keys that a lab's topology has agreed on beforehand, as if by handshake."""

from __future__ import annotations

from ipaddress import ip_network

from pydantic import BaseModel, ConfigDict

from xcnet.coordinator.acts import attachments, keys
from xcnet.coordinator.acts import connections as connection_acts
from xcnet.coordinator.acts import features as feature_acts
from xcnet.coordinator.store.records import OWN, PEER, ConnectionState, FeatureState
from xcnet.coordinator.world import World
from xcnet.secret import Secret
from xcnet.spec.connections import L3BaseConfig


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SeedKey(_Model):
    """:param cak: hexadecimal digits, as text."""

    channel: str
    id: str
    ckn: str
    cak: Secret


class SeedFeature(_Model):
    """:param config: as both sides would have agreed on it."""

    channel: str
    id: str
    config: L3BaseConfig


class SeedConnection(_Model):
    """:param negotiator: the provider that would have accepted the key.
    :param internal: edge -> (slot, IPv4 subnet, IPv6 subnet) between it and the gateway; None where there is none.
    """

    uuid: str
    name: str
    interconnect: str
    peer: str
    negotiator: str
    bandwidth_mbps: int
    number: int
    internal_vlan: int
    account: str
    peer_account: str
    port: str | None
    networks: tuple[str, ...]
    internal: dict[str, tuple[int, str | None, str | None]]
    features: tuple[SeedFeature, ...]


class Seed(_Model):
    keys: tuple[SeedKey, ...] = ()
    connections: tuple[SeedConnection, ...] = ()


def plant(world: World, seed: Seed) -> None:
    """Write it. Inside a transaction of a store that is empty."""
    for key in seed.keys:
        row = keys.add(world, key.channel, key.id, key.ckn, Secret.from_text(key.cak.reveal().hex()), preferred=True)
        world.db.execute("UPDATE keys SET active = 1, been_active = 1 WHERE seq = ?", row.seq)
    for connection in seed.connections:
        _plant_connection(world, connection)


def _plant_connection(world: World, seed: SeedConnection) -> None:
    attachments.create(
        world,
        seed.uuid,
        account=seed.account,
        name=seed.name,
        port=seed.port,
        networks=tuple(str(ip_network(each)) for each in seed.networks),
        number=seed.number,
        internal_vlan=seed.internal_vlan,
    )
    for edge, (slot, ipv4, ipv6) in seed.internal.items():
        world.db.insert("internal_links", uuid=seed.uuid, edge=edge, slot=slot, ipv4=ipv4, ipv6=ipv6)
    own = seed.negotiator == world.me
    row = connection_acts.create(
        world,
        seed.interconnect,
        seed.uuid,
        peer=seed.peer,
        role="negotiator" if own else "responder",
        driver=OWN if own else PEER,
        state=ConnectionState.AVAILABLE,
        bandwidth_mbps=seed.bandwidth_mbps,
        own_account=seed.account,
        peer_account=seed.peer_account,
    )
    for feature in seed.features:
        feature_acts.reserve(
            world,
            row,
            feature.channel,
            feature.id,
            feature.config,
            state=FeatureState.FINAL,
            maker=OWN if own else PEER,
        )
    world.db.execute("UPDATE features SET proven = 1 WHERE interconnect = ? AND uuid = ?", seed.interconnect, seed.uuid)
    now = world.now()
    world.db.execute(
        "UPDATE connections SET own_final = 1, acknowledged = 1, peer_final = 1, finalised = ?, audited = ?,"
        " complete_after = ?, peer_admin = 'ADMIN_STATE_ENABLED' WHERE seq = ?",
        now,
        now,
        now + 60.0,
        row.seq,
    )


__all__ = ["Seed", "SeedConnection", "SeedFeature", "SeedKey", "plant"]
