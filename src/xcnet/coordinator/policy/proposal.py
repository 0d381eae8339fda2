"""A proposal: a feature's configuration that both sides accept and nobody uses yet."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from xcnet.coordinator.policy.addresses import Network, parse_network, parse_span, spans, usable
from xcnet.coordinator.policy.limits import HIGHEST_VLAN, LinkPolicy, Range, SubnetPolicy, usable_asn
from xcnet.coordinator.policy.reservations import Reservations, vlan_set
from xcnet.coordinator.policy.spans import Spans
from xcnet.secret import Secret
from xcnet.spec.connections import FeatureGuidance, L3BaseConfig, L3BaseGuidance, ProviderBgpConfig, SubnetGuidance
from xcnet.spec.resources import AdminState

_PASSWORD_BYTES = 16

_PRIVATE_ASNS: tuple[Range, ...] = ((64512, 65534), (4200000000, 4294967294))
"""RFC 6996: for a peer that takes any AS number for its side."""


class Obstacle(StrEnum):
    """What is in the way of a proposal, for programs."""

    CHANNEL_DISABLED = "channel-disabled"
    NOTHING_IN_COMMON = "nothing-in-common"
    EXHAUSTED = "exhausted"
    GUIDANCE_UNREADABLE = "guidance-unreadable"
    NO_CONNECTION = "no-connection"


class NoProposalError(Exception):
    """There is nothing that can be proposed; the text says of what.

    :param obstacle: only ``EXHAUSTED`` can be another after a while without anybody changing a policy.
    """

    def __init__(self, message: str, obstacle: Obstacle = Obstacle.NO_CONNECTION) -> None:
        super().__init__(message)
        self.obstacle = obstacle


def propose(
    policy: LinkPolicy,
    me: str,
    peer: str,
    guidance: FeatureGuidance,
    reservations: Reservations,
    channel: str,
    *,
    key_source: Callable[[int], Secret],
) -> L3BaseConfig:
    """A configuration for a feature on one channel. What guidance does not mention is not restricted.

    Whoever's id sorts first takes VLANs and subnets from below, the other from above; and its end of the channel has the
    first address of each subnet. An IPv6 subnet is proposed where both sides have IPv6.

    :param me: this provider's id. :param peer: the one that gave the guidance.
    :param channel: as reservations know it.
    :param key_source: where the TCP MD5 password comes from: 128 bits, as hexadecimal digits.
    :raises NoProposalError: the two sides' bounds have nothing in common, or everything in them is taken.
    """
    if guidance.channel_admin_state is AdminState.DISABLED:
        raise NoProposalError("the peer has disabled the channel", Obstacle.CHANNEL_DISABLED)
    theirs = guidance.l3_base_guidance or L3BaseGuidance()
    order = sorted((me, peer))
    ascending = order[0] == me
    ipv4 = _Family(policy.ipv4, 4, theirs.ipv4_subnet_guidance or None, theirs.ipv4_allowed_subnet_prefix_lengths)
    ipv6 = _Family(policy.ipv6, 6, theirs.ipv6_subnet_guidance, theirs.ipv6_allowed_subnet_prefix_lengths)
    subnet4 = ipv4.free(reservations, ascending)
    # An empty list is a peer that has no IPv6, an absent one a peer that does not mind.
    wanted6 = bool(policy.ipv6.include) and theirs.ipv6_subnet_guidance != []
    subnet6 = ipv6.free(reservations, ascending) if wanted6 else None
    asns = {me: policy.asn, peer: _asn(policy, theirs)}
    return L3BaseConfig(
        ipv4_subnet=str(subnet4.network_address),
        ipv4_subnet_prefix_length=subnet4.prefixlen,
        ipv6_subnet=str(subnet6.network_address) if subnet6 is not None else None,
        ipv6_subnet_prefix_length=subnet6.prefixlen if subnet6 is not None else None,
        mtu_bytes=_mtu(policy, theirs),
        vlan_id=_vlan(policy, theirs, reservations, channel, ascending),
        provider_bgp_configs=[
            ProviderBgpConfig(
                provider=f"providers/{provider}",
                asn=asns[provider],
                host_ipv4=str(usable(subnet4)[position]),
                host_ipv6=str(usable(subnet6)[position]) if subnet6 is not None else None,
            )
            for position, provider in enumerate(order)
        ],
        md5_bgp_password=Secret.from_text(key_source(_PASSWORD_BYTES).reveal().hex()),
    )


class _WireRange(Protocol):
    @property
    def start(self) -> int | None: ...

    @property
    def stop(self) -> int | None: ...


def _ranges(guided: Sequence[_WireRange] | None, lowest: int, highest: int) -> list[Range]:
    """A peer's ranges; an absent end, and no range at all, is no restriction."""
    return [
        (lowest if each.start is None else each.start, highest if each.stop is None else each.stop)
        for each in guided or []
    ] or [(lowest, highest)]


def _vlan(policy: LinkPolicy, theirs: L3BaseGuidance, reservations: Reservations, channel: str, ascending: bool) -> int:
    guided = _ranges(theirs.vlan_ranges, 0, HIGHEST_VLAN)
    vlan = reservations.free_vlan(channel, policy.vlan_ranges, guided, ascending=ascending)
    if vlan is not None:
        return vlan
    if vlan_set(policy.vlan_ranges) & vlan_set(guided):
        raise NoProposalError("no VLAN that both sides accept is free", Obstacle.EXHAUSTED)
    raise NoProposalError("there is no VLAN that both sides accept", Obstacle.NOTHING_IN_COMMON)


def _mtu(policy: LinkPolicy, theirs: L3BaseGuidance) -> int:
    """The highest in common."""
    common = [
        min(policy.mtu[1], high)
        for low, high in _ranges(theirs.mtu_ranges, 0, 65535)
        if max(policy.mtu[0], low) <= min(policy.mtu[1], high)
    ]
    if not common:
        raise NoProposalError("there is no MTU that both sides accept", Obstacle.NOTHING_IN_COMMON)
    return max(common)


def _asn(policy: LinkPolicy, theirs: L3BaseGuidance) -> int:
    """The peer's: the first of those that it accepts, but not this provider's own, as the session is an external one."""
    guided = [(each.start or 0, 4294967295 if each.stop is None else each.stop) for each in theirs.asn_ranges or []]
    for low, high in guided or _PRIVATE_ASNS:
        for asn in range(low, high + 1):
            if usable_asn(asn) and asn != policy.asn:
                return asn
    raise NoProposalError(
        f"the peer accepts no AS number for its side that a router can have and that is not {policy.asn}",
        Obstacle.NOTHING_IN_COMMON,
    )


class _Family:
    """Where a subnet of one address family may be taken from: what both sides accept.

    :raises NoProposalError: the peer's guidance can not be read.
    """

    def __init__(
        self, own: SubnetPolicy, version: int, guided: Sequence[SubnetGuidance] | None, lengths: Sequence[int] | None
    ) -> None:
        self._own = own
        self._version = version
        # Guidance without a network of its own is about all of ours.
        pools = [
            common
            for each in guided or [SubnetGuidance()]
            for common in (
                _common(own.include, self._read(each.include_subnet)) if each.include_subnet else own.include
            )
        ]
        theirs = [self._read(each.preferred_subnet) for each in guided or [] if each.preferred_subnet]
        ours = [] if own.preferred is None else [own.preferred]
        # The own preference comes first, then the peer's, then anything.
        self._pools = [
            *(common for pool in pools for common in _common(ours, pool)),
            *(common for pool in pools for common in _common(theirs, pool)),
            *pools,
        ]
        self._lengths = [length for length in own.lengths if not lengths or length in lengths]
        self._barred = [spans(own.exclude, version)]
        excluded = tuple(text for each in guided or [] for text in each.exclude_subnets or [])
        if excluded:
            try:
                self._barred.append(_read_all(excluded, version))
            except ValueError:
                raise self._unreadable() from None

    def free(self, reservations: Reservations, ascending: bool) -> Network:
        """:raises NoProposalError: there is none."""
        for length in self._lengths:
            found = reservations.free_subnet(self._pools, self._barred, length, ascending=ascending)
            if found is not None:
                return found
        if any(pool.prefixlen <= length for pool in self._pools for length in self._lengths):
            raise NoProposalError(f"no IPv{self._version} subnet that both sides accept is free", Obstacle.EXHAUSTED)
        raise NoProposalError(
            f"there is no IPv{self._version} subnet that both sides accept", Obstacle.NOTHING_IN_COMMON
        )

    def _read(self, text: str) -> Network:
        try:
            network = parse_network(text)
        except ValueError:
            raise self._unreadable() from None
        if network.version != self._version:
            raise self._unreadable()
        return network

    def _unreadable(self) -> NoProposalError:
        return NoProposalError(
            f"the peer's guidance has an IPv{self._version} subnet that is none", Obstacle.GUIDANCE_UNREADABLE
        )


@lru_cache(maxsize=16)
def _read_all(texts: tuple[str, ...], version: int) -> Spans:
    """A peer's exclusions, which are the same on every channel. Kept, so never to be changed. :raises ValueError: one is none."""
    found = map(parse_span, texts)
    return Spans((first, last) for each, first, last in found if each == version)


def _common(mine: Iterable[Network], theirs: Network) -> list[Network]:
    """Of two networks that have something in common, one lies in the other."""
    return [
        each if each.prefixlen >= theirs.prefixlen else theirs
        for each in mine
        if each.version == theirs.version and each.overlaps(theirs)
    ]


__all__ = ["NoProposalError", "Obstacle", "propose"]
