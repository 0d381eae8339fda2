"""Features in the store: reserved on a channel, seen to work, withdrawn."""

from __future__ import annotations

from ipaddress import ip_network

from xcnet.coordinator.policy.addresses import canonical
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.coordinator.store import records
from xcnet.coordinator.store.records import ConnectionRow, FeatureRow, FeatureState
from xcnet.coordinator.world import World
from xcnet.spec.connections import L3BaseConfig


def reserve(
    world: World,
    connection: ConnectionRow,
    channel: str,
    identifier: str,
    config: L3BaseConfig,
    *,
    state: FeatureState,
    maker: str,
) -> FeatureRow:
    """Take what a configuration asks for. That it may be taken has been asked before, in the same transaction."""
    config = canonical(config)
    ends = {each.provider.removeprefix("providers/"): each for each in config.provider_bgp_configs}
    own, peer = ends[world.me], ends[connection.peer]
    ipv6 = None
    if config.ipv6_subnet is not None:
        ipv6 = str(ip_network(f"{config.ipv6_subnet}/{config.ipv6_subnet_prefix_length}"))
    taken = reservations(world)
    world.db.insert(
        "features",
        uuid=connection.uuid,
        interconnect=connection.interconnect,
        id=identifier,
        channel=channel,
        state=state,
        maker=maker,
        vlan=config.vlan_id,
        mtu=config.mtu_bytes,
        ipv4=str(ip_network(f"{config.ipv4_subnet}/{config.ipv4_subnet_prefix_length}")),
        ipv6=ipv6,
        own_asn=own.asn,
        peer_asn=peer.asn,
        own_ipv4=own.host_ipv4,
        peer_ipv4=peer.host_ipv4,
        own_ipv6=own.host_ipv6 if ipv6 is not None else None,
        peer_ipv6=peer.host_ipv6 if ipv6 is not None else None,
        md5=config.md5_bgp_password.reveal_text(),
        created=world.now(),
    )
    row = records.feature(world.db, connection.interconnect, connection.uuid, identifier)
    assert row is not None
    taken.add(channel, row.vlan, row.ipv4, row.ipv6)
    world.network_changed()
    world.emit("feature.reserved", connection.uuid, channel=channel, vlan=row.vlan, subnet=row.ipv4, maker=maker)
    return row


def set_state(world: World, row: FeatureRow, state: FeatureState) -> None:
    world.db.execute("UPDATE features SET state = ? WHERE seq = ?", state, row.seq)
    world.network_changed()
    world.emit("feature.state", row.uuid, channel=row.channel, state=str(state))


def release(world: World, row: FeatureRow) -> None:
    """Delete it; what it reserved is free again."""
    world.db.execute("DELETE FROM features WHERE seq = ?", row.seq)
    if world.reservations is not None:
        world.reservations.remove(row.channel, row.vlan, row.ipv4, row.ipv6)
    world.network_changed()
    world.wake(row.uuid)
    world.emit("feature.released", row.uuid, channel=row.channel, vlan=row.vlan)


def reservations(world: World) -> Reservations:
    """What is reserved now: kept between questions, and put together anew after anything was undone."""
    held = world.reservations
    if held is None:
        held = Reservations()
        for row in world.db.all("SELECT channel, vlan, ipv4, ipv6 FROM features"):
            held.add(row["channel"], row["vlan"], row["ipv4"], row["ipv6"])
        world.reservations = held
    return held


__all__ = ["release", "reservations", "reserve", "set_state"]
