"""Rows as the API's types, seen from the peer's tree, and back."""

from __future__ import annotations

from ipaddress import ip_network

from xcnet.coordinator.store.records import ConnectionRow, FeatureRow, FeatureState, KeyRow
from xcnet.spec import names
from xcnet.spec.base import timestamp
from xcnet.spec.connections import (
    Connection,
    Feature,
    FeatureConfig,
    L3BaseConfig,
    MacSecKey,
    ProviderBgpConfig,
    ProvisioningState,
    VerificationState,
)
from xcnet.spec.names import ResourceName
from xcnet.spec.resources import FeatureType


def connection_name(viewer: str, environment: str, row: ConnectionRow) -> ResourceName:
    """:param viewer: in whose tree: the caller's."""
    return names.interconnect(viewer, environment, row.interconnect).child("connections", row.uuid)


def channel_name(viewer: str, environment: str, interconnect: str, channel: str) -> ResourceName:
    return names.interconnect(viewer, environment, interconnect).child("channels", channel)


def connection(viewer: str, environment: str, row: ConnectionRow) -> Connection:
    return Connection(
        name=str(connection_name(viewer, environment, row)),
        bandwidth_mbps=row.bandwidth_mbps,
        admin_state=row.admin,
        verification_state=VerificationState.VERIFIED if row.verified else VerificationState.UNVERIFIED,
    )


def l3_config(me: str, peer: str, row: FeatureRow) -> L3BaseConfig:
    ipv4 = ip_network(row.ipv4)
    ipv6 = ip_network(row.ipv6) if row.ipv6 is not None else None
    ends = (
        (me, row.own_asn, row.own_ipv4, row.own_ipv6),
        (peer, row.peer_asn, row.peer_ipv4, row.peer_ipv6),
    )
    return L3BaseConfig(
        ipv4_subnet=str(ipv4.network_address),
        ipv4_subnet_prefix_length=ipv4.prefixlen,
        ipv6_subnet=str(ipv6.network_address) if ipv6 is not None else None,
        ipv6_subnet_prefix_length=ipv6.prefixlen if ipv6 is not None else None,
        mtu_bytes=row.mtu,
        vlan_id=row.vlan,
        provider_bgp_configs=[
            ProviderBgpConfig(provider=f"providers/{provider}", asn=asn, host_ipv4=ipv4_host, host_ipv6=ipv6_host)
            for provider, asn, ipv4_host, ipv6_host in sorted(ends)
        ],
        md5_bgp_password=row.md5,
    )


def feature(viewer: str, environment: str, me: str, peer: str, row: FeatureRow) -> Feature:
    within = names.interconnect(viewer, environment, row.interconnect)
    return Feature(
        name=str(within.child("connections", row.uuid).child("features", row.id)),
        channel=str(within.child("channels", row.channel)),
        feature_config=FeatureConfig(feature_type=FeatureType.L3_BASE, l3_base_config=l3_config(me, peer, row)),
        provisioning_state=(ProvisioningState.FINAL if row.state is FeatureState.FINAL else ProvisioningState.PENDING),
        updatable=False,
    )


def mac_sec_key(viewer: str, environment: str, interconnect: str, row: KeyRow) -> MacSecKey:
    """The key with its CAK: both sides have it already, and the specification shows it."""
    return MacSecKey(
        name=str(channel_name(viewer, environment, interconnect, row.channel).child("macSecKeys", row.id)),
        cak=row.cak,
        ckn=row.ckn,
        start_time=timestamp(row.created),
        active=row.active,
    )


__all__ = ["channel_name", "connection", "connection_name", "feature", "l3_config", "mac_sec_key"]
