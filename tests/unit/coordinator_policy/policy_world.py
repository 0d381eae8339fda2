"""Policies of two providers, proposals that keep to them, and how a refusal is looked at."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import pytest
from hypothesis import strategies as st

from xcnet.coordinator.policy.guidance import guidance
from xcnet.coordinator.policy.limits import LinkPolicy, SubnetPolicy
from xcnet.coordinator.policy.proposal import propose
from xcnet.coordinator.policy.reservations import Reservations
from xcnet.secret import Secret
from xcnet.spec.connections import FeatureGuidance, L3BaseConfig, ProviderBgpConfig
from xcnet.spec.errors import STATUS, ApiError, Reason
from xcnet.spec.resources import AdminState

CHANNEL = "ch1"
PREFIX = "featureConfig.l3BaseConfig."


@contextmanager
def refused(reason: Reason, field: str | None = None, words: str | None = None) -> Iterator[None]:
    """What is inside must be refused for this reason, with its status, about this field."""
    with pytest.raises(ApiError, match=words) as caught:
        yield
    assert (caught.value.reason, caught.value.status) == (reason, STATUS[reason])
    if field is not None:
        assert caught.value.field == field


def subnets(
    *include: str, lengths: tuple[int, ...] = (30,), exclude: tuple[str, ...] = (), preferred: str = ""
) -> SubnetPolicy:
    return SubnetPolicy(
        include=tuple(ip_network(each) for each in include),
        exclude=tuple(ip_network(each) for each in exclude),
        preferred=ip_network(preferred) if preferred else None,
        lengths=lengths,
    )


NO_IPV6 = SubnetPolicy(include=(), lengths=())


def policy(asn: int = 64512, **changed: Any) -> LinkPolicy:
    """A provider's policy, but for what is changed."""
    fields: dict[str, Any] = {
        "asn": asn,
        "asn_ranges": ((asn, asn),),
        "vlan_ranges": ((1100, 1200), (2000, 2000)),
        "mtu": (1500, 8500),
        "ipv4": subnets("169.254.0.0/16", lengths=(30, 29, 31), exclude=("169.254.169.0/24",)),
        "ipv6": subnets("fd00:169:254::/48", lengths=(126, 127)),
        "max_prefixes": 1000,
    }
    return LinkPolicy(**{**fields, **changed})


AWS, GCP = policy(64512), policy(16550)


def config(**changed: Any) -> L3BaseConfig:
    """What gcp could propose to aws."""
    fields: dict[str, Any] = {
        "ipv4_subnet": "169.254.8.0",
        "ipv4_subnet_prefix_length": 30,
        "ipv6_subnet": "fd00:169:254::8",
        "ipv6_subnet_prefix_length": 126,
        "mtu_bytes": 8500,
        "vlan_id": 1100,
        "provider_bgp_configs": ends(),
        "md5_bgp_password": "0123456789abcdef",
    }
    return L3BaseConfig(**{**fields, **changed})


def ends(aws: dict[str, Any] | None = None, gcp: dict[str, Any] | None = None) -> list[ProviderBgpConfig]:
    own = {"provider": "providers/aws", "asn": 64512, "host_ipv4": "169.254.8.1", "host_ipv6": "fd00:169:254::9"}
    other = {"provider": "providers/gcp", "asn": 16550, "host_ipv4": "169.254.8.2", "host_ipv6": "fd00:169:254::a"}
    return [ProviderBgpConfig(**{**own, **(aws or {})}), ProviderBgpConfig(**{**other, **(gcp or {})})]


def guided(by: LinkPolicy, reservations: Reservations | None = None, **options: Any) -> FeatureGuidance:
    """What crosses the wire: guidance as the peer reads it."""
    made = guidance(
        by, f"providers/p/channels/{CHANNEL}", AdminState.ENABLED, reservations or Reservations(), **options
    )
    return FeatureGuidance.model_validate(made.to_wire())


def key_source(seed: int = 0) -> Callable[[int], Secret]:
    rng = random.Random(seed)
    return lambda length: Secret(rng.randbytes(length))


def proposal(
    own: LinkPolicy,
    theirs: FeatureGuidance,
    reservations: Reservations | None = None,
    *,
    me: str = "aws",
    peer: str = "gcp",
    seed: int = 0,
) -> L3BaseConfig:
    return propose(own, me, peer, theirs, reservations or Reservations(), CHANNEL, key_source=key_source(seed))


def ipv4_of(made: L3BaseConfig) -> str:
    return f"{made.ipv4_subnet}/{made.ipv4_subnet_prefix_length}"


def ipv6_of(made: L3BaseConfig) -> str | None:
    return None if made.ipv6_subnet is None else f"{made.ipv6_subnet}/{made.ipv6_subnet_prefix_length}"


def reserve(reservations: Reservations, made: L3BaseConfig, channel: str = CHANNEL) -> None:
    reservations.add(channel, made.vlan_id, ipv4_of(made), ipv6_of(made))


# -- random policies, of small pools, so that two of them often have something in common and run dry

_POOL4, _POOL6 = int(ip_network("169.254.0.0/16").network_address), int(ip_network("fd00::/64").network_address)


def networks(version: int, lengths: st.SearchStrategy[int]) -> st.SearchStrategy[IPv4Network | IPv6Network]:
    """Networks among 64 addresses."""
    bits, base = (32, _POOL4) if version == 4 else (128, _POOL6)
    make: Any = IPv4Network if version == 4 else IPv6Network

    def at(length: int, offset: int) -> IPv4Network | IPv6Network:
        network: IPv4Network | IPv6Network = make((base + (offset >> bits - length << bits - length), length))
        return network

    return st.builds(at, lengths, st.integers(0, 63))


@st.composite
def subnet_policies(draw: st.DrawFn, version: int) -> SubnetPolicy:
    bits = 32 if version == 4 else 128
    if version == 6 and draw(st.booleans()) and draw(st.booleans()):
        return NO_IPV6
    found: list[IPv4Network | IPv6Network] = []
    # Half of them have all that there is, or two would seldom meet.
    wanted = st.just(bits - 6) if draw(st.booleans()) else st.integers(bits - 5, bits - 2)
    for each in draw(st.lists(networks(version, wanted), min_size=1, max_size=4)):
        if not any(each.overlaps(other) for other in found):
            found.append(each)
    return SubnetPolicy(
        include=tuple(found),
        exclude=tuple(draw(st.lists(networks(version, st.integers(bits - 4, bits)), max_size=4))),
        preferred=draw(st.none() | networks(version, st.integers(bits - 6, bits - 1))),
        lengths=tuple(draw(st.permutations((bits - 1, bits - 2, bits - 3)))[: draw(st.sampled_from((1, 2, 3, 3)))]),
    )


def _ranges(low: int, high: int) -> st.SearchStrategy[tuple[tuple[int, int], ...]]:
    one = st.tuples(st.integers(low, high), st.integers(low, high)).map(lambda pair: (min(pair), max(pair)))
    return st.lists(one, min_size=1, max_size=3).map(tuple)


_ASNS = st.sampled_from((1, 2, 16550, 23455, 23457, 64512, 65534, 65536, 4294967294))
"""Beside those that no router can have."""


@st.composite
def link_policies(draw: st.DrawFn) -> LinkPolicy:
    asn = draw(_ASNS)
    around = st.sampled_from((0, 23455, 65534, 4294967294)).map(lambda low: (low, min(low + 2, 4294967295)))
    return LinkPolicy(
        asn=asn,
        asn_ranges=draw(st.sampled_from((((asn, asn),),)) | st.lists(around, min_size=1, max_size=2).map(tuple)),
        vlan_ranges=draw(
            st.just(((1025, 1035),)) | _ranges(1025, 1045) | st.just(((1030, 4094),)) | _ranges(4085, 4094)
        ),
        mtu=draw(st.just((1280, 9000)) | _ranges(1280, 1300).map(lambda ranges: ranges[0]) | st.just((1290, 1500))),
        ipv4=draw(subnet_policies(4)),
        ipv6=draw(subnet_policies(6)),
        max_prefixes=draw(st.integers(1, 10)),
    )
