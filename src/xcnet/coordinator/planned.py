"""From a lab's plan: what each provider's coordinator is born with, and what it takes over as if it had negotiated it."""

from __future__ import annotations

import uuid
from ipaddress import ip_network

from xcnet.coordinator.config import (
    AttachPoint,
    ChannelConfig,
    CoordinatorConfig,
    EnvironmentConfig,
    InterconnectConfig,
    InternalPools,
    PeerConfig,
    Rules,
    Site,
)
from xcnet.coordinator.http.limits import HttpLimits
from xcnet.coordinator.policy.limits import LinkPolicy, SubnetPolicy
from xcnet.coordinator.seed import Seed, SeedConnection, SeedFeature, SeedKey
from xcnet.model import naming
from xcnet.model.attachments import Attachment, FeatureTerms
from xcnet.model.desired import KeyAgreement
from xcnet.model.environments import Visibility
from xcnet.model.plan import ChannelEnd, Plan, PlannedChannel, PlannedConnection
from xcnet.model.plan_agreed import PlannedEnvironment, PlannedInterconnect, PlannedOrder
from xcnet.model.policy import CoordinatorPolicy, Ipv4Guidance, Ipv6Guidance
from xcnet.model.profile import Profile
from xcnet.secret import Secret
from xcnet.spec.connections import L3BaseConfig, ProviderBgpConfig
from xcnet.spec.names import ResourceName

_MEGA = 1_000_000
_HOUR, _DAY = 3600.0, 86400.0
_NAMES = uuid.UUID("0d7e3a52-2f2b-5a0e-9c1f-6f1c4d1f8b7a")
"""Name space of what is made up of a plan's names (RFC 9562, 5.5)."""


def api_url(provider: str) -> str:
    """The base of its API; the certificate is for this host."""
    return f"https://{naming.coordinator_node(provider)}"


def config_of(plan: Plan, provider: str) -> CoordinatorConfig:
    """:raises KeyError: the plan has no such provider."""
    profile = plan.profiles[provider]
    coordinator = plan.coordinators[provider]
    network = plan.networks[provider].network
    orders = [order for order in plan.orders if provider in order.sides]
    accounts = {each.accounts[provider] for each in plan.customers if provider in each.accounts}
    return CoordinatorConfig(
        provider=provider,
        display_name=profile.display_name,
        api_uri=api_url(provider),
        peers={
            peer: PeerConfig(
                provider=peer,
                display_name=plan.profiles[peer].display_name,
                url=api_url(peer),
                address=str(link.peer),
            )
            for peer, link in coordinator.peers.items()
        },
        environments=tuple(_environment(plan, provider, each) for each in plan.environments if provider in each.sites),
        link=_link(profile),
        internal=InternalPools(
            ipv4=str(profile.addressing.internal.ipv4),
            ipv4_length=profile.addressing.internal.ipv4_length,
            ipv6=str(profile.addressing.internal.ipv6),
            ipv6_length=profile.addressing.internal.ipv6_length,
        ),
        edges=tuple(network.edges),
        attach_points=tuple(_attach_point(order, provider) for order in orders),
        accounts=tuple(sorted(accounts)),
        rules=_rules(profile.coordinator),
    )


def limits_of(policy: CoordinatorPolicy) -> HttpLimits:
    """The bounds of a provider's server."""
    return HttpLimits(
        body_bytes=policy.max_body_bytes,
        requests_per_second=policy.rate_limit.per_second,
        request_burst=policy.rate_limit.burst,
    )


def seed_of(plan: Plan, provider: str) -> Seed:
    """The keys and connections that stand from the start; nothing in a bare lab."""
    start = plan.networks[provider]
    attachments = {each.name: each for each in start.attachments}
    orders = {order.name: order for order in plan.orders}
    keys = tuple(
        SeedKey(channel=channel.name, id=str(uuid.uuid5(_NAMES, f"key/{key.ckn}")), ckn=key.ckn, cak=key.cak)
        for channel in start.channels
        for key in channel.keys
    )
    connections = tuple(
        _seed_connection(plan, provider, connection, orders[connection.name], attachments[connection.name])
        for connection in plan.connections
        if connection.name in attachments
    )
    return Seed(keys=keys, connections=connections)


def _environment(plan: Plan, provider: str, environment: PlannedEnvironment) -> EnvironmentConfig:
    sizes = tuple(size // _MEGA for size in environment.sizes_bps)
    return EnvironmentConfig(
        name=environment.name,
        peer=next(each for each in environment.sites if each != provider),
        sites=tuple(
            Site(provider=each, site=site.site, display_name=site.display_name)
            for each, site in environment.sites.items()
        ),
        sizes_mbps=sizes,
        public=environment.visibility is Visibility.PUBLIC,
        defer=environment.defer_provisioning,
        deferral_timeout_hours=environment.deferral_timeout_hours,
        interconnects=tuple(
            _interconnect(plan, provider, each, sizes)
            for each in plan.interconnects
            if each.name in environment.interconnects
        ),
    )


def _interconnect(
    plan: Plan, provider: str, interconnect: PlannedInterconnect, sizes: tuple[int, ...]
) -> InterconnectConfig:
    capacity = interconnect.capacity_bps // _MEGA
    return InterconnectConfig(
        name=interconnect.name,
        capacity_mbps=capacity,
        sizes_mbps=tuple(size for size in sizes if size <= capacity),
        closed=interconnect.closed,
        channels=tuple(_channel(plan, provider, plan.channel(name)) for name in interconnect.channels),
    )


def _channel(plan: Plan, provider: str, channel: PlannedChannel) -> ChannelConfig:
    end = _own_end(channel, provider)
    port = plan.networks[provider].network.channel(channel.name)
    gigabits = max(1, channel.member_bps // (1000 * _MEGA))
    return ChannelConfig(
        name=channel.name,
        macsec_manager=channel.macsec_manager,
        cross_connect_manager=channel.cross_connect_manager,
        size_gbps=gigabits,
        member_gbps=gigabits,
        device_id=str(uuid.uuid5(_NAMES, f"device/{plan.topology}/{end.node}")),
        demarc=channel.demarc,
        edge=port.edge,
        key_bytes=port.macsec.cipher_suite.key_length,
        rolls_over=all(
            plan.networks[each.provider].network.channel(channel.name).key_agreement is KeyAgreement.XCNET
            for each in channel.ends
        ),
    )


def _own_end(channel: PlannedChannel, provider: str) -> ChannelEnd:
    return next(end for end in channel.ends if end.provider == provider)


def _link(profile: Profile) -> LinkPolicy:
    policy, pools = profile.coordinator, profile.addressing.channel
    ipv4, ipv6 = policy.ipv4, policy.ipv6
    return LinkPolicy(
        asn=profile.asn,
        asn_ranges=policy.asn_ranges or ((profile.asn, profile.asn),),
        vlan_ranges=policy.vlan_ranges,
        mtu=(profile.mtu.minimum, profile.mtu.maximum),
        ipv4=_subnets(ipv4, str(pools.ipv4), pools.ipv4_length),
        ipv6=_subnets(ipv6, str(pools.ipv6), pools.ipv6_length),
        max_prefixes=profile.prefix_limit.ipv4,
    )


def _subnets(guidance: Ipv4Guidance | Ipv6Guidance, pool: str, length: int) -> SubnetPolicy:
    return SubnetPolicy(
        include=guidance.include,
        exclude=guidance.exclude,
        preferred=guidance.preferred or ip_network(pool),
        # What the profile numbers its own channels with is wanted most, then what wastes least.
        lengths=tuple(sorted(guidance.lengths, key=lambda each: (each != length, -each))),
    )


def _attach_point(order: PlannedOrder, provider: str) -> AttachPoint:
    side = order.sides[provider]
    return AttachPoint(name=order.name, port=side.port, networks=tuple(str(each) for each in side.networks))


def _rules(policy: CoordinatorPolicy) -> Rules:
    return Rules(
        activation_lifetime=policy.activation_key.lifetime_hours * _HOUR,
        activation_versions=policy.activation_key.versions,
        key_pair_lifetime=policy.activation_key.rotation_days * _DAY,
        key_pairs_accepted=policy.activation_key.accepted_key_pairs,
        connections_per_account=policy.quotas.connections_per_account,
        pending_per_account=policy.quotas.pending_per_account,
        bake_seconds=policy.macsec.bake_minutes * 60.0,
        key_activation_timeout=policy.macsec.activation_timeout_seconds,
        cleanup_after=policy.cleanup_days * _DAY,
        maintenance_notice=policy.maintenance.notice_hours * _HOUR,
        required_share=policy.required_channels_share,
        accepts_deferral=policy.accepts_deferral,
        retry_initial=policy.retry.initial_ms / 1000,
        retry_maximum=policy.retry.maximum_ms / 1000,
        retry_total=policy.retry.total_seconds,
        monitor=policy.monitor,
    )


def _seed_connection(
    plan: Plan, provider: str, connection: PlannedConnection, order: PlannedOrder, attachment: Attachment
) -> SeedConnection:
    interconnect = next(each for each in plan.interconnects if each.name == order.interconnect)
    peer = next(each for each in interconnect.providers if each != provider)
    side = order.sides[provider]
    return SeedConnection(
        uuid=str(order.uuid),
        name=connection.name,
        interconnect=order.interconnect,
        peer=peer,
        # Nobody accepted a key: as good as any, and the same at both sides.
        negotiator=interconnect.providers[0],
        bandwidth_mbps=order.bandwidth_bps // _MEGA,
        number=attachment.table - naming.FIRST_TABLE + 1,
        internal_vlan=attachment.internal_vlan,
        account=side.account,
        peer_account=order.sides[peer].account,
        port=side.port,
        networks=tuple(str(each) for each in side.networks),
        internal={edge: _internal(plan, provider, attachment, edge) for edge in attachment.internal},
        features=tuple(
            SeedFeature(
                channel=terms.channel,
                id=str(uuid.uuid5(_NAMES, f"feature/{order.uuid}/{terms.channel}")),
                config=_feature(terms),
            )
            for terms in connection.features
        ),
    )


def _internal(plan: Plan, provider: str, attachment: Attachment, edge: str) -> tuple[int, str | None, str | None]:
    """(place in the pool, subnet of each family)"""
    pools = plan.profiles[provider].addressing.internal
    subnets = {pair[0].version: pair[0].network for pair in attachment.internal[edge]}
    slot = 0
    for version, pool in ((4, pools.ipv4), (6, pools.ipv6)):
        if version in subnets:
            offset = int(subnets[version].network_address) - int(pool.network_address)
            slot = max(slot, offset // subnets[version].num_addresses)
    ipv4, ipv6 = subnets.get(4), subnets.get(6)
    return slot, None if ipv4 is None else str(ipv4), None if ipv6 is None else str(ipv6)


def _feature(terms: FeatureTerms) -> L3BaseConfig:
    subnets = {subnet.version: subnet for subnet in terms.subnets}
    positions = {subnet.version: index for index, subnet in enumerate(terms.subnets)}
    ipv4, ipv6 = subnets.get(4), subnets.get(6)
    return L3BaseConfig(
        ipv4_subnet=str(ipv4.network_address) if ipv4 is not None else None,
        ipv4_subnet_prefix_length=ipv4.prefixlen if ipv4 is not None else None,
        ipv6_subnet=str(ipv6.network_address) if ipv6 is not None else None,
        ipv6_subnet_prefix_length=ipv6.prefixlen if ipv6 is not None else None,
        mtu_bytes=terms.mtu,
        vlan_id=terms.vlan,
        provider_bgp_configs=[
            ProviderBgpConfig(
                provider=str(ResourceName.provider(provider)),
                asn=terms.asns[provider],
                host_ipv4=str(hosts[positions[4]]) if ipv4 is not None else None,
                host_ipv6=str(hosts[positions[6]]) if ipv6 is not None else None,
            )
            for provider, hosts in terms.hosts.items()
        ],
        md5_bgp_password=terms.md5 if terms.md5 is not None else Secret(b""),
    )


__all__ = ["api_url", "config_of", "limits_of", "seed_of"]
